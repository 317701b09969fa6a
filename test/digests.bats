#!/usr/bin/env bats
# bk-dump --digests: what a backup would say of each item's rows, and no rows.

load helper
load db

PATH=$BUILD/test:$PATH

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# said FILE: what DONEs say of each item, the definitions aside, in the order of their names.
said() {
    bk-ls -J <"$1" | jq -r 'select(.record == "item" and .type != "schema") | [.type, .schema, .name, .format, .rows, .bytes, .digest] | @tsv' | sort
}

# both DB OPTION...: a backup in a.bk and digests in a.digests.
both() {
    bk-dump -d "$@" >a.bk
    bk-dump --digests -d "$@" >a.digests
}

@test "the digests are those of a backup, and nothing else is there" {
    a=$(mixed)
    sql "$a" "SELECT lo_from_bytea(0, 'large')" >/dev/null
    both "$a" --globals --label series --tag why=test
    # Other tests make roles and drop them.
    same "$(said a.bk | grep -v ^roles)" "$(said a.digests | grep -v ^roles)"
    same "$(bk-ls -J <a.digests | jq -r '.type // empty' | uniq -c | awk '{ print $2 }' | paste -sd ' ')" \
        'database roles tablespaces table sequences large-objects'
    same "$(bk-ls -J <a.digests | jq -c 'select(.record == "head") | [.kind, .label, .tags, .estimate]')" '["digests","series",["why=test"],null]'
    same "$(bk-ls -J <a.digests | jq -c 'select(.record == "item") | [.frames, .stored]' | uniq)" '[0,0]'
    # All but the definitions, whose bytes END counts as well.
    same "$(bk-ls -J <a.digests | jq 'select(.record == "end") | .rows')" "$(bk-ls -J <a.bk | jq 'select(.record == "end") | .rows')"
    [[ $("$frames" list <a.digests | grep -c '^DATA') == 0 ]]
}

@test "the digests are the same by however many connections, of tables in parts and of long rows" {
    a=$(newdb)
    fill "$a" t 2500
    sql "$a" "CREATE TABLE u (x text); ALTER TABLE u ALTER x SET STORAGE EXTERNAL; CREATE TABLE empty (x int); CREATE TABLE z (); INSERT INTO z DEFAULT VALUES;
        INSERT INTO u SELECT repeat('x', n) FROM unnest('{1,1048574,1048575,1048576,5,2097152,3000000,1}'::int[]) n"
    bk-dump -d "$a" -j 1 >a.bk
    for j in 1 2 4; do
        bk-dump --digests -d "$a" -j "$j" >a.digests
        same "$(said a.bk)" "$(said a.digests)"
    done
    same "$(bk-ls -J <a.digests | jq -r 'select(.name == "t") | .parts')" 3
    # And however often the rows have moved since.
    sql "$a" 'UPDATE t SET id = id WHERE id % 3 = 0'
    sql "$a" 'VACUUM FULL t'
    bk-dump --digests -d "$a" >b.digests
    same "$(said a.digests)" "$(said b.digests)"
}

@test "the digests of rows in binary" {
    a=$(newdb)
    sql postgres "ALTER DATABASE $a SET default_toast_compression = lz4" 2>/dev/null || true # else it takes longer
    sql "$a" "CREATE TABLE docs (id int, data bytea); INSERT INTO docs VALUES (1, convert_to(repeat(repeat('x', 1048576), 490), 'UTF8')), (2, 'y'), (3, NULL)"
    both "$a" -j 1
    matches $'docs\tbinary\t3' "$(said a.digests)"
    same "$(said a.bk)" "$(said a.digests)"
    same "$(bk-cmp a.bk a.digests)" 'the same: 1 tables, 3 rows'
}

@test "what is not selected is not read" {
    a=$(newdb)
    sql "$a" "CREATE TABLE t AS SELECT 1 AS x; CREATE TABLE log AS SELECT 2 AS x; CREATE SCHEMA s; CREATE TABLE s.t (id serial); SELECT lo_from_bytea(0, 'x')" >/dev/null
    for options in '-t t' '--schema s' '--exclude-table s.*' '--exclude-table-data log'; do
        # shellcheck disable=SC2086 # words
        both "$a" $options
        same "$(said a.bk)" "$(said a.digests)"
        same "$(bk-ls -J <a.bk | jq -c 'select(.type == "database") | .select')" "$(bk-ls -J <a.digests | jq -c 'select(.type == "database") | .select')"
    done
    for options in --data-only --schema-only '--role-passwords' '--label .x'; do
        # shellcheck disable=SC2086 # words
        fails 2 bk-dump --digests -d "$a" $options
    done
}

# The newest .bk in a folder is a backup.
@test "other tools pass digests on, list them, keep them under a name of their own; and restore nothing from them" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS x'
    bk-dump --digests -d "$a" >a.digests
    pipe 'bk-zstd <a.digests | bk-sum | bk-put -q stored && bk-get stored | bk-verify -q | bk-zstd -d | cmp - a.digests'
    same "$stages $stderr" '0 0 0 0 '
    fails 0 bk-verify -n --report report <a.digests
    matches 'good: .*totals.*not checked: rows and digests: the stream has digests and no rows' "$stderr"
    [[ $(grep good: <<<"$stderr") != *rows* ]]
    same "$(jq -c '[.ok, .kind, .checks.totals.result, .checks.contents.result]' report)" '[true,"digests","good","not checked"]'
    fails 0 bk-ls <a.digests
    matches "^digests $a, .* 1 .* public\.t.*bk-dump --digests -d DB \| bk-cmp FILE -$"
    [[ $output != *bk-load* ]]
    fails 4 bk-load -d "$a" <a.digests
    matches "this is no backup, but a stream of kind 'digests'" "$stderr"
    fails 4 bk-cat -t t <a.digests
    fails 4 bk-cat --ddl <a.digests
    same "$output" ''
    bk-put -q ./ <a.digests
    matches "^./$a/[0-9TZ]+-[0-9a-f]{8}\.digests$" "$(echo ./"$a"/*)"
}

@test "digests with rows, or without a total, are a bad stream" {
    fails 3 bk-verify -n < <(mkstream --kind digests)
    matches 'DATA.*a frame stands where it must not' "$stderr"
    a=$(newdb)
    sql "$a" 'CREATE TABLE t AS SELECT 1 AS x'
    bk-dump --digests -d "$a" >a.digests
    for change in 'set DONE 2 rows=2' 'set DONE 2 frames=1' 'drop DONE 4'; do
        # shellcheck disable=SC2086 # words
        "$frames" $change <a.digests >bad
        fails 3 bk-verify -n <bad
        fails 3 bk-cmp a.digests bad
    done
}

@test "what cannot be read is an error, and no digest" {
    a=$(newdb) role=$(newrole)
    sql "$a" 'CREATE TABLE t (x int); CREATE TABLE u AS SELECT 1 AS x'
    bk-dump -d "$a" >a.bk
    pipe "bk-dump --digests -d 'dbname=$a user=$role' | bk-cmp a.bk -"
    same "$stages" '1 3'
    matches 'this role may not read: public.t, public.u' "$stderr"
    same "$output" ''
}
