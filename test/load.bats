#!/usr/bin/env bats
# bk-load: what it refuses, what it leaves behind when something goes wrong, and that it never takes less for all.

load helper
load db

# A backup of a small database: items 3 and 4 are the tables t and u, 5 the sequences.
setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

make_backup() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE t (id serial PRIMARY KEY, words text); INSERT INTO t (words) SELECT md5(i::text) FROM generate_series(1, 500) i;
        CREATE TABLE u AS SELECT generate_series(1, 10) AS x"
    bk-dump -d "$a" -j 1 >"$file"
}

# not_loaded STATUS WORDS FILTER...: a load of the backup, changed by the filter, must fail so.
not_loaded() {
    local want=$1 words=$2
    shift 2
    "$@" <"$file" >"$BATS_TEST_TMPDIR/changed.bk"
    fails "$want" bk-load -d "$b" <"$BATS_TEST_TMPDIR/changed.bk"
    matches "$words" "$stderr"
}

marked_and_said() {
    is_marked "$b"
    matches "the database '$b' is not finished \(schema bk_incomplete\)" "$stderr"
}

@test "a database that is not empty is left as it is" {
    make_backup
    for object in 'TABLE x ()' 'VIEW x AS SELECT 1' 'SEQUENCE x' 'TYPE x AS ENUM ()' 'SCHEMA x' 'DOMAIN x AS int' \
        "FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'"; do
        sql "$b" "CREATE $object"
        pg_dump "$b" | grep -Ev '^.(un)?restrict' >"$BATS_TEST_TMPDIR/before"
        not_loaded 4 "the database '$b' is not empty" cat
        diff "$BATS_TEST_TMPDIR/before" <(pg_dump "$b" | grep -Ev '^.(un)?restrict')
        sql postgres "DROP DATABASE $b"
        sql postgres "CREATE DATABASE $b TEMPLATE template0"
    done
    sql "$b" 'SELECT lo_create(1)'
    not_loaded 4 "the database '$b' is not empty" cat
}

@test "a load that was not finished is not gone on with" {
    make_backup
    sql "$b" 'CREATE SCHEMA bk_incomplete'
    not_loaded 4 'not finished' cat
    same "$(sql "$b" "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" 0
}

@test "a target that is not there, and none at all" {
    make_backup
    fails 1 bk-load -d bk_not_there <"$file"
    matches 'database "bk_not_there" does not exist' "$stderr"
    PGDATABASE=$b fails 2 bk-load <"$file"
    matches 'say with -d' "$stderr"
    is_untouched "$b"
}

@test "a compressed stream names the filter that is missing" {
    make_backup
    not_loaded 2 'bk-zstd -d' bk-zstd
    not_loaded 2 'bk-gz -d' bk-gz
    is_untouched "$b"
}

@test "what is no backup, and what a newer bk made" {
    make_backup
    fails 3 bk-load -d "$b" </dev/null
    not_loaded 3 'not a bk stream' tr b c
    not_loaded 3 'newer bk' "$frames" set ITEM 4 type=tomorrow
    is_untouched "$b"
}

# cut FRAME [MORE]: the stream up to that frame (from 0), and so many bytes of it.
cut_at() {
    local offset
    offset=$("$streamend" list <"$file" | awk -v n="$1" 'NR == n + 1 { print $1 }')
    not_loaded 3 'ends without END' head -c $((offset + ${2:-0}))
}

@test "cut before the first row: the target is untouched" {
    make_backup
    not_loaded 3 'ends without END' head -c 7
    data=$("$streamend" list <"$file" | awk '$2 == "DATA" && $5 > 2 { print NR - 1; exit }')
    for frame in 1 2 "$data"; do
        cut_at "$frame"
        is_untouched "$b"
    done
    cut_at "$data" 41
    is_untouched "$b"
}

@test "cut after the first row, wherever: the target says that it is not finished" {
    make_backup
    last=$("$streamend" list <"$file" | awk '$2 == "END" { print NR - 1 }')
    data=$("$streamend" list <"$file" | awk '$2 == "DATA" && $5 > 2 { print NR - 1; exit }')
    for ((frame = data + 1; frame <= last; frame++)); do
        cut_at "$frame"
        marked_and_said
        dropdb "$b"
        createdb -T template0 "$b"
    done
    cut_at "$last" 50
    marked_and_said
}

