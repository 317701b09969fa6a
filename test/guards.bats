#!/usr/bin/env bats
# The table of guards in bk-load's page, walked: each guard refuses with the status that stands there, nothing is changed
# then, and the way round it leads round it. A test is called as its row; the last one looks whether all rows have one.

load helper
load db

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
    input=$file
    want=$(rows | awk -F '\t' -v row="${BATS_TEST_DESCRIPTION#guard: }" '$1 == row { print $2 }')
}

family() {
    sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'bk\\_test\\_${BATS_SUITE_TEST_NUMBER}\\_$$\\_%' ORDER BY 1"
}

teardown() {
    local pid
    for pid in "${started[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    if [[ ${server:-} ]]; then
        "$BATS_TEST_DIRNAME/pg.sh" stop "$server" || rm -rf "$server"
    fi
    export PGHOST=$shared_host PGPORT=$shared_port
    family >>"$BATS_TEST_TMPDIR/databases"
    drop_all
}

# rows: of the page's table, as "REFUSED<tab>STATUS<tab>WAY"; options without their markup.
rows() {
    sed -n '/^\.Sh GUARDS/,/^\.El/p' "$BATS_TEST_DIRNAME/../man/bk-load.1" |
        sed -n 's/^\.It \([^S].*\) Ta \([0-9]\) Ta \(.*\)/\1\t\2\t\3/p' | sed 's/Fl -/--/; s/ , -/ --/g'
}

# What is to be loaded, into which database; what was there before.
two() {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE t AS SELECT 1 AS id"
    sql "$b" "CREATE TABLE t AS SELECT 2 AS id"
    bk-dump -d "$a" >"$file"
}

state() {
    sql postgres "SELECT oid, datname FROM pg_database WHERE datname LIKE 'bk\\_test\\_${BATS_SUITE_TEST_NUMBER}\\_$$\\_%' ORDER BY 2"
    pg_dump -d "$b" | grep -Ev '^\\(un)?restrict'
}

# refused OPTION...: by bk-load, without a terminal, with the row's status; nothing has changed.
refused() {
    local before
    before=$(state)
    if [[ $* != *--swap-back* ]]; then # a dry run ends in the same way
        fails "$want" setsid -w bk-load -n -d "$b" "$@" <"$input"
        same "$(state)" "$before"
    fi
    fails "$want" setsid -w bk-load -d "$b" "$@" <"$input"
    same "$(state)" "$before"
}

# goes OPTION...: the way round.
goes() {
    fails 0 setsid -w bk-load -d "$b" "$@" <"$input"
}

# says WORDS...: what the row is about, in the words of the program.
says() {
    matches "$1" "${stderr//$'\n'/ }"
}

@test "guard: the database is not empty" {
    two
    refused
    says "is not empty"
    goes --replace --yes
    b=${a}_new
    goes --create
}

@test "guard: a load of it was not finished" {
    two
    sql "$b" 'DROP TABLE t; CREATE SCHEMA bk_incomplete'
    refused
    says "was not finished"
    dropdb "$b"
    goes --create
}

@test "guard: the name is taken" {
    two
    refused --create
    says "there is a database '$b' already.*hint: --replace"
    goes --replace --yes
}

@test "guard: there is nothing to replace" {
    two
    dropdb "$b"
    fails "$want" bk-load -d "$b" --replace --yes <"$file"
    says "there is no database '$b' to replace.*hint: --create"
    goes --create
}

@test "guard: nobody says yes" {
    two
    refused --replace
    says "no terminal to ask on.*hint: --yes"
    goes --replace --yes
    refused --swap-back
    says "no terminal to ask on.*hint: --yes"
    goes --swap-back --yes
}

@test "guard: the database has sessions" {
    two
    session_open "$b"
    say 'SELECT 1' >/dev/null
    refused --replace --yes
    says "is in use: psql.*hint: --disconnect"
    goes --replace --yes --disconnect
    session_open "$b"
    say 'SELECT 1' >/dev/null
    refused --swap-back --yes
    goes --swap-back --yes --disconnect
}

@test "guard: prepared transactions" {
    own_server max_prepared_transactions=1
    two
    sql "$b" "BEGIN; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'x'"
    refused --replace --yes --disconnect
    says "has prepared transactions: 'x'"
    sql "$b" "ROLLBACK PREPARED 'x'"
    goes --replace --yes
}

@test "guard: another load is under way" {
    two
    createdb "${b}_bk_incomplete"
    session_open "${b}_bk_incomplete"
    say 'SELECT 1' >/dev/null
    refused --replace --yes
    says "another load into '$b' is under way"
    printf '\\q\n' >&"$session_in"
    wait_until no_sessions "${b}_bk_incomplete"
    goes --replace --yes
}

@test "guard: the rest of a load that was killed" {
    two
    createdb "${b}_new_bk_incomplete"
    b=${b}_new
    fails "$want" setsid -w bk-load -d "$b" --create <"$file"
    says "was left by a load that was killed.*hint: --yes"
    goes --create --yes
}

