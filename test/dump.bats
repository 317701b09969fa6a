#!/usr/bin/env bats
# bk-dump: the same stream each time, the state of one moment or none, and what it refuses.

load helper
load db

# stream DB OPTION...: the frames of a dump, without what differs from one to the next; see test/tool/frames.c.
stream() {
    local db=$1
    shift
    bk-dump -d "$db" "$@" >"$BATS_TEST_TMPDIR/stream" || return
    "$frames" list <"$BATS_TEST_TMPDIR/stream"
}

@test "one connection writes the same each time, and four the same in another order" {
    a=$(mixed)
    fill "$a" t 2500
    one=$(stream "$a" -j 1)
    same "$one" "$(stream "$a" -j 1)"
    same "$(sort <<<"$one")" "$(stream "$a" -j 4 | sort)"
}

@test "ids differ, and the time is that of the snapshot" {
    a=$(newdb)
    before=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    for n in 1 2; do
        bk-dump -d "$a" | bk-ls -J | jq -r 'select(.record == "head") | .id, .created' >"$BATS_TEST_TMPDIR/$n"
    done
    [[ $(head -n 1 "$BATS_TEST_TMPDIR/1") != "$(head -n 1 "$BATS_TEST_TMPDIR/2")" ]]
    created=$(tail -n 1 "$BATS_TEST_TMPDIR/1")
    [[ ! $created < $before && ! $created > $(date -u +%Y-%m-%dT%H:%M:%SZ) ]]
}

@test "label and tags are kept, and the database's name becomes the label" {
    a=$(newdb)
    head=$(bk-dump -d "$a" --label x.y --tag a=b --tag 'c=d e=f' | bk-ls -J | jq -c 'select(.record == "head") | [.label, .tags]')
    same "$head" '["x.y",["a=b","c=d e=f"]]'
    same "$(bk-dump -d "$a" | bk-ls -J | jq -r 'select(.record == "head").label')" "$a"
    fails 2 bk-dump -d "$a" --label .x
    fails 2 bk-dump -d "$a" --tag x
}

@test "settings of the database, the role and the environment change nothing" {
    a=$(mixed) role=$(newrole --superuser)
    fill "$a" t 1100
    stream "$a" -j 1 >"$BATS_TEST_TMPDIR/before"
    bk-cat --ddl <"$BATS_TEST_TMPDIR/stream" >"$BATS_TEST_TMPDIR/before.sql"
    sql postgres "ALTER DATABASE $a SET DateStyle = 'German'; ALTER DATABASE $a SET IntervalStyle = 'iso_8601';
        ALTER DATABASE $a SET extra_float_digits = -3; ALTER DATABASE $a SET bytea_output = 'escape';
        ALTER DATABASE $a SET TimeZone = 'Asia/Kolkata'; ALTER DATABASE $a SET search_path = kinds;
        ALTER DATABASE $a SET client_encoding = 'LATIN1'; ALTER DATABASE $a SET default_transaction_read_only = on;
        ALTER DATABASE $a SET enable_tidscan = off; ALTER DATABASE $a SET synchronize_seqscans = on;
        ALTER DATABASE $a SET lc_monetary = 'POSIX'; ALTER DATABASE $a SET xmloption = 'document';
        ALTER ROLE $role SET DateStyle = 'SQL, DMY'; ALTER ROLE $role IN DATABASE $a SET TimeZone = 'PST8PDT'"
    (
        export PGUSER=$role PGOPTIONS='-c IntervalStyle=sql_standard' PGDATESTYLE=German PGTZ=PST8PDT PGCLIENTENCODING=LATIN1
        stream "$a" -j 1 >"$BATS_TEST_TMPDIR/after"
    )
    bk-cat --ddl <"$BATS_TEST_TMPDIR/stream" >"$BATS_TEST_TMPDIR/after.sql"
    diff "$BATS_TEST_TMPDIR/before.sql" "$BATS_TEST_TMPDIR/after.sql"
    # Items 1 and 2, the database and its definitions, tell of the settings themselves.
    for side in before after; do
        grep -Ev '^END|^[A-Z]+ 0 [12] ' "$BATS_TEST_TMPDIR/$side" >"$BATS_TEST_TMPDIR/$side.rows"
    done
    diff "$BATS_TEST_TMPDIR/before.rows" "$BATS_TEST_TMPDIR/after.rows"
}

