#!/usr/bin/env bats
# bk-dump and bk-load where time, locks or connections are short: a right backup, or a clear failure.

load helper
load db

@test "a lock that does not come: whose it is" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE "odd table" (); CREATE TABLE later ()'
    session_open "$a"
    holder=$(say 'SELECT pg_backend_pid()')
    say 'BEGIN; LOCK TABLE "odd table" IN ACCESS EXCLUSIVE MODE'
    dump --lock-wait 1
    dump_fails "cannot lock all tables within 1 s: public.\"odd table\" is locked by process $holder \(psql, idle in transaction\)"
    matches 'hint: .*--lock-wait' "$(<"$BATS_TEST_TMPDIR/words")"
    [[ ! -s $BATS_TEST_TMPDIR/held.bk ]]
}

@test "a lock that does not come, as somebody else waits for his: both are named" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t ()'
    session_open "$a"
    holder=$(say 'SELECT pg_backend_pid()')
    say 'BEGIN; SELECT FROM t'
    truncate_behind t
    dump --lock-wait 1
    dump_fails "public.t is wanted by process [0-9]+ \(waits, active\), which waits for process $holder \(psql, idle in transaction\)"
}

@test "a lock that does not come, by a prepared transaction" {
    own_server max_prepared_transactions=1
    a=postgres
    sql "$a" 'CREATE TABLE t ()'
    sql "$a" "BEGIN; LOCK TABLE t; PREPARE TRANSACTION 'x'"
    dump --lock-wait 1
    dump_fails "public.t is locked by a prepared transaction"
}

@test "the time to wait is for all tables and tries together" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE first (); CREATE TABLE second ()'
    session_open "$a"
    say 'SELECT pg_advisory_lock(1)'
    say 'BEGIN; LOCK TABLE first IN ACCESS EXCLUSIVE MODE; DROP TABLE first'
    PGAPPNAME=other psql -X -q -d "$a" -c 'BEGIN; LOCK TABLE second' -c 'SELECT pg_advisory_lock(1)' 3>&- &
    started+=("$!")
    wait_until some_sessions "$a" "application_name = 'other' AND wait_event = 'advisory'"
    # It waits for the one table, begins again as that is gone, and has less time to wait for the other.
    dump -v --lock-wait 6
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock' AND now() - query_start > '4 seconds'"
    say 'COMMIT'
    before=$SECONDS
    ends 1 "$dump"
    ((SECONDS - before < 5))
    dump_fails 'cannot lock all tables within 6 s: public.second is locked by process [0-9]+ \(other, active\)'
    matches 'beginning again: ' "$(<"$BATS_TEST_TMPDIR/words")"
}

@test "pg_dump gets no lock: whose it is, one connection" {
    pg_dump_waits -j 1 --lock-wait 2
    dump_fails 'hint: .*--lock-wait.*: public.first is wanted by process [0-9]+ \(waits, active\), which waits for process [0-9]+ \(bk-dump,'
}

@test "pg_dump gets no lock: whose it is, three connections" {
    pg_dump_waits -j 3 --lock-wait 2
    dump_fails 'hint: .*--lock-wait.*: public.first is wanted by process [0-9]+ \(waits, active\), which waits for process [0-9]+ \(bk-dump,'
}

@test "kill -9 while it waits for a lock: the session ends as well" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t ()'
    session_open "$a"
    say 'BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE'
    dump --lock-wait 1000
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock'"
    kill -9 "$dump"
    wait_until no_sessions "$a" "application_name = 'bk-dump'"
}

late='not done within [0-9] s, as --max-time demands'

@test "--max-time: in time" {
    a=$(newdb)
    bk-dump -d "$a" --max-time 1000 | bk-verify -nq
}

@test "--max-time: it waits for a lock" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t ()'
    session_open "$a"
    say 'BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE'
    dump --max-time 1
    dump_fails "$late"
}

@test "--max-time: it waits for pg_dump" {
    pg_dump_waits -j 2 --max-time 3
    dump_fails "$late"
}

# Nobody reads the stream any more: all that can be done is not to write its end.
stalled() {
    a=$(newdb)
    dense "$a" t 30000
    hold "$a" --max-time 3 "$@"
    ends 1 "$dump"
    wait_until no_sessions "$a"
    matches "$late" "$(<"$BATS_TEST_TMPDIR/words")"
    let_go_of_gate
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/held.bk"
}

let_go_of_gate() {
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 0 "$holder"
}

@test "--max-time: nobody reads the stream, one connection" { stalled -j 1; }
@test "--max-time: nobody reads the stream, three connections" { stalled -j 3; }

@test "--max-time: it waits for a server that does not answer" {
    a=$(newdb)
    mkfifo "$BATS_TEST_TMPDIR/never"
    # A program that listens, and says nothing.
    perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die; open my $f, "<", $ARGV[1]' \
        "$BATS_TEST_TMPDIR/.s.PGSQL.1" "$BATS_TEST_TMPDIR/never" 3>&- &
    started+=("$!")
    wait_until test -S "$BATS_TEST_TMPDIR/.s.PGSQL.1"
    fails 1 bk-dump -d "host=$BATS_TEST_TMPDIR port=1 dbname=x" --max-time 1
    matches "$late" "$stderr"
}

# many DB COUNT WHAT: objects s1, s2, ... by CREATE WHAT, where % is the number. Not in one transaction.
many() {
    sql "$1" "DO \$\$ BEGIN FOR i IN 1..$2 LOOP EXECUTE replace('CREATE $3', '%', i::text);
        IF i % 50 = 0 THEN COMMIT; END IF; END LOOP; END \$\$"
}