@test "guard: there is nothing to swap back" {
    two
    refused --swap-back --yes
    says "there is no database '${b}_before_...' to swap back"
}

@test "guard: a part in the place of a whole database" {
    two
    bk-dump -d "$a" -t t >"$file"
    refused --replace --yes
    says "the backup is of a part of its database \(table t\).*hint: --create"
    refused --single-transaction --no-backup
    says "the backup is of a part of its database \(table t\).*hint: --create"
    b=${b}_new
    goes --create
}

@test "guard: what is in the database would be dropped" {
    two
    refused --single-transaction
    says "is not empty, and its 1 objects would be dropped.*hint: .*--after-backup FILE.*--no-backup"
    bk-dump -d "$b" >"$file.before"
    goes --single-transaction --after-backup "$file.before"
    goes --single-transaction --no-backup
}

@test "guard: that backup is of another database" {
    two
    refused --single-transaction --after-backup "$file"
    says "is a backup of another database: '$a'"
    goes --single-transaction --no-backup
}

@test "guard: that backup is older than a day" {
    two
    bk-dump -d "$b" >"$file.new"
    "$frames" set HEAD 0 created="$(date -u -d '-25 hours' +%Y-%m-%dT%H:%M:%SZ)" <"$file.new" >"$file.old"
    refused --single-transaction --after-backup "$file.old"
    says "and that is more than 24 hours ago.*hint: make a new one"
    goes --single-transaction --no-backup
}

@test "guard: that backup is of a part" {
    two
    bk-dump -d "$b" -t t >"$file.part"
    refused --single-transaction --after-backup "$file.part"
    says "is a backup of a part of its database only"
    goes --single-transaction --no-backup
}

@test "guard: that backup is none" {
    two
    bk-dump -d "$b" --digests >"$file.digests"
    refused --single-transaction --after-backup "$file.digests"
    says "is no backup, but a stream of kind 'digests'"
    goes --single-transaction --no-backup
}

@test "guard: a subscription with a slot" {
    two
    sql "$b" "SET client_min_messages = error; CREATE SUBSCRIPTION away CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = away)"
    refused --single-transaction --no-backup
    says "has subscriptions with a slot, which no transaction can drop: away"
    sql "$b" 'ALTER SUBSCRIPTION away SET (slot_name = NONE)'
    goes --single-transaction --no-backup
}

@test "guard: rows into tables that are there" {
    two
    sql "$b" 'TRUNCATE t'
    refused --data-only
    says "which has to be asked for.*hint: --into-existing"
    goes --into-existing
}

@test "guard: these tables have rows" {
    two
    refused --into-existing
    says "these tables have rows: public.t"
    sql "$b" 'TRUNCATE t'
    goes --into-existing
}

@test "guard: rows only, and no definitions" {
    two
    sql "$b" 'DROP TABLE t'
    bk-dump -d "$a" --data-only >"$file"
    refused
    says "rows only, and no definitions.*hint: bk-load --into-existing"
    sql "$b" 'CREATE TABLE t (id int)'
    goes --into-existing
}

@test "guard: no roles in the backup" {
    two
    sql "$b" 'DROP TABLE t'
    refused --create-roles
    says "this backup has no roles.*hint: .*bk-dump --globals"
    bk-dump -d "$a" --globals >"$file"
    goes --create-roles
}

@test "guard: the server is older" {
    two
    sql "$b" 'DROP TABLE t'
    "$frames" set ITEM 1 server-version-num=990003 <"$file" >"$file.new"
    input=$file.new
    refused
    says "hint: .*--allow-older-server"
    goes --allow-older-server
}

@test "guard: the stream is no backup" {
    two
    sql "$b" 'DROP TABLE t'
    bk-dump -d "$a" --digests >"$file"
    refused
    says "this is no backup, but a stream of kind 'digests'"
}


@test "each guard of the page has a test that tries its way round" {
    while IFS=$'\t' read -r refused status way; do
        matches '^[0-9]$' "$status"
        text=$(sed -n "/^@test \"guard: $refused\" {/,/^}/p" "$BATS_TEST_FILENAME")
        # Of the pooler there is a real one in its own file.
        [[ $refused != 'the pooler keeps no sessions' ]] || text=$(cat "$BATS_TEST_DIRNAME/pooler.bats")
        [[ $text ]] || text="there is no test for: $refused"
        while read -r word; do
            matches "(goes|bk-load).* $word" "$text"
        done < <(grep -o -e '--[a-z-]*' <<<"$way")
        matches 'refused|fails' "$text"
    done < <(rows)
    (($(rows | wc -l) >= 24))
    same "$(rows | cut -f 1 | sort)" "$({ grep -o '^@test "guard: [^"]*' "$BATS_TEST_FILENAME" | sed 's/.*guard: //' && echo 'the pooler keeps no sessions'; } | sort)"
}
