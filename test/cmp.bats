#!/usr/bin/env bats
# bk-cmp: what it says of two streams, and with which status.

load helper
load db

PATH=$BUILD/test:$PATH

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

# small: a database with little, $a, and its backup a.bk: item 1 is the database, 2 the definitions, 3 and 4 the tables t
# and u, 5 the sequences, 6 the large objects.
small() {
    a=$(newdb)
    sql "$a" "CREATE TABLE t (id int PRIMARY KEY, words text); CREATE TABLE u (x int); INSERT INTO t VALUES (1, 'one'), (2, 'two');
        CREATE SEQUENCE s; SELECT lo_from_bytea(4711, 'large object')" >/dev/null
    bk-dump -d "$a" -j 1 >a.bk
}

# now_differs EXPECTED: $a is no longer as in a.bk, and that is what is said of it. Digests are shown as #.
now_differs() {
    fails 5 bash -c "bk-dump --digests -d '$a' | bk-cmp a.bk -"
    same "$1" "$(sed -E 's/xxh3-128-sum [0-9a-f]{32}/#/g' <<<"$output")"
    same "$stderr" ''
}

# odd FROM ITEM WORD...: the stream FROM with these fields of an ITEM changed, in odd.bk.
odd() {
    "$frames" set ITEM "$2" "${@:3}" <"$1" >odd.bk
}

@test "a restored database is the same, whatever the tools between" {
    a=$(mixed) b=$(newdb)
    sql "$a" "SELECT lo_from_bytea(4711, 'large')" >/dev/null
    bk-dump -d "$a" -j 2 | bk-zstd | bk-sum | bk-put -q a.bk
    bk-get a.bk | bk-zstd -d | bk-load -q -d "$b" -j 2
    pipe "bk-dump --digests -d '$b' -j 3 | bk-cmp a.bk -"
    same "$stages $stderr" '0 0 '
    matches '^the same: [1-9][0-9]* tables, [1-9][0-9]+ rows$'
    bk-dump --digests -d "$b" | bk-zstd | bk-sum >b.digests
    bk-zstd -d <a.bk | bk-gz >a.gz
    bk-cmp b.digests a.gz
    bk-cmp - b.digests <a.gz
    bk-cmp b.digests b.digests
    # The other way round, and of a backup with another.
    bk-dump -d "$b" | bk-cmp - a.bk
}

@test "each change is named" {
    small
    cmp_a() { fails 0 bash -c "bk-dump --digests -d '$a' | bk-cmp a.bk -"; }
    cmp_a
    same "$output" 'the same: 2 tables, 2 rows'
    sql "$a" "UPDATE t SET words = 'One' WHERE id = 1"
    now_differs 'public.t: digest: # <> #'
    sql "$a" "UPDATE t SET words = 'one' WHERE id = 1; INSERT INTO u VALUES (1)"
    now_differs 'public.u: rows: 0 <> 1'
    sql "$a" 'DELETE FROM u; ALTER TABLE u ADD y text'
    now_differs 'public.u: column y text: only in B'
    sql "$a" 'ALTER TABLE u ALTER x TYPE bigint, DROP y'
    now_differs 'public.u: column x: integer <> bigint'
    sql "$a" 'ALTER TABLE u RENAME x TO z'
    now_differs $'public.u: column x integer: only in A\npublic.u: column z bigint: only in B'
    sql "$a" 'DROP TABLE u'
    now_differs 'public.u: only in A'
    sql "$a" 'CREATE TABLE u (x int); CREATE TABLE v (x int)'
    now_differs 'public.v: only in B'
    sql "$a" 'DROP TABLE v'
    cmp_a
    sql "$a" "SELECT nextval('s')" >/dev/null
    now_differs 'sequences: digest: # <> #'
    sql "$a" "CREATE SEQUENCE s2; SELECT setval('s', 1, false)" >/dev/null
    now_differs 'sequences: rows: 1 <> 2'
    sql "$a" 'DROP SEQUENCE s2'
    cmp_a
    sql "$a" "SELECT lo_put(4711, 3, 'G')" >/dev/null
    now_differs 'large-objects: digest: # <> #'
    sql "$a" "SELECT lo_put(4711, 3, 'g'), lo_create(4712)" >/dev/null
    now_differs 'large-objects: rows: 2 <> 3'
    sql "$a" 'SELECT lo_unlink(4712)' >/dev/null
    cmp_a
    sql "$a" 'DROP EXTENSION plpgsql'
    now_differs 'database: extension plpgsql 1.0: only in A'
    sql "$a" $'ALTER TABLE t ADD z int; DROP TABLE u; CREATE TABLE "odd\n.name" (x int)'
    now_differs 'database: extension plpgsql 1.0: only in A
public.odd\n.name: only in B
public.t: column z integer: only in B
public.t: digest: # <> #
public.u: only in A'
}

