#!/usr/bin/env bats
# bk-load --create, --replace and --swap-back: a database that gets its name when it is complete, and not before.

load helper
load db

# family: what the test's databases are called, and what bk-load makes beside them.
family() {
    sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'bk\\_test\\_${BATS_SUITE_TEST_NUMBER}\\_$$\\_%' ORDER BY 1"
}

teardown() {
    local pid
    for pid in "${started[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    [[ ${server:-} ]] || family >>"$BATS_TEST_TMPDIR/databases"
    if [[ ${server:-} ]]; then
        "$BATS_TEST_DIRNAME/pg.sh" stop "$server" || rm -rf "$server"
    fi
    PGHOST=$shared_host PGPORT=$shared_port drop_all
}

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

oid() {
    sql postgres "SELECT oid FROM pg_database WHERE datname = '$1'"
}

# a: a small database, and a backup of it. b: another one, in whose place it is to go.
two() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE t AS SELECT i AS id, repeat(md5(i::text), 24) AS words FROM generate_series(1, 3000) i; ALTER TABLE t ADD PRIMARY KEY (id)"
    sql "$b" "CREATE TABLE t AS SELECT 1 AS id, 'old' AS words"
    bk-dump -d "$a" >"$file"
    before=$(oid "$b")
    names=$(family)
}

# Nothing has become of it.
as_before() {
    same "$(oid "$b") $(sql "$b" 'SELECT * FROM t')" "$before 1|old"
    same "$(family)" "$names"
}

# replace STATUS OPTION...: there is no terminal.
replace() {
    fails "$1" setsid -w bk-load --replace -d "$b" "${@:2}" <"${input:-$file}"
}

# replace_held BYTES OPTION...: in the background, from a pipe that is held after so many bytes.
replace_held() {
    new_gate "$BATS_TEST_TMPDIR/g"
    mkfifo "$BATS_TEST_TMPDIR/in"
    gate "$BATS_TEST_TMPDIR/g" "$1" <"$file" >"$BATS_TEST_TMPDIR/in" 3>&- &
    started+=("$!")
    bk-load --replace -d "$b" --yes "${@:2}" <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until held "$BATS_TEST_TMPDIR/g"
}

# kept: the database that was replaced.
kept() {
    family | grep "^${b}_before_"
}

@test "--create: a database with the source's encoding, locale and properties" {
    a=$(newdb -E LATIN1 --locale C)
    sql "$a" "CREATE TABLE t (x text); INSERT INTO t VALUES ('Zoë'); COMMENT ON DATABASE $a IS 'the first'; ALTER DATABASE $a SET work_mem = '5MB'"
    b=${a}_new
    bk-dump -d "$a" | bk-load -q --create -d "$b"
    "$cmpdb" "$a" "$b"
    same "$(sql postgres "SELECT pg_encoding_to_char(encoding), datcollate, datctype, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$b'")" \
        'LATIN1|C|C|the first'
    same "$(sql "$b" 'SHOW work_mem')" 5MB
    run ! is_marked "$b"
    same "$(family)" "$a
$b"
}

@test "--create and --replace: a database with a little of everything" {
    a=$(mixed) b=$(newdb)_new twin=$(newdb)
    pg_dump -Fc "$a" | pg_restore -d "$twin"
    bk-dump -d "$a" >"$file"
    bk-load -q --create -d "$b" -j 1 <"$file"
    "$cmpdb" -d "$a" "$b"
    "$cmpdb" -c "$twin" "$b"
    before=$(oid "$b")
    bk-load -q --replace -d "$b" --yes <"$file"
    "$cmpdb" -d "$a" "$b"
    "$cmpdb" -c "$twin" "$b"
    same "$(oid "$(kept)")" "$before"
    "$cmpdb" -c "$twin" "$(kept)"
}

@test "--create: a name that is taken, without and with rows: status 4" {
    two
    fails 4 bk-load --create -d "$b" <"$file"
    matches "there is a database '$b' already.*hint: --replace" "${stderr//$'\n'/ }"
    as_before
}

