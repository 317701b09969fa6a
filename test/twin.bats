#!/usr/bin/env bats
# Whatever `pg_dump | pg_restore` brings back, bk brings back. The twin of a database is its copy through these two on the
# same server; bk's copy is made by the whole pipe. What bk does better, and what both lose, is written down here line by
# line: any other difference fails.

load helper
load db
load awkward

# copies DB: makes $copy by bk and $twin by pg_dump and pg_restore, which may fail: their words are in $twin_words.
# $load_words are bk-load's. A test may have made databases $copy and $twin before.
copies() {
    local file=$BATS_TEST_TMPDIR/$1.bk
    copy=${copy:-$(newdb)} twin=${twin:-$(newdb)}
    pipe "bk-dump -q -d '$1' -j 2 | bk-zstd | bk-sum | bk-put -q '$file'"
    same "$stages $stderr" '0 0 0 0 '
    pipe "bk-get '$file' | bk-verify -q | bk-zstd -d | bk-load -q -d '$copy' -j 2"
    load_words=$stderr
    pg_dump -Fc "$1" >"$BATS_TEST_TMPDIR/$1.dump"
    pg_restore -d "$twin" "$BATS_TEST_TMPDIR/$1.dump" 2>"$BATS_TEST_TMPDIR/twin_words" || true
    twin_words=$(<"$BATS_TEST_TMPDIR/twin_words")
}

@test "a database with everything that is hard" {
    role=$(newrole) other=$(newrole)
    a=$(awkward "$role" "$other" "$(newspace)")
    sql "$a" "ALTER DATABASE $a SET work_mem = '3MB'; ALTER DATABASE $a SET search_path = 'a b', \"\$user\";
        ALTER DATABASE $a SET own.word = E'\\\\\\n'''; ALTER ROLE $role IN DATABASE $a SET DateStyle = 'German';
        COMMENT ON DATABASE $a IS 'a database'; ALTER DATABASE $a OWNER TO $role; ALTER DATABASE $a CONNECTION LIMIT 50;
        GRANT CONNECT ON DATABASE $a TO $other WITH GRANT OPTION; REVOKE TEMPORARY ON DATABASE $a FROM PUBLIC"
    copies "$a"
    same "$stages" '0 0 0 0'

    # Of these tables' rows pg_restore says that a check refuses them, goes on, and leaves the tables empty.
    matches 'COPY failed for table "aa_checked".*COPY failed for table "ab_domain"' "$twin_words"
    differ -c "$twin" "$copy" <<'END'
rows awk.aa_checked: 0 rows <> 50 rows
rows awk.ab_domain: 0 rows <> 2 rows
rows awk.c_over_view: 9 rows <> 9 rows  # a view over the first
END

    differ "$a" "$copy" <<'END'
TABLE awk.taller: t text, <> b integer,                  # columns of children stand behind their parents'
TABLE public.child: c integer, <> a integer,
invalid index awk.broken: only in the first: CREATE UNIQUE INDEX broken ON awk.doubled USING btree (a)
storage awk.broken: only in the first: default btree
populated awk.needs_search_path: true <> false           # a function that needs a search_path; bk-load warns
rows awk.needs_search_path: only in the first: 1 rows
rows awk.stale: 1 rows <> 1 rows                         # views are computed anew
rows awk.computed: 2 rows <> 2 rows                      # and so are generated columns
subscription sub "scribed: enabled <> disabled
END
    matches 'REFRESH MATERIALIZED VIEW awk.needs_search_path.*warning: not all materialized views could be filled' "$load_words"

    # Nothing of that is in the rows of a table, so bk-cmp, which has not seen the first database, finds no difference.
    fails 0 bash -c "bk-dump --digests -d '$copy' -j 3 | bk-cmp '$BATS_TEST_TMPDIR/$a.bk' -"
    matches '^the same: [0-9]{2} tables, [0-9]+ rows$'
}

@test "an index that cannot be made: said, and all the rest is there" {
    a=$(newdb)
    # Its function looks for a table by the search_path; a restore has none.
    sql "$a" "CREATE TABLE t AS SELECT i FROM generate_series(1, 100) i; CREATE TABLE u (i int UNIQUE); CREATE TABLE v (i int REFERENCES u (i));
        CREATE FUNCTION count_t(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT count(*) FROM t); END';
        CREATE INDEX counted ON t (public.count_t(i)); CREATE MATERIALIZED VIEW m AS TABLE t; CREATE SEQUENCE s START 7;
        CREATE VIEW w AS TABLE m; CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    copies "$a"
    same "$stages" '0 0 0 1'
    matches 'relation "t" does not exist.*CREATE INDEX counted ' "$load_words"
    matches 'hint: all else is there: make by hand what could not be made, then DROP SCHEMA bk_incomplete' "$load_words"
    is_marked "$copy"
    sql "$copy" 'DROP SCHEMA bk_incomplete'
    "$cmpdb" -c "$twin" "$copy"
    differ "$a" "$copy" <<'END'
INDEX public.counted: only in the first: CREATE INDEX counted ON public.t USING btree (public.count_t(i));
storage public.counted: only in the first: default btree
END
}

