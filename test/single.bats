#!/usr/bin/env bats
# bk-load --single-transaction: all of a database is replaced, or nothing has changed, whatever happens meanwhile.

load helper
load db
load awkward

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

# single OPTION...: the load of the file into b.
single() {
    bk-load -q -d "$b" --single-transaction "$@" <"$file"
}

# small: a backup of a small database, and one that is to be replaced by it, with other things in it; and its copy.
small() {
    a=$(newdb) b=$(newdb) role=$(newrole)
    sql "$a" "CREATE TABLE t (id serial PRIMARY KEY, words text); INSERT INTO t (words) SELECT md5(i::text) FROM generate_series(1, 500) i;
        CREATE TABLE u AS SELECT generate_series(1, 10) AS x; CREATE SCHEMA s; CREATE TABLE s.v AS TABLE u; SELECT lo_from_bytea(7, 'new')"
    bk-dump -d "$a" -j 1 >"$file"
    old "$b"
}

# old DB: fills it, and makes its copy in $copy.
old() {
    sql "$1" "CREATE TABLE t (id int PRIMARY KEY, other text); INSERT INTO t SELECT i, 'old' FROM generate_series(1, 100) i;
        CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('a', 'b'); CREATE TABLE s.old (m s.mood, t int REFERENCES public.t); INSERT INTO s.old VALUES ('a', 1);
        CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE q START 5; SELECT nextval('q'), lo_from_bytea(7, 'old'), lo_create(8);
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO $role; GRANT CREATE ON SCHEMA public TO $role; COMMENT ON SCHEMA public IS 'old';
        ALTER DATABASE $1 SET work_mem = '3MB'; COMMENT ON DATABASE $1 IS 'old'" >/dev/null
    copy=$(newdb)
    dropdb "$copy"
    createdb -T "$1" "$copy"
    sql "$copy" "ALTER DATABASE $copy SET work_mem = '3MB'; COMMENT ON DATABASE $copy IS 'old'"
    oid=$(oid_of "$1")
}

oid_of() {
    sql postgres "SELECT oid FROM pg_database WHERE datname = '$1'"
}

# b is what it was.
unchanged() {
    wait_until no_sessions "$b"
    "$cmpdb" "$b" "$copy" >&2
    same "$(oid_of "$b")" "$oid"
}

# refused STATUS WORDS OPTION...: the load of the file, by the role $as if that is set, must end so, and nothing has changed.
refused() {
    local status=$1 words=$2
    shift 2
    PGUSER=${as:-$PGUSER} fails "$status" bk-load -d "$b" --single-transaction "$@" <"$file"
    matches "$words" "$stderr"
    unchanged
}

# spoilt WORDS COMMAND...: status 3 from the file, changed by the command.
spoilt() {
    local words=$1
    shift
    cp "$file" "$BATS_TEST_TMPDIR/whole.bk"
    "$@" <"$BATS_TEST_TMPDIR/whole.bk" >"$file" 2>/dev/null || true
    refused 3 "$words" --no-backup
    cp "$BATS_TEST_TMPDIR/whole.bk" "$file"
}

@test "everything that is hard, over everything that is hard" {
    local space
    role=$(newrole) other=$(newrole) space=$(newspace)
    a=$(awkward "$role" "$other" "$space")
    b=$(awkward "$role" "$other" "$space")
    sql "$a" "ALTER DATABASE $a SET work_mem = '3MB'; ALTER ROLE $role IN DATABASE $a SET DateStyle = 'German';
        COMMENT ON DATABASE $a IS 'a database'; ALTER DATABASE $a OWNER TO $role; ALTER DATABASE $a CONNECTION LIMIT 50;
        GRANT CONNECT ON DATABASE $a TO $other WITH GRANT OPTION; REVOKE TEMPORARY ON DATABASE $a FROM PUBLIC"
    sql "$b" "ALTER DATABASE $b SET geqo = off; ALTER ROLE $other IN DATABASE $b SET geqo = off; COMMENT ON DATABASE $b IS 'old';
        GRANT CREATE ON DATABASE $b TO $role; DROP TABLE kinds.plain"
    oid=$(oid_of "$b")
    bk-dump -d "$a" >"$file"

    # A transaction cannot drop it.
    fails 4 bk-load -d "$b" --single-transaction --no-backup <"$file"
    matches 'has subscriptions with a slot, which no transaction can drop: "sub ""scribed"' "$stderr"
    sql "$b" 'ALTER SUBSCRIPTION "sub ""scribed" DISABLE; ALTER SUBSCRIPTION "sub ""scribed" SET (slot_name = NONE)'

    fails 0 bk-load -q -d "$b" --single-transaction --no-backup <"$file"
    matches 'REFRESH|not all materialized views could be filled' "$stderr"
    # What is lost is what any restore loses: twin.bats has the reasons.
    differ "$a" "$b" <<'END'
TABLE awk.taller: t text, <> b integer,
TABLE public.child: c integer, <> a integer,
invalid index awk.broken: only in the first: CREATE UNIQUE INDEX broken ON awk.doubled USING btree (a)
storage awk.broken: only in the first: default btree
populated awk.needs_search_path: true <> false
rows awk.needs_search_path: only in the first: 1 rows
rows awk.stale: 1 rows <> 1 rows
rows awk.computed: 2 rows <> 2 rows
subscription sub "scribed: enabled <> disabled
END
    same "$(oid_of "$b")" "$oid"

    # And away again with all of it.
    sql "$b" 'ALTER SUBSCRIPTION "sub ""scribed" SET (slot_name = NONE)'
    empty=$(newdb -O "$role")
    bk-dump -d "$empty" >"$file"
    single --no-backup
    "$cmpdb" "$empty" "$b"
}

