# shellcheck shell=bash disable=SC2154 # variables that bats and helper.bash set
# awkward.bash - a database with all that is known to be hard, for the tests that want it. Loaded behind db.bash.

# differ [-c] A B <EXPECTED: the two differ so, and in nothing else; with -c their properties may differ. Neither hashes nor runs of blanks are looked at. A line
# of EXPECTED may have its reason behind "  # ".
differ() {
    "$cmpdb" "$@" >"$BATS_TEST_TMPDIR/found" || true
    diff <(sed -E 's/  +# .*$//; s/  +/ /g; s/ $//' | sort) <(sed -E 's/, hash [-0-9/]+//g; s/  +/ /g; s/ $//' "$BATS_TEST_TMPDIR/found" | sort) >&2
}

# newspace: a tablespace, in the server's own folder, that is dropped after the test and its databases.
newspace() {
    local name=bk_space_${BATS_SUITE_TEST_NUMBER}_$$
    echo "$name" >>"$BATS_TEST_TMPDIR/spaces"
    sql postgres <<<"SET allow_in_place_tablespaces = on; CREATE TABLESPACE $name LOCATION ''"
    echo "$name"
}

# The server does not drop a database with a subscription in it, nor a tablespace that something is in.
teardown() {
    local name
    touch "$BATS_TEST_TMPDIR"/{databases,spaces}
    while read -r name; do
        psql -X -q -d "$name" <<'SQL' || true
SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); DROP SUBSCRIPTION %1$I', subname)
FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database()
\gexec
SQL
    done <"$BATS_TEST_TMPDIR/databases"
    drop_all
    while read -r name; do
        sql postgres "DROP TABLESPACE IF EXISTS $name"
    done <"$BATS_TEST_TMPDIR/spaces"
}

# awkward: a database with everything that is known to be hard.
awkward() {
    local db name
    db=$(newdb)
    for name in mixed awkward; do
        PGOPTIONS="-c client_min_messages=error" psql -X -q -v ON_ERROR_STOP=1 -v role="$1" -v other="$2" -v space="$3" -d "$db" -f "$BATS_TEST_DIRNAME/$name.sql" \
            >/dev/null 2>"$BATS_TEST_TMPDIR/$name" || {
            cat "$BATS_TEST_TMPDIR/$name" >&2
            return 1
        }
    done
    run sql "$db" 'CREATE UNIQUE INDEX CONCURRENTLY broken ON awk.doubled (a)'
    [[ $status != 0 ]]
    echo "$db"
}