@test "what is no data does not count, and is told where it may explain something" {
    small
    b=$(newdb) role=$(newrole)
    bk-load -q -d "$b" <a.bk
    sql "$b" "VACUUM FULL t"
    sql "$b" "ALTER TABLE u RENAME TO u2; CREATE TABLE u (x int); DROP TABLE u2; CREATE INDEX ON t (words); ALTER TABLE t OWNER TO $role;
        ALTER DATABASE $b SET work_mem = '5MB'; ALTER DATABASE $b OWNER TO $role; ALTER TABLE u SET UNLOGGED"
    fails 0 bash -c "bk-dump -q --digests -d '$b' --label other --globals --exclude-table no | bk-cmp a.bk -"
    same "$output" "note: database: owner: bk <> $role
note: database: select exclude-table no: only in B
note: database: setting - work_mem 5MB: only in B
note: roles: only in B
note: tablespaces: only in B
note: public.u: persistence: permanent <> unlogged
the same: 2 tables, 2 rows"
    # Roles and tablespaces are compared if both have them.
    bk-dump --digests -d "$a" --globals >a.digests
    sql postgres "COMMENT ON ROLE $role IS 'changed'"
    fails 5 bash -c "bk-dump --digests -d '$a' --globals | bk-cmp - a.digests"
    matches '^roles: digest: '
    # What the server's packages decide.
    odd a.bk 1 'extension=plpgsql 1.1' server-version=16.2 server-version-num=160002 name=other
    fails 0 bk-cmp a.bk odd.bk
    same "$(grep note: <<<"$output")" 'note: database: extension plpgsql: 1.0 <> 1.1
note: database: server-version: '"$(sql "$a" 'SHOW server_version')"' <> 16.2'
    odd a.bk 3 oid=99999 parts=7 condition='WHERE true'
    fails 0 bk-cmp a.bk odd.bk
    same "$output" 'note: public.t: condition WHERE true: only in B
the same: 2 tables, 2 rows'
}