@test "the owner of a database, and of nothing else" {
    a=$(mixed) role=$(newrole)
    b=$(newdb -O "$role") empty=$(newdb -O "$role")
    sql "$a" "CREATE EXTENSION hstore; SELECT lo_from_bytea(7, 'new')"
    PGUSER=$role psql -X -q -v ON_ERROR_STOP=1 -v role="$role" -d "$b" -f "$BATS_TEST_DIRNAME/mixed.sql" >/dev/null
    PGUSER=$role sql "$b" "CREATE EXTENSION citext SCHEMA kinds; CREATE TABLE c (x kinds.citext); SELECT lo_create(7), lo_create(9);
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC;
        CREATE SCHEMA old; CREATE FUNCTION old.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE people_too (LIKE people INCLUDING ALL)" >/dev/null
    # Whatever is in public is the owner's to drop.
    sql "$b" "CREATE TABLE of_another (x int); GRANT CREATE ON SCHEMA public TO PUBLIC; ALTER DATABASE $b SET work_mem = '3MB'"
    bk-dump -d "$a" >"$file"
    same "$(sql postgres "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = '$role'")" f
    oid=$(oid_of "$b")
    PGUSER=$role single --no-backup --no-owner --no-acl
    # It is as if it had been loaded into a new database.
    PGUSER=$role bk-load -q -d "$empty" --no-owner --no-acl <"$file"
    "$cmpdb" "$empty" "$b"
    # Its large objects are the role's.
    same "$("$cmpdb" -d "$a" "$b" | grep -v '^large object 7: ')" ''
    same "$(sql "$b" 'SELECT lo_get(7)')" '\x6e6577'
    same "$(oid_of "$b")" "$oid"
}

@test "what the role may not drop: status 1, and nothing has changed" {
    small
    owner=$(newrole)
    sql postgres "ALTER DATABASE $b OWNER TO $owner; ALTER DATABASE $copy OWNER TO $owner"
    as=$owner refused 1 "cannot drop what is in '$b': ERROR:  permission denied for schema s" --no-backup --no-owner --no-acl --no-properties
    sql "$b" 'DROP SCHEMA s CASCADE'
    sql "$copy" 'DROP SCHEMA s CASCADE'
    as=$owner refused 1 'must be owner of large object|permission denied to change default' --no-backup --no-owner --no-acl
}

