# What belongs to a database but is not in it: its properties, roles, tablespaces.

load helper
load db

place= # a folder that the server's user can get at

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

teardown() {
    if [[ $place ]]; then
        if [[ -e $place/server ]]; then
            "$ROOT/test/pg.sh" stop "$place/server"
        fi
        rm -rf "$place"
    fi
    drop_all
}

# owned ROLE: a database with properties of every kind, which belongs to that role.
owned() {
    local db
    db=$(newdb)
    sql "$db" >/dev/null <<SQL
CREATE TABLE t (x int);
INSERT INTO t VALUES (1);
COMMENT ON DATABASE $db IS E'it''s\n\\\\ mine';
ALTER DATABASE $db OWNER TO $1;
ALTER DATABASE $db CONNECTION LIMIT 40;
REVOKE CONNECT ON DATABASE $db FROM PUBLIC;
GRANT CREATE ON DATABASE $db TO bk WITH GRANT OPTION;
ALTER DATABASE $db SET search_path = a, "b, C", "d'e""f", public;
ALTER DATABASE $db SET statement_timeout = '1h';
ALTER DATABASE $db SET default_transaction_read_only = on;
ALTER DATABASE $db SET "my.Setting" = E'it''s \\\\ "é", x=y';
ALTER ROLE $1 IN DATABASE $db SET work_mem = '77MB';
ALTER ROLE $1 IN DATABASE $db SET search_path = '';
SQL
    echo "$db"
}

@test "owner, rights, comment, limit and settings of the database come onto the target's name" {
    role=$(newrole) odd=$(newrole)
    a=$(owned "$role") b=$(newdb)
    sql postgres "ALTER ROLE $odd RENAME TO \"$odd \"\"x\"\"\"; ALTER ROLE \"$odd \"\"x\"\"\" IN DATABASE $a SET work_mem = '66MB';
        GRANT TEMPORARY ON DATABASE $a TO \"$odd \"\"x\"\"\""
    circle "$a" "$b"
    "$cmpdb" "$a" "$b"
    same "$(PGOPTIONS='-c default_transaction_read_only=off' sql "$b" 'SHOW search_path')" "$(sql "$a" 'SHOW search_path')"
    PGOPTIONS='-c default_transaction_read_only=off' sql postgres "ALTER ROLE \"$odd \"\"x\"\"\" RENAME TO $odd"
}

@test "an access list without entries is not the default one" {
    a=$(newdb) b=$(newdb)
    sql "$a" "REVOKE ALL ON DATABASE $a FROM PUBLIC, bk"
    circle "$a" "$b"
    "$cmpdb" "$a" "$b"
}