@test "fewer locks than tables: refused with the number that is enough, and it is" {
    own_server max_locks_per_transaction=10 max_connections=10
    a=src
    createdb "$a"
    many "$a" 700 'TABLE s% AS SELECT % AS x'
    dump -j 2
    dump_fails 'warning: 700 tables and sequences must be locked, and the server is sure to have room for 100 locks'
    matches 'out of shared memory' "$(<"$BATS_TEST_TMPDIR/words")"
    matches 'hint: set max_locks_per_transaction = 120 on the server \(now 10\)' "$(<"$BATS_TEST_TMPDIR/words")"
    sql postgres 'ALTER SYSTEM SET max_locks_per_transaction = 120'
    control restart
    fails 0 bk-dump -d "$a" -j 4
    same "$stderr" ''
}

@test "fewer locks than sequences: the same" {
    own_server max_locks_per_transaction=10 max_connections=10
    a=src
    createdb "$a"
    many "$a" 1000 'SEQUENCE s%'
    dump -j 1
    dump_fails 'hint: set max_locks_per_transaction = 150 on the server \(now 10\)'
}

@test "a load needs few locks, however much there is" {
    a=$(newdb)
    many "$a" 1000 'SEQUENCE s% START 7'
    many "$a" 1000 "TABLE t% AS SELECT nextval(''s%'')"
    sql "$a" "SELECT lo_create(i), lo_put(i, 0, 'x') FROM generate_series(1, 2500) i" >/dev/null
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    own_server max_locks_per_transaction=10 max_connections=10
    createdb -T template0 dst
    bk-load -q -d dst -j 2 <"$BATS_TEST_TMPDIR/a.bk"
    same "$(sql dst 'SELECT a.last_value, b.last_value FROM s1 a, s1000 b')" '7|7'
    same "$(sql dst 'SELECT count(*) FROM pg_largeobject_metadata')" 2500
}

# locks_of_others COUNT: no connection of a dump's, but for its leader, has more locks.
locks_of_others() {
    is_true "$a" "SELECT coalesce((array_agg(n ORDER BY n DESC))[2], 0) BETWEEN 1 AND $1 FROM (SELECT count(*) AS n FROM pg_locks
        WHERE pid IN (SELECT pid FROM pg_stat_activity WHERE datname = '$a' AND application_name = 'bk-dump') GROUP BY pid) c"
}

@test "only the first connection keeps locks on all tables" {
    a=$(newdb)
    many "$a" 1500 'TABLE s% AS SELECT % AS x'
    dense "$a" t 30000 # the last one
    hold "$a" -j 3
    wait_until no_sessions "$a" "application_name = 'pg_dump'"
    locks_of_others 120
    let_go 0
    bk-ls -J <"$BATS_TEST_TMPDIR/held.bk" | jq -r 'select(.type == "table") | .rows' | sort | uniq -c >"$BATS_TEST_TMPDIR/rows"
    same "$(tr -s ' ' <"$BATS_TEST_TMPDIR/rows")" $' 1500 1\n 1 30000'
}

# ordinary: a role that may dump, but is no superuser.
ordinary() {
    role=$(newrole "$@")
    sql postgres "GRANT pg_read_all_data TO $role"
}

# short LIMIT COMMAND...: refused, as -j 4 is one more than LIMIT has left.
short() {
    local words=$1
    shift
    fails 1 "$@"
    same "$output" ''
    matches "-j 4 needs 4 more connections, and $words has 3 left: " "$stderr"
    matches 'hint: .*-j 3' "$stderr"
}

@test "fewer connections than -j needs: the server's" {
    own_server max_connections=8 superuser_reserved_connections=4
    a=src
    createdb -T template0 "$a"
    createdb -T template0 dst
    ordinary
    sql postgres "ALTER DATABASE dst OWNER TO $role"
    PGUSER=$role short 'the server \(max_connections\)' bk-dump -d "$a" -j 4
    PGUSER=$role bk-dump -d "$a" -j 3 >"$BATS_TEST_TMPDIR/a.bk"
    PGUSER=$role short 'the server \(max_connections\)' bk-load -d dst -j 4 --no-owner <"$BATS_TEST_TMPDIR/a.bk"
    is_untouched dst
    fails 0 bk-dump -d "$a" -j 7
    fails 1 bk-dump -d "$a" -j 8
}

@test "fewer connections than -j needs: the role's" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS x'
    ordinary --connection-limit=4
    PGUSER=$role short "the role $role" bk-dump -d "$a" -j 4
    PGUSER=$role bk-dump -d "$a" -j 3 | bk-verify -nq
    session_open "dbname=$a user=$role"
    say 'SELECT 1'
    wait_until one_session
    PGUSER=$role fails 1 bk-dump -d "$a" -j 3
    matches 'has 2 left' "$stderr"
}

one_session() {
    [[ $(sessions "$a") == 1 ]]
}

@test "fewer connections than -j needs: the database's" {
    a=$(newdb) b=$(newdb)
    dense "$a" t 5000
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    ordinary
    sql postgres "ALTER DATABASE $b CONNECTION LIMIT 4; ALTER DATABASE $b OWNER TO $role"
    PGUSER=$role short "the database $b" bk-load -d "$b" -j 4 --no-owner <"$BATS_TEST_TMPDIR/a.bk"
    wait_until no_sessions "$b"
    is_untouched "$b"
    wait_until no_sessions "$b"
    PGUSER=$role bk-load -q -d "$b" -j 3 --no-owner <"$BATS_TEST_TMPDIR/a.bk"
    same "$(sql "$b" 'SELECT count(*) FROM t')" 5000
}

@test "--lock-wait and --max-time take seconds" {
    for option in --lock-wait --max-time; do
        for wrong in 0 -1 x 2000001; do
            fails 2 bk-dump "$option" "$wrong"
        done
    done
}
