#!/usr/bin/env bats
# From one database into another through all tools, judged by cmpdb.sh: the other one must hold the same. What pg_dump
# itself does not keep, like the order of an inherited table's columns, is judged against what pg_restore makes of it.

load helper
load db

@test "a database with a little of everything" {
    a=$(mixed) b=$(newdb) twin=$(newdb)
    circle "$a" "$b"
    pg_dump -Fc "$a" | pg_restore -d "$twin"
    "$cmpdb" -d "$a" "$b"
    "$cmpdb" -c "$twin" "$b"
}

@test "an empty database" {
    a=$(newdb) b=$(newdb)
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
}

@test "three hundred tables" {
    a=$(newdb) b=$(newdb)
    sql "$a" "DO \$\$ BEGIN FOR i IN 1..300 LOOP
        EXECUTE format('CREATE TABLE t%s (id int); INSERT INTO t%s SELECT generate_series(1, %s)', i, i, i % 5);
    END LOOP; END \$\$"
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
}

@test "a table of several parts, with holes, and rows that came after its measure" {
    a=$(newdb) b=$(newdb)
    fill "$a" t 2500
    sql "$a" "DELETE FROM t WHERE id BETWEEN 900 AND 1200 OR id % 5 = 0; UPDATE t SET words = 'new' WHERE id % 3 = 0"
    sql "$a" 'INSERT INTO t VALUES (-1, NULL), (-2, NULL)'
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
    # The parts were really read apart, and all of them.
    bk-dump -d "$a" -j 1 | "$frames" list >"$BATS_TEST_TMPDIR/list"
    same "$(awk '$1 == "DATA" && $3 == 3 { print $4 }' "$BATS_TEST_TMPDIR/list" | uniq)" $'0\n1\n2'
}

