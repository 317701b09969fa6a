#!/usr/bin/env bats
# cmpdb.sh is what the other tests believe, so here each kind of difference is made on purpose and must be found.

load helper

cmpdb=$BATS_TEST_DIRNAME/cmpdb.sh

setup() {
    ! sanitized || skip "a shell script is under no sanitizer"
    a=$(newdb)
    b=$(newdb)
}

# one SQL: the same statements in both databases.
both() {
    sql "$a" "$1"
    sql "$b" "$1"
}

# finds REGEX [OPTION]: the two differ, in one line that matches, and in nothing else.
finds() {
    fails 1 "$cmpdb" ${2:+"$2"} "$a" "$b"
    matches "$1"
    same "${#lines[@]}" 1
}

@test "two empty databases are the same" {
    fails 0 "$cmpdb" "$a" "$b"
    matches '^the same: 0 tables, 0 rows, 0 sequences, 0 large objects, [1-9][0-9]* definitions$'
}

@test "says what was compared" {
    both "CREATE TABLE t (id serial PRIMARY KEY, x text); INSERT INTO t (x) VALUES ('a'), ('b'); SELECT lo_create(7)"
    fails 0 "$cmpdb" "$a" "$b"
    matches '^the same: 1 tables, 2 rows, 1 sequences, 1 large objects, '
}

@test "order of rows and order of creation mean nothing" {
    sql "$a" "CREATE TABLE t (x int, y text); CREATE TABLE u (); INSERT INTO t VALUES (1, 'a'), (2, NULL)"
    sql "$b" "CREATE TABLE u (); CREATE TABLE t (x int, y text); INSERT INTO t VALUES (2, NULL), (1, 'a')"
    fails 0 "$cmpdb" "$a" "$b"
}

@test "order of grants means nothing" {
    sql "$a" "CREATE TABLE t (); GRANT SELECT ON t TO pg_monitor; GRANT SELECT ON t TO pg_read_all_stats"
    sql "$b" "CREATE TABLE t (); GRANT SELECT ON t TO pg_read_all_stats; GRANT SELECT ON t TO pg_monitor"
    fails 0 "$cmpdb" "$a" "$b"
}

@test "a row changed" {
    both "CREATE TABLE t AS SELECT i, i::text AS x FROM generate_series(1, 1000) i"
    sql "$b" "UPDATE t SET x = 'new' WHERE i = 500"
    finds '^rows public.t: 1000 rows, hash .* <> 1000 rows, hash '
}

@test "a row missing" {
    both "CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i"
    sql "$b" "DELETE FROM t WHERE i = 500"
    finds '^rows public.t: 1000 rows, .* <> 999 rows,'
}

@test "a row doubled, and another one missing" {
    both "CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i"
    sql "$b" "UPDATE t SET i = 1 WHERE i = 2"
    finds '^rows public.t: 1000 rows, .* <> 1000 rows,'
}

@test "values of two rows exchanged" {
    both "CREATE TABLE t (x int, y int); INSERT INTO t VALUES (1, 1), (2, 2)"
    sql "$b" "UPDATE t SET y = 3 - y"
    finds '^rows public.t: '
}

@test "values of two columns exchanged" {
    both "CREATE TABLE t (x int, y int); INSERT INTO t VALUES (1, 2)"
    sql "$b" "UPDATE t SET x = y, y = x"
    finds '^rows public.t: '
}

@test "NULL is not the empty string, nor the word NULL" {
    both "CREATE TABLE t (x text); CREATE TABLE u (x text)"
    sql "$a" "INSERT INTO t VALUES (NULL); INSERT INTO u VALUES (NULL)"
    sql "$b" "INSERT INTO t VALUES (''); INSERT INTO u VALUES ('NULL')"
    fails 1 "$cmpdb" "$a" "$b"
    same "${#lines[@]}" 2
}

