-- What consistency.sh adds to pgbench's tables, and the view `wrong`, which is empty in every committed state.

-- pgbench's own transactions, counted. They have locked their teller's row already, so counting by teller makes nobody wait.
CREATE TABLE counted (tid int PRIMARY KEY, transactions bigint NOT NULL DEFAULT 0);
INSERT INTO counted SELECT tid FROM pgbench_tellers;
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE counted SET transactions = transactions + 1 WHERE tid = NEW.tid;
    RETURN NULL;
END $$;
CREATE TRIGGER count_it AFTER INSERT ON pgbench_history FOR EACH ROW EXECUTE FUNCTION count_it();

-- The history must not grow for ever: old rows become a sum.
CREATE TABLE folded (transactions bigint NOT NULL, delta bigint NOT NULL);
INSERT INTO folded VALUES (0, 0);
CREATE FUNCTION fold() RETURNS void LANGUAGE sql AS $$
    WITH old AS (
        DELETE FROM pgbench_history WHERE ctid = ANY (ARRAY (SELECT ctid FROM pgbench_history LIMIT 2000)) RETURNING delta
    )
    UPDATE folded f SET transactions = f.transactions + o.n, delta = f.delta + o.delta
    FROM (SELECT count(*) AS n, coalesce(sum(delta), 0) AS delta FROM old) o
$$;

-- Parcels go from place to place, so from partition to partition.
CREATE TABLE parcels (id int, place int, worth int, note text) PARTITION BY LIST (place);
SELECT format('CREATE TABLE parcels_%s PARTITION OF parcels FOR VALUES IN (%1$s)', i) FROM generate_series(0, 7) i \gexec
INSERT INTO parcels SELECT i, i % 8, i, repeat(md5(i::text), 8) FROM generate_series(1, 4000) i;
CREATE INDEX ON parcels (id);

-- Notes go from one table to the other and back.
CREATE TABLE here (id int PRIMARY KEY, worth int NOT NULL, note text);
CREATE TABLE there (LIKE here INCLUDING ALL);
INSERT INTO here SELECT i, i, repeat(md5(i::text), 8) FROM generate_series(1, 4000) i;

-- For each order that comes another one goes, with its lines. The ids are from sequences.
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client int NOT NULL, total int NOT NULL);
CREATE INDEX ON orders (client, id);
CREATE SEQUENCE line_id CACHE 5;
CREATE TABLE lines (id bigint PRIMARY KEY DEFAULT nextval('line_id'), order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    amount int NOT NULL);
CREATE INDEX ON lines (order_id);
ALTER SEQUENCE line_id OWNED BY lines.id;
CREATE FUNCTION order_some(by int, a int, b int, c int) RETURNS void LANGUAGE sql AS $$
    WITH o AS (INSERT INTO orders (client, total) VALUES (by, a + b + c) RETURNING id)
    INSERT INTO lines (order_id, amount) SELECT o.id, amount FROM o, unnest(ARRAY [a, b, c]) amount
$$;
DO $$ BEGIN PERFORM order_some(i % 4, i, i, i) FROM generate_series(1, 400) i; END $$;

-- Long values, in TOAST tables; the first one's row does not fit into one body of a stream.
CREATE TABLE long (id int PRIMARY KEY, body text NOT NULL);
ALTER TABLE long ALTER body SET STORAGE EXTERNAL;
CREATE TABLE long_sums (id int PRIMARY KEY, md5 text NOT NULL);
CREATE FUNCTION long_body(id int, seed int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT repeat(md5(seed::text), CASE id WHEN 0 THEN 40000 ELSE 500 + seed % 1000 END)
$$;
INSERT INTO long SELECT i, long_body(i, i) FROM generate_series(0, 39) i;
INSERT INTO long_sums SELECT id, md5(body) FROM long;

-- Large objects are replaced.
CREATE TABLE documents (id int PRIMARY KEY, object oid NOT NULL, md5 text NOT NULL);
INSERT INTO documents SELECT i, lo_from_bytea(0, convert_to(long_body(1, i), 'UTF8')), md5(long_body(1, i)) FROM generate_series(0, 19) i;

-- A mark from just before each dump.
CREATE TABLE marks (n int);

CREATE VIEW wrong AS
WITH bench AS (
    SELECT (SELECT sum(abalance) FROM pgbench_accounts) AS a, (SELECT sum(bbalance) FROM pgbench_branches) AS b,
        (SELECT sum(tbalance) FROM pgbench_tellers) AS t,
        (SELECT coalesce(sum(delta), 0) FROM pgbench_history) + (SELECT delta FROM folded) AS h
), counts AS (
    SELECT (SELECT count(*) FROM pgbench_history) + (SELECT transactions FROM folded) AS history,
        (SELECT sum(transactions) FROM counted) AS counted
)
SELECT format('pgbench: accounts have %s, branches %s, tellers %s, the history %s', a, b, t, h) AS what
FROM bench WHERE (a, b, t) IS DISTINCT FROM (h, h, h)
UNION ALL
SELECT format('pgbench: %s rows in the history, but %s transactions', history, counted) FROM counts WHERE history IS DISTINCT FROM counted
UNION ALL
SELECT format('pgbench: %s accounts', count(*)) FROM pgbench_accounts HAVING count(*) <> 100000
UNION ALL
SELECT format('parcels: %s of %s kinds, together worth %s', count(*), count(DISTINCT id), sum(worth)) FROM parcels
HAVING (count(*), count(DISTINCT id), sum(worth)) <> (4000, 4000, 4000 * 4001 / 2)
UNION ALL
SELECT format('notes: %s of %s kinds, together worth %s', count(*), count(DISTINCT id), sum(worth))
FROM (SELECT id, worth FROM here UNION ALL SELECT id, worth FROM there) n
HAVING (count(*), count(DISTINCT id), sum(worth)) <> (4000, 4000, 4000 * 4001 / 2)
UNION ALL
SELECT format('orders: %s', count(*)) FROM orders HAVING count(*) <> 400
UNION ALL
SELECT format('order %s: %s lines worth %s of %s', coalesce(o.id, l.order_id), count(l.id), sum(amount), total)
FROM orders o FULL JOIN lines l ON o.id = l.order_id GROUP BY o.id, l.order_id, total
HAVING (count(l.id), sum(amount)) IS DISTINCT FROM (3, total::bigint)
UNION ALL
SELECT 'sequence of orders behind its rows' WHERE (SELECT max(id) FROM orders) > (SELECT last_value FROM orders_id_seq)
UNION ALL
SELECT 'sequence of lines behind its rows' WHERE (SELECT max(id) FROM lines) > (SELECT last_value FROM line_id)
UNION ALL
SELECT format('long value %s', coalesce(l.id, s.id)) FROM long l FULL JOIN long_sums s ON l.id = s.id
WHERE md5(body) IS DISTINCT FROM md5
UNION ALL
SELECT format('document %s', id) FROM documents WHERE md5(lo_get(object)) <> md5
UNION ALL
SELECT format('documents: %s, large objects: %s', documents, objects)
FROM (SELECT count(*) AS documents FROM documents) d, (SELECT count(*) AS objects FROM pg_largeobject_metadata) o
WHERE (documents, objects) <> (20, 20);
