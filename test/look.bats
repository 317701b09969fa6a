#!/usr/bin/env bats
# bk-ls, bk-cat and bk-verify on backups of a real database: what they say must be what the server says.

load helper
load db

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

# Items 3, 4 and 5 are the tables t, u and "Odd s"."t".
make_backup() {
    a=$(newdb)
    sql "$a" "CREATE TABLE t (z int, \"A b\" text, gen int GENERATED ALWAYS AS (1) STORED, \"é\" numeric(5, 2));
        INSERT INTO t (z, \"A b\", \"é\") SELECT i, E'tab\t\\\\ nl\n é' || i, i / 3.0 FROM generate_series(1, 300) i; INSERT INTO t VALUES (NULL, '');
        CREATE TABLE u AS SELECT 1 AS x; CREATE SCHEMA \"Odd s\"; CREATE TABLE \"Odd s\".t AS SELECT i FROM generate_series(1, 5) i;
        CREATE SEQUENCE s; CREATE VIEW v AS SELECT * FROM t; CREATE INDEX ON t (z); COMMENT ON TABLE t IS 'c'"
    bk-dump -d "$a" -j 1 --tag why=look >"$file"
}

json() {
    bk-ls -J <"$1" | jq -r "$2"
}

@test "bk-ls -J: what is in it, as the server has it" {
    make_backup
    same "$(json "$file" 'select(.record == "head") | .kind + " " + .label + " " + .tags[0]')" "backup $a why=look"
    same "$(json "$file" 'select(.record == "item") | .type' | paste -sd ' ')" 'database schema table table table sequences large-objects'
    same "$(json "$file" 'select(.type == "table") | [.schema, .name, .rows] | @tsv' | sort)" \
        "$(sql "$a" "SELECT schemaname || E'\t' || tablename || E'\t'
                || (xpath('//n/text()', query_to_xml(format('SELECT count(*) n FROM %I.%I', schemaname, tablename), true, true, '')))[1]
            FROM pg_tables WHERE schemaname IN ('public', 'Odd s') ORDER BY 1" | sort)"
    same "$(json "$file" 'select(.type == "database") | [.name, .encoding, .["server-version-num"], .owner] | @tsv')" \
        "$(sql "$a" "SELECT concat_ws(E'\t', current_database(), getdatabaseencoding(), current_setting('server_version_num'), current_user)")"
    same "$(json "$file" 'select(.name == "t" and .schema == "public") | .columns[] | .name + " " + .type')" \
        $'A b text\nz integer\né numeric(5,2)'
    # Bytes are those of the rows as text; the digest is there, and END has the sums.
    bytes=$(bk-cat -t public.t <"$file" | wc -c)
    same "$(json "$file" 'select(.name == "t" and .schema == "public") | [.bytes, .stored, (.digest | length)] | @tsv')" "$bytes"$'\t'"$bytes"$'\t'45
    same "$(json "$file" 'select(.record == "end").rows')" 308
}

@test "bk-ls of a compressed stream: the same, but for what is stored" {
    make_backup
    bk-zstd <"$file" >"$file.zst"
    columns='select(.type == "table") | [.schema, .name, .rows, .bytes, .digest] | @tsv'
    same "$(json "$file" "$columns")" "$(json "$file.zst" "$columns")"
    [[ $(json "$file.zst" 'select(.name == "t" and .schema == "public") | .stored < .bytes') == true ]]
    same "$(json "$file.zst" 'select(.record == "head").steps[0]')" 'zstd level=3'
}

@test "bk-ls: a table for people" {
    make_backup
    fails 0 bk-ls <"$file"
    matches "^backup $a, made [0-9-]+ [0-9:]+ UTC on "
    matches "database $a, PostgreSQL [0-9.]+.*, UTF8"
    matches ' 301 .* public\.t'
    matches ' 5 .* Odd s\.t'
    matches 'whole: END seen, .* 308 rows'
}

@test "the last line of bk-ls restores the backup" {
    make_backup
    for steps in cat bk-zstd 'bk-gz | bk-sum'; do
        b=$(newdb)
        bash -c "$steps" <"$file" >"$file.stored"
        line=$(bk-ls <"$file.stored" | tail -n 1)
        line=${line/FILE/$file.stored}
        line=${line/DB/$b}
        bash -c "set -o pipefail; $line" 2>/dev/null
        "$cmpdb" -c "$a" "$b"
    done
}

@test "bk-ls prints nothing of a stream that is cut" {
    make_backup
    size=$(stat -c %s "$file")
    for n in 20 2000 $((size / 2)) $((size - 1)); do
        head -c "$n" "$file" >"$file.cut"
        for option in '' -J; do
            fails 3 bk-ls $option <"$file.cut"
            same "$output" ''
        done
    done
}

@test "bk-cat -t prints what COPY prints" {
    make_backup
    bk-cat -t public.t <"$file" >"$BATS_TEST_TMPDIR/rows"
    sql "$a" 'COPY t ("A b", z, "é") TO STDOUT' | diff - "$BATS_TEST_TMPDIR/rows"
    bk-cat -t u <"$file" | diff - <(echo 1)
    bk-cat -t 'Odd s.t' <"$file" | diff - <(seq 5)
    fill "$a" many 2500
    bk-dump -d "$a" -j 4 | bk-cat -t many | sort | diff - <(sql "$a" 'COPY many TO STDOUT' | sort)
}

@test "bk-cat -t of a name that is not there, or there twice" {
    make_backup
    for name in no U T public.no odd.t '"u"' 'public.u.x' v s; do
        fails 1 bk-cat -t "$name" <"$file"
        same "$output" ''
        matches "there is no table" "$stderr"
    done
    fails 2 bk-cat -t t <"$file"
    same "$output" ''
    matches 'several tables .*public.*Odd s.*SCHEMA.NAME' "$stderr"
    fails 2 bk-cat <"$file"
    fails 2 bk-cat -t t --ddl <"$file"
}

@test "bk-cat wants plain streams, and finds what is wrong with the table" {
    make_backup
    bk-zstd <"$file" >"$file.zst"
    fails 2 bk-cat -t u <"$file.zst"
    matches 'bk-zstd -d' "$stderr"
    "$frames" set DONE 3 rows=7 <"$file" >"$file.bad"
    fails 3 bk-cat -t public.t <"$file.bad"
    matches 'public.t: rows: the backup says 7, but there are 301' "$stderr"
    bk-cat -t u <"$file.bad"
    "$frames" flip DATA 2 3 <"$file" >"$file.bad"
    fails 3 bk-cat -t public.t <"$file.bad"
    matches 'digest' "$stderr"
    head -c $(($(stat -c %s "$file") - 9)) "$file" >"$file.bad"
    fails 3 bk-cat -t u <"$file.bad"
    fails 3 bk-cat --ddl <"$file.bad"
    same "$output" ''
}

@test "bk-cat: cut at each frame, 64 bits changed" {
    make_backup
    "$streamend" list <"$file" >"$BATS_TEST_TMPDIR/list"
    while read -r at _; do
        head -c "$at" "$file" >"$file.bad"
        fails 3 bk-cat -t u <"$file.bad"
        matches '(byte|frame) [0-9]+|is empty' "$stderr"
    done <"$BATS_TEST_TMPDIR/list"
    for seed in {1..64}; do
        "$streamend" flip "$seed" <"$file" >"$file.bad" 2>/dev/null
        fails 3 bk-cat --ddl <"$file.bad"
        same "$output" ''
        matches '(byte|frame) [0-9]+|not a bk stream' "$stderr"
    done
}

# The words of pg_dump --schema-only, without what differs from run to run.
definitions() {
    pg_dump --schema-only "$1" | grep -Ev '^.(un)?restrict '
}

@test "bk-cat --ddl is SQL that makes the same definitions" {
    a=$(mixed) b=$(newdb)
    bk-dump -d "$a" | bk-cat --ddl >"$BATS_TEST_TMPDIR/ddl.sql"
    # As it came, a view that is over an other one, and is to be filled, stands in its place; there are no rows.
    psql -X -q -v ON_ERROR_STOP=1 -d "$b" -f "$BATS_TEST_TMPDIR/ddl.sql" >/dev/null 2>&1
    c=$(newdb)
    pg_dump --schema-only "$a" | psql -X -q -v ON_ERROR_STOP=1 -d "$c" >/dev/null 2>&1
    diff <(definitions "$c") <(definitions "$b")
    run ! grep -E '^\\(un)?restrict' "$BATS_TEST_TMPDIR/ddl.sql"
}

@test "bk-verify passes the stream on as it is, with and without an index" {
    make_backup
    bk-sum <"$file" >"$file.sum"
    for f in "$file" "$file.sum"; do
        bk-verify -q <"$f" >"$file.out"
        cmp "$f" "$file.out"
        fails 0 bk-verify -n <"$f"
        same "$output" ''
        matches 'good: ' "$stderr"
    done
    matches 'index' "$stderr"
}

@test "bk-verify finds wrong rows once no step is left" {
    make_backup
    "$frames" flip DATA 2 3 <"$file" >"$file.bad"
    bk-zstd <"$file.bad" >"$file.zst"
    fails 0 bk-verify -n <"$file.zst"
    matches 'not checked' "$stderr"
    pipe "bk-zstd -d <'$file.zst' | bk-verify >'$file.out'"
    same "$stages" '0 3'
    matches 'public.t: digest: the backup says' "$stderr"
    fails 3 bk-verify -n <"$file.out" # no END came out
    for change in 'set DONE 4 rows=2' 'set DONE 4 bytes=1' 'drop DATA 3'; do
        # shellcheck disable=SC2086 # words
        "$frames" $change <"$file" >"$file.bad"
        fails 3 bk-verify -n <"$file.bad"
        matches 'public.u: (rows|bytes|frames): the backup says' "$stderr"
    done
}

@test "bk-verify finds a bit that flipped in the index" {
    make_backup
    bk-sum <"$file" >"$file.sum"
    for place in '1 0' '1 40' '2 5' '2 50' '2 100'; do # the leaf, the root
        # shellcheck disable=SC2086 # words
        "$frames" flip sums $place <"$file.sum" >"$file.bad"
        fails 3 bk-verify -n <"$file.bad"
        matches 'index' "$stderr"
    done
    # And a frame that is not what the index says, though all its own checksums are right.
    "$frames" flip ITEM 3 9 <"$file.sum" >"$file.bad"
    fails 3 bk-verify -n <"$file.bad"
    matches 'frame [0-9]+ is not what the index says' "$stderr"
}

@test "bk-verify --report: good and bad streams" {
    make_backup
    bk-verify -n --report "$file.json" <"$file" 2>/dev/null
    same "$(jq -c '[.ok, .rows, .label]' "$file.json")" "[true,308,\"$a\"]"
    fails 4 bk-verify -n --report "$file.json" <"$file"
    "$frames" set DONE 4 rows=2 <"$file" >"$file.bad"
    fails 3 bk-verify -n --report "$file.bad.json" <"$file.bad"
    same "$(jq .ok "$file.bad.json")" false
    matches 'public.u: rows' "$(jq -r .error "$file.bad.json")"
    head -c 3000 "$file" >"$file.cut"
    fails 3 bk-verify -n --report "$file.cut.json" <"$file.cut"
    same "$(jq .ok "$file.cut.json")" false
}