# Rows of such partitions may be in another one after a restore, so it is their sum that counts.
@test "partitions by a hash of an enum are compared as one" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TYPE mood AS ENUM ($(printf "'%s'," {a..z} | sed 's/,$//')); CREATE TABLE p (m mood, x int) PARTITION BY HASH (m);
        CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER 0); CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER 1);
        CREATE TABLE p2 PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER 2);
        INSERT INTO p SELECT m, i FROM unnest(enum_range(NULL::mood)) m, generate_series(1, 10) i"
    bk-dump -d "$a" >a.bk
    bk-load -q -d "$b" <a.bk
    places="SELECT string_agg(DISTINCT tableoid::regclass || '.' || m, ' ') FROM p" # not the same: the enum's oids are others
    [[ $(sql "$a" "$places") != "$(sql "$b" "$places")" ]]
    same "$(bk-ls -J <a.bk | jq -r 'select(.type == "table") | .["load-into"]')" $'root\nroot\nroot'
    fails 0 bash -c "bk-dump --digests -d '$b' | bk-cmp a.bk -"
    same "$output" 'the same: 3 tables, 260 rows'
    bk-dump --digests -d "$a" >a.digests
    "$frames" set ITEM 3 format=binary <a.digests >mixed.digests
    fails 0 bk-cmp mixed.digests mixed.digests
    fails 2 bk-cmp a.digests mixed.digests
    same "$output" 'cannot be compared: public.p: format: text <> text and binary'
    "$frames" set DONE 3 "digest=xxh3-128-sum $(printf '%032d' 7)" <mixed.digests >mixed2.digests
    fails 2 bk-cmp mixed.digests mixed2.digests
    same "$output" 'cannot be compared: public.p: format: text and binary <> text and binary'
    [[ $(sql "$b" "UPDATE p SET x = 0 WHERE x = 1 AND m = 'a' RETURNING 1") == 1 ]]
    fails 5 bash -c "bk-dump --digests -d '$b' | bk-cmp a.digests -"
    matches '^public.p: digest: [^:]*$'
    sql "$b" 'DROP TABLE p2'
    fails 5 bash -c "bk-dump --digests -d '$b' | bk-cmp a.digests -"
    matches '^public.p: partition p2: only in A'
}

@test "digests of other COPY settings, or in another format, are not comparable: neither same nor different" {
    small
    odd a.bk 1 'copy-setting=DateStyle=German'
    fails 2 bk-cmp a.bk odd.bk
    same "$output" 'cannot be compared: database: copy-setting DateStyle: ISO, MDY <> German'
    matches 'nothing differs as far as can be seen, but not all can be compared.*hint: .*same encoding' "$stderr"
    # Digests say nothing then; the number of rows does.
    "$frames" set DONE 3 "digest=xxh3-128-sum $(printf '%032d' 7)" <odd.bk >odd2.bk
    fails 2 bk-cmp a.bk odd2.bk
    [[ $output != *digest:* ]]
    "$frames" set DONE 3 rows=3 <odd.bk >odd2.bk
    "$frames" set DONE 4 rows=1 <odd2.bk >odd3.bk
    run bk-cmp a.bk odd3.bk # END's rows are not their sum any more
    same "$status" 3
    sql "$a" 'DELETE FROM t WHERE id = 1'
    bk-dump --digests -d "$a" >b.digests
    fails 5 bk-cmp odd.bk b.digests
    matches 'public.t: rows: 2 <> 1'
    odd a.bk 3 format=binary
    fails 2 bk-cmp a.bk odd.bk
    same "$output" 'cannot be compared: public.t: format: text <> binary'
    fails 0 bk-cmp odd.bk odd.bk
    odd a.bk 4 format=binary # it has no rows
    fails 0 bk-cmp a.bk odd.bk
    # Of a newer bk.
    odd a.bk 4 type=vectors
    fails 2 bk-cmp odd.bk odd.bk
    same "$output" 'cannot be compared: vectors: type: of a newer bk <> of a newer bk'
    fails 5 bk-cmp a.bk odd.bk
    same "$output" $'public.u: only in A\ncannot be compared: vectors: only in B'
}

@test "two databases of different encodings" {
    a=$(newdb) b=$(newdb -E LATIN1 --locale=C)
    for db in "$a" "$b"; do
        PGCLIENTENCODING=UTF8 sql "$db" "CREATE TABLE t AS SELECT 'é' AS x"
    done
    bk-dump --digests -d "$a" >a.digests
    fails 2 bash -c "bk-dump --digests -d '$b' | bk-cmp a.digests -"
    matches 'cannot be compared: database: copy-setting client_encoding: UTF8 <> LATIN1'
    matches 'note: database: encoding: UTF8 <> LATIN1'
}