# Whatever bit it is: a target that is untouched, or says that it is not finished.
flips() {
    local seed
    make_backup
    for seed in "$@"; do
        not_loaded 3 '(byte|frame) [0-9]+|not a bk stream|is empty' "$streamend" flip "$seed" 2>/dev/null
        if is_marked "$b"; then
            marked_and_said
            dropdb "$b"
            createdb -T template0 "$b"
        fi
    done
    is_untouched "$b"
    bk-load -q -d "$b" <"$file" # and the whole one goes in
}

@test "a bit that flipped, 1 to 32" { flips $(seq 1 32); }
@test "a bit that flipped, 33 to 64" { flips $(seq 33 64); }

# Each of these is found at the end, when the rows are there already.
differs() {
    make_backup
    local words=$1
    shift
    not_loaded 3 "$words" "$@"
    marked_and_said
    fails 4 bk-dump -d "$b"
}

@test "DONE says other rows" {
    differs 'public.t: rows: the backup says 499, but there are 500' "$frames" set DONE 3 rows=499
}

@test "DONE says other bytes" {
    differs 'public.u: bytes: the backup says 1, but' "$frames" set DONE 4 bytes=1
}

@test "DONE says other frames" {
    differs 'public.u: frames: the backup says 2, but there are 1' "$frames" set DONE 4 frames=2
}

@test "DONE says another digest" {
    differs 'public.t: digest: the backup says' "$frames" set DONE 3 digest='xxh3-128-sum 00000000000000000000000000000000'
}

@test "a row was changed, and all checksums are right" {
    differs 'public.t: digest: the backup says' "$frames" flip DATA 2 10
}

@test "a frame of rows is missing, and all numbers are right" {
    differs 'public.u: frames: the backup says 1, but there are 0' "$frames" drop DATA 3
}

@test "the sequences were changed" {
    differs 'sequences: (digest|rows): the backup says' "$frames" flip DATA 4 14 # the last value's first digit
}

@test "the definitions were changed" {
    make_backup
    # In the text of the definition of t, where "words" stands.
    at=$("$streamend" body 1 <"$file" | grep -abo 'words text' | head -n 1)
    not_loaded '[13]' '' "$frames" flip DATA 1 "${at%%:*}" || true
    [[ $status == 1 || $status == 3 ]]
    is_marked "$b"
}

@test "a foreign key that the rows break" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int CONSTRAINT must_be_there REFERENCES p);
        ALTER TABLE c DISABLE TRIGGER ALL; INSERT INTO c VALUES (1); ALTER TABLE c ENABLE TRIGGER ALL"
    bk-dump -d "$a" >"$file"
    not_loaded 1 'violates foreign key constraint "must_be_there"' cat
    marked_and_said
}

@test "a check that the rows break" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE FUNCTION f(int) RETURNS bool LANGUAGE sql AS 'SELECT true';
        CREATE TABLE t (x int CONSTRAINT never CHECK (f(x))); INSERT INTO t VALUES (1);
        CREATE OR REPLACE FUNCTION f(int) RETURNS bool LANGUAGE sql AS 'SELECT false'"
    bk-dump -d "$a" >"$file"
    not_loaded 1 'new row for relation "t" violates check constraint "never"' cat
    marked_and_said
}

# In order of creation, and by whatever connection, rows arrive before those that a CHECK looks for.
reads_others() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE first (n int); CREATE TABLE second (n int); CREATE TABLE third (n int);
        CREATE FUNCTION in_second(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.second WHERE n = \$1)';
        CREATE FUNCTION in_third(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.third WHERE n = \$1)';
        INSERT INTO third SELECT generate_series(1, 300);
        ALTER TABLE second ADD CHECK (in_third(n)); INSERT INTO second SELECT generate_series(1, 200);
        ALTER TABLE first ADD CHECK (in_second(n)); INSERT INTO first SELECT generate_series(1, 100)"
    pipe "bk-dump -d $a -j 1 | bk-load -v -d $b $*"
    same "$stages" '0 0'
    matches 'trying 2 bodies again: cannot load public.second' "$stderr"
    matches 'trying 1 bodies again: cannot load public.first' "$stderr"
    fails 0 "$cmpdb" -c "$a" "$b"
}

