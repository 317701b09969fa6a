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

# A value of 560 MiB, and in the same table small ones and NULL; a column that was dropped, and one that is generated.
# The small rows' CHECK reads a table that is loaded after them.
make_long() {
    a=$(newdb) b=$(newdb)
    for db in "$a" "$b"; do
        sql postgres "ALTER DATABASE $db SET default_toast_compression = lz4" 2>/dev/null || true # else it takes longer
    done
    sql "$a" "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE pair AS (a mood, b text); CREATE DOMAIN bytes AS bytea;
        CREATE FUNCTION known(int) RETURNS boolean LANGUAGE plpgsql
            AS 'BEGIN RETURN EXISTS (SELECT FROM public.kinds WHERE id = \$1); END';
        CREATE TABLE docs (gone int, id int, data bytes, words text, moods mood[], pairs pair[], kind int,
            \"Odd \"\" name\" numeric, size int GENERATED ALWAYS AS (octet_length(data)) STORED);
        ALTER TABLE docs DROP gone;
        CREATE TABLE kinds (id int PRIMARY KEY);
        CREATE TABLE plain (id int, data bytea);
        ALTER TABLE plain ALTER data SET STORAGE EXTERNAL;
        INSERT INTO kinds VALUES (7);
        INSERT INTO docs VALUES (1, convert_to(repeat(repeat('x', 1048576), 560), 'UTF8'));
        ALTER TABLE docs ADD CHECK (kind IS NULL OR known(kind));
        INSERT INTO docs VALUES (2, '\\x00ff5c', E'tab\\t\\\\ nl\\n é', '{sad,NULL,glad}', '{\"(sad,x)\",NULL}', 7, 1.50),
            (3, '', '', '{}', '{}', 7, 'NaN'), (NULL, NULL, NULL, NULL, NULL, 7, NULL);
        INSERT INTO plain SELECT i, convert_to(repeat(md5(i::text), 100000), 'UTF8') FROM generate_series(1, 2) i"
}

@test "a value of 560 MiB goes through all tools" {
    make_long
    fails 1 psql -X -d "$a" -c 'COPY docs (data) TO STDOUT' # or it would prove nothing
    matches 'invalid memory alloc request size' "$stderr"
    pipe "bk-dump -d '$a' -j 1 | bk-zstd | bk-sum | bk-put -q a.bk"
    same "$stages $stderr" '0 0 0 0 '
    pipe "bk-get a.bk | bk-verify -q | bk-zstd -d | bk-verify -q | bk-load -v -d '$b' -j 1"
    same "$stages" '0 0 0 0 0'
    matches 'trying 1 bodies again: cannot load public.docs: .*violates check constraint' "$stderr"
    for query in 'SELECT md5(data), size FROM docs WHERE id = 1' 'TABLE kinds' 'SELECT md5(string_agg(data, NULL ORDER BY id)) FROM plain' \
        'SELECT id, data, words, moods, pairs, kind, size, "Odd "" name" FROM docs WHERE id IS DISTINCT FROM 1 ORDER BY id'; do
        same "$(sql "$a" "$query")" "$(sql "$b" "$query")"
    done
    # Only that table is in binary, and other threads make the same of it.
    same "$(bk-ls -J <a.bk | jq -r 'select(.type == "table") | [.name, .rows, .format] | @tsv')" $'docs\t4\tbinary\nkinds\t1\t\nplain\t2\t'
    # Compressed, for frames keeps all in memory; so without the definitions, which have a time in them.
    bk-zstd -d <a.bk | bk-zstd | "$frames" list | grep -Ev '^END|^DATA 0 2 ' | sort >one
    bk-dump -d "$a" -j 2 | bk-zstd | "$frames" list | grep -Ev '^END|^DATA 0 2 ' | sort >two
    diff one two
    same "$(awk '$1 == "DATA" && $3 == 3 { n += $2 } END { print n }' one)" 560 # frames with MORE
}

# The value is there, but text is chosen: nothing else shows that cheaply what was chosen.
@test "a column whose binary form is not there, or means nothing elsewhere, keeps a table from it" {
    make_long
    sql "$a" 'CREATE TYPE inside AS (x int, r regproc); CREATE DOMAIN table_name AS regclass; CREATE DOMAIN fine AS oid'
    for type in regclass table_name 'regtype[]' 'inside[]' aclitem; do
        sql "$a" "ALTER TABLE docs ADD r $type"
        fails 1 bash -c "bk-dump -d '$a' -j 1 >/dev/null"
        matches 'cannot copy public.docs: .*invalid memory alloc request size' "$stderr"
        sql "$a" 'ALTER TABLE docs DROP r'
    done
    sql "$a" "ALTER TABLE docs ADD r fine, ADD g regclass GENERATED ALWAYS AS ('pg_class') STORED"
    same "$(bk-dump -d "$a" -j 1 | bk-ls -J | jq -r 'select(.name == "docs").format')" binary
    # A row that an extension's condition leaves out does not count.
    sql "$a" "ALTER EXTENSION plpgsql ADD TABLE docs;
        UPDATE pg_extension SET extconfig = ARRAY['docs'::regclass::oid], extcondition = '{WHERE id > 1}' WHERE extname = 'plpgsql'"
    same "$(bk-dump -d "$a" -j 1 | bk-ls -J | jq -r 'select(.name == "docs") | [.rows, .format] | @tsv')" $'2\t'
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

# tables_for TYPE: a database with the tables of that backup, t0 with a column id of this type.
tables_for() {
    b=$(newdb)
    sql "$b" "CREATE TABLE t0 (words text, id $1); CREATE TABLE t1 (id bigint, words text); CREATE SEQUENCE t0_id_seq"
}

@test "rows only, into tables that are there" {
    tables_for bigint
    bk-load -q -d "$b" --into-existing <"$binary"
    same "$(sql "$b" 'SELECT count(*), min(id), max(id), max(words) FROM t0')" '5|0|4|rho rho\Nalphabetaalphaalphagammagammadeltagamma..'
    same "$(sql "$b" 'SELECT count(*) FROM t1')" 5
}

@test "rows only, into a column of another type: refused, also where the server would take the bytes" {
    # Eight bytes each.
    for type in 'double precision' timestamptz money; do
        tables_for "$type"
        fails 1 bk-load -d "$b" --into-existing <"$binary"
        matches "cannot load public.t0: its column id is of type .*, but in the backup, in binary, of type bigint" "$stderr"
        same "$(sql "$b" 'SELECT count(*) FROM t0')" 0
    done
}

@test "rows only, and one bit is another one: nothing is loaded" {
    tables_for bigint
    # The last byte of an id, and one of a text, which the server takes; then a length, and the number of columns.
    for place in '2 13' '3 2' '2 17' '2 1'; do
        # shellcheck disable=SC2086 # words
        "$frames" flip DATA $place <"$binary" >bad
        fails 3 bk-load -d "$b" --into-existing <bad
        matches 'public.t0: (digest: the backup says|a body does not hold whole rows)' "$stderr"
        same "$(sql "$b" 'SELECT count(*) FROM t0')" 0
    done
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
