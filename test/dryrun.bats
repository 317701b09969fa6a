#!/usr/bin/env bats
# bk-load -n: says what a load would do and all that stands against it, ends as the load would, and changes nothing.

load helper
load db

teardown() {
    local pid
    for pid in "${started[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    if [[ ${server:-} ]]; then
        "$BATS_TEST_DIRNAME/pg.sh" stop "$server" || rm -rf "$server"
    else
        family >>"$BATS_TEST_TMPDIR/databases"
    fi
    PGHOST=$shared_host PGPORT=$shared_port drop_all
}

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

# family: what the test's databases are called, and what bk-load would make beside them.
family() {
    sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'bk\\_test\\_${BATS_SUITE_TEST_NUMBER}\\_$$\\_%' ORDER BY 1"
}

# a: a database with a bit of everything that the report counts, and a backup of it. b: an empty one.
two() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE EXTENSION hstore; CREATE SEQUENCE s; CREATE SCHEMA shop;
        CREATE TABLE shop.big AS SELECT i AS id, md5(i::text) AS words FROM generate_series(1, 2345) i; ALTER TABLE shop.big ADD PRIMARY KEY (id);
        CREATE TABLE small AS SELECT generate_series(1, 10) AS id; CREATE VIEW v AS SELECT * FROM small;
        SELECT lo_from_bytea(0, repeat('x', 5000)::bytea), lo_create(0), lo_create(0)" >/dev/null
    bk-dump -d "$a" "$@" >"$file"
}

# state: of the test's databases, what is in them; and the roles, for they are the test's.
state() {
    local db
    for db in $(family); do
        echo "$db"
        sql "$db" "SELECT 'class', oid, relname FROM pg_class UNION ALL SELECT 'namespace', oid, nspname FROM pg_namespace
            UNION ALL SELECT 'settings', setdatabase, setconfig::text FROM pg_db_role_setting
                WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
            UNION ALL SELECT 'lo', oid, '' FROM pg_largeobject_metadata ORDER BY 1, 2" | grep -Ev '^namespace.*pg_(toast_)?temp'
        sql postgres "SELECT oid, datdba, datacl, datconnlimit FROM pg_database WHERE datname = '$db'"
    done
    sql postgres "SELECT oid, rolname FROM pg_roles WHERE rolname LIKE 'bk\\_role\\_${BATS_SUITE_TEST_NUMBER}\\_$$\\_%' ORDER BY 1"
}

# dry STATUS OPTION...: the dry run of $input (else $file) ends so. Leaves its report in $output, and changes nothing.
dry() {
    local want=$1 before
    shift
    before=$(state)
    fails "$want" setsid -w bk-load -n "$@" <"${input:-$file}"
    same "$(state)" "$before"
    report=$output
}

# uncounted: without numbers, for others connect and go meanwhile.
uncounted() {
    sed 's/[0-9][0-9]*/N/g'
}