@test "as JSON" {
    small
    fails 0 bk-cmp -J a.bk a.bk
    same "$output" '{"record":"result","same":true,"differences":0,"incomparable":0,"notes":0}'
    sql "$a" 'ALTER TABLE t RENAME TO "T\"; INSERT INTO u VALUES (1); ALTER TABLE u ALTER x TYPE bigint'
    fails 5 bash -c "bk-dump --digests -d '$a' --globals | bk-cmp -J a.bk -"
    same "$(jq -cS . <<<"$output")" '{"b":"","record":"note","type":"roles"}
{"b":"","record":"note","type":"tablespaces"}
{"b":"","name":"T\\\\","record":"difference","schema":"public","type":"table"}
{"a":"","name":"t","record":"difference","schema":"public","type":"table"}
{"a":"integer","b":"bigint","name":"u","record":"difference","schema":"public","type":"table","what":"column","which":"x"}
{"a":"0","b":"1","name":"u","record":"difference","schema":"public","type":"table","what":"rows"}
{"differences":4,"incomparable":0,"notes":2,"record":"result","same":false}'
}

@test "a stream that is bad, cut or given up is neither same nor different" {
    small
    bk-dump --digests -d "$a" >a.digests
    "$streamend" list <a.digests >places
    while read -r at _; do
        head -c "$at" a.digests >bad
        fails 3 bk-cmp a.bk bad
        same "$output" ''
        matches 'bad (is empty|ends without END)' "$stderr"
        fails 3 bk-cmp bad a.bk
        fails 3 bk-cmp - a.bk <bad
        matches 'standard input ' "$stderr"
    done <places
    for seed in {1..64}; do
        "$streamend" flip "$seed" <a.digests >bad 2>/dev/null
        fails 3 bk-cmp a.bk bad
        same "$output" ''
        fails 3 bk-cmp - a.bk <bad
    done
    echo >>a.digests
    fails 3 bk-cmp a.bk a.digests
    fails 3 bk-cmp a.bk "$BATS_TEST_DIRNAME/data/abort.bk"
    matches ' gave up: .*hint: this is said of .*/abort.bk' "$stderr"
    same "$output" ''
    for golden in upper format2; do
        fails 3 bk-cmp "$BATS_TEST_DIRNAME/data/$golden.bk" a.bk
    done
    # Standard input comes first, as B too: a dump that waited for the file to be read would hold its locks.
    mkfifo fifo
    fails 3 timeout 30 bk-cmp fifo - <bad
    matches 'standard input: ' "$stderr"
    # A dump that fails: before its stream begins, and amid its rows.
    pipe "bk-dump --digests -d 'dbname=$a port=1' | bk-cmp a.bk -"
    same "$stages" '1 3'
    sql "$a" "ALTER EXTENSION plpgsql ADD TABLE t;
        UPDATE pg_extension SET extconfig = ARRAY['t'::regclass::oid], extcondition = '{WHERE 1 / (id - 2) < 0}' WHERE extname = 'plpgsql'"
    pipe "bk-dump --digests -d '$a' | bk-cmp a.bk -"
    same "$stages" '1 3'
    matches 'bk-cmp: bk-dump gave up: cannot copy public.t: .*division by zero' "$stderr"
    same "$output" ''
}

