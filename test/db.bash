# shellcheck shell=bash disable=SC2034,SC2154 # variables that the tests use, or that bats and helper.bash set
# db.bash - what the tests share that have a database to back up. Loaded behind helper.bash.

frames=$BUILD/test/frames       # make test-tools
streamend=$BUILD/test/streamend # make test-programs
cmpdb=$BATS_TEST_DIRNAME/cmpdb.sh
started=() # processes that do not outlive the test: COMMAND 3>&- & started+=("$!")
release=0  # descriptors of gates that are still closed: see gate()

shared_host=$PGHOST shared_port=${PGPORT:-5432} # the server of all tests

teardown() {
    local pid
    for pid in "${started[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    if [[ ${server:-} ]]; then
        "$BATS_TEST_DIRNAME/pg.sh" stop "$server" || rm -rf "$server"
    fi
    PGHOST=$shared_host PGPORT=$shared_port drop_all
}

# own_server NAME=VALUE...: a server for this test alone.
own_server() {
    local environment
    server=$(mktemp -d)
    environment=$("$BATS_TEST_DIRNAME/pg.sh" start "$server" "$@")
    eval "$environment"
}

# control VERB [OPTION...]: pg_ctl for one's own server.
control() {
    local as_owner=()
    ((EUID != 0)) || as_owner=(setpriv --reuid="$(stat -c %u "$server/data")" --regid="$(stat -c %g "$server/data")" --init-groups)
    "${as_owner[@]}" pg_ctl "$@" -w -s -D "$server/data" -l "$server/log" >/dev/null 3>&-
}

# mixed: makes a database with a little of everything, and prints its name.
mixed() {
    local db role
    db=$(newdb)
    role=$(newrole)
    psql -X -q -v ON_ERROR_STOP=1 -v role="$role" -d "$db" -f "$BATS_TEST_DIRNAME/mixed.sql" >/dev/null 2>"$BATS_TEST_TMPDIR/mixed" || {
        cat "$BATS_TEST_TMPDIR/mixed" >&2
        return 1
    }
    echo "$db"
}

# fill DB TABLE PAGES [EXPRESSION]: a table of so many pages, with a row of about 800 bytes in each.
fill() {
    sql "$1" "CREATE TABLE $2 (id int, words text) WITH (fillfactor = 10);
        INSERT INTO $2 SELECT i, ${4:-repeat(md5(i::text), 24)} FROM generate_series(1, $3) i"
}

# dense DB TABLE ROWS: a table of rows of about 800 bytes, so that a part of it is 8 MB.
dense() {
    sql "$1" "CREATE TABLE $2 AS SELECT i AS id, repeat(md5(i::text), 24) AS words FROM generate_series(1, $3) i"
}

# Words for fill() that get half as long at best.
noise="(SELECT string_agg(md5(i || ' ' || k), '') FROM generate_series(1, 24) k)"

# long_definition DB: a function of 4 MB, so that whoever does not read the stream holds up pg_dump.
long_definition() {
    sql "$1" "DO \$do\$ BEGIN
        EXECUTE format('CREATE FUNCTION long() RETURNS int LANGUAGE sql AS %L', 'SELECT 1 -- ' || repeat(md5('x'), 125000));
    END \$do\$"
}

# gate NAME BYTES: copies so many bytes from standard input to standard output, then makes the file NAME.held, and goes
# on only after `open_gate NAME`.
gate() {
    head -c "$2"
    : >"$1.held"
    read -r _ <"$1.gate"
    exec cat
}

# new_gate NAME: before gate NAME is started.
new_gate() {
    mkfifo "$1.gate"
}

open_gate() {
    # Not to wait if the gate is not there any more.
    exec {release}<>"$1.gate"
    echo >&"$release"
}

held() {
    [[ -e $1.held ]]
}

# hold DB OPTION...: a dump whose stream nobody reads beyond its first megabytes, until open_gate.
hold() {
    local db=$1
    shift
    mkfifo "$BATS_TEST_TMPDIR/out"
    new_gate "$BATS_TEST_TMPDIR/g"
    bk-dump -d "$db" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    dump=$!
    started+=("$dump")
    gate "$BATS_TEST_TMPDIR/g" 1200000 <"$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/held.bk" 3>&- &
    holder=$!
    started+=("$holder")
    wait_until held "$BATS_TEST_TMPDIR/g"
}