# both STATUS OPTION...: so does the real run, with words and a hint that are in the report.
both() {
    local words
    dry "$@"
    fails "$1" setsid -w bk-load -q "${@:2}" <"${input:-$file}"
    while read -r words; do
        words=${words#bk-load: }
        [[ $words != warning:* ]] || continue
        grep -qF -- "$(uncounted <<<"$words")" < <(uncounted <<<"$report") || {
            printf 'the real run says: %s\nthe dry one:\n%s\n' "$words" "$report" >&2
            return 1
        }
    done <<<"$stderr"
}

# complaints N: that many, and each has its status in front.
complaints() {
    same "$(grep -Ec '^  [1-4]  ' <<<"$report")" "$1"
}

# changed EDIT...: $input is the backup with other fields, by frames.
changed() {
    input=$BATS_TEST_TMPDIR/changed.bk
    "$frames" "$@" <"$file" >"$input"
}

# row NAME: what the report says of it.
row() {
    sed -n "s/^$1  *//p" <<<"$report"
}

ls_() {
    bk-ls -J <"$file" | jq -r "$1"
}

@test "the report: of what, into what, how much; as bk-ls and the server say" {
    two
    dry 0 -d "$b"
    matches '^bk-load would load this backup\. Nothing was changed\.' "$report"
    same "$(row backup)" "$(ls_ 'select(.record == "head") | .label'), of the database '$a' on $(ls_ 'select(.record == "head") | .host'), PostgreSQL $(sql "$a" 'SHOW server_version'), UTF8"
    matches "made $(ls_ 'select(.record == "head") | .created | sub("T"; " ") | sub("Z"; " UTC")'), [0-9]+ (s|minutes) ago, by $(ls_ 'select(.record == "head") | .["made-by"]') and $(ls_ 'select(.type == "schema") | .["made-with"]')" "$report"
    matches "id $(ls_ 'select(.record == "head") | .id'); read to its END, and whole" "$report"
    matches "^the database '$b' \([0-9.]+ [KM]iB\), which is there; it must be empty$" "$(row target)"
    same "$(row server)" "PostgreSQL $(sql "$b" 'SHOW server_version') at $PGHOST, not older than the backup's"
    same "$(row definitions)" all
    matches 'made by /.*pg_restore \([0-9.]+' "$report"
    same "$(row rows)" "2,355 in 2 tables, $(bk-ls <"$file" | awk '$NF == "shop.big" { print $3, $4 }')"
    same "$(row sequences)" 1
    matches '^3, .* in the backup$' "$(row 'large objs')"
    same "$(row extensions)" "hstore $(sql "$a" "SELECT extversion FROM pg_extension WHERE extname = 'hstore'") (the target makes $(sql "$b" "SELECT default_version FROM pg_available_extensions WHERE name = 'hstore'")), plpgsql 1.0 (the target has 1.0)"
    same "$(sed -n '/rows *size *table/,/^$/p' <<<"$report" | awk 'NF { print $1, $NF }')" $'rows table\n2,345 shop.big\n10 public.small'
    matches 'loading may take ' "$report"
    bk-load -q -d "$b" <"$file"
    "$cmpdb" "$a" "$b"
}

@test "the largest tables come first, and the others are counted; -v shows all" {
    a=$(newdb) b=$(newdb)
    sql "$a" "DO \$\$ BEGIN FOR i IN 101..125 LOOP EXECUTE format('CREATE TABLE t%s AS SELECT g FROM generate_series(1, %s) g', i, i); END LOOP; END \$\$"
    bk-dump -d "$a" >"$file"
    dry 0 -d "$b"
    same "$(grep -o 'public.*' <<<"$report")" "$(seq 125 -1 106 | sed 's/^/public.t/')"
    matches ' and 5 more; -v shows all' "$report"
    same "$(row rows | sed 's/ tables.*//')" "$(sql "$a" "SELECT to_char(sum(i), 'FM9,999') FROM generate_series(101, 125) i") in 25"
    dry 0 -d "$b" -v
    same "$(grep -o '  public.*' <<<"$report")" "$(seq 125 -1 101 | sed 's/^/  public.t/')"
    run ! grep -q ' more; ' <<<"$report"
}

@test "a part: what is picked, and of how much" {
    two
    dry 0 -d "$b" -t shop.big
    same "$(row takes)" 'only: table shop.big'
    matches '^[1-9] of [0-9]{2}$' "$(row definitions)"
    same "$(row rows | sed 's/,[^,]*$//')" '2,345 in 1 table'
    same "$(row 'large objs')" "none of the backup's 3"
    same "$(row sequences)" 'those of what is taken'
    same "$(row extensions)" ''
    run ! grep -q small <<<"$report"
    dry 0 -d "$b" --schema-only
    same "$(row takes) $(row rows)" 'only: schema-only none'
    bk-dump -d "$a" --exclude-table small >"$file"
    dry 0 -d "$b" --schema shop
    matches $'takes +only: schema shop\n +of a backup that was limited to: exclude-table small' "$report"
}

@test "no server notices it: no transaction that writes, in any mode" {
    own_server autovacuum=off max_prepared_transactions=2
    two --globals
    sql "$a" 'CREATE TABLE "like small" AS TABLE small'
    role=$(newrole)
    bk-dump -d "$a" --globals >"$BATS_TEST_TMPDIR/g.bk"
    dropuser "$role"
    sql "$b" 'CREATE SCHEMA shop; CREATE TABLE shop.big (id int, words text)'
    empty=$(newdb)
    next=$(sql postgres 'SELECT pg_snapshot_xmax(pg_current_snapshot())')
    lsn=$(sql postgres 'SELECT pg_current_wal_insert_lsn()')
    dry 0 -d "$empty"
    dry 0 -d "${a}_new" --create
    input=$BATS_TEST_TMPDIR/g.bk dry 0 -d "${a}_new" --create --create-roles
    same "$(row roles)" "$role"
    dry 0 -d "$a" --replace --yes
    dry 0 -d "$b" --into-existing -t big
    dry 4 -d "$a" --into-existing
    dry 4 -d "$b" -j 2
    same "$(sql postgres 'SELECT pg_snapshot_xmax(pg_current_snapshot())')" "$next"
    same "$(sql postgres "SELECT pg_current_wal_insert_lsn() - '$lsn'::pg_lsn < 10000")" t # a running checkpointer logs a little
}

@test "the connection is given back while the rows are read" {
    two
    dense "$a" dense 4000
    bk-dump -d "$a" >"$file"
    new_gate "$BATS_TEST_TMPDIR/g"
    gate "$BATS_TEST_TMPDIR/g" 1500000 <"$file" 3>&- | bk-load -n -d "$b" >"$BATS_TEST_TMPDIR/report" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until held "$BATS_TEST_TMPDIR/g"
    wait_until no_sessions "$b" "application_name = 'bk-load'"
    same "$(<"$BATS_TEST_TMPDIR/report")" ''
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 0 "$loader"
    matches 'public.dense' "$(<"$BATS_TEST_TMPDIR/report")"
}

@test "a stream that is bad: status 3 and no report, whatever else there is to say" {
    two
    head -c 100000 "$file" >"$BATS_TEST_TMPDIR/cut.bk"
    "$frames" flip DATA 3 5 <"$file" >"$BATS_TEST_TMPDIR/flipped.bk"
    for input in "$BATS_TEST_TMPDIR"/{cut,flipped}.bk; do
        dry 3 -d "$b"
        same "$report" ''
        dry 3 -d "$a" --create
        same "$report" ''
    done
    fails 2 bk-load -n -d "$b" --swap-back
    pipe "bk-zstd <'$file' | bk-load -n -d '$b'"
    same "$stages" '0 2'
}

@test "into an empty database: each thing that stands against it" {
    two
    sql "$b" 'CREATE TABLE x ()'
    both 4 -d "$b"
    complaints 1
    sql "$b" 'DROP TABLE x; CREATE SCHEMA bk_incomplete'
    both 4 -d "$b"
    complaints 1
    sql "$b" 'DROP SCHEMA bk_incomplete'
    both 1 -d "$b" -j 250
    both 1 -d "$b" -t none
    both 4 -d "$b" --create-roles
    changed set ITEM 1 server-version-num=990003
    both 4 -d "$b"
    matches "older than the backup's" "$(row server)"
    dry 0 -d "$b" --allow-older-server
    changed set ITEM 1 'extension=none such 1.0' needs-tablespace=fast needs-owner=nobody
    both 1 -d "$b"
    matches "none such 1.0 \(the target has none\)" "$(row extensions)"
    changed set ITEM 2 'made-with=pg_dump 99.1'
    both 1 -d "$b"
    is_untouched "$b"
    bk-dump -d "$a" --data-only >"$file"
    input=
    both 4 -d "$b"
}

@test "a role that lacks rights, into a database that is there, or made" {
    two
    plain=$(newrole) maker=$(newrole --createdb)
    PGUSER=$plain both 1 -d "$b"
    matches "the right CREATE on database '$b', membership in role '$PGUSER'" "$report"
    PGUSER=$plain both 1 -d "${a}_new" --create
    matches "the role '$plain' may not create databases" "$report"
    PGUSER=$plain both 4 -d "${a}" --create
    PGUSER=$maker both 1 -d "$b" --replace --yes --no-owner
    matches "may not rename '$b'" "$report"
    # Of its own database a role owns all; but not the extension that the maintenance database happens to have.
    PGUSER=$maker dry 0 -d "${a}_new" --create --no-owner --no-acl
    sql "$a" 'CREATE EXTENSION dblink'
    bk-dump -d "$a" >"$file"
    PGUSER=$maker dry 1 -d "${a}_new" --create --no-owner --no-acl --maintenance-db "$a"
    matches "a superuser for extension 'dblink'" "$report"
}

@test "--create: the name is taken, or a load of it has left something" {
    two
    both 4 -d "$b" --create
    complaints 1
    name=${a}_new
    willdrop "${name}_bk_incomplete"
    createdb "${name}_bk_incomplete"
    both 4 -d "$name" --create
    dry 0 -d "$name" --create --yes
    matches "'${name}_bk_incomplete', which a load that was killed has left, is dropped first" "$report"
    session_open "${name}_bk_incomplete"
    say 'SELECT 1' >/dev/null
    both 4 -d "$name" --create --yes
    complaints 1
}

@test "--replace: what is kept, and each thing that stands against it" {
    two
    dry 0 -d "$b" --replace --yes
    matches "a new database '$b', called '${b}_bk_incomplete' until it is complete" "$(row target)"
    matches "in the place of '$b' \([0-9.]+ [KM]iB\), which is kept as '${b}_before_YYYYMMDD_HHMMSS'" "$report"
    both 4 -d "$b" --replace
    both 4 -d "${b}_none" --replace --yes
    session_open "$b"
    say 'SELECT 1' >/dev/null
    both 4 -d "$b" --replace --yes
    dry 0 -d "$b" --replace --yes --disconnect
    bk-dump -d "$a" -t small >"$file"
    dry 4 -d "$b" --replace --yes
    complaints 2
    both 4 -d "$b" --replace --yes --disconnect
    matches "the backup is of a part of its database \(table small\)" "$report"
}

@test "--replace: prepared transactions" {
    own_server max_prepared_transactions=2
    two
    sql "$b" "BEGIN; CREATE TABLE x (); PREPARE TRANSACTION 'two-phase'"
    both 4 -d "$b" --replace --yes
    complaints 1
    sql "$b" "ROLLBACK PREPARED 'two-phase'"
}

@test "a terminal is not asked on" {
    two
    before=$(state)
    run script -qec "bk-load -n --replace -d '$b' <'$file'" /dev/null </dev/null
    same "$status" 0
    run ! grep -q 'yes/no' <<<"$output"
    same "$(state)" "$before"
}

@test "--into-existing: tables that are missing, have rows, or have other columns" {
    two
    both 1 -d "$b" --into-existing
    matches 'there are no tables for these rows: public.small, shop.big' "$report"
    both 4 -d "$a" --into-existing -t small
    matches 'these tables have rows: public.small' "$report"
    sql "$b" 'CREATE TABLE small (id int); INSERT INTO small VALUES (1)'
    dry 1 -d "$b" --into-existing
    complaints 2
    sql "$b" 'TRUNCATE small'
    dry 0 -d "$b" --into-existing -t small
    matches "^tables of the database '$b' " "$(row target)"
    sql "$b" 'CREATE SCHEMA bk_incomplete'
    both 4 -d "$b" --into-existing -t small
    sql "$b" 'DROP SCHEMA bk_incomplete; CREATE TABLE t0 (id int, words text)'
    input=$BATS_TEST_DIRNAME/data/binary.bk
    tables=$(bk-ls -J <"$input" | jq -r 'select(.format == "binary") | .name')
    both 1 -d "$b" --into-existing -t "${tables%%$'\n'*}"
    matches 'its column id is of type integer, but in the backup, in binary, of type bigint' "$report"
}

@test "several things at once: all of them are told, and the first gives the status" {
    two
    sql "$b" 'CREATE TABLE x ()'
    changed set ITEM 1 server-version-num=990003 'extension=none such 1.0' needs-owner=nobody
    both 4 -d "$b" -j 250 -t none -t neither
    complaints 5
    same "$(sed -n 's/^  \([1-4]\)  .*/\1/p' <<<"$report" | tr '\n' ' ')" '4 1 4 1 1 '
    both 4 -d "$b" -j 250
    complaints 4
    matches "extension 'none such', owner 'nobody'" "$report"
    matches 'would not load this backup: 4 things stand against it\. Nothing was changed\.' "$report"
    fails 4 bk-load -n -d "$b" -j 250 <"$input"
    matches "^bk-load: warning: this load would be refused: the database '$b' is not empty" "$stderr"
}
