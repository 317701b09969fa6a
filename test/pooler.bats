#!/usr/bin/env bats
# Poolers between the tools and the server: sessions that are kept, or a refusal that changes nothing.

load helper
load db

server_host=$PGHOST server_port=$PGPORT

# bouncer HOST NAME=VALUE...: a pgbouncer in front of the server at HOST (a list of socket folders), in place of the one
# before. From then on libpq's environment leads to it, and `direct` to the server. As root it is run by nobody.
bouncer() {
    local host=$1 setting as_owner=()
    shift
    no_bouncer
    dir=$(mktemp -d)
    direct sql postgres "SELECT format('\"%s\" \"\"', rolname) FROM pg_roles" >"$dir/users"
    {
        printf '[databases]\n* = host=%s port=%s\n[pgbouncer]\n' "$host" "$server_port"
        printf '%s\n' 'listen_addr =' 'listen_port = 6499' "unix_socket_dir = $dir" 'auth_type = trust' "auth_file = $dir/users"
        for setting in "$@"; do
            printf '%s = %s\n' "${setting%%=*}" "${setting#*=}"
        done
    } >"$dir/ini"
    if ((EUID == 0)); then
        as_owner=(setpriv --reuid=nobody --regid="$(id -g nobody)" --init-groups)
        chown -R nobody "$dir"
    fi
    chmod 755 "$dir"
    "${as_owner[@]}" pgbouncer -q "$dir/ini" >"$BATS_TEST_TMPDIR/bouncer.log" 2>&1 3>&- &
    bouncer=$!
    wait_until test -S "$dir/.s.PGSQL.6499"
    export PGHOST=$dir PGPORT=6499
}

no_bouncer() {
    [[ ${bouncer:-} ]] || return 0
    kill -9 "$bouncer" 2>/dev/null || true
    wait "$bouncer" 2>/dev/null || true
    rm -rf "$dir"
}

# direct COMMAND...: past the pooler.
direct() {
    PGHOST=$server_host PGPORT=$server_port "$@"
}

teardown() {
    local pid
    for pid in "${started[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    no_bouncer
    [[ ! ${other:-} ]] || "$BATS_TEST_DIRNAME/pg.sh" stop "$other" || rm -rf "$other"
    PGHOST=$server_host PGPORT=$server_port
    drop_all
}

# idle DATABASE COUNT: leaves so many server sessions in the pool, which have been used before.
idle() {
    local i pids=()
    direct session_open "$1"
    say 'SELECT pg_advisory_lock(1)'
    for ((i = 0; i < $2; i++)); do
        psql -X -q -d "$1" -c 'SELECT pg_advisory_xact_lock_shared(1)' >/dev/null 3>&- &
        pids+=("$!")
    done
    wait_until has_waiting "$1" "$2"
    kill "$SESSION_PID"
    wait "$SESSION_PID" || true
    for i in "${pids[@]}"; do
        wait "$i"
    done
}

has_waiting() {
    [[ $(direct sessions "$1" "wait_event = 'advisory'") == "$2" ]]
}

# not_kept MODE: neither dump nor load, whatever the pool looks like; and no trace of them in the pool's sessions.
not_kept() {
    local size turns before path
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS x'
    path=$(sql "$a" 'SHOW search_path')
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    for turns in 0 1; do
        for size in 1 2 5; do
            for before in $(seq 0 "$((size < 4 ? size : 4))"); do
                bouncer "$server_host" pool_mode="$1" default_pool_size="$size" server_round_robin="$turns"
                idle "$a" "$before"
                fails 4 bk-dump -d "$a"
                same "$output" ''
                matches 'does not keep sessions: .*'$'\n''.*hint: .*session mode' "$stderr"
                same "$(sql "$a" 'SHOW search_path')" "$path"
                idle "$b" "$before"
                fails 4 bk-load -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
                same "$(sql "$b" 'SHOW search_path')" "$path"
            done
        done
    done
    direct is_untouched "$b"
}

@test "transaction mode is refused" { not_kept transaction; }
@test "statement mode is refused" { not_kept statement; }

# kept SETTING...: all works, with pg_dump and pg_restore.
kept() {
    a=$(mixed) b=$(newdb) path=$(sql postgres 'SHOW search_path')
    fill "$a" t 2500
    sql postgres "ALTER DATABASE $a SET default_transaction_read_only = on"
    bouncer "$server_host" pool_mode=session "$@"
    idle "$a" 2
    circle "$a" "$b"
    direct "$cmpdb" -d "$a" "$b"
    # What was set for us is not left to others.
    same "$(sql "$a" 'SHOW search_path')" "$path"
}

@test "session mode: dump and load" { kept; }
@test "session mode, sessions by turns: dump and load" { kept server_round_robin=1; }
@test "session mode, with as many sessions as are needed: dump and load" { kept default_pool_size=3; }

@test "session mode without a second session: status 1 in bounded time" {
    a=$(newdb) b=$(newdb)
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    bouncer "$server_host" pool_mode=session default_pool_size=1 query_wait_timeout=1
    fails 1 bk-dump -d "$a" -j 1
    same "$output" ''
    matches 'no second session for us: .*query_wait_timeout' "$stderr"
    bouncer "$server_host" pool_mode=session default_pool_size=1 query_wait_timeout=0
    fails 1 bk-load -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
    matches 'no second session for us: we waited for 10 s' "$stderr"
    direct is_untouched "$b"
}

@test "session mode without a session for each connection: status 1 in bounded time, and no END" {
    a=$(newdb)
    dense "$a" t 30000
    long_definition "$a"
    bouncer "$server_host" pool_mode=session default_pool_size=2 query_wait_timeout=1
    # Nobody reads at first, so whoever has a session keeps it, be it pg_dump or a connection for rows.
    mkfifo "$BATS_TEST_TMPDIR/out"
    bk-dump -d "$a" -j 3 >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    dump=$!
    started+=("$dump")
    exec {out}<"$BATS_TEST_TMPDIR/out"
    wait_until grep -q query_wait_timeout "$BATS_TEST_TMPDIR/words"
    cat <&"$out" >"$BATS_TEST_TMPDIR/a.bk"
    ends 1 "$dump"
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/a.bk"
    matches 'bk-dump gave up: ' "$stderr"
}

@test "a pooler that spreads sessions over two servers" {
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS x'
    bk-dump -d "$a" >"$BATS_TEST_TMPDIR/a.bk"
    other=$(mktemp -d)
    environment=$("$BATS_TEST_DIRNAME/pg.sh" start "$other")
    (
        eval "$environment"
        createdb "$a"
        createdb "$b"
    )
    bouncer "$server_host,$other" pool_mode=session
    fails 1 bk-dump -d "$a"
    same "$output" ''
    matches 'two connections lead to different places: database [0-9]+ of the server [0-9]+ started at' "$stderr"
    fails 1 bk-load -d "$b" <"$BATS_TEST_TMPDIR/a.bk"
    matches 'two connections lead to different places' "$stderr"
    direct is_untouched "$b"
    PGHOST=$other PGPORT=$server_port is_untouched "$b"
}
