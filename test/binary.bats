#!/usr/bin/env bats
# Rows in binary: tables with a row that COPY cannot write as text.

# shellcheck disable=SC2094 # a file that comes twice in a pipe is only read

load helper
load db

PATH=$BUILD/test:$PATH
binary=$BATS_TEST_DIRNAME/data/binary.bk # item 3, public.t0, is in binary: 5 rows in DATA 2 to 11

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

@test "bk-cat prints what COPY takes in binary" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t0 (id bigint, words text); CREATE TABLE t1 (LIKE t0)'
    for t in t0 t1; do
        bk-cat -t "$t" <"$binary" >"$t.rows"
        sql "$a" "\\copy $t from '$t.rows' (format $([[ $t == t0 ]] && echo binary || echo text))"
    done
    same "$(sql "$a" 'SELECT count(*), min(id), max(id), max(words) FROM t0')" '5|0|4|rho rho\Nalphabetaalphaalphagammagammadeltagamma..'
    same "$(sql "$a" 'SELECT count(*) FROM t1')" 5
    # As the server itself writes it, to the byte; also without any row.
    sql "$a" '\copy t0 to written (format binary)'
    cmp t0.rows written
    mkstream --binary --rows 0 | bk-cat -t t0 | cmp - <(sql "$a" '\copy (select 1 where false) to stdout (format binary)')
}

@test "what bk-cat prints of a bad table has no end" {
    "$frames" set DONE 3 rows=4 <"$binary" >bad
    fails 3 bash -c "bk-cat -t t0 <bad >out"
    matches 'do not use what was written' "$stderr"
    bk-cat -t t0 <"$binary" | head -c -2 | cmp - out
}

@test "each bit counts, and each frame" {
    for frame in 2 3; do
        length=$("$frames" list <"$binary" | awk '$1 == "DATA"' | awk -v n="$frame" 'NR == n { print $5 }')
        for ((byte = 0; byte < length; byte++)); do
            "$frames" flip DATA "$frame" "$byte" <"$binary" >bad
            fails 3 bk-verify -n <bad
            matches 'public.t0: (digest|rows): the backup says|does not hold whole rows' "$stderr"
        done
    done
    for frame in 2 3 11; do
        "$frames" drop DATA "$frame" <"$binary" >bad
        fails 3 bk-verify -n <bad
    done
}

@test "rows that are not of the format that is said" {
    "$frames" set ITEM 3 format= <"$binary" >bad.t0
    "$frames" set ITEM 4 format=binary <"$binary" >bad.t1
    for t in t0 t1; do
        for tool in 'bk-verify -n' "bk-cat -t $t"; do
            fails 3 bash -c "$tool <bad.$t >/dev/null"
            matches 'it does not hold whole rows' "$stderr"
        done
    done
}

@test "a format that only a newer bk knows: refused by what reads the rows, passed on by the rest" {
    a=$(newdb)
    "$frames" set ITEM 3 format=tomorrow <"$binary" >new
    for tool in 'bk-verify -n' 'bk-cat -t t0' "bk-load -d $a"; do
        # shellcheck disable=SC2086 # words
        fails 3 $tool <new
        matches "the rows of public.t0 are in the format 'tomorrow', .* newer bk" "$stderr"
    done
    is_untouched "$a"
    mkstream --binary --rows 0 | "$frames" set ITEM 3 format=tomorrow >empty
    fails 3 bk-cat -t t0 <empty
    fails 3 bk-load -d "$a" <empty
    bk-cat -t t1 <new >/dev/null
    bk-zstd <new | bk-sum | bk-verify -q | bk-zstd -d | cmp - new
    same "$(bk-ls -J <new | jq -r 'select(.item == 3).format')" tomorrow
}