# Such a table cannot even be planned for, without a search_path: pg_dump reads it without a planner.
@test "a large table with an index whose function needs a search_path" {
    a=$(newdb)
    fill "$a" t 1100
    sql "$a" "CREATE FUNCTION other(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(\$1)';
        CREATE FUNCTION needs_path(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT other(\$1)';
        CREATE INDEX ON t (needs_path(left(words, 10)))"
    fill "$a" u 1100
    # Nor may its rows' lengths be asked for.
    sql "$a" "CREATE TABLE v (b bytea, x text); ALTER TABLE v ALTER b SET STORAGE EXTERNAL; INSERT INTO v SELECT repeat('x', 2000000)::bytea, 'x';
        CREATE INDEX ON v (needs_path(x))"
    fails 0 bash -c "bk-dump -v -d '$a' -j 2 >'$BATS_TEST_TMPDIR/a.bk'"
    matches 'public.t can only be read as a whole: ERROR:  function other\(text\) does not exist' "$stderr"
    same "$(bk-cat -t t <"$BATS_TEST_TMPDIR/a.bk" | sort -n)" "$(sql "$a" 'COPY t TO STDOUT' | sort -n)"
    same "$(bk-cat -t v <"$BATS_TEST_TMPDIR/a.bk" | md5sum)" "$(sql "$a" 'COPY v TO STDOUT' | md5sum)"
    "$frames" list <"$BATS_TEST_TMPDIR/a.bk" >"$BATS_TEST_TMPDIR/list"
    same "$(awk '$1 == "DATA" && $3 > 2 { print $3, $4 }' "$BATS_TEST_TMPDIR/list" | sort -u)" $'3 0\n4 0\n4 1\n5 0'
}

@test "a table without columns of several parts" {
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE TABLE z (); INSERT INTO z SELECT FROM generate_series(1, 300000)' # 226 a page
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
    matches '^the same: 1 tables, 300000 rows' "$("$cmpdb" -c "$a" "$b")"
}

@test "rows of 1 MiB, and shorter and longer ones" {
    a=$(newdb) b=$(newdb)
    # The newline counts: a row of 1048575 characters is 1 MiB.
    sql "$a" "CREATE TABLE t (x text); ALTER TABLE t ALTER x SET STORAGE EXTERNAL;
        INSERT INTO t SELECT repeat('x', n) FROM unnest('{1,1048574,1048575,1048576,5,2097151,2097152,3000000,1}'::int[]) n;
        CREATE TABLE u AS TABLE t"
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
    bk-dump -d "$a" -j 1 | "$frames" list >"$BATS_TEST_TMPDIR/list"
    # Flags and length: whole rows up to 1 MiB; of a longer one each piece but the last has MORE.
    same "$(awk '$1 == "DATA" && $3 == 3 { print $2, $5 }' "$BATS_TEST_TMPDIR/list")" \
        $'0 2\n0 1048575\n0 1048576\n1 1048576\n0 1\n0 6\n1 1048576\n0 1048576\n1 1048576\n1 1048576\n0 1\n1 1048576\n1 1048576\n0 902849\n0 2'
}

@test "a long row's frames stand together, however many dump and load" {
    a=$(newdb) b=$(newdb)
    for t in t u v w; do
        sql "$a" "CREATE TABLE $t (x text); INSERT INTO $t SELECT repeat(i::text, 2500000) FROM generate_series(1, 4) i"
    done
    bk-dump -d "$a" -j 4 | bk-load -q -d "$b" -j 4
    "$cmpdb" -c "$a" "$b"
}

@test "LATIN1, with bytes of its own in names and rows" {
    a=$(newdb -E LATIN1 --locale=C) b=$(newdb -E LATIN1 --locale=C) c=$(newdb)
    PGCLIENTENCODING=LATIN1 sql "$a" $'CREATE TABLE "t\xe4" ("c\xe9" text, b text); INSERT INTO "t\xe4" VALUES (\'\xff\xa0\', \'x\');
        CREATE SEQUENCE "s\xdf" START 5; COMMENT ON TABLE "t\xe4" IS \'\xfc\''
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
    # Into another encoding the server converts.
    bk-dump -d "$a" | bk-load -q -d "$c"
    same "$(PGCLIENTENCODING=UTF8 sql "$c" 'SELECT "cé" FROM "tä"')" $'ÿ\xc2\xa0'
    same "$(PGCLIENTENCODING=UTF8 sql "$c" 'SELECT last_value FROM "sß"')" 5
}

@test "SQL_ASCII, with bytes that are no UTF-8" {
    a=$(newdb -E SQL_ASCII --locale=C) b=$(newdb -E SQL_ASCII --locale=C) c=$(newdb)
    sql "$a" $'CREATE TABLE "t\xff\x80" ("c\xc3" text); INSERT INTO "t\xff\x80" VALUES (\'\xe9\'), (\'\xf0\x9f\x90\x98\')'
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
    # Such bytes may not get into a database of another encoding.
    sql "$a" $'ALTER TABLE "t\xff\x80" RENAME TO t; ALTER TABLE t RENAME "c\xc3" TO c'
    pipe "bk-dump -d '$a' | bk-load -d '$c'"
    same "$stages" '0 1'
    matches 'invalid byte sequence for encoding "UTF8": 0xe9' "$stderr"
}

@test "a database with an odd name, by name, conninfo, URI and variable" {
    a="bk'odd \\ \"$BATS_SUITE_TEST_NUMBER $$ é" b=$(newdb)
    willdrop "$a"
    createdb -T template0 "$a"
    PGDATABASE=$a psql -X -q -c 'CREATE TABLE t AS SELECT 1 AS x'
    # Backslashes are doubled in bk-ls, as in the stream.
    same "$(bk-dump -d "$a" | bk-cat --ddl | grep -c 'CREATE TABLE public.t')" 1
    bk-dump -d "$a" | bk-load -q -d "postgresql:///$b?host=$PGHOST&port=$PGPORT"
    same "$(sql "$b" 'SELECT x FROM t')" 1
    sql "$b" 'DROP TABLE t'
    export TARGET="dbname=$b host=$PGHOST"
    PGDATABASE=$a bk-dump | bk-load -q -d env:TARGET
    same "$(sql "$b" 'SELECT x FROM t')" 1
}

@test "settings of the target, and of the role that loads, change nothing" {
    a=$(mixed) b=$(newdb) c=$(newdb) role=$(newrole --superuser)
    bk-dump -d "$a" | bk-load -q -d "$b"
    sql postgres "ALTER DATABASE $c SET DateStyle = 'German'; ALTER DATABASE $c SET IntervalStyle = 'sql_standard';
        ALTER DATABASE $c SET TimeZone = 'Asia/Kolkata'; ALTER DATABASE $c SET search_path = nowhere;
        ALTER DATABASE $c SET client_encoding = 'LATIN1'; ALTER DATABASE $c SET bytea_output = 'escape';
        ALTER DATABASE $c SET standard_conforming_strings = off; ALTER DATABASE $c SET array_nulls = off;
        ALTER DATABASE $c SET xmloption = 'document'; ALTER DATABASE $c SET statement_timeout = '20s';
        ALTER DATABASE $c SET row_security = off; ALTER DATABASE $c SET default_transaction_isolation = 'serializable';
        ALTER ROLE $role SET check_function_bodies = on; ALTER ROLE $role SET DateStyle = 'SQL, DMY'"
    bk-dump -d "$a" | PGUSER=$role bk-load -q -d "$c"
    sql postgres "ALTER DATABASE $c RESET ALL"
    "$cmpdb" -d "$b" "$c"
}

@test "a target whose transactions are read-only unless asked otherwise" {
    a=$(mixed) b=$(newdb)
    sql postgres "ALTER DATABASE $b SET default_transaction_read_only = on"
    bk-dump -d "$a" | bk-load -q -d "$b"
    "$cmpdb" -d "$a" "$b"
}

@test "an event trigger that lets nothing be dropped" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE t AS SELECT 1 AS x; CREATE MATERIALIZED VIEW m AS TABLE t;
        CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''nothing is dropped here''; END';
        CREATE EVENT TRIGGER no ON sql_drop EXECUTE FUNCTION no()"
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
}