@test "no timeout of the server's ends a dump" {
    a=$(newdb)
    dense "$a" t 30000
    sql postgres "ALTER DATABASE $a SET statement_timeout = '300ms'; ALTER DATABASE $a SET lock_timeout = '300ms';
        ALTER DATABASE $a SET idle_in_transaction_session_timeout = '300ms'"
    hold "$a" -j 1
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND state = 'active' AND now() - state_change > '400ms'"
    let_go 0
    bk-verify -qn <"$BATS_TEST_TMPDIR/held.bk"
}

@test "a leader that waits for pg_dump is not ended for being idle" {
    a=$(newdb)
    long_definition "$a"
    sql postgres "ALTER DATABASE $a SET idle_in_transaction_session_timeout = '200ms'"
    hold "$a" -j 1
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND state = 'idle in transaction' AND now() - state_change > '300ms'"
    let_go 0
    bk-verify -qn <"$BATS_TEST_TMPDIR/held.bk"
}

# holds_the_state_of_before OPTION...: what is committed while a dump runs is not in it.
holds_the_state_of_before() {
    local a b copy
    a=$(newdb) b=$(newdb)
    dense "$a" t 30000
    sql "$a" 'CREATE TABLE u AS SELECT generate_series(1, 100) AS i; CREATE TABLE v (x int)'
    # Many, so that each connection gets some of them.
    sql "$a" "DO \$\$ BEGIN FOR i IN 1..40 LOOP EXECUTE format('CREATE TABLE s%s AS SELECT 1 AS x', i); END LOOP; END \$\$"
    copy=bk_test_copy_${BATS_SUITE_TEST_NUMBER}_$$
    willdrop "$copy"
    createdb -T "$a" "$copy"
    hold "$a" "$@"
    sql "$a" "INSERT INTO t SELECT 0, 'new' FROM generate_series(1, 10000); UPDATE t SET words = 'changed' WHERE id > 2000;
        DELETE FROM t WHERE id % 3 = 0; INSERT INTO u VALUES (7); DELETE FROM u WHERE i < 50; INSERT INTO v VALUES (1);
        CREATE TABLE w AS SELECT 1 AS x"
    sql "$a" "DO \$\$ BEGIN FOR i IN 1..40 LOOP EXECUTE format('UPDATE s%s SET x = 2', i); END LOOP; END \$\$"
    # What would empty a table behind the snapshot's back has to wait.
    fails 1 sql "$a" "SET lock_timeout = '50ms'; TRUNCATE u"
    fails 1 sql "$a" "SET lock_timeout = '50ms'; ALTER TABLE v ADD y float DEFAULT random()"
    fails 1 sql "$a" "SET lock_timeout = '50ms'; DROP TABLE t"
    let_go 0
    bk-load -q -d "$b" <"$BATS_TEST_TMPDIR/held.bk"
    "$cmpdb" -c "$copy" "$b"
}

@test "what others do while it runs is not in it: one connection" {
    holds_the_state_of_before -j 1
}

@test "what others do while it runs is not in it: three connections" {
    holds_the_state_of_before -j 3
}

# A session holds a table when the dump begins, and does SQL before it lets go. Leaves the dump in held.bk.
dump_behind() {
    session_open "$1"
    say 'BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE'
    bk-dump -v -d "$1" -j 2 >"$BATS_TEST_TMPDIR/held.bk" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    dump=$!
    started+=("$dump")
    wait_until some_sessions "$1" "application_name = 'bk-dump' AND wait_event_type = 'Lock'"
    eval "$2"
    say COMMIT
    ends 0 "$dump"
}

rows() {
    bk-ls -J <"$BATS_TEST_TMPDIR/held.bk" | jq -r "select(.name == \"$1\" and .type == \"table\").rows"
}

three_tables() {
    a=$(newdb)
    for t in before held later; do
        sql "$a" "CREATE TABLE $t AS SELECT generate_series(1, 1000) AS i"
    done
}

@test "a TRUNCATE that was first: no row, or the rows of after it" {
    three_tables
    dump_behind "$a" "say 'TRUNCATE held; INSERT INTO held VALUES (1), (2), (3)'"
    same "$(rows before) $(rows held) $(rows later)" '1000 3 1000'
}

@test "a rewrite that was first: all rows" {
    three_tables
    dump_behind "$a" "say 'ALTER TABLE held ADD x float DEFAULT random()'"
    same "$(rows before) $(rows held) $(rows later)" '1000 1000 1000'
}

@test "another table is truncated while the dump waits for its locks: the rows of after it" {
    three_tables
    dump_behind "$a" "sql '$a' 'TRUNCATE later; INSERT INTO later VALUES (1)'"
    same "$(rows before) $(rows held) $(rows later)" '1000 1000 1'
}

