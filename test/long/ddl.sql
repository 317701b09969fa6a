-- The database of ddl.sh: tables of which a model, the table app.expected, always says what is in them.
--
-- CALL app.change(KIND, R, LINGER) alters something and, in the same transaction, the model, and adds a line to
-- app.ledger. So a copy that holds one committed state agrees with the model in it, and app.wrong() returns nothing;
-- rows that are missing, or of another moment, show. R is any number: it chooses what is altered. The transaction
-- stays open for LINGER ms when all is done.

SET client_min_messages = warning;
CREATE SCHEMA app;
SET search_path = app;

-- Of each table but these two: how many rows, the sum of their ids, and for a partition whether it is attached.
CREATE TABLE expected (name text PRIMARY KEY, pool text NOT NULL, rows bigint NOT NULL, total bigint NOT NULL, attached bool);
CREATE TABLE ledger (n bigint GENERATED ALWAYS AS IDENTITY, kind text, object text);
CREATE SEQUENCE fresh; -- for new names, and for ids that no other table has

-- A name out of a pool.
CREATE FUNCTION choose(from_pool text, r int, is_attached bool DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT max(name) FROM (
        SELECT name FROM app.expected WHERE pool = from_pool AND (is_attached IS NULL OR attached = is_attached)
        ORDER BY name OFFSET r % greatest(1, (
            SELECT count(*) FROM app.expected WHERE pool = from_pool AND (is_attached IS NULL OR attached = is_attached)))
        LIMIT 1) one
$$;

-- Rows for an empty table. A `big` one gets more pages than bk-dump reads with one COPY.
CREATE FUNCTION fill(name text, pool text, r int, attached bool DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first bigint := nextval('app.fresh') * 10000;
    rows int := CASE pool WHEN 'big' THEN 1100 + r % 1200 ELSE 1 + r % 900 END;
BEGIN
    EXECUTE format('INSERT INTO %s (id, words) SELECT i, repeat(md5(i::text), %s) FROM generate_series(%s, %s) i', name,
        CASE pool WHEN 'big' THEN 24 ELSE 6 END, first, first + rows - 1);
    INSERT INTO app.expected VALUES (name, pool, rows, rows * first + rows * (rows - 1) / 2, attached)
    ON CONFLICT ON CONSTRAINT expected_pkey DO UPDATE SET rows = excluded.rows, total = excluded.total;
END $$;

CREATE FUNCTION make(name text, pool text, r int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %s (id bigint PRIMARY KEY, words text) WITH (fillfactor = %s)', name,
        CASE pool WHEN 'big' THEN 10 ELSE 100 END);
    PERFORM app.fill(name, pool, r);
END $$;

CREATE FUNCTION fresh_name() RETURNS text LANGUAGE sql AS $$ SELECT 'app.t' || nextval('app.fresh') $$;

-- A schema with a little of everything, that will be dropped.
CREATE FUNCTION make_schema(r int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s text := 's' || nextval('app.fresh');
    one text;
BEGIN
    EXECUTE format('CREATE SCHEMA %s', s);
    FOREACH one IN ARRAY ARRAY ['a', 'b', 'c'] LOOP
        PERFORM app.make(s || '.' || one, 'schemas', r);
    END LOOP;
    EXECUTE format('CREATE TYPE %1$s.kind AS ENUM (''x'', ''y''); ALTER TABLE %1$s.a ADD kind %1$s.kind DEFAULT ''x'';
        CREATE FUNCTION %1$s.twice(i bigint) RETURNS bigint LANGUAGE sql AS ''SELECT 2 * i'';
        CREATE VIEW %1$s.v AS SELECT %1$s.twice(id), kind FROM %1$s.a; CREATE SEQUENCE %1$s.s;
        CREATE MATERIALIZED VIEW %1$s.m AS SELECT count(*) FROM %1$s.b', s);
END $$;

-- An enum's new value can be used only when it is committed, hence the two steps.
CREATE TYPE mood AS ENUM ('first');
CREATE TABLE moods (id bigint, words text, m mood NOT NULL DEFAULT 'first');
SELECT fill('app.moods', 'moods', 100) \g /dev/null
CREATE MATERIALIZED VIEW summary AS SELECT id, m FROM moods;

-- Three that no change touches: the first, one in the middle and the last that bk-dump locks, or so.
SELECT make('app.first', 'kept', 200) \g /dev/null
SELECT make(fresh_name(), 'plain', 400 * i) FROM generate_series(1, 3) i \g /dev/null
SELECT make('app.big', 'big', 0) \g /dev/null
SELECT make('app.middle', 'kept', 300) \g /dev/null
CREATE TABLE places (id bigint, words text, place int) PARTITION BY LIST (place);
SELECT format('CREATE TABLE place%s (id bigint, words text, place int DEFAULT %1$s)', i) FROM generate_series(1, 4) i \gexec
SELECT fill('app.place' || i, 'places', i * 100, false) FROM generate_series(1, 4) i \g /dev/null
SELECT make('app.seen', 'seen', 100) \g /dev/null
CREATE VIEW view_of_seen AS SELECT * FROM seen;
SELECT make_schema(100) \g /dev/null
-- What no table's lock protects.
CREATE VIEW lonely_view AS SELECT 1 AS id;
CREATE SEQUENCE lonely;
CREATE FUNCTION lonely(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT 1 AS id;
COMMENT ON VIEW v IS 'lower';
CREATE VIEW upper AS SELECT * FROM v;
CREATE SCHEMA blue;
CREATE SCHEMA green;
SELECT make(s || '.' || t, 'colours', 30 * length(s || t)) FROM unnest(ARRAY ['blue', 'green']) s, unnest(ARRAY ['a', 'bc']) t \g /dev/null
SELECT make('app.last', 'kept', 400) \g /dev/null

-- Before each dump, while nobody looks: enough of everything.
CREATE PROCEDURE tidy(r int) LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    WHILE (SELECT count(*) < 5 FROM app.expected WHERE pool = 'plain') LOOP
        PERFORM app.make(app.fresh_name(), 'plain', r);
    END LOOP;
    WHILE (SELECT count(*) > 8 FROM app.expected WHERE pool = 'plain') LOOP
        CALL app.change('drop', r, 0);
    END LOOP;
    WHILE (SELECT count(*) < 6 FROM app.expected WHERE pool = 'schemas') LOOP
        PERFORM app.make_schema(r);
    END LOOP;
    WHILE (SELECT count(*) < 2 FROM app.expected WHERE pool = 'places' AND attached) LOOP
        CALL app.change('attach', r, 0);
    END LOOP;
    WHILE (SELECT count(*) < 2 FROM app.expected WHERE pool = 'places' AND NOT attached) LOOP
        CALL app.change('detach', r, 0);
    END LOOP;
END $$;

CREATE FUNCTION rename(old text, new text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s RENAME TO %s', old, split_part(new, '.', 2));
    UPDATE app.expected SET name = new WHERE name = old;
END $$;

-- A column that has a value of its own in each row; the one of before goes.
CREATE FUNCTION add_column(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s DROP IF EXISTS extra', name);
    EXECUTE format('ALTER TABLE %s ADD extra float NOT NULL DEFAULT random()', name);
END $$;

CREATE PROCEDURE change(kind text, r int, linger int) LANGUAGE plpgsql AS $$
DECLARE
    t text := app.choose('plain', r);
    u text := app.choose('plain', r + 1); -- another one
    part text := app.choose('places', r, kind = 'detach');
    new text := app.fresh_name();
    s text := split_part(app.choose('schemas', r), '.', 1);
BEGIN
    CASE kind
    WHEN 'truncate' THEN
        EXECUTE format('TRUNCATE %s', t);
        PERFORM app.fill(t, 'plain', r);
    WHEN 'truncate-two' THEN
        EXECUTE format('TRUNCATE %s, %s', t, u);
        PERFORM app.fill(t, 'plain', r), app.fill(u, 'plain', r);
    WHEN 'truncate-big' THEN
        TRUNCATE app.big;
        PERFORM app.fill('app.big', 'big', r);
    WHEN 'truncate-partitions' THEN
        TRUNCATE app.places;
        PERFORM app.fill(name, 'places', r, true) FROM app.expected WHERE pool = 'places' AND attached;
    WHEN 'drop' THEN
        EXECUTE format('DROP TABLE %s', t);
        DELETE FROM app.expected WHERE name = t;
    WHEN 'rewrite' THEN
        EXECUTE format('ALTER TABLE %s ALTER id TYPE %s', t,
            (SELECT CASE atttypid WHEN 'bigint'::regtype THEN 'numeric' ELSE 'bigint' END FROM pg_attribute
                WHERE attrelid = t::regclass AND attname = 'id'));
    WHEN 'add-column' THEN
        PERFORM app.add_column(t);
    WHEN 'migrate' THEN
        DROP VIEW app.view_of_seen;
        PERFORM app.add_column('app.seen');
        CREATE VIEW app.view_of_seen AS SELECT * FROM app.seen;
    WHEN 'attach', 'detach' THEN
        EXECUTE format(CASE kind WHEN 'attach' THEN 'ALTER TABLE app.places ATTACH PARTITION %s FOR VALUES IN (%s)'
            ELSE 'ALTER TABLE app.places DETACH PARTITION %s' END, part, right(part, 1));
        UPDATE app.expected SET attached = kind = 'attach' WHERE name = part;
    WHEN 'cluster' THEN
        EXECUTE format('CLUSTER %s USING %s', t,
            (SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = t::regclass AND indisprimary));
    WHEN 'create-as' THEN
        EXECUTE format('CREATE TABLE %s AS SELECT id, words FROM app.first LIMIT 0', new);
        EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (id)', new);
        PERFORM app.fill(new, 'plain', r);
    WHEN 'rename' THEN
        PERFORM app.rename(t, new);
    WHEN 'swap' THEN
        PERFORM app.rename(t, new);
        PERFORM app.rename(u, t);
        PERFORM app.rename(new, u);
    WHEN 'replace' THEN
        PERFORM app.rename(t, new);
        PERFORM app.make(t, 'plain', r);
    WHEN 'enum' THEN
        EXECUTE format('ALTER TYPE app.mood ADD VALUE %L', replace(new, 'app.', ''));
    WHEN 'enum-use' THEN
        TRUNCATE app.moods;
        EXECUTE format('ALTER TABLE app.moods ALTER m SET DEFAULT %L', (SELECT enumlabel FROM pg_enum
            WHERE enumtypid = 'app.mood'::regtype ORDER BY enumsortorder DESC LIMIT 1));
        PERFORM app.fill('app.moods', 'moods', r);
    WHEN 'refresh' THEN
        REFRESH MATERIALIZED VIEW app.summary;
    WHEN 'drop-schema' THEN
        EXECUTE format('DROP SCHEMA %s CASCADE', s);
        DELETE FROM app.expected WHERE name LIKE s || '.%';
    WHEN 'reindex' THEN
        EXECUTE format('REINDEX TABLE %s', t);
    WHEN 'reindex-big' THEN
        REINDEX TABLE app.big;
    WHEN 'replace-view' THEN
        DROP VIEW app.lonely_view;
        CREATE VIEW app.lonely_view AS SELECT 1 AS id;
    WHEN 'replace-sequence' THEN
        DROP SEQUENCE app.lonely;
        CREATE SEQUENCE app.lonely;
    WHEN 'rename-view' THEN
        EXECUTE format('ALTER VIEW %s RENAME TO %s', (SELECT c.oid::regclass FROM pg_class c JOIN pg_description d ON d.objoid = c.oid
            WHERE description = 'lower'), replace(new, 'app.t', 'v'));
    WHEN 'replace-function' THEN
        DROP FUNCTION app.lonely;
        CREATE FUNCTION app.lonely(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1';
    WHEN 'swap-schemas' THEN
        ALTER SCHEMA blue RENAME TO yellow;
        ALTER SCHEMA green RENAME TO blue;
        ALTER SCHEMA yellow RENAME TO green;
        UPDATE app.expected SET name = replace(name, 'blue.', 'yellow.') WHERE name LIKE 'blue.%';
        UPDATE app.expected SET name = replace(name, 'green.', 'blue.') WHERE name LIKE 'green.%';
        UPDATE app.expected SET name = replace(name, 'yellow.', 'green.') WHERE name LIKE 'yellow.%';
    END CASE;
    INSERT INTO app.ledger (kind, object) VALUES (kind, concat_ws(' ', t, u, part, new, s));
    PERFORM pg_sleep(linger / 1000.0);
END $$;

-- What does not agree with the model?
CREATE FUNCTION wrong() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    e app.expected;
    has_rows bigint;
    has_total bigint;
BEGIN
    FOR e IN SELECT * FROM app.expected LOOP
        IF to_regclass(e.name) IS NULL THEN
            RETURN NEXT format('%s is not there', e.name);
            CONTINUE;
        END IF;
        EXECUTE format('SELECT count(*), coalesce(sum(id), 0) FROM ONLY %s', e.name) INTO has_rows, has_total;
        IF (has_rows, has_total) <> (e.rows, e.total) THEN
            RETURN NEXT format('%s has %s rows with the sum %s, and not %s with %s', e.name, has_rows, has_total, e.rows, e.total);
        END IF;
        IF e.attached <> (SELECT relispartition FROM pg_class WHERE oid = e.name::regclass) THEN
            RETURN NEXT format('%s is %s', e.name, CASE WHEN e.attached THEN 'not attached' ELSE 'attached' END);
        END IF;
    END LOOP;
    RETURN QUERY SELECT format('nobody expects %s', c.oid::regclass) FROM pg_class c
        WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information_schema$)'
        AND c.oid NOT IN ('app.expected'::regclass, 'app.ledger'::regclass)
        AND NOT EXISTS (SELECT FROM app.expected x WHERE to_regclass(x.name) = c.oid);
    IF (SELECT count(*) FROM app.summary) <> (SELECT count(*) FROM app.moods) THEN
        RETURN NEXT 'the materialized view is not of the same moment';
    END IF;
END $$;

-- How far is the dump of this database?
CREATE FUNCTION phase() RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN NOT coalesce(bool_or(application_name = 'bk-dump'), false) THEN 'no session'
        WHEN bool_or(application_name = 'bk-dump' AND query LIKE 'LOCK TABLE ONLY%' AND query NOT LIKE '%COPY%') THEN 'locks'
        WHEN bool_or(application_name = 'pg_dump') THEN 'definitions'
        WHEN bool_or(application_name = 'bk-dump' AND query LIKE '%COPY%') THEN 'rows'
        WHEN bool_or(application_name = 'bk-dump' AND backend_xmin IS NOT NULL) THEN 'snapshot'
        ELSE 'begin' END
    FROM pg_stat_activity WHERE datname = current_database()
$$;

CREATE PROCEDURE sleep_until(ms bigint) LANGUAGE sql AS $$ SELECT pg_sleep_until(to_timestamp(ms / 1000.0)) $$;
