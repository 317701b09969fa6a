-- What mixed.sql leaves out of what a dump can get wrong: for psql, into the same database, with -v role=NAME, -v other=NAME
-- and -v space=NAME: existing roles and a tablespace. twin.bats says what is lost on the way, and why.

SET search_path = public;
CREATE SCHEMA awk AUTHORIZATION :"role";
SET search_path = awk, public;

-- Tables that are as wide, as narrow and as oddly named as can be.
SELECT format('CREATE TABLE wide (%s)', string_agg(format('c%s int', i), ', ')) FROM generate_series(1, 1600) i
\gexec
SELECT format('INSERT INTO wide SELECT %s FROM generate_series(1, 3)', string_agg(i::text, ', ')) FROM generate_series(1, 1600) i
\gexec
CREATE TABLE copy_text (t text, "null" text, b bytea);
INSERT INTO copy_text VALUES (E'\\.', E'\\N', E'\\\\.'), (E'\n\\.\n', '', ''), (E'\b\f\n\r\t\v', E'\u0080\u009f\u00a0', '\x0d0a09'), ('NULL', NULL, NULL);
SELECT format('CREATE SCHEMA %1$I; CREATE TABLE %1$I.%2$I (%3$I int CONSTRAINT %4$I CHECK (%3$I > 0), PRIMARY KEY (%3$I));
        CREATE SEQUENCE %1$I.%5$I START 7; CREATE TYPE %1$I.%6$I AS ENUM (%7$L, %8$L); CREATE VIEW %1$I.%9$I AS TABLE %1$I.%2$I;
        CREATE INDEX %10$I ON %1$I.%2$I ((%3$I + 1)); INSERT INTO %1$I.%2$I VALUES (1);
        CREATE FUNCTION %1$I.%11$I(%3$I int) RETURNS int LANGUAGE sql AS ''SELECT $1''; COMMENT ON TABLE %1$I.%2$I IS %12$L',
    E's\t%', E'\n-- ; DROP\r', '名前 🐘', 'c''"', E's\\%I', E'e\x01', E'l''\n', '', 'v;', 'i $$', E'f\n(', E'\\\n\t--')
\gexec
-- The longest names there are, of one, two and three bytes a character.
SELECT format('CREATE TABLE %I (%I int)', repeat('x', 63), repeat('é', 31) || 'x'), format('CREATE TABLE %I (%I int)', repeat('名', 21), 'a')
\gexec

-- The rows of the first two fit only after those of the tables behind: pg_restore goes by name, and never tries again.
CREATE TABLE zz_known (n int PRIMARY KEY);
CREATE FUNCTION is_known(int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM awk.zz_known WHERE n = $1)';
CREATE TABLE aa_checked (n int CHECK (awk.is_known(n)));
CREATE DOMAIN known_number AS int CHECK (awk.is_known(VALUE));
CREATE TABLE ab_domain (n known_number);
INSERT INTO zz_known SELECT generate_series(1, 100);
INSERT INTO aa_checked SELECT generate_series(1, 50);
INSERT INTO ab_domain VALUES (1), (100);

-- Inheritance: two parents, a column that both have, other defaults, NO INHERIT; a child that is older than its parent's column.
CREATE TABLE mother (a int NOT NULL DEFAULT 1, b text, CONSTRAINT only_mother CHECK (a <> 77) NO INHERIT);
CREATE TABLE father (c date, a int DEFAULT 2, CONSTRAINT in_both CHECK (a > 0));
CREATE TABLE kid (z int, a int DEFAULT 3, PRIMARY KEY (a)) INHERITS (mother, father);
CREATE TABLE grandkid () INHERITS (kid);
ALTER TABLE mother ADD COLUMN later timestamptz DEFAULT '2020-01-01 00:00+00';
ALTER TABLE kid ALTER COLUMN b SET DEFAULT 'kid''s', ADD COLUMN own text GENERATED ALWAYS AS (upper(b)) STORED;
INSERT INTO mother (a, b) VALUES (1, 'm');
INSERT INTO father VALUES ('2020-02-29', 5);
INSERT INTO kid (a, z) VALUES (10, 1), (11, NULL);
INSERT INTO grandkid (a, b, later) VALUES (20, NULL, NULL);
CREATE TABLE narrow (a int);
CREATE TABLE taller (t text, b int, a int) INHERITS (narrow);
ALTER TABLE narrow ADD COLUMN b int;
INSERT INTO taller VALUES (1, 'x', 2);