@test "a DROP that was first: begins again" {
    three_tables
    dump_behind "$a" "say 'DROP TABLE held'"
    same "$(rows before) $(rows held) $(rows later)" '1000  1000'
    matches 'beginning again: .*held' "$(<"$BATS_TEST_TMPDIR/words")"
}

@test "a table that takes the name of another: begins again" {
    three_tables
    dump_behind "$a" "say 'ALTER TABLE held RENAME TO other; CREATE TABLE held AS SELECT 1 AS i'"
    same "$(rows before) $(rows held) $(rows other) $(rows later)" '1000 1 1000 1000'
    matches 'beginning again: ' "$(<"$BATS_TEST_TMPDIR/words")"
}

@test "a table that comes while the dump waits for its locks: begins again, and has it" {
    three_tables
    dump_behind "$a" "sql '$a' 'CREATE TABLE came AS SELECT 1 AS i'"
    same "$(rows came)" 1
    matches 'beginning again: the table public.came came' "$(<"$BATS_TEST_TMPDIR/words")"
}

# A view has taken the name of a table, so the lock is the view's. Somebody else truncates the table, and lets go of it when
# bk-dump waits for him.
truncate_behind_a_view() {
    sql "$a" 'BEGIN; ALTER TABLE later RENAME TO moved; CREATE VIEW later AS SELECT 1 AS i; COMMIT'
    sql "$a" "SET statement_timeout = '30s'; BEGIN; TRUNCATE moved; INSERT INTO moved VALUES (1), (2);
        DO \$\$ BEGIN
            WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))) LOOP
                PERFORM pg_stat_clear_snapshot(), pg_sleep(0.01);
            END LOOP;
        END \$\$; COMMIT" 3>&- &
    truncating=$!
    started+=("$truncating")
    wait_until is_true "$a" "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'moved'::regclass AND mode = 'AccessExclusiveLock' AND granted)"
}

@test "a view takes the name of a table, and the table is truncated behind the snapshot: begins again" {
    three_tables
    dump_behind "$a" truncate_behind_a_view
    ends 0 "$truncating"
    same "$(rows before) $(rows held) $(rows moved)" '1000 1000 2'
    matches 'beginning again: .*moved' "$(<"$BATS_TEST_TMPDIR/words")"
}

# A lock that waits for the leader's comes before those of the other connections: what they cannot read, the leader does.
waited_for() {
    a=$(newdb)
    dense "$a" t 30000
    sql "$a" 'CREATE TABLE later AS SELECT generate_series(1, 1000) AS i'
    hold "$a" "$@"
    wait_until no_sessions "$a" "application_name = 'pg_dump'" # it would wait as well
    session_open "$a"
    printf 'TRUNCATE later, t;\n' >&"$session_in"
    wait_until some_sessions "$a" "wait_event_type = 'Lock' AND query ~ '^TRUNCATE'"
    let_go 0
    bk-verify -qn <"$BATS_TEST_TMPDIR/held.bk"
    same "$(rows later)" 1000
    same "$(rows t)" 30000
}

@test "a session that waits for a table in the middle of a dump: all rows, one connection" { waited_for -j 1; }
@test "a session that waits for a table in the middle of a dump: all rows, two connections" { waited_for -j 2; }
@test "a session that waits for a table in the middle of a dump: all rows, four connections" { waited_for -j 4; }

@test "of several hosts, all connections and pg_dump take the one that answered first" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t AS SELECT generate_series(1, 1000) AS i'
    mkdir "$BATS_TEST_TMPDIR/none"
    pipe "bk-dump -j 3 -d 'dbname=$a host=$BATS_TEST_TMPDIR/none,$PGHOST port=$PGPORT,$PGPORT' | bk-ls -J | jq -r 'select(.name == \"t\").rows'"
    same "$stages $output" '0 0 0 1000'
}

# refused STATUS WORDS COMMAND...: no byte of a stream came out.
refused() {
    local want=$1 words=$2
    shift 2
    fails "$want" "$@"
    same "$output" ''
    matches "$words" "$stderr"
}

@test "no such database" {
    refused 1 'database "bk_not_there" does not exist' bk-dump -d bk_not_there
}

@test "no such server" {
    refused 1 'hint: -d takes' bk-dump -d "host=$BATS_TEST_TMPDIR dbname=x"
}