@test "partitions by the hash of an enum, whose rows may lie elsewhere after a restore" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TYPE e AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
        CREATE TABLE p (k e, v int) PARTITION BY HASH (k);
        CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER 0) PARTITION BY RANGE (v);
        CREATE TABLE p00 PARTITION OF p0 FOR VALUES FROM (0) TO (5);
        CREATE TABLE p01 PARTITION OF p0 DEFAULT;
        CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER 1);
        CREATE TABLE p2 PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER 2);
        INSERT INTO p SELECT v, n FROM unnest(enum_range(NULL::e)) v, generate_series(1, 10) n"
    sql "$b" "CREATE TYPE x AS ENUM ('1', '2', '3', '4', '5'); DROP TYPE x" # other OIDs than in the source
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
}

@test "an extension's configuration table: only the rows that are the user's" {
    a=$(newdb) b=$(newdb)
    # There may be no extension on this server that has such a table, so plpgsql gets one.
    for db in "$a" "$b"; do
        sql "$db" "CREATE TABLE config (id int PRIMARY KEY, x text); INSERT INTO config VALUES (1, 'of the extension');
            CREATE TABLE of_the_extension AS SELECT 1 AS x;
            ALTER EXTENSION plpgsql ADD TABLE config; ALTER EXTENSION plpgsql ADD TABLE of_the_extension;
            UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = '{WHERE id > 1}'
            WHERE extname = 'plpgsql'"
    done
    sql "$a" "INSERT INTO config SELECT i, 'of the user' FROM generate_series(2, 9) i; CREATE TABLE t (x int REFERENCES config)"
    sql "$a" 'INSERT INTO t VALUES (1), (9)'
    circle "$a" "$b"
    same "$(sql "$b" 'SELECT count(*), min(id), max(id) FROM config')" '9|1|9'
    same "$(sql "$b" 'SELECT count(*) FROM of_the_extension')" 1
    same "$(sql "$b" 'SELECT count(*) FROM t')" 2
}

@test "one connection loads the same as four" {
    a=$(mixed) b=$(newdb) c=$(newdb)
    fill "$a" t 1100
    bk-dump -d "$a" -j 4 | bk-load -q -d "$b" -j 1
    bk-dump -d "$a" -j 1 | bk-load -q -d "$c" -j 4
    "$cmpdb" -d "$a" "$b"
    "$cmpdb" -c "$b" "$c"
}

# A backup pipe, held before its second megabyte; then one of its tools is killed.
kill_in_backup() {
    local a dir=$BATS_TEST_TMPDIR pid
    declare -A pids
    a=$(newdb)
    fill "$a" t 4000 "$noise"
    mkfifo "$dir"/{1,2,3,4}
    new_gate "$dir/g"
    bk-dump -d "$a" -j 2 >"$dir/1" 2>"$dir/bk-dump" 3>&- &
    started+=("$!")
    pids[bk-dump]=$!
    gate "$dir/g" 1500000 <"$dir/1" >"$dir/2" 3>&- &
    started+=("$!")
    bk-zstd <"$dir/2" >"$dir/3" 2>"$dir/bk-zstd" 3>&- &
    started+=("$!")
    pids[bk-zstd]=$!
    bk-sum <"$dir/3" >"$dir/4" 2>"$dir/bk-sum" 3>&- &
    started+=("$!")
    pids[bk-sum]=$!
    mkdir "$dir/store"
    bk-put "$dir/store/a.bk" <"$dir/4" 2>"$dir/bk-put" 3>&- &
    started+=("$!")
    pids[bk-put]=$!
    wait_until held "$dir/g"
    for tool in bk-dump bk-zstd bk-sum bk-put; do
        wait_until is_program "${pids[$tool]}" "$tool"
    done
    wait_until has_open "${pids[bk-put]}" "$dir/store"
    kill -9 "${pids[$1]}"
    open_gate "$dir/g"
    for pid in "${pids[@]}"; do
        wait "$pid" || true
    done
    same "$(find "$dir/store" -name '*.bk')" ''
    wait_until no_sessions "$a"
    if [[ $1 != bk-put ]]; then
        wait "${pids[bk-put]}" || put=$? # bash remembers it
        same "$put" 3
        matches 'ends without END' "$(<"$dir/bk-put")"
    fi
}

