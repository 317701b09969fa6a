#!/usr/bin/env bats
# bk-dump on a standby: the same as of its primary but for what a standby does not have; and what its recovery takes back.

load helper
load db

# A primary, and a hot standby of it that waits for nobody: a conflict ends who is in the way at once. $primary and $standby
# are their folders, libpq's environment leads to the primary.
setup_file() {
    export primary standby environment
    primary=$(mktemp -d) standby=$(mktemp -d)
    environment=$("$BATS_TEST_DIRNAME/pg.sh" start "$primary" autovacuum=off)
    eval "$environment"
    "$BATS_TEST_DIRNAME/pg.sh" standby "$standby" "$primary" max_standby_streaming_delay=0
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true # recovery is the whole server's
}

teardown_file() {
    "$BATS_TEST_DIRNAME/pg.sh" stop "$standby" || rm -rf "$standby"
    "$BATS_TEST_DIRNAME/pg.sh" stop "$primary" || rm -rf "$primary"
}

setup() {
    eval "$environment"
}

# there COMMAND...: on the standby.
there() {
    PGHOST=$standby "$@"
}

# log_end: where the primary's log ends, all of which goes out.
log_end() {
    sql postgres 'SELECT pg_current_wal_insert_lsn()'
    sql postgres 'SELECT txid_current()' >/dev/null
}

# replayed LSN: is the standby there?
replayed() {
    there is_true postgres "SELECT pg_last_wal_replay_lsn() >= '$1'"
}

# caught_up: what is there on the primary is there on the standby.
caught_up() {
    wait_until replayed "$(log_end)"
}

# drop_unlogged DB
drop_unlogged() {
    sql "$1" 'DROP TABLE unlogged, "un logged", p, p1 CASCADE; DROP SEQUENCE lonely'
}

@test "a dump of a standby is one of its primary, without what is unlogged" {
    a=$(mixed) b=$(newdb)
    fill "$a" t 2500
    sql "$a" 'CREATE UNLOGGED TABLE "un logged" (id serial, x int); INSERT INTO "un logged" (x) VALUES (1);
        CREATE UNLOGGED TABLE p (x int) PARTITION BY RANGE (x); CREATE UNLOGGED TABLE p1 PARTITION OF p DEFAULT; INSERT INTO p VALUES (1);
        CREATE UNLOGGED SEQUENCE lonely START 7; CREATE SEQUENCE used'
    caught_up
    there bk-dump -q -d "$a" -j 2 2>"$BATS_TEST_TMPDIR/words" >"$BATS_TEST_TMPDIR/a.bk"
    same "$(wc -l <"$BATS_TEST_TMPDIR/words")" 1
    matches 'left out are public."un logged", public."un logged_id_seq", public.lonely, public.p1, public.unlogged, public.unlogged_b_seq' \
        "$(<"$BATS_TEST_TMPDIR/words")"
    bk-ls -J <"$BATS_TEST_TMPDIR/a.bk" >"$BATS_TEST_TMPDIR/list"
    run ! grep -E 'logged|"p1"' "$BATS_TEST_TMPDIR/list"
    bk-load -q -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
    same "$(sql "$b" 'SELECT count(*) FROM unlogged')" 0
    same "$(sql "$b" "SELECT nextval('lonely')")" 7
    drop_unlogged "$a"
    drop_unlogged "$b"
    caught_up
    # A sequence may be some values further on the standby, as the log has it.
    "$cmpdb" -d "dbname=$a host=$standby" "$b"
    run "$cmpdb" -d "$a" "$b"
    same "$(grep -v '^sequence' <<<"$output")" ''
}

# Reads of a table's toast's index must wait on the standby, in the middle of what bk-dump reads to begin with.
hold_begin() {
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE TABLE t (x text); CREATE TABLE u AS SELECT generate_series(1, 1000) AS i'
    session_open "$a"
    say "BEGIN; REINDEX INDEX pg_toast.pg_toast_$(sql "$a" "SELECT 't'::regclass::oid")_index" >/dev/null
    caught_up
    PGHOST=$standby bk-dump -v -d "$a" >"$BATS_TEST_TMPDIR/a.bk" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    dump=$!
    started+=("$dump")
    wait_until there some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock'"
}