@test "a CHECK that reads a table which is loaded later: tried again, one connection" { reads_others -j 1; }

@test "roles that are missing are named, all at once, before anything is made; or are left out" {
    a=$(newdb) b=$(newdb) owner=$(newrole) reader=$(newrole) policy=$(newrole)
    sql "$a" "CREATE TABLE t (x int); ALTER TABLE t OWNER TO $owner; GRANT SELECT ON t TO $reader; CREATE TABLE u (x int);
        CREATE POLICY p ON u TO $policy USING (true); SELECT lo_create(7); ALTER LARGE OBJECT 7 OWNER TO $owner;
        GRANT SELECT ON LARGE OBJECT 7 TO $reader"
    bk-dump -d "$a" >"$file"
    dropdb "$a"
    dropuser "$owner"
    dropuser "$reader"
    dropuser "$policy"
    not_loaded 1 "role of a policy '$policy', owner '$owner', role with rights '$reader'" cat
    is_untouched "$b"
    fails 1 bk-load -d "$b" --no-owner --no-acl <"$file"
    matches "lacks what the backup needs: role of a policy '$policy'$" "$(head -n 1 <<<"$stderr")"
    is_untouched "$b"
    createuser "$policy"
    bk-load -q -d "$b" --no-owner --no-acl <"$file"
    same "$(sql "$b" "SELECT relowner::regrole = current_user::regrole, relacl IS NULL FROM pg_class WHERE relname = 't'")" 't|t'
    same "$(sql "$b" "SELECT lomowner::regrole = current_user::regrole, lomacl IS NULL FROM pg_largeobject_metadata")" 't|t'
}

@test "an older server is refused, unless it is allowed" {
    make_backup
    "$frames" set ITEM 1 server-version-num=990003 <"$file" >"$file.new"
    fails 4 bk-load -d "$b" <"$file.new"
    matches 'PostgreSQL 99 or newer; --allow-older-server' "$stderr"
    is_untouched "$b"
    bk-load -q -d "$b" --allow-older-server <"$file.new"
}

@test "a pg_restore that is too old is noticed before anything is made" {
    make_backup
    not_loaded 1 'the only pg_restore here is of version [0-9]+, but .* made with pg_dump 99.1' "$frames" set ITEM 2 'made-with=pg_dump 99.1'
    is_untouched "$b"
}

@test "extensions and tablespaces that are missing are named" {
    make_backup
    not_loaded 1 "lacks what the backup needs: extension 'none such'" "$frames" set ITEM 1 'extension=none such 1.0'
    "$frames" set ITEM 1 needs-tablespace=fast <"$file" >"$file.fast"
    fails 1 bk-load -d "$b" <"$file.fast"
    matches "lacks what the backup needs: tablespace 'fast'" "$stderr"
    is_untouched "$b"
    bk-load -q -d "$b" --no-tablespaces <"$file.fast"
}

@test "a role that may not create anything in the target" {
    make_backup
    role=$(newrole)
    PGUSER=$role fails 1 bk-load -d "$b" <"$file"
    matches "lacks what the backup needs: the right CREATE on database '$b', membership in role '" "$stderr"
    is_untouched "$b"
}

@test "a materialized view that cannot be filled: a warning, and the others are" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE t AS SELECT 1 AS x; CREATE FUNCTION unqualified() RETURNS int LANGUAGE sql AS 'SELECT x FROM t';
        CREATE MATERIALIZED VIEW m1 AS SELECT x FROM t; CREATE MATERIALIZED VIEW m2 AS SELECT public.unqualified() AS x;
        CREATE MATERIALIZED VIEW m3 AS SELECT x FROM m1; CREATE UNIQUE INDEX ON m3 (x); CREATE TABLE after (x int PRIMARY KEY)"
    bk-dump -d "$a" >"$file"
    fails 0 bk-load -d "$b" <"$file"
    matches 'warning: not all materialized views could be filled' "$stderr"
    same "$(sql "$b" "SELECT relname FROM pg_class WHERE relkind = 'm' AND NOT relispopulated")" m2
    same "$(sql "$b" 'SELECT x FROM m3')" 1
    run ! is_marked "$b"
}