@test "ITEMs and DONEs that say odd things" {
    small
    # Twice: which of them would it be?
    odd a.bk 4 name=t
    fails 3 bk-cmp a.bk odd.bk
    matches 'the table public.t is there twice.*hint: this is said of odd.bk' "$stderr"
    odd a.bk 5 type=large-objects
    fails 3 bk-cmp odd.bk a.bk
    matches "two items of type 'large-objects'" "$stderr"
    odd a.bk 3 +load-into=root # without an ancestor: its own name
    fails 5 bk-cmp odd.bk a.bk
    "$frames" set ITEM 4 name=t load-into=root <odd.bk >odd2.bk
    fails 5 bk-cmp odd2.bk a.bk
    fails 0 bk-cmp odd2.bk odd2.bk
    odd a.bk 3 load-into=root +ancestor-schema=s
    fails 5 bk-cmp odd.bk a.bk
    # Columns.
    odd a.bk 3 +column=x
    fails 3 bk-cmp odd.bk a.bk
    matches 'frame 3 \(ITEM\): it has columns without types.*hint: this is said of odd.bk' "$stderr"
    odd a.bk 3 +column=id +column-type=text
    fails 5 bk-cmp odd.bk a.bk
    same "$output" 'public.t: column id text: only in A'
    odd a.bk 3 +column=x +column=y +column-type=a +column-type=b
    fails 5 bk-cmp odd.bk a.bk
    fails 0 bk-cmp odd.bk odd.bk
    odd a.bk 3 name=
    fails 3 bk-cmp odd.bk a.bk
    # Digests.
    for digest in 'xxh4-128-sum 00' 'xxh3-128-sum ' 'xxh3-128-sum' '0' 'xxh3-128-sum 0123456789abcdef0123456789abcdeF' \
        'xxh3-128-sum 0123456789abcdef0123456789abcdef0' 'xxh3-128 0123456789abcdef0123456789abcdef'; do
        "$frames" set DONE 3 "digest=$digest" <a.bk >odd.bk
        fails 3 bk-cmp a.bk odd.bk
        matches 'the digest of public.t is of a kind that this bk does not know: made by a newer bk' "$stderr"
    done
    "$frames" set DONE 3 digest= <a.bk >odd.bk
    fails 3 bk-cmp a.bk odd.bk
    "$frames" set DONE 3 rows=x <a.bk >odd.bk
    fails 3 bk-cmp a.bk odd.bk
    # The database.
    odd a.bk 1 type=vectors
    fails 3 bk-cmp a.bk odd.bk
    matches 'nothing is said of the database' "$stderr"
    odd a.bk 1 extension= +extension=plpgsql +extension=plpgsql +extension='  ' +extension=' '
    fails 5 bk-cmp a.bk odd.bk
    fails 0 bk-cmp odd.bk odd.bk
    # Names do nothing to a terminal.
    odd a.bk 3 name="$(printf 'a\033[31m\nb')"
    fails 5 bk-cmp a.bk odd.bk
    same "$output" $'public.a\\x1b[31m\\nb: only in B\npublic.t: only in A'
    # Thousands of lines.
    words=()
    for i in {1..3000}; do
        words+=("+copy-setting=s$i=x" "+extension=e$i 1")
    done
    odd a.bk 1 "${words[@]}"
    fails 0 bk-cmp odd.bk odd.bk
}

@test "streams of another kind, steps that hide what is in them, and wrong calls" {
    small
    mkstream --kind catalog >other
    fails 4 bk-cmp a.bk other
    matches "neither a backup nor digests, but a stream of kind 'catalog'.*hint: this is said of other" "$stderr"
    mkstream --step 'seal aead=x' >sealed
    fails 2 bk-cmp sealed a.bk
    matches "hint: put bk-seal -d before bk-cmp" "$stderr"
    mkstream --step 'veil v=1' >sealed
    fails 3 bk-cmp sealed a.bk
    matches "the last step is 'veil v=1', which this bk does not know: made by a newer bk.*hint: this is said of sealed" "$stderr"
    mkstream --zstd --step 'new x=1' >sealed
    fails 3 bk-cmp a.bk sealed
    fails 2 bk-cmp - - <a.bk
    matches 'only one of the two can be standard input' "$stderr"
    fails 2 bk-cmp a.bk
    fails 2 bk-cmp a.bk a.bk a.bk
    fails 1 bk-cmp a.bk nothere
    matches "cannot open 'nothere'" "$stderr"
    fails 1 bk-cmp a.bk .
    fails 1 bash -c 'bk-cmp a.bk a.bk >/dev/full'
    matches 'cannot write to standard output' "$stderr"
}