@test "an extension that the role cannot make again stays, with its schema, and loses its rows" {
    role=$(newrole)
    a=$(newdb) b=$(newdb -O "$role")
    for name in "$a" "$b"; do
        # With tables, as other extensions have them.
        sql "$name" "CREATE SCHEMA ext; CREATE EXTENSION dblink SCHEMA ext; CREATE TABLE ext.up (id int PRIMARY KEY, who text);
            CREATE TABLE ext.down (up int REFERENCES ext.up); ALTER EXTENSION dblink ADD TABLE ext.up; ALTER EXTENSION dblink ADD TABLE ext.down;
            UPDATE pg_extension SET extconfig = ARRAY['ext.up'::regclass::oid, 'ext.down'::regclass::oid], extcondition = '{\"WHERE id > 0\",\"\"}'
            WHERE extname = 'dblink'; INSERT INTO ext.up VALUES (0, 'the script''s'), (1, '$name'); INSERT INTO ext.down VALUES (1);
            CREATE TABLE ext.users AS SELECT '$name' AS x; CREATE TABLE public.t AS SELECT '$name' AS x"
    done
    sql "$a" "CREATE FUNCTION ext.only_new() RETURNS int LANGUAGE sql AS 'SELECT 1'; INSERT INTO ext.up VALUES (2, 'new')"
    sql "$b" "ALTER SCHEMA ext OWNER TO $role; ALTER TABLE ext.users OWNER TO $role; CREATE FUNCTION ext.old() RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER FUNCTION ext.old() OWNER TO $role; GRANT ALL ON ext.up, ext.down TO $role; CREATE TABLE public.old (x int)"
    bk-dump -d "$a" >"$file"
    PGUSER=$role single --no-backup --no-owner --no-acl
    "$cmpdb" -d "$a" "$b"
    same "$(sql "$b" "SELECT string_agg(proname, ',') FROM pg_proc WHERE proname IN ('old', 'only_new')")" only_new
    same "$(sql "$b" "SELECT to_regclass('public.old') IS NULL")" t
}

@test "a stream that is cut, wherever: nothing has changed" {
    small
    for frame in $("$streamend" list <"$file" | awk 'NR % 3 == 1 { print $1 }'); do
        spoilt 'ends without END|is empty' head -c "$frame"
    done
    spoilt 'ends without END' head -c $(($(stat -c %s "$file") - 4))
    spoilt 'gave up' bash -c "head -c $(($(stat -c %s "$file") - 100)) | bk-verify -q" # it ends in ABRT
    single --no-backup
    "$cmpdb" "$a" "$b"
}

@test "a bit that flipped: nothing has changed" {
    small
    for seed in $(seq 1 16); do
        spoilt '(byte|frame) [0-9]+|not a bk stream|is empty' "$streamend" flip "$seed"
    done
    spoilt 'rows' "$frames" set DONE 3 rows=499
    single --no-backup
    "$cmpdb" "$a" "$b"
}

@test "a row that a CHECK refuses, and an index that cannot be made: nothing has changed" {
    small
    sql "$a" "CREATE FUNCTION good(int) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE TABLE z (i int CHECK (good(i))); INSERT INTO z VALUES (1);
        CREATE OR REPLACE FUNCTION good(int) RETURNS boolean LANGUAGE sql AS 'SELECT false'"
    bk-dump -d "$a" >"$file"
    refused 1 'cannot load public.z: ERROR:  new row for relation "z" violates check constraint' --no-backup
    sql "$a" "DROP TABLE z; CREATE FUNCTION count_t(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT count(*) FROM u); END';
        CREATE INDEX counted ON t (public.count_t(id))"
    bk-dump -d "$a" >"$file"
    refused 1 'cannot make indexes and constraints: ERROR:  relation "u" does not exist' --no-backup
    sql "$a" 'DROP INDEX counted'
    bk-dump -d "$a" | "$frames" set ITEM 1 needs-owner=bk_not_there >"$file"
    refused 1 "lacks what the backup needs: owner 'bk_not_there'" --no-backup
}

# load_held: a load in the middle of its rows, in the background, as $loader.
load_held() {
    dense "$a" big 6000
    bk-dump -d "$a" -j 1 >"$file"
    new_gate "$BATS_TEST_TMPDIR/g"
    mkfifo "$BATS_TEST_TMPDIR/in"
    gate "$BATS_TEST_TMPDIR/g" 3000000 <"$file" >"$BATS_TEST_TMPDIR/in" 3>&- &
    started+=("$!")
    bk-load -d "$b" --single-transaction --no-backup <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until held "$BATS_TEST_TMPDIR/g"
    # All has been dropped, as far as that session sees it.
    wait_until some_sessions "$b" "application_name = 'bk-load' AND query ~ '^(COPY|RELEASE|ROLLBACK TO)'"
}

@test "SIGTERM in the middle: nothing has changed" {
    small
    load_held
    kill "$loader"
    ends 143 "$loader"
    unchanged
}

@test "kill -9 in the middle: nothing has changed" {
    small
    load_held
    kill -9 "$loader"
    ends 137 "$loader"
    unchanged
}

@test "the session is ended in the middle: nothing has changed" {
    small
    load_held
    [[ $(sql postgres "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '$b' AND application_name = 'bk-load'") == 1 ]]
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 1 "$loader"
    matches 'terminating connection' "$(<"$BATS_TEST_TMPDIR/words")"
    unchanged
}

