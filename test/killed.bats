#!/usr/bin/env bats
# What becomes of a dump and of a load when sessions or the server go away under them, and what timeouts do.

load helper
load db

# terminate DB CONDITION: ends these sessions of it, of which there must be some.
terminate() {
    [[ $(sql postgres "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity a WHERE datname = '$1' AND ($2)") != 0 ]]
}

# The dump's first connection.
leader="application_name = 'bk-dump' AND backend_start =
    (SELECT min(backend_start) FROM pg_stat_activity o WHERE o.datname = a.datname AND o.application_name = 'bk-dump')"

# hold_three: a dump by three connections in the middle of a table, behind which there is another.
hold_three() {
    a=$(newdb)
    dense "$a" t 30000
    sql "$a" 'CREATE TABLE later AS SELECT generate_series(1, 1000) AS i'
    hold "$a" -j 3
    wait_until no_sessions "$a" "application_name = 'pg_dump'"
}

# no_end WORDS: the held dump fails, and says it down the pipe.
no_end() {
    let_go 1
    matches "$1" "$(<"$BATS_TEST_TMPDIR/words")"
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/held.bk"
    matches "bk-dump gave up: " "$stderr"
}

@test "the first connection is killed, and with its locks a table loses its rows: no END" {
    hold_three
    terminate "$a" "$leader"
    sql "$a" 'TRUNCATE later'
    no_end 'cannot (copy public.t|share the snapshot): '
    wait_until no_sessions "$a"
}

@test "another connection is killed: no END" {
    hold_three
    terminate "$a" "application_name = 'bk-dump' AND NOT ($leader)"
    no_end 'cannot copy public.t: '
    wait_until no_sessions "$a"
}

@test "pg_dump's session is killed: no END" {
    pg_dump_waits -j 2 --lock-wait 1000
    terminate "$a" "application_name = 'pg_dump'"
    dump_fails 'pg_dump: error: .*terminating connection.*pg_dump failed with status 1'
}

@test "a session is killed while the dump waits for its first locks: status 1, and nothing of a stream" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t ()'
    session_open "$a"
    say 'BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE'
    dump
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock'"
    terminate "$a" "application_name = 'bk-dump'"
    dump_fails 'cannot lock the tables: .*terminating connection'
    [[ ! -s $BATS_TEST_TMPDIR/held.bk ]]
}

# The server of this test alone, with a database to dump or to load.
own_database() {
    own_server synchronous_commit=on # it must come up again as it was
    a=src
    createdb -T template0 src
    dense src t 30000
}

@test "the server stops at once in the middle of a dump: no END" {
    own_database
    for jobs in 1 3; do
        hold src -j "$jobs"
        control stop -m immediate
        no_end 'cannot copy public.t: '
        control start
        rm -r "$BATS_TEST_TMPDIR"/{out,g.held,g.gate}
    done
}

# load_held JOBS BYTES: a load of the database src into dst, from a pipe that is held after so many bytes.
load_held() {
    createdb -T template0 dst
    bk-dump -d src >"$BATS_TEST_TMPDIR/a.bk"
    new_gate "$BATS_TEST_TMPDIR/g"
    mkfifo "$BATS_TEST_TMPDIR/in"
    gate "$BATS_TEST_TMPDIR/g" "$2" <"$BATS_TEST_TMPDIR/a.bk" >"$BATS_TEST_TMPDIR/in" 3>&- &
    started+=("$!")
    bk-load -d dst -j "$1" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until held "$BATS_TEST_TMPDIR/g"
    wait_until some_sessions dst "query ~ '^COPY'"
}

# The server comes up again, and the target says what it is.
load_failed() {
    ends 1 "$loader"
    matches "$1" "$(<"$BATS_TEST_TMPDIR/words")"
    matches "the database 'dst' is not finished" "$(<"$BATS_TEST_TMPDIR/words")"
    control start
    is_marked dst
    fails 4 bk-load -d dst <"$BATS_TEST_TMPDIR/a.bk"
    fails 4 bk-dump -d dst
}

@test "the server stops at once in the middle of a load's rows: the target says that it is not finished" {
    own_database
    load_held 2 5000000
    control stop -m immediate
    open_gate "$BATS_TEST_TMPDIR/g"
    load_failed 'cannot load public.t: '
}