@test "the last bit of a float, a numeric's zeros, a microsecond, white space" {
    both "CREATE TABLE f (x float8); CREATE TABLE n (x numeric);
          CREATE TABLE s (x timestamptz); CREATE TABLE w (x text)"
    sql "$a" "INSERT INTO f VALUES (0.3); INSERT INTO n VALUES (1.0)"
    sql "$b" "INSERT INTO f VALUES (0.1::float8 + 0.2::float8); INSERT INTO n VALUES (1.00)"
    sql "$a" "INSERT INTO s VALUES ('2026-01-01 00:00:00.000001+00'); INSERT INTO w VALUES (E'a\n')"
    sql "$b" "INSERT INTO s VALUES ('2026-01-01 00:00:00.000002+00'); INSERT INTO w VALUES (E'a')"
    fails 1 "$cmpdb" "$a" "$b"
    same "${#lines[@]}" 4
}

@test "a database's own settings do not change how values are written" {
    both "CREATE TABLE t (a timestamptz, b float8, c bytea, d interval, e money);
          INSERT INTO t VALUES ('2026-05-04 03:02:01.5+00', 0.1, '\x00ff', '1 mon -2 days', 12.5)"
    sql "$b" "ALTER DATABASE $b SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE $b SET DateStyle = 'German';
              ALTER DATABASE $b SET extra_float_digits = -3; ALTER DATABASE $b SET bytea_output = 'escape';
              ALTER DATABASE $b SET IntervalStyle = 'iso_8601'"
    fails 0 "$cmpdb" -c "$a" "$b"
    fails 1 "$cmpdb" "$a" "$b"
    matches "setting TimeZone: only in the second: TimeZone=Asia/Tokyo"
    same "${#lines[@]}" 5
}

@test "a table missing, and one too many" {
    both "CREATE TABLE t (x int)"
    sql "$a" "CREATE TABLE more (x int)"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TABLE public.more: only in the first: '
    matches 'rows public.more: only in the first: 0 rows'
    fails 1 "$cmpdb" -d "$b" "$a"
    same "$output" "rows public.more: only in the second: 0 rows, hash 0/0"
}