@test "a name that is taken while the load is at it: the new one is kept aside" {
    two
    new_gate "$BATS_TEST_TMPDIR/g"
    gate "$BATS_TEST_TMPDIR/g" 1500000 <"$file" 3>&- | bk-load --create -d "${a}_new" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    wait_until held "$BATS_TEST_TMPDIR/g"
    createdb "${a}_new"
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 4 "$loader"
    matches "could not be given.*already exists; the new one is kept as '${a}_new_restored_[0-9_]*'" "$(<"$BATS_TEST_TMPDIR/words")"
    "$cmpdb" "$a" "$(family | grep _restored_)"
}

@test "--replace: the old one is kept, and the commands that it prints swap back and drop" {
    two
    replace 0 --yes
    matches "'$b' .* stays as it is until the new one is complete" "$stderr"
    matches "'$b' is the restored database now; the one before is kept as '$(kept)'" "$stderr"
    same "$(oid "$(kept)") $(sql "$(kept)" 'SELECT * FROM t')" "$before 1|old"
    "$cmpdb" "$a" "$b"
    [[ $stderr =~ 'swap them back: '(bk-load [^;]*)';' ]]
    fails 0 setsid -w bash -c "${BASH_REMATCH[1]} --yes"
    same "$(oid "$b") $(sql "$b" 'SELECT * FROM t')" "$before 1|old"
    "$cmpdb" "$a" "$(kept)"
    # And forth.
    fails 0 setsid -w bk-load --swap-back -d "$b" --yes
    "$cmpdb" "$a" "$b"
    replace 0 --yes
    [[ $stderr =~ 'to drop it: '(dropdb "${b}"_before_[0-9_]*)$ ]]
    ${BASH_REMATCH[1]}
    same "$(kept | wc -l)" 1
}

@test "--replace: no such database, none named, or the one that we need ourselves" {
    two
    fails 4 bk-load --replace -d "${a}_not" --yes <"$file"
    matches "there is no database '${a}_not' to replace.*hint: --create" "${stderr//$'\n'/ }"
    fails 2 env -u PGDATABASE bk-load --replace -d "host=$PGHOST" --yes <"$file"
    matches 'does not name the database' "$stderr"
    fails 2 bk-load --replace -d "$b" --maintenance-db "$b" --yes <"$file"
    fails 1 bk-load --replace -d "$b" --maintenance-db nosuch --yes <"$file"
    matches "cannot connect to the database 'nosuch'" "$stderr"
    bk-load -q --replace -d "host=$PGHOST dbname=$b" --maintenance-db "$a" --yes <"$file"
    "$cmpdb" "$a" "$b"
}

@test "exactly one target, and words that go with none: status 2" {
    for options in '--create --replace' '--create --into-existing' '--replace --swap-back' '--yes' '--disconnect' \
        '--create --disconnect' '--maintenance-db x' '--into-existing --yes'; do
        # shellcheck disable=SC2086 # options are words
        fails 2 bk-load -d x $options </dev/null
    done
    fails 4 bk-load -d x --data-only </dev/null
    matches 'hint: --into-existing' "$stderr"
}

@test "--replace: asks on the terminal, and takes nothing but yes; without one, status 4" {
    two
    replace 4
    matches 'there is no terminal to ask on.*hint: --yes' "${stderr//$'\n'/ }"
    as_before
    for answer in no y YES ''; do
        run script -qec "bk-load --replace -d '$b' <'$file'" /dev/null <<<"$answer"
        same "$status" 4
        matches "replace the database '$b' \(.*\) by this backup of '$a'\? \(yes/no\)" "$output"
        matches 'not confirmed' "$output"
        as_before
    done
    run script -qec "bk-load --replace -d '$b' <'$file'" /dev/null <<<yes
    same "$status" 0
    "$cmpdb" "$a" "$b"
}

@test "--replace: sessions are named, and ended only with --disconnect" {
    two
    session_open "$b"
    say 'SELECT 1' >/dev/null
    replace 4 --yes
    matches "the database '$b' is in use: psql of role $PGUSER \(pid $SESSION_PID|the database '$b' is in use: psql of role" "$stderr"
    as_before
    replace 0 --yes --disconnect
    matches "these sessions of '$b' will be ended: psql" "$stderr"
    "$cmpdb" "$a" "$b"
    no_sessions "$(kept)"
    fails 4 bk-load --swap-back -d "${a}_not" --yes
}