# The extension's event triggers are there from the start, fire at each command, and may read what they like: two
# connections could wait for each other.
@test "event triggers of an extension: what comes after the rows is made by one connection" {
    a=$(newdb) b=$(newdb)
    sql "$a" "DO \$\$ BEGIN FOR i IN 1..20 LOOP
        EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', i); END LOOP; END \$\$"
    # No extension that is here for sure has any, so plpgsql gets one. It notes how many connections are at work.
    sql "$b" "CREATE TABLE seen (n int);
        CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS \$\$BEGIN
            INSERT INTO public.seen SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'pg_restore';
        END\$\$;
        CREATE EVENT TRIGGER look ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION look();
        ALTER EXTENSION plpgsql ADD TABLE seen; ALTER EXTENSION plpgsql ADD FUNCTION look();
        ALTER EXTENSION plpgsql ADD EVENT TRIGGER look"
    pipe "bk-dump -d '$a' | bk-load -v -j 4 -d '$b'"
    same "$stages" '0 0'
    matches 'an extension has event triggers' "$stderr"
    same "$(sql "$b" 'SELECT max(n) FROM seen')" 1
    same "$(sql "$b" "SELECT count(*) FROM pg_constraint WHERE contype = 'p' AND conrelid >= 16384")" 20
}

# A load that stands in the middle of CREATE INDEX: the index wants a lock that a session of ours holds.
hold_index() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN \$1; END';
        CREATE TABLE t AS SELECT 1 AS x; CREATE INDEX ON t (public.waits(x)); CREATE INDEX ON t (x)"
    bk-dump -d "$a" >"$file"
    session_open "$b"
    say 'SELECT pg_advisory_lock(1)'
    bk-load -d "$b" -j 2 <"$file" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until some_sessions "$b" "wait_event = 'advisory'"
    child=$(<"/proc/$loader/task/$loader/children")
    child=${child%% }
    is_program "$child" pg_restore
}

@test "SIGTERM while pg_restore is at work: nothing goes on, and the target says that it is not finished" {
    hold_index
    kill -TERM "$loader"
    ends 143 "$loader"
    wait_until is_gone "$child"
    wait_until no_sessions "$b" "application_name <> 'psql'"
    is_marked "$b"
}

@test "kill -9 while pg_restore is at work: nothing goes on, and the target says that it is not finished" {
    hold_index
    kill -KILL "$loader"
    ends 137 "$loader"
    wait_until is_gone "$child"
    wait_until no_sessions "$b" "application_name <> 'psql'"
    is_marked "$b"
}

@test "SIGTERM while rows are loaded: no session is left" {
    a=$(newdb) b=$(newdb)
    dense "$a" t 5000
    new_gate "$BATS_TEST_TMPDIR/g"
    mkfifo "$BATS_TEST_TMPDIR/in"
    bk-dump -d "$a" >"$file"
    gate "$BATS_TEST_TMPDIR/g" 2500000 <"$file" >"$BATS_TEST_TMPDIR/in" 3>&- &
    started+=("$!")
    bk-load -d "$b" -j 3 <"$BATS_TEST_TMPDIR/in" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until held "$BATS_TEST_TMPDIR/g"
    wait_until is_marked "$b"
    wait_until some_sessions "$b" "query ~ '^COPY'"
    kill -TERM "$loader"
    ends 143 "$loader"
    wait_until no_sessions "$b"
    is_marked "$b"
    fails 4 bk-load -d "$b" <"$file"
}

