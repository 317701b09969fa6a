-- blog.sql - a small blog to try things on: about 300,000 rows, 60 MB, the same each time on one version of PostgreSQL.

SET client_min_messages = warning;
SET synchronous_commit = off;
BEGIN;
SELECT setseed(0.42);

-- n words, without much sense.
CREATE FUNCTION words(n int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg((ARRAY[
        'a', 'the', 'of', 'and', 'in', 'to', 'with', 'under', 'without', 'after', 'one', 'every', 'no', 'old', 'new',
        'small', 'quiet', 'early', 'green', 'late', 'street', 'garden', 'letter', 'winter', 'coffee', 'table', 'river',
        'window', 'music', 'bread', 'night', 'train', 'walks', 'reads', 'forgets', 'keeps', 'finds', 'sings', 'naïve',
        'Übermut'
        ])[1 + floor(random() * 40)::int], ' ')
    FROM generate_series(1, n)
$$;

CREATE TYPE post_state AS ENUM ('draft', 'published', 'withdrawn');

CREATE TABLE authors (
    id serial PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    joined date NOT NULL
);

CREATE TABLE posts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id int NOT NULL REFERENCES authors,
    state post_state NOT NULL DEFAULT 'draft',
    title text NOT NULL,
    body text NOT NULL,
    meta jsonb NOT NULL DEFAULT '{}',
    published timestamptz,
    CHECK ((state = 'draft') = (published IS NULL))
);
COMMENT ON COLUMN posts.meta IS 'what the editor keeps: language, reading time, pictures';

CREATE TABLE comments (
    id bigserial PRIMARY KEY,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    reply_to bigint REFERENCES comments,
    author_id int REFERENCES authors,
    body text NOT NULL,
    written timestamptz NOT NULL
);

CREATE TABLE tags (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE post_tags (
    post_id bigint REFERENCES posts ON DELETE CASCADE,
    tag_id int REFERENCES tags,
    PRIMARY KEY (post_id, tag_id)
);

INSERT INTO authors (name, email, joined)
SELECT initcap(words(2)), 'author' || i || '@example.org', date '2020-01-01' + i % 2000
FROM generate_series(1, 2000) i;

INSERT INTO posts (author_id, state, title, body, meta, published)
SELECT 1 + i % 2000, state, words(5), words(60 + i % 80),
       jsonb_build_object('lang', 'en', 'minutes', i % 12, 'pictures', to_jsonb(ARRAY[i, i + 1])),
       CASE WHEN state <> 'draft' THEN timestamptz '2021-01-01 08:00Z' + i * interval '47 minutes' END
FROM generate_series(1, 30000) i,
     LATERAL (SELECT (ARRAY['draft', 'published', 'published', 'published', 'withdrawn'])[1 + i % 5]::post_state
     ) s(state);

INSERT INTO comments (post_id, reply_to, author_id, body, written)
SELECT 1 + i % 30000, CASE WHEN i % 3 = 0 THEN i - 2 END, CASE WHEN i % 7 <> 0 THEN 1 + i % 2000 END, words(4 + i % 12),
       timestamptz '2021-02-01 12:00Z' + i * interval '7 minutes'
FROM generate_series(1, 200000) i;

INSERT INTO tags (name)
SELECT 'tag-' || i FROM generate_series(1, 200) i;

INSERT INTO post_tags
SELECT p, 1 + (p * k * 7) % 200 FROM generate_series(1, 30000) p, generate_series(1, 3) k
ON CONFLICT DO NOTHING;

CREATE INDEX ON posts (author_id, published DESC);
CREATE INDEX ON posts USING gin (meta);
CREATE INDEX ON comments (post_id, written);
CREATE INDEX ON comments (author_id) WHERE author_id IS NOT NULL;

CREATE SEQUENCE invoice_number START 5000 INCREMENT 5;
SELECT nextval('invoice_number') FROM generate_series(1, 17);

CREATE VIEW published_posts AS
SELECT p.id, a.name AS author, p.title, p.published
FROM posts p JOIN authors a ON a.id = p.author_id
WHERE p.state = 'published';

CREATE MATERIALIZED VIEW author_totals AS
SELECT a.id, a.name, count(p.id) AS posts, max(p.published) AS latest
FROM authors a LEFT JOIN posts p ON p.author_id = a.id
GROUP BY a.id;
CREATE UNIQUE INDEX ON author_totals (id);

DROP FUNCTION words;
COMMIT;
ANALYZE;