@test "--replace: with --disconnect nobody is ended by a stream that fails" {
    two
    session_open "$b"
    backend=$(say 'SELECT pg_backend_pid()')
    input=$BATS_TEST_TMPDIR/cut.bk
    head -c -10 "$file" >"$input"
    replace 3 --yes --disconnect
    as_before
    same "$(say 'SELECT pg_backend_pid()')" "$backend"
}

@test "--replace: who came meanwhile is waited for" {
    two
    replace_held 1500000
    session_open "$b"
    say 'SELECT 1' >/dev/null
    open_gate "$BATS_TEST_TMPDIR/g"
    wait_until grep -q "waiting for sessions of '$b' to end: psql" "$BATS_TEST_TMPDIR/words"
    same "$(oid "$b")" "$before"
    printf '\\q\n' >&"$session_in"
    ends 0 "$loader"
    "$cmpdb" "$a" "$b"
}

@test "--replace: prepared transactions are nobody's to end" {
    own_server max_prepared_transactions=2
    b=dst
    createdb src
    createdb dst
    sql src 'CREATE TABLE t ()'
    sql dst "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'two-phase'"
    bk-dump -d src >"$file"
    for option in --yes '--yes --disconnect'; do
        # shellcheck disable=SC2086 # options are words
        replace 4 $option
        matches "has prepared transactions: 'two-phase'" "$stderr"
    done
    sql dst "COMMIT PREPARED 'two-phase'"
    replace 0 --yes
}

@test "--replace --no-properties: what the live database has goes on" {
    two
    owner=$(newrole) app=$(newrole)
    sql postgres "ALTER DATABASE $b OWNER TO $owner; COMMENT ON DATABASE $b IS 'live'; ALTER DATABASE $b SET work_mem = '7MB';
        REVOKE CONNECT ON DATABASE $b FROM PUBLIC; GRANT CONNECT ON DATABASE $b TO $app; ALTER ROLE $app IN DATABASE $b SET work_mem = '8MB'"
    sql postgres "ALTER DATABASE $a SET work_mem = '9MB'"
    bk-dump -d "$a" >"$file"
    properties() {
        sql postgres "SELECT pg_get_userbyid(datdba), datacl, shobj_description(oid, 'pg_database'),
            (SELECT array_agg(setrole::regrole || setconfig::text ORDER BY 1) FROM pg_db_role_setting WHERE setdatabase = d.oid)
            FROM pg_database d WHERE datname = '$1'"
    }
    live=$(properties "$b")
    matches "$owner.*live.*7MB.*8MB" "$live"
    replace 0 --yes --no-properties
    same "$(properties "$b")" "$live"
    same "$(properties "$(kept)")" "$live"
    replace 0 --yes
    same "$(properties "$b")" "$(properties "$a")"
}

@test "--replace: a part of a database takes nobody's place" {
    two
    for option in '-t t' '--schema public' '--exclude-table t' '--exclude-table-data t' --schema-only; do
        # shellcheck disable=SC2086 # options are words
        replace 2 --yes $option
        # shellcheck disable=SC2086
        bk-dump -d "$a" $option >"$file" 2>/dev/null
        replace 4 --yes
        matches 'the backup is of a part of its database' "$stderr"
    done
    as_before
}

@test "whatever fails leaves the live database, and nothing beside it: streams" {
    two
    input=$BATS_TEST_TMPDIR/bad.bk
    size=$(stat -c %s "$file")
    for n in 0 1 100 5000 $((size / 2)) $((size - 300)) $((size - 1)); do
        head -c "$n" "$file" >"$input"
        replace 3 --yes
        as_before
        fails 3 bk-load --create -d "${b}_new" <"$input"
        as_before
    done
    for type in ITEM DATA DONE; do
        "$frames" flip "$type" 2 20 <"$file" >"$input"
        replace 3 --yes
        as_before
    done
    bk-dump -d nosuch >"$input" 2>/dev/null || true
    replace 3 --yes
    as_before
}