@test "a variable that is not set" {
    unset NOT_SET
    refused 2 'NOT_SET.* is not set' bk-dump -d env:NOT_SET
    refused 2 'NOT_SET.* is not set' bk-load -d env:NOT_SET </dev/null
    NOT_SET='' refused 2 'NOT_SET.* is not set' bk-dump -d env:NOT_SET
}

@test "-h is the help if it is alone, else a hint" {
    for tool in bk-dump bk-load; do
        fails 0 "$tool" -h
        matches "^$tool - .*usage: $tool"
        refused 2 'PGHOST' "$tool" -h localhost -d x
    done
}

@test "a role that may not read a table" {
    a=$(newdb) role=$(newrole)
    sql "$a" "CREATE TABLE open (); CREATE TABLE \"clo sed\" (); GRANT SELECT ON open TO $role"
    PGUSER=$role refused 1 $'may not read: public."clo sed"\n' bk-dump -d "$a"
    sql "$a" "GRANT SELECT ON \"clo sed\" TO $role; CREATE SEQUENCE s"
    PGUSER=$role fails 1 bk-dump -d "$a"
    matches 'permission denied for sequence s' "$stderr"
    sql "$a" "GRANT pg_read_all_data TO $role"
    PGUSER=$role bk-dump -d "$a" | bk-verify -qn
}

@test "a role from which a policy hides rows" {
    a=$(newdb) role=$(newrole) free=$(newrole)
    sql "$a" "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2); CREATE TABLE u (); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON t USING (x = 1); GRANT pg_read_all_data TO $role, $free; ALTER ROLE $free BYPASSRLS"
    PGUSER=$role refused 1 $'hides rows from this role in: public.t\n' bk-dump -d "$a"
    PGUSER=$free bk-dump -d "$a" >"$BATS_TEST_TMPDIR/held.bk"
    same "$(rows t)" 2
    # The owner as well, if the policy is forced upon him.
    sql "$a" "ALTER TABLE t OWNER TO $role"
    PGUSER=$role bk-dump -d "$a" >"$BATS_TEST_TMPDIR/held.bk"
    same "$(rows t)" 2
    sql "$a" 'ALTER TABLE t FORCE ROW LEVEL SECURITY'
    PGUSER=$role refused 1 $'hides rows from this role in: public.t\n' bk-dump -d "$a"
}

@test "a load that was not finished" {
    a=$(newdb)
    sql "$a" 'CREATE SCHEMA bk_incomplete'
    refused 4 'not finished' bk-dump -d "$a"
}

# killed WORDS: the held dump must have ended with an ABRT that bk-put repeats.
killed() {
    let_go 1
    matches "$1" "$(<"$BATS_TEST_TMPDIR/words")"
    fails 3 bk-put "$BATS_TEST_TMPDIR/a.bk" <"$BATS_TEST_TMPDIR/held.bk"
    matches "bk-dump gave up: .*$1" "$stderr"
    [[ ! -e $BATS_TEST_TMPDIR/a.bk ]]
    wait_until no_sessions "$a"
}

@test "a backend is killed in the middle: status 1, and its words go down the pipe" {
    for jobs in 1 3; do
        a=$(newdb)
        dense "$a" t 30000
        hold "$a" -j "$jobs"
        sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$a' AND query ~ 'COPY'"
        killed 'copy public.t: .*terminating connection|copy public.t: .*closed the connection|copy public.t: .*server'
        rm -r "$BATS_TEST_TMPDIR"/{out,g.held,g.gate}
    done
}

pg_dump_of() {
    local pid
    for pid in $(<"/proc/$1/task/$1/children"); do
        if is_program "$pid" pg_dump; then
            echo "$pid"
            return 0
        fi
    done
    return 1
}

@test "pg_dump is killed in the middle: status 1, and its words go down the pipe" {
    a=$(newdb)
    long_definition "$a"
    hold "$a" -j 2
    kill -9 "$(pg_dump_of "$dump")"
    killed 'pg_dump was ended by signal 9'
}

@test "pg_dump fails: status 1, and no END" {
    a=$(newdb)
    sql "$a" "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; UPDATE pg_proc SET pronamespace = 4242 WHERE proname = 'f'"
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk" 2>"$BATS_TEST_TMPDIR/words" || status=$?
    same "$status" 1
    matches 'pg_dump failed with status 1' "$(<"$BATS_TEST_TMPDIR/words")"
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/a.bk"
    matches 'bk-dump gave up: pg_dump failed' "$stderr"
}