@test "--no-properties, --no-owner and --no-acl leave them out" {
    role=$(newrole)
    a=$(owned "$role") b=$(newdb) c=$(newdb) d=$(newdb)
    bk-dump -d "$a" >"$file"
    properties() {
        sql postgres "SELECT pg_get_userbyid(datdba), datacl IS NULL, datconnlimit, shobj_description(d.oid, 'pg_database') IS NULL,
            (SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '$1'"
    }
    bk-load -q -d "$b" --no-properties <"$file"
    same "$(properties "$b")" 'bk|t|-1|t|0'
    bk-load -q -d "$c" --no-owner <"$file"
    same "$(properties "$c")" 'bk|t|40|f|2'
    bk-load -q -d "$d" --no-acl <"$file"
    same "$(properties "$d")" "$role|t|40|f|2"
}

@test "a role that may not set the properties is told before anything is changed" {
    role=$(newrole) other=$(newrole --login)
    a=$(owned "$role") b=$(newdb)
    sql "$b" "GRANT ALL ON DATABASE $b TO $other; GRANT ALL ON SCHEMA public TO $other"
    bk-dump -d "$a" >"$file"
    run --separate-stderr bk-load -d "dbname=$b user=$other" --no-owner --no-acl <"$file"
    same "$status" 1
    matches "cannot set the database's properties: .*must be owner" "$stderr"
    matches 'hint: .*--no-properties' "$stderr"
    run ! is_marked "$b"
    same "$(sql "$b" "SELECT to_regclass('public.t')")" ''
    bk-load -q -d "dbname=$b user=$other" --no-owner --no-acl --no-properties <"$file"
    same "$(sql "$b" 'SELECT count(*) FROM t')" 1
}

# A server where none of the roles is; what is run by `there` runs on it.
other_server() {
    new_place
    "$ROOT/test/pg.sh" start "$place/server" >"$BATS_TEST_TMPDIR/env"
}

new_place() {
    place=$(mktemp -d)
    chmod 755 "$place"
}

there() {
    # shellcheck disable=SC1091 # made by other_server
    (. "$BATS_TEST_TMPDIR/env" && "$@")
}

@test "roles of the backup on another server: named if they are missing, made if asked for, once" {
    team=$(newrole) user=$(newrole --login --createdb --connection-limit 7) odd=$(newrole)
    a=$(owned "$team")
    sql postgres "ALTER ROLE $odd RENAME TO \"$odd x\"; GRANT $team TO $user WITH ADMIN OPTION; GRANT \"$odd x\", pg_monitor TO $team;
        ALTER ROLE $user SET search_path = a, \"b c\"; ALTER ROLE $user SET work_mem = '55MB'; ALTER ROLE $user PASSWORD 'geheim';
        COMMENT ON ROLE $user IS 'it''s'; ALTER ROLE $user VALID UNTIL '2030-01-02 03:04:05+00'; ALTER ROLE $team BYPASSRLS"
    PGOPTIONS='-c default_transaction_read_only=off' sql "$a" "ALTER TABLE t OWNER TO $user"
    bk-dump -d "$a" >"$file.plain"
    bk-dump -d "$a" --globals >"$file"
    other_server
    there createdb -T template0 x
    run --separate-stderr there bk-load -d x <"$file"
    same "$status" 1
    matches "owner of the database '$team'" "$stderr"
    matches "owner '$user'" "$stderr"
    run --separate-stderr there bk-load -d x --create-roles <"$file.plain"
    same "$status" 4
    matches 'this backup has no roles' "$stderr"
    run --separate-stderr there bk-load -d x --create-roles <"$file"
    same "$status" 0
    matches "made the roles: .*$team" "$stderr"
    matches 'no password yet: [1-9]' "$stderr"
    facts="SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
        rolvaliduntil, shobj_description(r.oid, 'pg_authid'), (SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0),
        (SELECT string_agg(roleid::regrole || CASE WHEN admin_option THEN '*' ELSE '' END, ',' ORDER BY roleid::regrole::text)
         FROM pg_auth_members WHERE member = r.oid) FROM pg_roles r WHERE rolname ~ '^($team|$user|$odd)' ORDER BY 1"
    same "$(there sql postgres "$facts")" "$(sql postgres "$facts")"
    same "$(there sql postgres "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = '$user'")" t
    same "$(there sql x 'SELECT count(*) FROM t')" 1
    # What is there is left alone.
    there sql postgres "ALTER ROLE $user RESET ALL; ALTER ROLE $user NOCREATEDB"
    there createdb -T template0 y
    run --separate-stderr there bk-load -d y --create-roles <"$file"
    same "$status" 0
    [[ $stderr != *'made the roles'* ]]
    same "$(there sql postgres "SELECT rolcreatedb FROM pg_roles WHERE rolname = '$user'")" f
    sql postgres "ALTER ROLE \"$odd x\" RENAME TO $odd"
}

@test "passwords: only if asked for, as hashes; and who may not read them is told" {
    user=$(newrole --login) poor=$(newrole --login)
    a=$(newdb)
    sql postgres "ALTER ROLE $user PASSWORD 'canary-7351'; GRANT CONNECT ON DATABASE $a TO $poor"
    bk-dump -d "$a" --globals >"$file"
    run ! grep -aq 'SCRAM-SHA-256' "$file"
    bk-dump -d "$a" --globals --role-passwords >"$file"
    grep -aq 'SCRAM-SHA-256' "$file"
    run ! grep -aq 'canary-7351' "$file"
    other_server
    there createdb -T template0 x
    there bk-load -q -d x --create-roles <"$file"
    same "$(there sql postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$user'")" \
        "$(sql postgres "SELECT rolpassword FROM pg_authid WHERE rolname = '$user'")"
    bk-dump -d "dbname=$a user=$poor" --globals >"$file"
    fails 1 bk-dump -d "dbname=$a user=$poor" --globals --role-passwords
    matches 'cannot read the roles: .*pg_authid' "$stderr"
}

@test "if one role cannot be made, none is, and the target is untouched" {
    user=$(newrole --login) power=$(newrole --superuser)
    a=$(newdb)
    bk-dump -d "$a" --globals >"$file"
    other_server
    there createuser --createrole --createdb maker
    there createdb -T template0 -O maker x
    run --separate-stderr there bk-load -d 'dbname=x user=maker' --create-roles --no-owner --no-acl <"$file"
    same "$status" 1
    matches 'cannot make the roles: ' "$stderr"
    same "$(there sql postgres "SELECT count(*) FROM pg_roles WHERE rolname IN ('$user', '$power')")" 0
    there is_untouched x
}

@test "tablespaces are in the backup, with their places; one that is missing is named" {
    new_place
    mkdir "$place/space"
    if ((EUID == 0)); then
        chown "$(stat -c %u "$PGHOST/data")" "$place/space"
    fi
    name=bk_space_${BATS_SUITE_TEST_NUMBER}_$$
    a=$(newdb)
    sql postgres "CREATE TABLESPACE $name LOCATION '$place/space'"
    sql "$a" "CREATE TABLE t (x int) TABLESPACE $name"
    bk-dump -d "$a" --globals >"$file"
    sql "$a" 'DROP TABLE t'
    sql postgres "DROP TABLESPACE $name"
    grep -Faq "$name	bk	$place/space	" "$file"
    b=$(newdb)
    run --separate-stderr bk-load -d "$b" <"$file"
    same "$status" 1
    matches "tablespace '$name'" "$stderr"
    bk-load -q -d "$b" --no-tablespaces <"$file"
}