@test "whatever fails leaves the live database, and nothing beside it: what the server refuses" {
    two
    # What rows alone cannot tell.
    sql "$a" "CREATE FUNCTION fine() RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN current_database() = ''$a''; END'; ALTER TABLE t ADD CHECK (fine())"
    bk-dump -d "$a" >"$file"
    replace 1 --yes
    matches 'cannot load public.t: .*violates check' "$stderr"
    as_before
    sql "$a" "ALTER TABLE t DROP CONSTRAINT t_check; CREATE FUNCTION odd(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF current_database() <> ''$a'' THEN RAISE ''not here''; END IF; RETURN \$1; END';
        CREATE INDEX ON t (odd(id))"
    bk-dump -d "$a" >"$file"
    replace 1 --yes
    matches 'pg_restore failed with status 1 while making indexes' "$stderr"
    as_before
}

@test "a signal: undone, and ended by that signal" {
    two
    for sig in INT:130 TERM:143 HUP:129; do
        # A background process of a shell has SIGINT ignored, and nohup's SIGHUP, but for this.
        new_gate "$BATS_TEST_TMPDIR/g"
        mkfifo "$BATS_TEST_TMPDIR/in"
        gate "$BATS_TEST_TMPDIR/g" 1500000 <"$file" >"$BATS_TEST_TMPDIR/in" 3>&- &
        started+=("$!")
        env --default-signal=HUP,INT,TERM bk-load --replace -d "$b" --yes <"$BATS_TEST_TMPDIR/in" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
        loader=$!
        started+=("$loader")
        wait_until held "$BATS_TEST_TMPDIR/g"
        wait_until some_sessions "${b}_bk_incomplete" "query <> ''"
        kill -s "${sig%:*}" "$loader"
        ends "${sig#*:}" "$loader"
        matches 'ended by a signal: ' "$(<"$BATS_TEST_TMPDIR/words")"
        as_before
        rm -r "$BATS_TEST_TMPDIR"/{in,g.held,g.gate}
    done
}

@test "a signal while pg_restore is at it: no child and no database is left" {
    two
    sql "$a" "CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF current_database() <> ''$a'' THEN PERFORM pg_sleep(60); END IF; RETURN \$1; END';
        CREATE INDEX ON t (waits(id))"
    bk-dump -d "$a" >"$file"
    bk-load --replace -d "$b" --yes <"$file" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    loader=$!
    started+=("$loader")
    wait_until some_sessions "${b}_bk_incomplete" "wait_event = 'PgSleep'"
    kill -TERM "$loader"
    ends 143 "$loader"
    as_before
    same "$(grep -Ev '^bk-load:|pg_restore: terminated by user' "$BATS_TEST_TMPDIR/words")" ''
}

@test "a session of the load is ended: status 1, and nothing is left" {
    two
    replace_held 1500000 -j 2
    wait_until some_sessions "${b}_bk_incomplete" "query <> ''"
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${b}_bk_incomplete'"
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 1 "$loader"
    as_before
}

@test "the session that was idle all the time is ended: another one swaps" {
    two
    replace_held 1500000
    wait_until some_sessions "${b}_bk_incomplete" "query <> ''"
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres' AND application_name = 'bk-load' AND query ~ '$b'"
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 0 "$loader"
    "$cmpdb" "$a" "$b"
}

@test "kill -9: the next load finds what was left, and drops it if that is wanted" {
    two
    replace_held 1500000
    wait_until is_marked "${b}_bk_incomplete"
    kill -KILL "$loader"
    ends 137 "$loader"
    wait_until no_sessions "${b}_bk_incomplete"
    same "$(oid "$b")" "$before"
    # Of the two words one is asked for first.
    fails 4 setsid -w bk-load --replace -d "$b" <"$file"
    run script -qec "bk-load --replace -d '$b' <'$file'" /dev/null <<<no
    same "$status" 4
    matches "'${b}_bk_incomplete' \(.*\) was left by a load that was killed" "$output"
    matches "drop the database '${b}_bk_incomplete'\? \(yes/no\)" "$output"
    is_marked "${b}_bk_incomplete"
    fails 4 bk-load -d "${b}_bk_incomplete" <"$file"
    replace 0 --yes
    matches "'${b}_bk_incomplete' \(.*\) was left by a load that was killed" "$stderr"
    "$cmpdb" "$a" "$b"
    [[ $(family) != *_bk_incomplete* ]]
}