@test "a backend is killed while rows are loaded" {
    a=$(newdb) b=$(newdb)
    dense "$a" t 5000
    new_gate "$BATS_TEST_TMPDIR/g"
    mkfifo "$BATS_TEST_TMPDIR/in"
    bk-dump -d "$a" >"$file"
    gate "$BATS_TEST_TMPDIR/g" 2500000 <"$file" >"$BATS_TEST_TMPDIR/in" 3>&- &
    started+=("$!")
    bk-load -d "$b" -j 2 <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until held "$BATS_TEST_TMPDIR/g"
    wait_until some_sessions "$b" "query ~ '^COPY'"
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$b'"
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 1 "$loader"
    matches 'cannot load public.t: ' "$(<"$BATS_TEST_TMPDIR/words")"
    is_marked "$b"
}

# A server that wants passwords.
guarded_server() {
    own_server
    sql postgres "CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'the pass:wo\\rd'"
    createdb -T template0 src
    createdb -T template0 dst
    dense src t 20
    long_definition src
    sql src "CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN \$1; END';
        CREATE INDEX ON t (public.waits(id))"
    printf 'local all guarded scram-sha-256\nlocal all all trust\n' >"$BATS_TEST_TMPDIR/hba"
    cat "$BATS_TEST_TMPDIR/hba" >"$server/data/pg_hba.conf"
    sql postgres 'SELECT pg_reload_conf()' >/dev/null
}

# keeps_secret PID: no process below it has the password in its arguments or its environment.
keeps_secret() {
    local child file
    for child in $(<"/proc/$1/task/$1/children"); do
        seen=$((seen + 1))
        for file in cmdline environ; do
            if tr '\0' '\n' <"/proc/$child/$file" | grep -E 'the pass|the%20pass'; then
                return 1
            fi
        done
        keeps_secret "$child"
    done
}

# with_password DB-OF-DUMP DB-OF-LOAD [URI-OF-DUMP URI-OF-LOAD]: dump and load, each held while its child runs.
with_password() {
    rm -rf "$BATS_TEST_TMPDIR"/{out,g.held,g.gate}
    mkfifo "$BATS_TEST_TMPDIR/out"
    new_gate "$BATS_TEST_TMPDIR/g"
    PGUSER=guarded URI=${3:-} bk-dump -d "$1" -j 2 >"$BATS_TEST_TMPDIR/out" 3>&- &
    dump=$!
    started+=("$dump")
    gate "$BATS_TEST_TMPDIR/g" 1200000 <"$BATS_TEST_TMPDIR/out" >"$file" 3>&- &
    holder=$!
    started+=("$holder")
    wait_until held "$BATS_TEST_TMPDIR/g"
    seen=0
    keeps_secret "$dump"
    same "$seen" 1
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 0 "$dump"
    ends 0 "$holder"

    say 'SELECT pg_advisory_lock(1)'
    PGUSER=guarded URI=${4:-} bk-load -q -d "$2" -j 2 <"$file" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until some_sessions dst "wait_event = 'advisory'"
    seen=0
    keeps_secret "$loader"
    ((seen >= 1))
    say 'SELECT pg_advisory_unlock(1)'
    ends 0 "$loader"
    same "$(sql dst 'SELECT count(*) FROM t')" 20
}

@test "a password reaches the children, and neither their arguments nor their environment" {
    guarded_server
    PGUSER=guarded PGPASSWORD=wrong fails 1 bk-dump -d src
    matches 'password authentication failed for user "guarded"' "$stderr"
    # By the environment, a password file, and a URI in a variable; each time into a new database.
    uri="postgresql://guarded:the%20pass%3Awo%5Crd@/src?host=$server&port=$PGPORT"
    printf '*:*:*:guarded:the pass\\:wo\\\\rd\n' >"$BATS_TEST_TMPDIR/pgpass"
    chmod 600 "$BATS_TEST_TMPDIR/pgpass"
    for way in environment file uri; do
        session_open dst
        case $way in
        environment) PGPASSWORD='the pass:wo\rd' with_password src dst ;;
        file) PGPASSFILE=$BATS_TEST_TMPDIR/pgpass with_password src dst ;;
        uri) with_password env:URI env:URI "$uri" "${uri/src/dst}" ;;
        esac
        kill "$SESSION_PID"
        wait "$SESSION_PID" || true
        sql postgres 'DROP DATABASE dst WITH (FORCE)'
        sql postgres 'CREATE DATABASE dst TEMPLATE template0'
    done
}
