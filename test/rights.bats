#!/usr/bin/env bats
# A role that is no superuser: what it may load, and that it is told beforehand, and all at once, what it may not.

load helper
load db

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
    role=$(newrole)
}

# refused WORDS COMMAND...: by status 1, and the database b is untouched.
refused() {
    local words=$1
    shift
    PGUSER=$role fails 1 "$@" <"$file"
    same "$(head -n 1 <<<"$stderr")" "bk-load: the target's server lacks what the backup needs: $words"
    is_untouched "$b"
}

@test "the owner of a database, and of nothing else: a load without owners and rights" {
    a=$(mixed) b=$(newdb -O "$role")
    sql "$a" 'CREATE EXTENSION hstore' # one that is trusted
    bk-dump -d "$a" >"$file"
    PGUSER=$role bk-load -q -d "$b" --no-owner --no-acl -j 2 <"$file"
    "$cmpdb" -d "$a" "$b"
    same "$(sql "$b" "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relowner <> '$role'::regrole")" 0
}

@test "owners: only as a member of them" {
    other=$(newrole) third=$(newrole)
    a=$(newdb -O "$other") b=$(newdb -O "$role")
    # Who made an extension does not matter.
    sql "$a" "CREATE EXTENSION hstore; CREATE SCHEMA s AUTHORIZATION $other; CREATE TABLE s.t (x int); ALTER TABLE s.t OWNER TO $other; CREATE SCHEMA u AUTHORIZATION $third"
    superuser=$(newrole -s)
    PGUSER=$superuser sql "$a" 'CREATE EXTENSION pg_trgm'
    bk-dump -d "$a" >"$file"
    refused "membership in role '$other', membership in role '$third'" bk-load -d "$b"
    sql postgres "GRANT $other, $third TO $role; GRANT CREATE ON DATABASE $b TO $other, $third"
    PGUSER=$role bk-load -q -d "$b" --no-acl --no-properties <"$file"
    same "$(sql "$b" "SELECT relowner::regrole FROM pg_class WHERE relname = 't'")" "$other"
}

@test "rights on the database, owners and an extension: all named at once, beside what is not there" {
    a=$(newdb) b=$(newdb) other=$(newrole) gone=$(newrole)
    sql "$a" "CREATE EXTENSION hstore; CREATE EXTENSION dblink; CREATE SCHEMA s AUTHORIZATION $other; CREATE SCHEMA g AUTHORIZATION $gone"
    bk-dump -d "$a" >"$file"
    dropdb "$a"
    dropuser "$gone"
    sql postgres "REVOKE TEMPORARY ON DATABASE $b FROM PUBLIC"
    refused "owner '$gone', the right CREATE on database '$b', the right TEMPORARY on database '$b', membership in role '$PGUSER', membership in role '$other', a superuser for extension 'dblink'" \
        bk-load -d "$b"
    refused "the right CREATE on database '$b', the right TEMPORARY on database '$b', a superuser for extension 'dblink'" \
        bk-load -d "$b" --no-owner
}

@test "extensions that somebody else has made: they are used as they are" {
    a=$(newdb) b=$(newdb -O "$role")
    sql "$a" "CREATE EXTENSION dblink; CREATE EXTENSION \"uuid-ossp\"; CREATE EXTENSION hstore; COMMENT ON EXTENSION hstore IS 'ours'"
    bk-dump -d "$a" >"$file"
    sql "$b" 'CREATE EXTENSION dblink; CREATE EXTENSION "uuid-ossp"'
    PGUSER=$role bk-load -q -d "$b" --no-owner --no-acl <"$file"
    same "$(sql "$b" "SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'hstore'")" ours
}

@test "a tablespace" {
    a=$(newdb) b=$(newdb -O "$role")
    bk-dump -d "$a" | "$frames" set ITEM 1 needs-tablespace=pg_global >"$file"
    refused "the right CREATE on tablespace 'pg_global'" bk-load -d "$b" --no-owner
    PGUSER=$role bk-load -q -d "$b" --no-owner --no-acl --no-tablespaces <"$file"
}