-- Partitions: a list, by an expression; by ranges of two columns; a default one; one that was detached; a foreign one; keys and triggers.
CREATE TYPE colour AS ENUM ('red', 'green', 'blue', 'cyan', 'pink', 'grey', 'teal', 'lime', 'navy', 'gold');
CREATE TABLE by_enum (k colour, n int) PARTITION BY HASH (k);
CREATE TABLE by_enum_0 PARTITION OF by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE by_enum_1 PARTITION OF by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE by_enum_2 PARTITION OF by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO by_enum SELECT c, n FROM unnest(enum_range(NULL::colour)) c, generate_series(1, 20) n;
CREATE TABLE by_two (a int, b text NOT NULL, at timestamptz DEFAULT '2020-01-01 00:00+00', PRIMARY KEY (a, b)) PARTITION BY RANGE (a, b);
CREATE TABLE by_two_low PARTITION OF by_two (at DEFAULT '2021-01-01 00:00+00') FOR VALUES FROM (MINVALUE, MINVALUE) TO (10, 'm');
CREATE TABLE by_two_high PARTITION OF by_two FOR VALUES FROM (10, 'm') TO (MAXVALUE, MAXVALUE) PARTITION BY LIST (b);
CREATE TABLE by_two_high_z PARTITION OF by_two_high FOR VALUES IN ('z', 'Ü');
CREATE TABLE by_two_high_rest PARTITION OF by_two_high DEFAULT;
CREATE TABLE by_two_gone PARTITION OF by_two_high FOR VALUES IN ('gone');
INSERT INTO by_two SELECT i, chr(97 + i % 26) FROM generate_series(1, 100) i;
INSERT INTO by_two VALUES (50, 'gone'), (51, 'Z');
ALTER TABLE by_two_high DETACH PARTITION by_two_gone;
CREATE TABLE by_expression (a text, b int) PARTITION BY LIST (lower(a));
CREATE TABLE by_expression_x (b int, a text);
ALTER TABLE by_expression ATTACH PARTITION by_expression_x FOR VALUES IN ('x', NULL);
INSERT INTO by_expression VALUES ('X', 1), ('x', 2), (NULL, 3);
CREATE TABLE points_at (id int, a int, b text, FOREIGN KEY (a, b) REFERENCES by_two ON DELETE CASCADE ON UPDATE SET NULL) PARTITION BY LIST (id);
CREATE TABLE points_at_rest PARTITION OF points_at DEFAULT;
INSERT INTO points_at SELECT i, a, b FROM by_two, generate_series(1, 2) i;
CREATE INDEX by_two_at ON by_two (at) INCLUDE (a);
CREATE INDEX by_two_unfinished ON ONLY by_two (b);
CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER of_all AFTER INSERT ON by_two FOR EACH ROW EXECUTE FUNCTION leave();
ALTER TABLE by_two_low DISABLE TRIGGER of_all;
CREATE TABLE never_any (a int) PARTITION BY RANGE (a);

-- Columns: kinds of storage, statistics, options, compression, collations, defaults, identity; dropped ones, the last of a table too.
CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-u-co-phonebk', DETERMINISTIC = false);
CREATE COLLATION simple FROM "C";
CREATE TABLE columns (
    id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME columns_numbers START 5 MINVALUE 5 MAXVALUE 999 CYCLE),
    t text COLLATE german DEFAULT current_user, u text COMPRESSION pglz COLLATE simple, v varchar(5)[] DEFAULT '{a,"b c"}',
    d numeric(5, -2) DEFAULT 12345, s serial, g int GENERATED ALWAYS AS (id::int * 2) STORED NOT NULL, o oid DEFAULT 'columns'::regclass, last int
) WITH (fillfactor = 33, autovacuum_enabled = off, toast.autovacuum_enabled = off, parallel_workers = 2, toast_tuple_target = 200);
ALTER TABLE columns ALTER t SET STORAGE EXTERNAL, ALTER u SET STORAGE MAIN, ALTER u SET STATISTICS 0, ALTER v SET (n_distinct = -0.5, n_distinct_inherited = 7), DROP COLUMN last, ALTER s SET DEFAULT 1;
INSERT INTO columns (t, u, d) VALUES (repeat('long ', 500), 'u', 1), ('ß', NULL, 99949), (NULL, '', 'NaN');
CREATE TABLE of_type OF kinds.pair (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'typed');
INSERT INTO of_type VALUES (1, DEFAULT), (2, NULL);
CREATE TABLE rows_in_rows (r columns, rr kinds.pair[], x of_type);
INSERT INTO rows_in_rows SELECT c, ARRAY[ROW(1, 'a')::kinds.pair], y FROM columns c, of_type y;
CREATE TYPE nested AS (p kinds.pair, q kinds.pair[], e kinds.even);
ALTER TYPE nested ADD ATTRIBUTE r text COLLATE "C", DROP ATTRIBUTE q;
CREATE TABLE composites (n nested);
INSERT INTO composites VALUES (ROW(ROW(1, E'"\\'), 4, 'x')), (ROW(NULL, NULL, NULL)), (NULL);
CREATE UNLOGGED TABLE not_logged (id int GENERATED BY DEFAULT AS IDENTITY, t text);
INSERT INTO not_logged (t) SELECT md5(i::text) FROM generate_series(1, 100) i;