@test "the server stops at once while a load makes indexes: the target says that it is not finished" {
    own_database
    sql src "CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN \$1; END';
        CREATE INDEX ON t (public.waits(id))"
    createdb -T template0 dst
    bk-dump -d src >"$BATS_TEST_TMPDIR/a.bk"
    session_open dst
    say 'SELECT pg_advisory_lock(1)'
    bk-load -d dst <"$BATS_TEST_TMPDIR/a.bk" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until some_sessions dst "wait_event = 'advisory'"
    control stop -m immediate
    load_failed 'cannot |pg_restore failed'
}

# ends_a_load CONDITION: these sessions are killed while the load makes an index.
ends_a_load() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN \$1; END';
        CREATE TABLE t AS SELECT 1 AS x; CREATE INDEX ON t (public.waits(x)); CREATE INDEX ON t (x)"
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    session_open "$b"
    say 'SELECT pg_advisory_lock(1)'
    bk-load -d "$b" -j 2 <"$BATS_TEST_TMPDIR/a.bk" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until some_sessions "$b" "wait_event = 'advisory'"
    terminate "$b" "$1"
    say 'SELECT pg_advisory_unlock(1)'
    ends 1 "$loader"
    matches "$2" "$(<"$BATS_TEST_TMPDIR/words")"
    is_marked "$b"
}

@test "pg_restore's session is killed: the target says that it is not finished" {
    ends_a_load "application_name = 'pg_restore' AND wait_event = 'advisory'" 'pg_restore .*while making indexes and constraints'
}

@test "bk-load's own session is killed while pg_restore is at work: the target says that it is not finished" {
    ends_a_load "application_name = 'bk-load'" 'terminating connection due to administrator command'
}

# short_timeouts WHAT: a role or a database.
short_timeouts() {
    local setting
    for setting in statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout; do
        sql postgres "ALTER $1 SET $setting = '200ms'"
    done
}

@test "a role's timeouts end no dump" {
    a=$(newdb) role=$(newrole --superuser)
    dense "$a" t 30000
    sql "$a" 'CREATE TABLE late ()'
    short_timeouts "ROLE $role"
    # Each in turn: waiting for a lock, in a statement, idle.
    session_open "$a"
    say 'BEGIN; LOCK TABLE late IN ACCESS EXCLUSIVE MODE'
    PGUSER=$role dump -j 2
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock' AND now() - state_change > '300ms'"
    say COMMIT
    ends 0 "$dump"
    PGUSER=$role hold "$a" -j 2
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND now() - state_change > '400ms'"
    let_go 0
    bk-verify -qn <"$BATS_TEST_TMPDIR/held.bk"
}

@test "the role's and the database's timeouts end no load" {
    a=$(newdb) b=$(newdb) role=$(newrole --superuser)
    sql "$a" "CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN \$1; END';
        CREATE TABLE t AS SELECT generate_series(1, 10000) AS x; CREATE INDEX ON t (public.waits(x)); CREATE TABLE u AS SELECT 1 AS x"
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    size=$(stat -c %s "$BATS_TEST_TMPDIR/a.bk")
    short_timeouts "ROLE $role"
    short_timeouts "DATABASE $b"
    PGOPTIONS='-c idle_session_timeout=0' session_open "$b"
    say 'SELECT pg_advisory_lock(1)'
    new_gate "$BATS_TEST_TMPDIR/g"
    mkfifo "$BATS_TEST_TMPDIR/in"
    # All of the stream but its end, so that connections wait for rows.
    gate "$BATS_TEST_TMPDIR/g" $((size - 1000)) <"$BATS_TEST_TMPDIR/a.bk" >"$BATS_TEST_TMPDIR/in" 3>&- &
    started+=("$!")
    PGUSER=$role bk-load -q -d "$b" -j 2 --no-properties <"$BATS_TEST_TMPDIR/in" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until some_sessions "$b" "application_name = 'bk-load' AND state = 'idle' AND now() - state_change > '400ms'"
    open_gate "$BATS_TEST_TMPDIR/g"
    wait_until some_sessions "$b" "application_name = 'pg_restore' AND wait_event = 'advisory' AND now() - state_change > '400ms'"
    say 'SELECT pg_advisory_unlock(1)'
    ends 0 "$loader"
    "$cmpdb" -d "$a" "$b"
}