@test "what is in the way of a drop is named" {
    small
    session_open "$b"
    say 'BEGIN; SELECT count(*) FROM s.old' >/dev/null
    fails 1 bk-load -d "$b" --single-transaction --no-backup --lock-wait 1 <"$file"
    matches "cannot drop what is in '$b': others use it \(we waited for 1 s\): s.old is in use by process [0-9]+ \(psql, idle in transaction\)" "$stderr"
    "$cmpdb" "$b" "$copy"
    say 'ROLLBACK'
    single --no-backup --lock-wait 1
    "$cmpdb" "$a" "$b"
}

@test "too few locks: said so, and nothing has changed" {
    own_server max_locks_per_transaction=10 max_connections=10
    role=$PGUSER
    for b in a b; do
        createdb -T template0 "$b"
    done
    sql b <<'SQL'
SELECT format('CREATE TABLE t%s (x int PRIMARY KEY)', i) FROM generate_series(1, 1500) i
\gexec
SQL
    objects='SELECT count(*), max(oid) FROM pg_class'
    before=$(sql b "$objects")
    bk-dump -d a >"$file"
    fails 1 bk-load -d b --single-transaction --no-backup <"$file"
    matches 'out of shared memory.*hint: .*max_locks_per_transaction' "$stderr"
    same "$before" "$(sql b "$objects")"
}

@test "a database that is not empty wants a word; an empty one does not" {
    small
    refused 4 "the database '$b' is not empty, and its [0-9]+ objects would be dropped.*--after-backup FILE; .*--no-backup"
    b=$copy
    single --no-backup
    "$cmpdb" "$a" "$b"
    b=$(newdb)
    single
    "$cmpdb" "$a" "$b"
}

@test "a load that was not finished, what is no backup, and a backup of a part, or of rows only" {
    small
    bk-dump -d "$a" -t u >"$file"
    refused 4 'the backup is of a part of its database \(table u\)' --no-backup
    bk-dump -d "$a" --data-only >"$file"
    refused 4 'this backup has rows only' --no-backup
    bk-dump -d "$a" | "$frames" set HEAD 0 kind=plan >"$file"
    refused 4 'this is no backup' --no-backup
    bk-dump -d "$a" >"$file"
    for name in "$b" "$copy"; do
        sql "$name" 'CREATE SCHEMA bk_incomplete'
    done
    fails 4 bk-load -d "$b" --single-transaction --no-backup <"$file"
    matches 'a load that was not finished' "$stderr"
}

@test "after a backup of this very database: yes; of another one, or none: no" {
    small
    old=$BATS_TEST_TMPDIR/old.bk
    bk-dump -d "$copy" >"$old"
    refused 4 "'$old' is a backup of another database: '$copy' of " --after-backup "$old"
    bk-dump -d "$b" | "$frames" set ITEM 1 server-id=1 >"$old"
    refused 4 'is a backup of another database' --after-backup "$old"
    bk-dump -d "$b" -t t >"$old"
    refused 4 'is a backup of a part of its database only \(table t\)' --after-backup "$old"
    bk-dump -d "$b" --schema-only >"$old"
    refused 4 'is a backup of a part of its database only \(schema-only\)' --after-backup "$old"
    bk-dump -d "$b" | bk-zstd >"$old"
    refused 1 'cannot open .*No such file' --after-backup "$old.gone"
    "$frames" set HEAD 0 kind=digests <"$old" >"$old.x"
    refused 4 'is no backup, but a stream of kind' --after-backup "$old.x"
    "$frames" set HEAD 0 created=2020-01-01T00:00:00Z <"$old" >"$old.x"
    refused 4 'more than 24 hours ago.*bk-dump' --after-backup "$old.x"
    "$frames" set HEAD 0 created="$(date -u -d '-25 hours' +%Y-%m-%dT%H:%M:%SZ)" <"$old" >"$old.x"
    refused 4 'more than 24 hours ago' --after-backup "$old.x"
    "$frames" set HEAD 0 created="$(date -u -d '+6 minutes' +%Y-%m-%dT%H:%M:%SZ)" <"$old" >"$old.x"
    refused 4 'yet to come' --after-backup "$old.x"
    "$frames" set HEAD 0 +step='hidden key=1' <"$old" >"$old.x"
    refused 4 "cannot be looked into: its last step is 'hidden key=1'" --after-backup "$old.x"
    head -c -1 "$old" >"$old.x"
    refused 3 'ends without END' --after-backup "$old.x"
    "$streamend" flip 3 <"$old" >"$old.x" 2>/dev/null
    refused 3 'byte|frame' --after-backup "$old.x"
    refused 3 'not a bk stream' --after-backup /bin/sh

    "$frames" set HEAD 0 created="$(date -u -d '-23 hours' +%Y-%m-%dT%H:%M:%SZ)" <"$old" >"$old.x"
    single --after-backup "$old.x"
    "$cmpdb" "$a" "$b"
    # It is still the same database.
    bk-zstd -d <"$old" >"$file"
    single --after-backup "$old"
    "$cmpdb" "$copy" "$b"
}