@test "bk-dump ends with the tool behind it, and leaves no session" {
    a=$(newdb)
    dense "$a" t 30000
    pipe "bk-dump -d '$a' -j 3 | head -c 100000 | wc -c"
    same "$stages" '141 0 0'
    wait_until no_sessions "$a"
}

@test "kill -9 of bk-dump leaves no pg_dump and no session" {
    a=$(newdb)
    long_definition "$a"
    hold "$a" -j 2
    child=$(pg_dump_of "$dump")
    kill -9 "$dump"
    wait_until is_gone "$child"
    wait_until no_sessions "$a"
}

# stopped_dump FILE J BYTES DB: a dump that stops once so many bytes are out, until the gate $g is opened; waits for that, and
# until pg_dump is through. $! is its process.
stopped_dump() {
    g=$BATS_TEST_TMPDIR/gate
    new_gate "$g"
    {
        local code=0
        bk-dump -d "$4" -j "$2" 2>"$1.words" || code=$?
        echo "$code" >"$1.status"
    } 3>&- | gate "$g" "$3" >"$1" 3>&- &
    started+=("$!")
    wait_until held "$g"
    wait_until no_sessions "$4" "application_name = 'pg_dump'"
}

@test "a view that takes the name of a table while the dump waits for its locks: the table is in it, with its rows" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE held (x int)'
    fill "$a" filler 6000
    sql "$a" 'CREATE TABLE later AS SELECT generate_series(1, 1000) AS i'
    session_open "$a"
    say 'BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE'
    g=$BATS_TEST_TMPDIR/gate
    new_gate "$g"
    bk-dump -d "$a" -j 1 2>"$BATS_TEST_TMPDIR/words" 3>&- | gate "$g" 1000000 >"$BATS_TEST_TMPDIR/a.bk" 3>&- &
    dump=$!
    started+=("$dump")
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock'"
    sql "$a" 'BEGIN; ALTER TABLE later RENAME TO later_old; CREATE VIEW later AS SELECT 1 AS i; COMMIT'
    say COMMIT
    wait_until held "$g"
    # It holds the table now, so nobody gets in between.
    fails 1 psql -X -q -d "$a" -c "SET lock_timeout = '100ms'" -c 'TRUNCATE later_old'
    open_gate "$g"
    wait "$dump"
    same "$(bk-ls -J <"$BATS_TEST_TMPDIR/a.bk" | jq -r 'select(.name == "later_old").rows')" 1000
}

@test "schemas that change their names in the middle of a dump: no rows of another table, but an error" {
    for jobs in 1 2; do
        a=$(newdb)
        sql "$a" "CREATE SCHEMA blue; CREATE SCHEMA green; CREATE TABLE blue.first AS SELECT 1 AS i"
        fill "$a" filler 5000
        sql "$a" "CREATE TABLE blue.t AS SELECT 'blue' AS colour; CREATE TABLE green.t AS SELECT 'green' AS colour;
            CREATE TABLE green.first AS SELECT 2 AS i"
        stopped_dump "$BATS_TEST_TMPDIR/$jobs.bk" "$jobs" 1000000 "$a"
        sql "$a" 'BEGIN; ALTER SCHEMA blue RENAME TO tmp; ALTER SCHEMA green RENAME TO blue; ALTER SCHEMA tmp RENAME TO green; COMMIT'
        open_gate "$g"
        wait_until test -s "$BATS_TEST_TMPDIR/$jobs.bk.status"
        same "$(<"$BATS_TEST_TMPDIR/$jobs.bk.status")" 1
        matches 'schema was renamed|given another name' "$(<"$BATS_TEST_TMPDIR/$jobs.bk.words")"
        fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/$jobs.bk"
        rm "$g".*
    done
}

@test "a schema that changes its name when pg_dump and its own rows are through does no harm" {
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE SCHEMA blue; CREATE TABLE blue.t AS SELECT 1 AS i'
    fill "$a" filler 3000
    stopped_dump "$BATS_TEST_TMPDIR/a.bk" 1 1000000 "$a"
    sql "$a" 'ALTER SCHEMA blue RENAME TO green'
    open_gate "$g"
    wait_until test -s "$BATS_TEST_TMPDIR/a.bk.status"
    same "$(<"$BATS_TEST_TMPDIR/a.bk.status")" 0
    wait_until bk-verify -q -n <"$BATS_TEST_TMPDIR/a.bk"
    bk-load -q -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
    same "$(sql "$b" 'SELECT i FROM blue.t')" 1
}