# Takes away row versions that snapshots of before may need.
vacuum() {
    sql "$a" 'DELETE FROM u WHERE i % 2 = 0'
    sql "$a" 'VACUUM u'
    caught_up
}

begun_again() {
    grep -q 'beginning again: .*conflict with recovery' "$BATS_TEST_TMPDIR/words"
}

right_after_all() {
    ends 0 "$dump"
    begun_again
    same "$(bk-ls -J <"$BATS_TEST_TMPDIR/a.bk" | jq -r 'select(.name == "u").rows')" 500
    bk-load -q -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
    "$cmpdb" -d "$a" "$b"
}

@test "a conflict before anything was written: begins again" {
    hold_begin
    sql "$a" 'TRUNCATE u; INSERT INTO u SELECT generate_series(1, 500)' # VACUUM would have to wait for the other session
    wait_until begun_again
    say COMMIT
    right_after_all
}

@test "a conflict that ends the session before anything was written: begins again" {
    hold_begin
    kill -STOP "$dump"
    say COMMIT
    wait_until there some_sessions "$a" "application_name = 'bk-dump' AND state = 'idle in transaction'"
    vacuum
    wait_until there no_sessions "$a" "application_name = 'bk-dump'"
    kill -CONT "$dump"
    right_after_all
}

# A dump in the middle of its rows.
hold_rows() {
    a=$(newdb) b=$(newdb)
    dense "$a" t 30000
    sql "$a" 'CREATE TABLE u AS SELECT generate_series(1, 1000) AS i'
    caught_up
    PGHOST=$standby hold "$a" "$@"
}

# recovery_met LSN: it got there, and has ended who was in the way; or it waits for a backend that ends only when it has
# got rid of its rows.
recovery_met() {
    local pid
    pid=$(there sql postgres "SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'")
    replayed "$1" || tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q waiting
}

# ended_by SQL OPTION...: what the primary does then ends the dump: a failure that says what to do, and no END.
ended_by() {
    local statement=$1
    shift
    hold_rows "$@"
    sql "$a" 'DELETE FROM u WHERE i % 2 = 0'
    sql "$a" "$statement"
    wait_until recovery_met "$(log_end)"
    let_go 1
    matches 'conflict with recovery.*hint: .*hot_standby_feedback.*max_standby_streaming_delay' "$(<"$BATS_TEST_TMPDIR/words")"
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/held.bk"
    matches 'bk-dump gave up: .*conflict with recovery' "$stderr"
    wait_until there no_sessions "$a"
}

@test "VACUUM on the primary in the middle of a dump, one connection: no END" { ended_by 'VACUUM u' -j 1; }
@test "VACUUM on the primary in the middle of a dump, three connections: no END" { ended_by 'VACUUM u' -j 3; }
@test "TRUNCATE on the primary in the middle of a dump, one connection: no END" { ended_by 'TRUNCATE u' -j 1; }
@test "TRUNCATE on the primary in the middle of a dump, three connections: no END" { ended_by 'TRUNCATE u' -j 3; }

feedback() {
    PGHOST=$standby psql -X -q -d postgres -c "ALTER SYSTEM SET hot_standby_feedback = $1" -c 'SELECT pg_reload_conf()' >/dev/null
}

@test "VACUUM on the primary in the middle of a dump, with hot_standby_feedback: all rows" {
    feedback on
    hold_rows -j 3
    wait_until is_true postgres 'SELECT count(*) = 1 FROM pg_stat_replication WHERE backend_xmin IS NOT NULL'
    vacuum
    let_go 0
    feedback off
    bk-load -q -d "$b" <"$BATS_TEST_TMPDIR/held.bk"
    same "$(sql "$b" 'SELECT (SELECT count(*) FROM u), (SELECT count(*) FROM t)')" '1000|30000'
}

@test "a conflict that ends pg_dump: status 1, and what to do" {
    a=$(newdb)
    dense "$a" t 30000
    long_definition "$a"
    caught_up
    PGHOST=$standby hold "$a" -j 2
    sql "$a" 'TRUNCATE t'
    wait_until there no_sessions "$a" "application_name = 'pg_dump'"
    let_go 1
    matches 'hint: .*hot_standby_feedback' "$(<"$BATS_TEST_TMPDIR/words")"
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/held.bk"
}