@test "a backup without identity proves nothing" {
    small
    sql "$b" 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC'
    sql "$copy" 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC'
    owner=$(newrole)
    sql postgres "GRANT pg_read_all_data TO $owner; ALTER DATABASE $b OWNER TO $owner; ALTER DATABASE $copy OWNER TO $owner"
    PGUSER=$owner bk-dump -d "$b" >"$BATS_TEST_TMPDIR/old.bk"
    refused 4 'does not say for certain which one it is.*--no-backup' --after-backup "$BATS_TEST_TMPDIR/old.bk"
    bk-dump -d "$b" >"$BATS_TEST_TMPDIR/old.bk"
    as=$owner refused 4 'the database does not say for certain' --after-backup "$BATS_TEST_TMPDIR/old.bk"
}

@test "roles of the backup are made in the same transaction" {
    small
    new=$(newrole)
    sql "$a" "CREATE SCHEMA n AUTHORIZATION $new; GRANT SELECT ON t TO $new"
    bk-dump --globals -d "$a" >"$file"
    sql "$a" "DROP SCHEMA n CASCADE; REVOKE ALL ON t FROM $new"
    dropuser "$new"
    cp "$file" "$BATS_TEST_TMPDIR/whole.bk"
    head -c -1 <"$BATS_TEST_TMPDIR/whole.bk" >"$file"
    refused 3 'ends without END' --no-backup --create-roles
    same "$(sql postgres "SELECT count(*) FROM pg_roles WHERE rolname = '$new'")" 0
    cp "$BATS_TEST_TMPDIR/whole.bk" "$file"
    single --no-backup --create-roles
    same "$(sql "$b" "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'n'")" "$new"
}

@test "encodings, and strings that are not standard ones" {
    role=$(newrole)
    a=$(newdb -E LATIN1 --locale=C) b=$(newdb)
    sql "$a" "ALTER DATABASE $a SET standard_conforming_strings = off; ALTER DATABASE $a SET bytea_output = escape"
    PGCLIENTENCODING=UTF8 sql "$a" <<'SQL'
CREATE TABLE "tä" ("ö" text DEFAULT E'\\ é');
INSERT INTO "tä" VALUES (DEFAULT), (E'a\n');
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT E'\\ é'$$;
COMMENT ON FUNCTION f() IS E'\\é';
CREATE VIEW v AS SELECT f() || E'\\' AS x;
CREATE INDEX "ü" ON "tä" (upper("ö"));
CREATE MATERIALIZED VIEW m AS TABLE "tä";
SQL
    PGCLIENTENCODING=UTF8 sql "$a" "COMMENT ON DATABASE $a IS 'é'"
    old "$b"
    sql "$b" "ALTER DATABASE $b SET standard_conforming_strings = off; ALTER DATABASE $b SET default_transaction_read_only = on;
        ALTER DATABASE $b SET statement_timeout = '5s'; ALTER DATABASE $b SET search_path = s"
    bk-dump -d "$a" >"$file"
    single --no-backup
    empty=$(newdb)
    bk-load -q -d "$empty" <"$file"
    "$cmpdb" "$empty" "$b"
    same "$(sql "$b" 'SELECT x FROM v')" "\\ é\\"
    same "$(sql "$b" 'SELECT count(*) FROM m')" 2
}

@test "options that contradict it" {
    for options in '--create' '--replace' '--into-existing' '--swap-back' '-t x' '--schema x' '--exclude-table x' '--exclude-table-data x' \
        '--data-only' '--schema-only' '--no-backup --after-backup x'; do
        # shellcheck disable=SC2086 # they are words
        fails 2 bk-load -d x --single-transaction $options </dev/null
    done
    fails 2 bk-load -d x --no-backup </dev/null
    fails 2 bk-load -d x --after-backup x </dev/null
}