@test "what is renamed or dropped while pg_dump is at work: no backup, for its definitions may be of two moments" {
    # Views and sequences are locked by pg_dump's own looks at them.
    for change in 'DROP FUNCTION f(int)' 'ALTER FUNCTION f(int) RENAME TO g' 'ALTER TYPE e RENAME TO e2' 'ALTER SCHEMA x RENAME TO y'; do
        a=$(newdb)
        sql "$a" "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE e AS ENUM ('a'); CREATE SCHEMA x; CREATE DOMAIN x.d AS int; CREATE TABLE t (x int)"
        long_definition "$a"
        g=$BATS_TEST_TMPDIR/gate
        new_gate "$g"
        bk-dump -d "$a" 2>"$BATS_TEST_TMPDIR/words" 3>&- | gate "$g" 20000 >"$BATS_TEST_TMPDIR/a.bk" 3>&- &
        started+=("$!")
        wait_until held "$g"
        sql "$a" "$change"
        open_gate "$g"
        wait_until test -s "$BATS_TEST_TMPDIR/words"
        matches 'dropped or given another name while pg_dump read|pg_dump failed' "$(<"$BATS_TEST_TMPDIR/words")"
        wait_until no_sessions "$a"
        fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/a.bk"
        rm "$g".* "$BATS_TEST_TMPDIR/words"
    done
}

@test "what comes anew, and what is only altered, while pg_dump is at work does no harm" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (x int)"
    long_definition "$a"
    g=$BATS_TEST_TMPDIR/gate
    new_gate "$g"
    bk-dump -d "$a" 2>"$BATS_TEST_TMPDIR/words" 3>&- | gate "$g" 20000 >"$BATS_TEST_TMPDIR/a.bk" 3>&- &
    dump=$!
    started+=("$dump")
    wait_until held "$g"
    sql "$a" "CREATE TABLE new (x int); CREATE VIEW newer AS SELECT 1; CREATE TEMPORARY TABLE short (x int); CREATE INDEX ON t (x);
        CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 2'; GRANT SELECT ON t TO PUBLIC; ANALYZE t;
        BEGIN; ALTER TYPE e RENAME TO e2; ROLLBACK"
    open_gate "$g"
    wait "$dump"
    same "$(<"$BATS_TEST_TMPDIR/words")" ''
    bk-load -q -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
}

# The first connection stays with `long` until pg_dump is through, for the queue is full; so the second one takes
# `longer`, and the first one t, with its index.
@test "REINDEX that waits for the first connection does not keep the second one waiting for ever" {
    a=$(newdb)
    sql "$a" "CREATE TABLE long (x text); ALTER TABLE long ALTER x SET STORAGE EXTERNAL;
        INSERT INTO long SELECT repeat('x', 1000000) FROM generate_series(1, 10);
        CREATE TABLE longer (x text); ALTER TABLE longer ALTER x SET STORAGE EXTERNAL;
        INSERT INTO longer SELECT repeat('x', 1000000) FROM generate_series(1, 60)"
    dense "$a" t 150000
    sql "$a" 'CREATE INDEX ti ON t (id)'
    stopped_dump "$BATS_TEST_TMPDIR/a.bk" 2 35000000 "$a"
    sql "$a" 'REINDEX INDEX ti' 3>&- &
    started+=("$!")
    wait_until some_sessions "$a" "query ~ '^REINDEX' AND wait_event_type = 'Lock'"
    open_gate "$g"
    wait_until test -s "$BATS_TEST_TMPDIR/a.bk.status"
    same "$(<"$BATS_TEST_TMPDIR/a.bk.status")" 0
    wait_until bk-verify -q -n <"$BATS_TEST_TMPDIR/a.bk" # gate may still be writing
    same "$(bk-ls -J <"$BATS_TEST_TMPDIR/a.bk" | jq -r 'select(.name == "t").rows')" 150000
}

# identity: the server's and the database's, out of a stream.
identity() {
    grep -aE '^(server-id|oid): ' | awk '$1 == "server-id:" { id = $2 } $1 == "oid:" && !oid { oid = $2 } END { print id "|" oid }'
}

@test "a backup says of which database it is, for certain, if the role may know" {
    a=$(newdb) role=$(newrole)
    ids="SELECT system_identifier, d.oid FROM pg_control_system(), pg_database d WHERE datname = current_database()"
    same "$(bk-dump -q -d "$a" | identity)" "$(sql "$a" "$ids")"
    sql "$a" 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC'
    same "$(PGUSER=$role bk-dump -q -d "$a" | identity)" "|$(sql "$a" "$ids" | cut -d '|' -f 2)"
}