@test "two loads into one name: the second gives way" {
    two
    replace_held 1500000
    wait_until is_marked "${b}_bk_incomplete"
    replace 4 --yes
    matches "another load into '$b' is under way: '${b}_bk_incomplete' is in use: " "$stderr"
    open_gate "$BATS_TEST_TMPDIR/g"
    ends 0 "$loader"
    "$cmpdb" "$a" "$b"
}

@test "the server stops at once: the live database is as it was, and what was left is found" {
    own_server
    a=src b=dst
    createdb src
    createdb dst
    dense src t 30000
    sql dst "CREATE TABLE t AS SELECT 1 AS id, 'old' AS words"
    bk-dump -d src >"$file"
    before=$(oid dst)
    replace_held 5000000
    wait_until some_sessions dst_bk_incomplete "query ~ '^COPY'"
    control stop -m immediate
    open_gate "$BATS_TEST_TMPDIR/g"
    # It comes again while the load still tries to undo.
    control start
    ends 1 "$loader"
    same "$(oid dst) $(sql dst 'SELECT * FROM t')" "$before 1|old"
    same "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname ~ '^dst_'")" 0
}

@test "the server stops at once when the load has said that it is done: it is" {
    own_server synchronous_commit=off wal_writer_delay=10s
    a=src b=dst
    createdb src
    createdb dst
    sql src "CREATE TABLE t AS SELECT 'new' AS words"
    sql dst "CREATE TABLE t AS SELECT 'old' AS words"
    bk-dump -d src >"$file"
    bk-load -q --replace -d dst --yes <"$file"
    control stop -m immediate
    control start
    same "$(sql dst 'SELECT * FROM t')" new
    bk-load -q --swap-back -d dst --yes
    control stop -m immediate
    control start
    same "$(sql dst 'SELECT * FROM t')" old
    bk-load -q --create -d made <"$file"
    control stop -m immediate
    control start
    same "$(sql made 'SELECT * FROM t')" new
}

@test "roles: one that may make databases and owns this one; and those that may not" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE t AS SELECT 1 AS id"
    bk-dump -d "$a" >"$file"
    owner=$(newrole --createdb) plain=$(newrole) other=$(newrole --createdb)
    sql postgres "ALTER DATABASE $b OWNER TO $owner"
    fails 1 env PGUSER="$plain" bk-load --replace -d "$b" --yes <"$file"
    matches "the role '$plain' may not create databases.*hint: --single-transaction" "${stderr//$'\n'/ }"
    fails 1 env PGUSER="$other" bk-load --replace -d "$b" --yes <"$file"
    matches "the role '$other' may not rename '$b', which it does not own" "$stderr"
    fails 0 env PGUSER="$owner" bk-load --replace -d "$b" --yes --no-owner --no-acl <"$file"
    same "$(sql "$b" 'SELECT * FROM t')" 1
    same "$(sql postgres "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$b'")" "$owner"
    # It is owner no longer, and another may not swap back.
    fails 1 env PGUSER="$other" bk-load --swap-back -d "$b" --yes
}

@test "long names are cut between characters; the oldest names are left alone" {
    a=$(newdb)
    b=${a}_$(printf 'ü%.0s' {1..18})
    willdrop "$b"
    createdb "$b"
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS id'
    bk-dump -d "$a" | bk-load -q --replace -d "$b" --yes
    "$cmpdb" "$a" "$b"
    bk-load -q --swap-back -d "$b" --yes
    same "$(sql "$b" 'SELECT count(*) FROM pg_class WHERE relname = '"'t'")" 0
}

@test "names that SQL would take for something else" {
    a=$(newdb) b="${a}_\"x\"; DROP \\ 'y'"
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS id'
    bk-dump -d "$a" >"$file"
    bk-load -q --create -d "$b" <"$file"
    bk-load -q --replace -d "$b" --yes <"$file"
    same "$(family | wc -l)" 3
    bk-load -q --swap-back -d "$b" --yes
    same "$(sql "$b" 'SELECT * FROM t')" 1
}