-- A value that was right when it was computed.
CREATE FUNCTION rate() RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 1.19';
CREATE TABLE computed (net numeric, gross numeric GENERATED ALWAYS AS (net * awk.rate()) STORED);
INSERT INTO computed VALUES (100), (200);
CREATE OR REPLACE FUNCTION rate() RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 1.16';

-- Domains, ranges, multiranges, base types, shell types.
CREATE DOMAIN word AS text COLLATE "C" NOT NULL DEFAULT 'w' CONSTRAINT short CHECK (length(VALUE) < 9);
CREATE DOMAIN words AS word[] CHECK (cardinality(VALUE) < 5);
CREATE DOMAIN checked_later AS int;
CREATE TABLE of_domains (w word, ws words, l checked_later);
INSERT INTO of_domains VALUES ('a', '{b,c}', -1);
ALTER DOMAIN checked_later ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
CREATE FUNCTION time_diff(a time, b time) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT extract(epoch FROM a - b)';
CREATE TYPE hours AS RANGE (SUBTYPE = time, SUBTYPE_DIFF = time_diff, MULTIRANGE_TYPE_NAME = many_hours);
CREATE TABLE of_ranges (h hours, m many_hours, d datemultirange);
INSERT INTO of_ranges VALUES ('[08:00,12:00)', '{[08:00,12:00),[13:00,17:00]}', '{}'), (NULL, '{(,)}', '{(,2020-01-01),[2021-01-01,)}');
CREATE INDEX ON of_ranges USING gist (h);
CREATE TYPE only_a_shell;
CREATE TYPE base;
CREATE FUNCTION base_in(cstring) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION base_out(base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE base (INPUT = base_in, OUTPUT = base_out, LIKE = int4, CATEGORY = 'N', DEFAULT = '7', DELIMITER = ';');
CREATE TABLE of_base (b base DEFAULT '9', bs base[]);
INSERT INTO of_base VALUES ('5', '{1;2}');
ALTER TYPE colour ADD VALUE 'aqua' BEFORE 'red';
ALTER TYPE colour RENAME VALUE 'navy' TO 'dark blue';

-- Operators, classes, families, casts, conversions, aggregates, languages, transforms, access methods.
CREATE FUNCTION base_lt(base, base) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION base_eq(base, base) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION base_cmp(base, base) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE OPERATOR <<< (FUNCTION = base_lt, LEFTARG = base, RIGHTARG = base, COMMUTATOR = >>>, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR === (FUNCTION = base_eq, LEFTARG = base, RIGHTARG = base, COMMUTATOR = ===, MERGES, HASHES);
CREATE OPERATOR FAMILY base_ops USING btree;
CREATE OPERATOR CLASS base_ops DEFAULT FOR TYPE base USING btree FAMILY base_ops AS OPERATOR 1 <<<, OPERATOR 3 ===, FUNCTION 1 base_cmp(base, base);
ALTER OPERATOR FAMILY base_ops USING btree ADD FUNCTION 1 (base, int) btint4cmp(int, int);
CREATE OPERATOR FAMILY empty_ops USING hash;
CREATE INDEX ON of_base (b base_ops);
CREATE CAST (base AS int) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (int AS base) WITH INOUT;
CREATE CONVERSION my_latin1 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION my_default FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8;
CREATE AGGREGATE of_sets (VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE AGGREGATE moving (int) (SFUNC = int4pl, STYPE = int, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int, INITCOND = 1, MINITCOND = 2, PARALLEL = SAFE, COMBINEFUNC = int4pl, SORTOP = <);
CREATE FUNCTION a_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE TRUSTED PROCEDURAL LANGUAGE a_language HANDLER a_handler;
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE ACCESS METHOD my_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD my_gist TYPE INDEX HANDLER gisthandler;
CREATE OPERATOR CLASS my_boxes DEFAULT FOR TYPE box USING my_gist AS OPERATOR 3 &&, OPERATOR 15 <-> (box, point) FOR ORDER BY float_ops,
    FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 5 gist_box_penalty(internal, internal, internal), FUNCTION 6 gist_box_picksplit(internal, internal),
    FUNCTION 7 gist_box_same(box, box, internal), FUNCTION 8 (box, point) gist_box_distance(internal, box, smallint, oid, internal);
CREATE TABLE in_my_heap (a int) USING my_heap;
INSERT INTO in_my_heap SELECT generate_series(1, 5000);
CREATE MATERIALIZED VIEW of_my_heap USING my_heap AS SELECT max(a) FROM in_my_heap;

-- Functions of every kind, and what they depend on.
CREATE FUNCTION modes(a int, INOUT b text DEFAULT 'x''y', OUT c int[], VARIADIC d float8[] DEFAULT '{}') LANGUAGE sql
    STABLE LEAKPROOF PARALLEL RESTRICTED COST 7 SET search_path = awk, "$user" SET work_mem = '3MB' AS $f$SELECT b, ARRAY[a]$f$;
CREATE FUNCTION pieces(n int) RETURNS TABLE (a int, "b b" text) LANGUAGE plpgsql ROWS 5 SECURITY DEFINER WINDOW AS $$BEGIN RETURN NEXT; END$$;
CREATE FUNCTION in_standard_sql(a int) RETURNS int IMMUTABLE RETURN a + (SELECT count(*) FROM awk.zz_known)::int;
CREATE PROCEDURE in_standard_sql_too(INOUT a int) BEGIN ATOMIC SELECT a + 1; SELECT awk.in_standard_sql(a); END;
CREATE FUNCTION any_of(anycompatiblearray, anyenum) RETURNS SETOF anyenum LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION from_view(v public.older) RETURNS text LANGUAGE sql AS 'SELECT v.name';
CREATE FUNCTION nothing_is_there() RETURNS SETOF text LANGUAGE sql SET check_function_bodies = off AS 'SELECT ''x''';
CREATE FUNCTION in_a_language() RETURNS int LANGUAGE a_language AS 'BEGIN RETURN 1; END';

-- Views: that refer to themselves, whose primary key is used, whose columns have defaults; rules; triggers of every kind.
CREATE RECURSIVE VIEW count_up (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM count_up WHERE n < 5;
CREATE VIEW grouped AS SELECT p.id, p.name, count(*) FROM public.people p JOIN public.people q ON p.id < q.id GROUP BY p.id;
CREATE VIEW editable WITH (check_option = cascaded, security_invoker) AS SELECT n FROM zz_known WHERE n > 0;
ALTER VIEW editable ALTER COLUMN n SET DEFAULT 5;
CREATE VIEW no_columns_either AS SELECT;
CREATE VIEW round_1 AS SELECT 1 AS x;
CREATE VIEW round_2 AS SELECT x FROM round_1;
CREATE OR REPLACE VIEW round_1 AS SELECT x FROM round_2;
CREATE VIEW star AS SELECT * FROM columns, LATERAL (SELECT count(*) AS "count" FROM wide) w;
CREATE TABLE ruled (a int, b text);
CREATE RULE also AS ON INSERT TO ruled WHERE new.a > 5 DO ALSO (UPDATE ruled SET b = 'rule' WHERE a = new.a; DELETE FROM zz_known WHERE n = -new.a);
CREATE RULE tell AS ON UPDATE TO ruled DO ALSO NOTIFY ruled;
CREATE RULE off AS ON DELETE TO ruled DO INSTEAD NOTHING;
INSERT INTO ruled VALUES (1, 'x'), (9, 'y');
ALTER TABLE ruled DISABLE RULE off, ENABLE ALWAYS RULE also;
CREATE RULE into_view AS ON INSERT TO count_up DO INSTEAD INSERT INTO zz_known VALUES (new.n) RETURNING n;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON grouped FOR EACH ROW EXECUTE FUNCTION instead('an "argument"', E'\\x', '');
CREATE TRIGGER "when" BEFORE UPDATE OF a, b ON ruled FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION leave();
CREATE TRIGGER transition AFTER UPDATE ON ruled REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION leave();
CREATE TRIGGER truncating BEFORE TRUNCATE ON ruled EXECUTE FUNCTION leave();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON ruled FROM public.hen DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION leave();
ALTER TABLE ruled ENABLE REPLICA TRIGGER "when", ENABLE ALWAYS TRIGGER transition;

-- Constraints and indexes.
CREATE TABLE constrained (
    a int CONSTRAINT named NOT NULL, b int, r int4range, t text COLLATE german UNIQUE, UNIQUE NULLS NOT DISTINCT (b),
    CONSTRAINT together EXCLUDE USING gist (r WITH &&, int4range(a, a + 1) WITH =) WHERE (a > 0) DEFERRABLE,
    CONSTRAINT pk PRIMARY KEY (a) INCLUDE (b) WITH (fillfactor = 70), CHECK (a <> b) NO INHERIT,
    FOREIGN KEY (b) REFERENCES constrained ON DELETE SET NULL ON UPDATE RESTRICT DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO constrained VALUES (1, 2, '[1,2)', 'ä'), (2, 1, '[5,8)', 'ae'), (3, NULL, NULL, NULL);
CREATE TABLE pairs (x int, y int, UNIQUE (y, x), z int UNIQUE DEFERRABLE);
CREATE TABLE refers (a int, b int, tenant int, CONSTRAINT full_match FOREIGN KEY (a, b) REFERENCES pairs (y, x) MATCH FULL, FOREIGN KEY (tenant, b) REFERENCES pairs (x, y) ON DELETE SET NULL (b));
INSERT INTO pairs VALUES (1, 2, 3);
INSERT INTO refers VALUES (2, 1, NULL), (NULL, NULL, 5);
CREATE INDEX "every option" ON constrained USING btree (lower(t) COLLATE "C" text_pattern_ops DESC NULLS LAST, (a + b)) INCLUDE (r) WITH (fillfactor = 50, deduplicate_items = off) WHERE t IS NOT NULL;
ALTER INDEX "every option" ALTER COLUMN 2 SET STATISTICS 400;
CREATE INDEX by_hash ON constrained USING hash (t);
CREATE INDEX by_brin ON wide USING brin (c1 int4_minmax_multi_ops (values_per_range = 16)) WITH (pages_per_range = 2, autosummarize);
CREATE INDEX by_gin ON columns USING gin (v) WITH (fastupdate = off);
CREATE TABLE boxes (b box);
INSERT INTO boxes VALUES ('(0,0),(1,1)');
CREATE INDEX by_my_gist ON boxes USING my_gist (b);
ALTER TABLE constrained CLUSTER ON pk, REPLICA IDENTITY USING INDEX pk;
ALTER TABLE ruled REPLICA IDENTITY FULL;
ALTER TABLE pairs REPLICA IDENTITY NOTHING;
CREATE MATERIALIZED VIEW clustered WITH (fillfactor = 40) AS SELECT a, t FROM constrained;
CREATE UNIQUE INDEX clustered_a ON clustered (a);
ALTER MATERIALIZED VIEW clustered CLUSTER ON clustered_a;
CREATE STATISTICS all_kinds (ndistinct, mcv, dependencies) ON a, b FROM constrained;
CREATE STATISTICS expressions ON (a + b), lower(t) FROM constrained;
ALTER STATISTICS all_kinds SET STATISTICS 50;

-- What rows break, as it was made behind them and they were never looked at.
CREATE TABLE not_valid (a int, up int);
INSERT INTO not_valid VALUES (-1, 99);
ALTER TABLE not_valid ADD CONSTRAINT ck CHECK (a > 0) NOT VALID, ADD PRIMARY KEY (a), ADD CONSTRAINT fk FOREIGN KEY (up) REFERENCES not_valid NOT VALID;

-- Materialized views over each other, not in the order of their names; of which some have no rows, for there was no REFRESH.
CREATE MATERIALIZED VIEW z_base AS SELECT n FROM zz_known WHERE n < 10;
CREATE MATERIALIZED VIEW a_over AS SELECT sum(n) FROM z_base WITH NO DATA;
CREATE MATERIALIZED VIEW b_over_empty AS SELECT * FROM a_over WITH NO DATA;
CREATE VIEW between AS SELECT n FROM z_base;
CREATE MATERIALIZED VIEW c_over_view AS SELECT n, (SELECT count(*) FROM aa_checked) FROM between;
CREATE UNIQUE INDEX ON c_over_view (n);
CREATE MATERIALIZED VIEW stale AS SELECT count(*) AS n FROM not_logged;
INSERT INTO not_logged (t) VALUES ('after the view');
CREATE FUNCTION unqualified() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM zz_known';
CREATE MATERIALIZED VIEW needs_search_path AS SELECT unqualified() AS n;

-- Sequences: of every type, at their ends, not logged, owned, without any bounds.
CREATE SEQUENCE as_big AS bigint MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807 START -9223372036854775808;
SELECT setval('as_big', -9223372036854775808);
CREATE SEQUENCE as_int AS integer INCREMENT 1000 CACHE 20 CYCLE;
SELECT setval('as_int', 2147483647);
CREATE SEQUENCE as_small AS smallint INCREMENT -1;
SELECT nextval('as_small');
CREATE UNLOGGED SEQUENCE unlogged_numbers START 3;
SELECT nextval('unlogged_numbers');
CREATE SEQUENCE made_logged OWNED BY columns.s;
ALTER SEQUENCE columns_s_seq OWNED BY NONE;
ALTER TABLE columns ALTER id SET GENERATED BY DEFAULT, ALTER id RESTART WITH 77;

-- Foreign data, without a library that reads any.
CREATE FOREIGN DATA WRAPPER files VALIDATOR postgresql_fdw_validator;
CREATE FOREIGN DATA WRAPPER nothing_at_all OPTIONS ("an option" 'it''s');
CREATE SERVER far TYPE 'a type' VERSION '1''2' FOREIGN DATA WRAPPER nothing_at_all OPTIONS (host 'a=b, c''d', port '');
CREATE SERVER "far ""too" FOREIGN DATA WRAPPER files OPTIONS (host 'localhost');
CREATE USER MAPPING FOR :"role" SERVER far OPTIONS (user 'me', password 'se''cret\');
CREATE USER MAPPING FOR PUBLIC SERVER far;
CREATE USER MAPPING FOR CURRENT_USER SERVER "far ""too" OPTIONS (password 'x');
CREATE FOREIGN TABLE far_away (a int OPTIONS (column_name 'A', "odd name" 'v') NOT NULL, b text DEFAULT 'x' COLLATE "C", CHECK (a > 0)) SERVER far OPTIONS (file '/nowhere', "o o" '');
CREATE FOREIGN TABLE far_child (z int) INHERITS (mother) SERVER far;
CREATE FOREIGN TABLE by_expression_far PARTITION OF by_expression FOR VALUES IN ('far') SERVER far;
CREATE TRIGGER on_far BEFORE INSERT ON far_away FOR EACH ROW EXECUTE FUNCTION leave();
ALTER FOREIGN TABLE far_away ALTER b SET STATISTICS 3, DISABLE TRIGGER on_far;

-- Text search.
CREATE TEXT SEARCH PARSER my_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE my_template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY my_words (TEMPLATE = my_template, accept = 'false');
CREATE TEXT SEARCH CONFIGURATION my_search (PARSER = my_parser);
ALTER TEXT SEARCH CONFIGURATION my_search ADD MAPPING FOR asciiword, word WITH my_words, english_stem;
CREATE TABLE found (t text, v tsvector GENERATED ALWAYS AS (to_tsvector('awk.my_search', t)) STORED, w tsvector);
INSERT INTO found (t, w) VALUES ('Some words', 'a:1A,3 ''b c'':2');
CREATE INDEX ON found USING gin (to_tsvector('awk.my_search', t));

-- Rows that only some may see: nobody may be kept from dumping them.
CREATE TABLE guarded (a int, who text);
INSERT INTO guarded VALUES (1, 'x'), (2, 'y');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY strict ON guarded AS RESTRICTIVE FOR UPDATE TO :"role", :"other" USING (a > 0) WITH CHECK (who = CURRENT_USER AND EXISTS (SELECT FROM awk.zz_known));
CREATE POLICY "to all" ON guarded FOR INSERT WITH CHECK (true);
CREATE TABLE policy_only (a int);
CREATE POLICY off ON policy_only FOR SELECT USING (a IN (SELECT a FROM awk.guarded));

-- What lies elsewhere.
CREATE TABLE elsewhere (a int PRIMARY KEY USING INDEX TABLESPACE :"space", b text) TABLESPACE :"space";
INSERT INTO elsewhere SELECT i, 'x' FROM generate_series(1, 10) i;
CREATE INDEX here_again ON elsewhere (b) TABLESPACE pg_default;
CREATE MATERIALIZED VIEW view_elsewhere TABLESPACE :"space" AS SELECT a FROM elsewhere;
CREATE TABLE parts_elsewhere (a int) PARTITION BY LIST (a) TABLESPACE :"space";
CREATE TABLE parts_elsewhere_1 PARTITION OF parts_elsewhere FOR VALUES IN (1);
CREATE TABLE parts_elsewhere_2 PARTITION OF parts_elsewhere FOR VALUES IN (2) TABLESPACE pg_default;
CREATE INDEX parts_index ON parts_elsewhere (a) TABLESPACE :"space";

-- Large objects: a hole, a last page that is full, nothing at all, a mebibyte; owners, rights, comments.
SELECT lo_create(7001), lo_from_bytea(7002, repeat('x', 4096)::bytea), lo_from_bytea(7003, decode(repeat('00ff0a5c', 262144), 'hex')), lo_create(7004), lo_put(7004, 100000, 'behind a hole');
ALTER LARGE OBJECT 7002 OWNER TO :"role";
GRANT SELECT ON LARGE OBJECT 7002 TO PUBLIC;
GRANT SELECT, UPDATE ON LARGE OBJECT 7003 TO :"role" WITH GRANT OPTION;
REVOKE UPDATE ON LARGE OBJECT 7001 FROM CURRENT_USER;
COMMENT ON LARGE OBJECT 7001 IS E'an "empty" one\n';

-- Owners and rights: of others, in turn, of none at all; of the catalog's own objects; for what is yet to come.
ALTER TABLE constrained OWNER TO :"role";
ALTER TYPE hours OWNER TO :"role";
ALTER PROCEDURE in_standard_sql_too OWNER TO :"other";
ALTER SERVER far OWNER TO :"other";
ALTER MATERIALIZED VIEW z_base OWNER TO :"role";
ALTER SEQUENCE as_small OWNER TO :"role";
ALTER OPERATOR === (base, base) OWNER TO :"role";
ALTER TEXT SEARCH CONFIGURATION my_search OWNER TO :"role";
ALTER STATISTICS expressions OWNER TO :"role";
GRANT USAGE ON SCHEMA awk TO :"other" WITH GRANT OPTION;
GRANT ALL ON constrained TO :"other" WITH GRANT OPTION;
SET SESSION AUTHORIZATION :"other";
GRANT SELECT (a, t), UPDATE (b) ON awk.constrained TO PUBLIC;
GRANT TRUNCATE, REFERENCES ON awk.constrained TO pg_monitor;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON zz_known TO :"role"; -- who owns a view over it
REVOKE ALL ON pairs FROM CURRENT_USER;
REVOKE ALL ON TYPE word FROM PUBLIC;
GRANT USAGE ON TYPE word TO :"role";
REVOKE ALL ON LANGUAGE a_language FROM PUBLIC;
GRANT USAGE ON FOREIGN DATA WRAPPER nothing_at_all TO :"role";
GRANT USAGE ON FOREIGN SERVER far TO :"role" WITH GRANT OPTION;
GRANT EXECUTE ON ROUTINE in_standard_sql_too TO :"role";
GRANT USAGE, UPDATE ON SEQUENCE as_int TO :"other";
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text), pg_catalog.random() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO :"role";
GRANT SELECT (rolname, rolpassword) ON pg_catalog.pg_authid TO :"role";
REVOKE SELECT ON pg_catalog.pg_proc FROM PUBLIC;
GRANT SELECT ON pg_catalog.pg_proc TO PUBLIC;
GRANT CREATE ON SCHEMA public TO :"other";
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE :"role" REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE :"role" GRANT ALL ON SCHEMAS TO :"other" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE :"other" IN SCHEMA awk GRANT USAGE ON TYPES TO :"role";
ALTER DEFAULT PRIVILEGES FOR ROLE :"other" REVOKE ALL ON SEQUENCES FROM :"other";

-- Comments on all that may have one, and that mixed.sql has not.
COMMENT ON ACCESS METHOD my_heap IS 'access method';
COMMENT ON AGGREGATE moving (int) IS 'aggregate';
COMMENT ON CAST (base AS int) IS 'cast';
COMMENT ON COLLATION german IS 'collation';
COMMENT ON COLUMN star."count" IS 'column of a view';
COMMENT ON COLUMN nested.r IS 'attribute';
COMMENT ON COLUMN far_away.b IS 'column of a foreign table';
COMMENT ON CONSTRAINT short ON DOMAIN word IS 'constraint of a domain';
COMMENT ON CONSTRAINT fk ON not_valid IS 'foreign key';
COMMENT ON CONVERSION my_latin1 IS 'conversion';
COMMENT ON DOMAIN word IS 'domain';
COMMENT ON FOREIGN DATA WRAPPER files IS 'wrapper';
COMMENT ON FOREIGN TABLE far_away IS 'foreign table';
COMMENT ON FUNCTION modes(int, text, float8[]) IS 'function';
COMMENT ON INDEX by_two_at IS 'index of partitions';
COMMENT ON LANGUAGE a_language IS 'language';
COMMENT ON OPERATOR === (base, base) IS 'operator';
COMMENT ON OPERATOR CLASS base_ops USING btree IS 'class';
COMMENT ON OPERATOR FAMILY empty_ops USING hash IS 'family';
COMMENT ON PROCEDURE in_standard_sql_too(int) IS 'procedure';
COMMENT ON RULE also ON ruled IS 'rule';
COMMENT ON SCHEMA awk IS '';
COMMENT ON SCHEMA kinds IS E'schema\n';
COMMENT ON SEQUENCE as_big IS 'sequence';
COMMENT ON SERVER far IS 'server';
COMMENT ON STATISTICS all_kinds IS 'statistics';
COMMENT ON TABLE by_two_low IS 'partition';
COMMENT ON TEXT SEARCH CONFIGURATION my_search IS 'configuration';
COMMENT ON TEXT SEARCH DICTIONARY my_words IS 'dictionary';
COMMENT ON TEXT SEARCH PARSER my_parser IS 'parser';
COMMENT ON TEXT SEARCH TEMPLATE my_template IS 'template';
COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'transform';
COMMENT ON TYPE base IS 'type';
COMMENT ON TYPE nested IS 'composite type';
COMMENT ON VIEW star IS 'view';

-- Last, as they watch or concern what is made before.
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert, truncate', publish_via_partition_root);
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA awk, kinds, TABLE "Odd "" schema"."%s%n{}" WHERE ("%I" > '%');
CREATE PUBLICATION filtered FOR TABLE constrained (a, b), ONLY mother WHERE (a > 1 AND b <> 'x''"');
CREATE PUBLICATION nothing_yet;
ALTER PUBLICATION nothing_yet OWNER TO :"role";
COMMENT ON PUBLICATION filtered IS 'publication';
CREATE SUBSCRIPTION "sub ""scribed" CONNECTION 'host=/nowhere dbname=''a b'' password=x' PUBLICATION "p ""1", p2
    WITH (connect = false, slot_name = 'a_slot', binary, streaming, synchronous_commit = off, two_phase = false, disable_on_error);
ALTER SUBSCRIPTION "sub ""scribed" ENABLE;
COMMENT ON SUBSCRIPTION "sub ""scribed" IS 'subscription';
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM tg_tag; END';
CREATE EVENT TRIGGER watching ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION watch();
CREATE EVENT TRIGGER switched_off ON sql_drop EXECUTE FUNCTION watch();
CREATE EVENT TRIGGER "always ""on" ON table_rewrite EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER switched_off DISABLE;
ALTER EVENT TRIGGER "always ""on" ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER watching IS 'event trigger';

-- For an index that is not finished, as it meets a value twice: who uses this file makes it.
CREATE TABLE doubled (a int);
INSERT INTO doubled VALUES (1), (1);