@test "names: upper case, blank, quote, tab, a newline, a name of the catalog" {
    both "CREATE SCHEMA \"a'b\"; CREATE TABLE \"a'b\".\"T \"\"x\"\" %s\" (\"c 'd\" int);
          CREATE SEQUENCE \"a'b\".\"s\\\\\";
          CREATE TABLE public.pg_class (\"row\" int)"
    both "$(printf 'CREATE TABLE "tab\there\nand newline" (x int)')"
    fails 0 "$cmpdb" "$a" "$b"
    sql "$b" "INSERT INTO \"a'b\".\"T \"\"x\"\" %s\" VALUES (1); INSERT INTO public.pg_class VALUES (1);
              SELECT nextval('\"a''b\".\"s\\\\\"')"
    sql "$b" "$(printf 'INSERT INTO "tab\there\nand newline" VALUES (1)')"
    fails 1 "$cmpdb" "$a" "$b"
    same "${#lines[@]}" 4
}

@test "a table without columns, and one without rows" {
    both "CREATE TABLE bare (); CREATE TABLE empty (x int)"
    sql "$a" "INSERT INTO bare DEFAULT VALUES"
    finds '^rows public.bare: 1 rows, .* <> 0 rows,'
}

@test "a child's rows are not its parent's" {
    both "CREATE TABLE parent (x int); CREATE TABLE child () INHERITS (parent)"
    sql "$a" "INSERT INTO parent VALUES (1)"
    sql "$b" "INSERT INTO child VALUES (1)"
    fails 1 "$cmpdb" "$a" "$b"
    same "${#lines[@]}" 2
}

@test "rows in other partitions of a hash-partitioned table are the same, a lost one is not" {
    sql "$a" "CREATE TYPE e AS ENUM ('x', 'y')"
    sql "$b" "CREATE TYPE unlike AS ENUM ('z'); DROP TYPE unlike; CREATE TYPE e AS ENUM ('x', 'y')"
    both "CREATE TABLE t (k e, v int) PARTITION BY HASH (k);
          CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
          CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
          INSERT INTO t SELECT 'x', i FROM generate_series(1, 100) i; INSERT INTO t VALUES ('y', 1)"
    fails 0 "$cmpdb" "$a" "$b"
    sql "$b" "DELETE FROM t WHERE v = 7"
    finds '^rows public.t: 101 rows, .* <> 100 rows'
}

@test "rows in other partitions of a list are not the same" {
    both "CREATE TABLE t (x int) PARTITION BY RANGE (x);
          CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (10); CREATE TABLE rest PARTITION OF t DEFAULT"
    sql "$a" "INSERT INTO t VALUES (5)"
    sql "$b" "INSERT INTO t VALUES (50)"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'rows public.low: 1 rows.*rows public.rest: 0 rows'
}

@test "a column's type, default, NOT NULL" {
    both "CREATE TABLE t (x int); CREATE TABLE u (x int); CREATE TABLE v (x int)"
    sql "$b" "ALTER TABLE t ALTER x TYPE bigint; ALTER TABLE u ALTER x SET DEFAULT 1;
              ALTER TABLE v ALTER x SET NOT NULL"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TABLE public.t:     x integer <>     x bigint'
    matches 'TABLE public.u:     x integer <>     x integer DEFAULT 1'
    matches 'TABLE public.v:     x integer <>     x integer NOT NULL'
    same "${#lines[@]}" 3
}

@test "order of columns: the definition, not the rows" {
    sql "$a" "CREATE TABLE t (x int, y int); INSERT INTO t VALUES (1, 2)"
    sql "$b" "CREATE TABLE t (y int, x int); INSERT INTO t VALUES (2, 1)"
    fails 0 "$cmpdb" -d "$a" "$b"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'column order public.t: x y <> y x'
}

@test "a child's columns in the order that pg_dump gives them" {
    sql "$a" "CREATE TABLE p (x int); CREATE TABLE c (y int) INHERITS (p); ALTER TABLE p ADD z int;
              INSERT INTO c VALUES (1, 2, 3)"
    pg_dump "$a" | sql "$b" >"$BATS_TEST_TMPDIR/restored"
    fails 0 "$cmpdb" "$a" "$b"
}

@test "an index missing, another method" {
    both "CREATE TABLE t (x int); CREATE INDEX i ON t (x)"
    sql "$a" "CREATE INDEX j ON t (x)"
    sql "$b" "DROP INDEX i; CREATE INDEX i ON t USING hash (x)"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'INDEX public.i: CREATE INDEX i .*btree .* <> CREATE INDEX i .* hash '
    matches 'INDEX public.j: only in the first: CREATE INDEX j '
}

@test "an invalid index, which pg_dump passes over" {
    both "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (1)"
    fails 1 psql -X -q -d "$b" -c "CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'invalid index public.i: only in the second: CREATE UNIQUE INDEX i'
}

@test "a constraint missing, not validated, deferrable" {
    both "CREATE TABLE t (x int PRIMARY KEY); CREATE TABLE u (x int, y int, z int)"
    sql "$a" "ALTER TABLE u ADD CONSTRAINT c CHECK (x > 0), ADD CONSTRAINT d CHECK (x > 1);
              ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (y) REFERENCES t"
    sql "$b" "ALTER TABLE u ADD CONSTRAINT d CHECK (x > 1) NOT VALID;
              ALTER TABLE u ADD CONSTRAINT f FOREIGN KEY (y) REFERENCES t DEFERRABLE"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TABLE public.u:     z integer, <>     z integer' # for the constraint c comes next
    matches 'CHECK CONSTRAINT public.u d: only in the second: .*NOT VALID'
    matches 'FK CONSTRAINT public.u f: .* DEFERRABLE'
}

@test "a sequence's position, and whether it was called" {
    both "CREATE SEQUENCE s; CREATE SEQUENCE r"
    sql "$b" "SELECT setval('s', 1, true); SELECT setval('r', 9, false)"
    fails 1 "$cmpdb" -d "$a" "$b"
    same "$output" "sequence public.r: 1 not called <> 9 not called
sequence public.s: 1 not called <> 1 called"
}

@test "a sequence's step" {
    both "CREATE SEQUENCE s"
    sql "$b" "ALTER SEQUENCE s INCREMENT 2"
    finds '^SEQUENCE public.s:     INCREMENT BY 1 <>     INCREMENT BY 2'
}

@test "rights on a table, on a column, by another grantor" {
    both "CREATE TABLE t (x int); CREATE TABLE u (x int); CREATE TABLE g (x int);
          GRANT SELECT ON g TO pg_monitor WITH GRANT OPTION"
    sql "$a" "GRANT SELECT ON t TO pg_monitor"
    sql "$b" "GRANT SELECT (x) ON u TO pg_monitor; SET ROLE pg_monitor; GRANT SELECT ON g TO pg_read_all_stats"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'ACL public.TABLE t: only in the first: GRANT SELECT ON TABLE public.t TO pg_monitor'
    matches 'ACL public.COLUMN u.x: only in the second: '
    matches 'ACL public.TABLE g: nothing <> SET SESSION AUTHORIZATION pg_monitor; GRANT SELECT'
}

@test "default rights, an owner" {
    both "CREATE TABLE t ()"
    sql "$b" "ALTER TABLE t OWNER TO pg_monitor; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TABLE public.t: ALTER TABLE public.t OWNER TO .* <> ALTER TABLE public.t OWNER TO pg_monitor'
    matches 'DEFAULT ACL .*: only in the second: ALTER DEFAULT PRIVILEGES'
}

@test "a comment, on a table and on a column" {
    both "CREATE TABLE t (x int); COMMENT ON TABLE t IS 'old'"
    sql "$b" "COMMENT ON TABLE t IS 'new'; COMMENT ON COLUMN t.x IS 'x'"
    fails 1 "$cmpdb" "$a" "$b"
    matches "COMMENT public.TABLE t: COMMENT ON TABLE public.t IS 'old'; <> COMMENT ON TABLE public.t IS 'new';"
    matches 'COMMENT public.COLUMN t.x: only in the second: '
}

@test "a function's body, to the blank line and the comment; overloads" {
    both "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS E'\nSELECT 1'"
    both "CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS E'\n--\n\nSELECT 2'"
    fails 0 "$cmpdb" "$a" "$b"
    sql "$b" "CREATE OR REPLACE FUNCTION f(text) RETURNS int LANGUAGE sql AS E'\n--\nSELECT 2'"
    finds '^FUNCTION public.f\(text\): nothing <> SELECT 2'
}

@test "a backslash is not a newline" {
    sql "$a" "CREATE VIEW v AS SELECT 'a\\nb'::text AS x"
    sql "$b" "CREATE VIEW v AS SELECT E'a\\nb'::text AS x"
    fails 1 "$cmpdb" "$a" "$b"
    matches '^VIEW public.v: '
}

@test "a view, a materialized view's rows and whether it has any" {
    both "CREATE VIEW v AS SELECT 1 AS x; CREATE TABLE t (x int);
          CREATE MATERIALIZED VIEW m AS SELECT * FROM t; CREATE MATERIALIZED VIEW n AS SELECT 1 AS x"
    sql "$b" "CREATE OR REPLACE VIEW v AS SELECT 2 AS x; INSERT INTO t VALUES (1); REFRESH MATERIALIZED VIEW m;
              REFRESH MATERIALIZED VIEW n WITH NO DATA"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'VIEW public.v: .*SELECT 1 AS x; <> .*SELECT 2 AS x;'
    matches 'rows public.m: 0 rows, .* <> 1 rows,'
    matches 'populated public.n: true <> false'
}

@test "a trigger, a trigger switched off, a foreign key switched off" {
    both "CREATE TABLE p (x int PRIMARY KEY); CREATE TABLE t (x int REFERENCES p);
          CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
          CREATE TRIGGER on_p AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
          CREATE TRIGGER on_t AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
    sql "$b" "DROP TRIGGER on_p ON p; ALTER TABLE t DISABLE TRIGGER ALL"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TRIGGER public.p on_p: only in the first'
    matches 'TRIGGER public.t on_t: .*DISABLE TRIGGER on_t'
    matches 'trigger off public.t t_x_fkey: only in the second'
}

@test "row security and policies; superusers see all rows" {
    both "CREATE TABLE t (x int); CREATE POLICY p ON t USING (x > 0)"
    sql "$a" "ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    sql "$b" "DROP POLICY p ON t; CREATE POLICY p ON t USING (x > 1)"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'ROW SECURITY public.t: only in the first'
    matches 'POLICY public.t p: '
}

@test "an enum's order, a domain, a composite type" {
    sql "$a" "CREATE TYPE e AS ENUM ('x', 'y'); CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TYPE c AS (x int)"
    sql "$b" "CREATE TYPE e AS ENUM ('y', 'x'); CREATE DOMAIN d AS int CHECK (VALUE > 1); CREATE TYPE c AS (x text)"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TYPE public.e:'
    matches 'DOMAIN public.d:'
    matches 'TYPE public.c:'
}

@test "unlogged, storage parameters, the column's storage" {
    both "CREATE TABLE t (x text); CREATE TABLE u (x text); CREATE TABLE v (x text)"
    sql "$b" "ALTER TABLE t SET UNLOGGED; ALTER TABLE u SET (fillfactor = 50);
              ALTER TABLE v ALTER x SET STORAGE EXTERNAL"
    fails 1 "$cmpdb" "$a" "$b"
    same "${#lines[@]}" 3
}

@test "a generated column's expression, an identity's kind" {
    both "CREATE TABLE t (x int, i int GENERATED ALWAYS AS IDENTITY)"
    sql "$a" "ALTER TABLE t ADD g int GENERATED ALWAYS AS (x + 1) STORED"
    sql "$b" "ALTER TABLE t ADD g int GENERATED ALWAYS AS (x + 2) STORED;
              ALTER TABLE t ALTER i SET GENERATED BY DEFAULT"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'TABLE public.t: .*\(x \+ 1\)'
    matches 'SEQUENCE public.t_i_seq: '
}

@test "an extension missing, in another schema" {
    both "CREATE SCHEMA s"
    sql "$a" "CREATE EXTENSION pgcrypto; CREATE EXTENSION citext"
    sql "$b" "CREATE EXTENSION citext SCHEMA s"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'extension citext: .* in public of .* <> .* in s of '
    matches 'extension pgcrypto: only in the first: '
}

@test "a schema, a publication, extended statistics, an event trigger" {
    both "CREATE TABLE t (x int, y int); CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'"
    sql "$a" "CREATE SCHEMA s; CREATE PUBLICATION p FOR TABLE t; CREATE STATISTICS st ON x, y FROM t;
              CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'SCHEMA s: only in the first'
    matches 'PUBLICATION p: only in the first'
    matches 'PUBLICATION TABLE public.p t: only in the first'
    matches 'STATISTICS public.st: only in the first'
    matches 'EVENT TRIGGER e: only in the first'
}

@test "large objects: missing, content, owner, rights, comment" {
    both "SELECT lo_from_bytea(o, repeat('x', 3000000)::bytea) FROM generate_series(101, 106) o"
    fails 0 "$cmpdb" "$a" "$b"
    # shellcheck disable=SC2016 # the dollars are SQL's
    sql "$b" "SELECT lo_unlink(101); SELECT lo_put(102, 2500000, 'y'); ALTER LARGE OBJECT 103 OWNER TO pg_monitor;
              GRANT SELECT ON LARGE OBJECT 104 TO pg_monitor; COMMENT ON LARGE OBJECT 105 IS 'c'"
    sql "$b" 'DO $$ BEGIN PERFORM lo_truncate(lo_open(106, 131072), 2999999); END $$'
    fails 1 "$cmpdb" -d "$a" "$b"
    matches 'large object 101: only in the first: 3000000 bytes'
    matches 'large object 106: 3000000 bytes, .* <> 2999999 bytes'
    same "${#lines[@]}" 6
}

@test "large objects: a hole is the same as zeros" {
    sql "$a" "SELECT lo_from_bytea(7, decode(repeat('00', 10000) || '01', 'hex'))"
    sql "$b" "SELECT lo_create(7); SELECT lo_put(7, 10000, '\x01')"
    fails 0 "$cmpdb" "$a" "$b"
}

@test "the database: owner, rights, comment, settings, encoding" {
    role=$(newrole)
    sql "$b" "ALTER DATABASE $b OWNER TO pg_monitor; GRANT CREATE ON DATABASE $b TO pg_read_all_stats;
              COMMENT ON DATABASE $b IS 'c'; ALTER DATABASE $b SET work_mem = '1MB';
              ALTER ROLE $role IN DATABASE $b SET work_mem = '2MB'; ALTER DATABASE $b CONNECTION LIMIT 5"
    fails 1 "$cmpdb" "$a" "$b"
    matches 'database acl: '
    matches 'database comment: .* <> c'
    matches 'database connection limit: -1 <> 5'
    matches 'database owner: .* <> pg_monitor'
    matches "setting $role work_mem: only in the second: work_mem=2MB"
    matches 'setting work_mem: only in the second: work_mem=1MB'
    same "${#lines[@]}" 6
    fails 0 "$cmpdb" -c "$a" "$b"
    c=$(newdb -E LATIN1 -l C)
    fails 1 "$cmpdb" "$a" "$c"
    matches 'database encoding: UTF8 <> LATIN1'
}

@test "what belongs to an extension, what users added to its tables, and comments on them" {
    both "CREATE TABLE of_it (a int, b text); CREATE FUNCTION in_it() RETURNS int LANGUAGE sql AS 'SELECT 1';
          ALTER EXTENSION plpgsql ADD TABLE of_it; ALTER EXTENSION plpgsql ADD FUNCTION in_it()"
    fails 0 "$cmpdb" -c "$a" "$b"
    sql "$b" "COMMENT ON EXTENSION plpgsql IS 'changed'; COMMENT ON FUNCTION in_it() IS 'new'; COMMENT ON COLUMN of_it.b IS 'b';
              ALTER EXTENSION plpgsql DROP FUNCTION plpgsql_validator(oid); ALTER TABLE of_it ADD CHECK (a > 0);
              ALTER TABLE of_it SET (fillfactor = 50); ALTER TABLE of_it ALTER b SET STATISTICS 5; CREATE INDEX ON of_it (a);
              CREATE TRIGGER t BEFORE UPDATE ON of_it FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
              CREATE RULE r AS ON DELETE TO of_it DO INSTEAD NOTHING; CREATE POLICY p ON of_it USING (a > 0);
              CREATE PUBLICATION p FOR TABLE of_it" 2>/dev/null
    fails 1 "$cmpdb" "$a" "$b"
    matches 'extension plpgsql: .* <> .* changed'
    matches 'member function public.in_it\(\): of plpgsql <> of plpgsql 0 new'
    matches 'member function pg_catalog.plpgsql_validator\(pg_catalog.oid\): only in the first'
    matches 'member table public.of_it: of plpgsql <> of plpgsql 2 b'
    for what in 'constraint of_it_a_check' 'index public.of_it_a_idx' 'trigger t' 'rule r' 'policy p' 'publication p'; do
        matches "on member public.of_it $what: only in the second"
    done
    matches 'on member public.of_it table: d f <> \{fillfactor=50\} d f'
    matches 'on member public.of_it column b: text -1 <> text 5'
}

@test "a subscription that is enabled" {
    both "CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = 's')" 2>/dev/null
    sql "$b" 'ALTER SUBSCRIPTION s ENABLE'
    fails 1 "$cmpdb" "$a" "$b"
    both 'ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s' # else dropdb refuses
    same "$output" 'subscription s: disabled <> enabled'
}

@test "bytes that are no text in any encoding, in SQL_ASCII" {
    a=$(newdb -E SQL_ASCII -l C)
    b=$(newdb -E SQL_ASCII -l C)
    both "CREATE TABLE t (x text); INSERT INTO t VALUES (E'\\xe9'); COMMENT ON TABLE t IS E'\\xe9'"
    fails 0 "$cmpdb" "$a" "$b"
    sql "$b" "UPDATE t SET x = E'\\xe8'; COMMENT ON TABLE t IS E'\\xe8'"
    fails 1 "$cmpdb" "$a" "$b"
    same "${#lines[@]}" 2
}

@test "what pg_dump and psql restore is the same" {
    sql "$a" <"$ROOT/examples/blog.sql"
    sql "$a" "UPDATE comments SET body = body || E'\t\\\\\n' WHERE id % 1000 = 0"
    pg_dump "$a" | sql "$b" >"$BATS_TEST_TMPDIR/restored"
    fails 0 "$cmpdb" "$a" "$b"
    matches ' 6 tables, '
}

@test "cannot compare: no such database, no right to see the rows" {
    fails 2 "$cmpdb" "$a" no_such_database
    fails 2 "$cmpdb" no_such_database "$a"
    both "CREATE TABLE t (x int)"
    role=$(newrole --login)
    PGUSER=$role fails 2 "$cmpdb" "$a" "$b"
    matches 'permission denied' "$stderr"
    same "$output" ''
}

@test "called wrongly" {
    fails 2 "$cmpdb"
    fails 2 "$cmpdb" "$a"
    fails 2 "$cmpdb" -x "$a" "$b"
    fails 2 "$cmpdb" "$a" "$b" "$b"
}