# An extension that every server has, with tables as other extensions bring them. `users`: the rows and the changes are the
# users' own, which its script would not make.
extension_with_tables() {
    sql "$1" "CREATE EXTENSION citext; CREATE TABLE orders (id serial PRIMARY KEY, of int, note citext); CREATE TABLE people (id int PRIMARY KEY);
        ALTER TABLE orders ADD FOREIGN KEY (of) REFERENCES people; CREATE TABLE cache (x int); CREATE SEQUENCE tickets;
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note := NEW.note || ''+''; RETURN NEW; END';
        CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
        ALTER EXTENSION citext ADD TABLE orders; ALTER EXTENSION citext ADD SEQUENCE orders_id_seq; ALTER EXTENSION citext ADD TABLE people;
        ALTER EXTENSION citext ADD TABLE cache; ALTER EXTENSION citext ADD SEQUENCE tickets; ALTER EXTENSION citext ADD FUNCTION stamp();
        INSERT INTO people VALUES (1); INSERT INTO cache VALUES (1);
        UPDATE pg_extension SET extconfig = ARRAY['orders'::regclass::oid, 'people'::regclass::oid], extcondition = '{\"\",WHERE id > 1}'
        WHERE extname = 'citext'"
    [[ $2 == users ]] || return 0
    sql "$1" "INSERT INTO people VALUES (2), (3); INSERT INTO orders (of, note) VALUES (1, 'a'), (3, 'b'), (2, 'c'); INSERT INTO cache VALUES (2);
        SELECT nextval('tickets');
        CREATE INDEX of_users ON orders (note); ALTER TABLE people ADD CONSTRAINT of_users CHECK (id > 0);
        CREATE TRIGGER of_users BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
        COMMENT ON TABLE people IS 'a comment'; COMMENT ON FUNCTION citextin(cstring) IS 'a comment'; ALTER TABLE orders SET (fillfactor = 50);
        ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY of_users ON people USING (true); GRANT SELECT ON people TO PUBLIC;
        CREATE FUNCTION added() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER EXTENSION citext ADD FUNCTION added();
        CREATE TABLE own (id int REFERENCES people); INSERT INTO own VALUES (1), (2)" >/dev/null
}

@test "an extension's tables: what is not the user's, or not a row, is the extension's" {
    a=$(newdb) copy=$(newdb) twin=$(newdb)
    if [[ $(sql "$a" "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'") == 0 ]]; then
        skip 'the server has no extension citext'
    fi
    extension_with_tables "$a" users
    extension_with_tables "$copy" no
    extension_with_tables "$twin" no
    copies "$a"
    same "$stages" '0 0 0 0'
    same "$twin_words" ''
    # The next row in the twin would meet a key that is taken.
    differ -c "$twin" "$copy" <<<'sequence public.orders_id_seq: 1 not called <> 3 called'
    differ "$a" "$copy" <<'END'
rows public.orders: 3 rows <> 3 rows                          # by the extension's trigger, which is there already
member function public.added(): only in the first: of citext
member function public.citextin(pg_catalog.cstring): of citext 0 a comment <> of citext
member table public.people: of citext 0 a comment <> of citext
on member public.orders index public.of_users: only in the first: CREATE INDEX of_users ON public.orders USING btree (note)
on member public.orders table: {fillfactor=50} d f <> d f
on member public.people constraint of_users: only in the first: CHECK ((id > 0))
on member public.people policy of_users: only in the first: * true
on member public.people table: d t <> d f
on member public.people trigger of_users: only in the first: O CREATE TRIGGER of_users BEFORE UPDATE ON public.people FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
sequence public.tickets: 1 called <> 1 not called             # no configuration, nor of a table that is
storage public.of_users: only in the first: default btree
END
    same "$(sql "$copy" "SELECT string_agg(note, ' ' ORDER BY id) FROM orders")" 'a++ b++ c++'
    same "$(sql "$copy" 'SELECT count(*) FROM cache')" 1
}

@test "a database without the schema public" {
    a=$(newdb)
    sql "$a" 'DROP SCHEMA public; CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS x'
    copies "$a"
    same "$stages" '0 0 0 0'
    "$cmpdb" -c "$twin" "$copy"
    # Every new database has one.
    same "$(sql "$copy" "SELECT count(*) FROM pg_namespace WHERE nspname = 'public'")" 1
    "$cmpdb" -d "$a" "$copy"
}