# has_open PID FOLDER: has the process a file open there?
has_open() {
    find "/proc/$1/fd" -lname "$2/*" | grep -q .
}

@test "kill -9 of bk-dump in the middle: no file" {
    kill_in_backup bk-dump
}

@test "kill -9 of bk-zstd in the middle: no file" {
    kill_in_backup bk-zstd
}

@test "kill -9 of bk-sum in the middle: no file" {
    kill_in_backup bk-sum
}

@test "kill -9 of bk-put in the middle: no file" {
    kill_in_backup bk-put
}

# The same of a restore, held where bk-load has begun with rows.
kill_in_restore() {
    local a b dir=$BATS_TEST_TMPDIR pid status=0
    declare -A pids
    a=$(newdb) b=$(newdb)
    fill "$a" t 4000 "$noise"
    bk-dump -d "$a" | bk-zstd | bk-sum | bk-put -q "$dir/a.bk"
    mkfifo "$dir"/{1,2,3,4}
    new_gate "$dir/g"
    bk-get "$dir/a.bk" >"$dir/1" 2>"$dir/bk-get" 3>&- &
    started+=("$!")
    pids[bk-get]=$!
    # All but the last frames: tools that are killed behind the gate would otherwise be through already.
    gate "$dir/g" $(($(stat -c %s "$dir/a.bk") - 2000)) <"$dir/1" >"$dir/2" 3>&- &
    started+=("$!")
    bk-verify <"$dir/2" >"$dir/3" 2>"$dir/bk-verify" 3>&- &
    started+=("$!")
    pids[bk-verify]=$!
    bk-zstd -d <"$dir/3" >"$dir/4" 2>"$dir/bk-zstd" 3>&- &
    started+=("$!")
    pids[bk-zstd]=$!
    bk-load -d "$b" -j 2 <"$dir/4" 2>"$dir/bk-load" 3>&- &
    started+=("$!")
    pids[bk-load]=$!
    wait_until held "$dir/g"
    wait_until is_marked "$b"
    if [[ $1 == bk-get ]]; then
        # Long gone, for the file is short: so the gate stands for it.
        kill -9 "${started[1]}"
    else
        kill -9 "${pids[$1]}"
    fi
    open_gate "$dir/g"
    for pid in "${pids[@]}"; do
        wait "$pid" || true
    done
    wait_until no_sessions "$b"
    is_marked "$b"
    if [[ $1 != bk-load ]]; then
        wait "${pids[bk-load]}" || status=$?
        same "$status" 3
        matches 'ends without END' "$(<"$dir/bk-load")"
        matches 'is not finished' "$(<"$dir/bk-load")"
    fi
}

@test "kill -9 of what brings the stream of a restore: the target says that it is not finished" {
    kill_in_restore bk-get
}

@test "kill -9 of bk-verify in a restore: the target says that it is not finished" {
    kill_in_restore bk-verify
}

@test "kill -9 of bk-zstd in a restore: the target says that it is not finished" {
    kill_in_restore bk-zstd
}

@test "kill -9 of bk-load: the target says that it is not finished" {
    kill_in_restore bk-load
}

@test "a CHECK that calls a function that reads a view" {
    a=$(newdb) b=$(newdb)
    sql "$a" "CREATE TABLE known AS SELECT generate_series(1, 10) AS n; CREATE VIEW v AS TABLE known;
        CREATE FUNCTION is_known(int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.v WHERE n = \$1)';
        CREATE TABLE checked (n int CHECK (is_known(n))); INSERT INTO checked TABLE known"
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
}

@test "rights and a comment of public, and nothing before them in the archive" {
    a=$(newdb) b=$(newdb) c=$(newdb) role=$(newrole)
    sql "$a" "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); GRANT CREATE ON SCHEMA public TO $role; COMMENT ON SCHEMA public IS 'ours'"
    circle "$a" "$b"
    "$cmpdb" -c "$a" "$b"
    bk-dump -q -d "$a" | bk-load -q -d "$c" --exclude-table u
    sql "$a" 'DROP TABLE u'
    "$cmpdb" -c "$a" "$c"
}