# let_go STATUS: the held dump goes on, and must end so.
let_go() {
    open_gate "$BATS_TEST_TMPDIR/g"
    ends "$1" "$dump"
    ends 0 "$holder"
}

# dump OPTION...: in the background, into held.bk.
dump() {
    bk-dump -d "$a" "$@" >"$BATS_TEST_TMPDIR/held.bk" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    dump=$!
    started+=("$dump")
}

# dump_fails WORDS: the dump in the background ends with status 1 and these words, without END, and without sessions.
dump_fails() {
    ends 1 "$dump" # wait says it again if it has been asked before
    matches "$1" "$(<"$BATS_TEST_TMPDIR/words")"
    fails 3 bk-verify -n <"$BATS_TEST_TMPDIR/held.bk"
    wait_until no_sessions "$a" "application_name IN ('bk-dump', 'pg_dump')"
}

# truncate_behind TABLE: somebody waits for an exclusive lock.
truncate_behind() {
    PGAPPNAME=waits psql -X -q -d "$a" -c "TRUNCATE $1" 3>&- &
    started+=("$!")
    wait_until some_sessions "$a" "application_name = 'waits' AND wait_event_type = 'Lock'"
}

# pg_dump behind a lock that waits for the leader's. The leader has "first" already when it waits for "second".
pg_dump_waits() {
    a=$(newdb)
    sql "$a" 'CREATE TABLE first (); CREATE TABLE second ()'
    session_open "$a"
    say 'BEGIN; LOCK TABLE second IN ACCESS EXCLUSIVE MODE'
    dump "$@"
    wait_until some_sessions "$a" "application_name = 'bk-dump' AND wait_event_type = 'Lock'"
    truncate_behind first
    say 'COMMIT'
    wait_until some_sessions "$a" "application_name = 'pg_dump' AND wait_event_type = 'Lock'"
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

# is_program PID NAME: has the process become this program?
is_program() {
    [[ $(readlink "/proc/$1/exe") == */"$2" ]]
}

# ends STATUS PID: the process, one of ours, must end with this status.
ends() {
    local got=0
    wait "$2" || got=$?
    if [[ $got != "$1" ]]; then
        printf 'process %s ended with status %s and not %s\n' "$2" "$got" "$1" >&2
        return 1
    fi
}

# is_true DB QUERY: does it return t?
is_true() {
    [[ $(sql "$1" "$2") == t ]]
}

# sessions DB [CONDITION]: how many there are of a database's, but for the asking one.
sessions() {
    sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = '$1' AND (${2:-true})"
}

no_sessions() {
    [[ $(sessions "$@") == 0 ]]
}

some_sessions() {
    ! no_sessions "$@"
}

# A session that stays: session_open DB, then `say SQL` as often as needed.
session_open() {
    coproc SESSION { exec psql -X -q -At -d "$1" 2>&1 3>&-; }
    session_in=${SESSION[1]}
    session_out=${SESSION[0]}
    started+=("$SESSION_PID")
}

# say SQL: prints what it returns, once it is done.
say() {
    local line
    printf '%s;\n\\echo done with it\n' "$1" >&"$session_in"
    while read -r -t 30 line <&"$session_out"; do
        [[ $line != 'done with it' ]] || return 0
        printf '%s\n' "$line"
        [[ $line != *ERROR:* ]] || return 1
    done
    return 1
}

is_marked() {
    is_true "$1" "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'bk_incomplete')"
}

# is_untouched DB: nothing is in it that is not in a new database.
is_untouched() {
    same "$(pg_dump --schema-only "$1" | grep -Ev '^(--|SET|SELECT|\\(un)?restrict|$)')" ''
    ! is_marked "$1"
}

# circle A B [COMMAND-OF-DUMP... -- COMMAND-OF-LOAD...]: the full circle, from one database into an empty one.
circle() {
    local file=$BATS_TEST_TMPDIR/circle.$2.bk
    pipe "bk-dump -d '$1' -j 2 | bk-zstd | bk-sum | bk-put -q '$file'"
    same "$stages $stderr" '0 0 0 0 '
    pipe "bk-get '$file' | bk-verify -q | bk-zstd -d | bk-verify -q | bk-load -q -d '$2' -j 2"
    same "$stages $stderr" '0 0 0 0 0 '
    rm "$file"
}
