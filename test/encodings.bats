#!/usr/bin/env bats
# Databases of other encodings than UTF-8, into the same and into others. circle.bats has a LATIN1 one, and an SQL_ASCII
# one with bytes that are no UTF-8.

load helper
load db

# as_utf8 DB: its definitions and rows, converted.
as_utf8() {
    pg_dump --encoding=UTF8 --inserts "$1" | grep -Ev '^(--|SET client_encoding|\\(un)?restrict |$)' | LC_ALL=C sort
}

# same_content A B: the same, though each in its own encoding.
same_content() {
    diff <(as_utf8 "$1") <(as_utf8 "$2") >&2
    same "$(PGCLIENTENCODING=UTF8 sql "$1" "SELECT oid, obj_description(oid, 'pg_largeobject'), lo_get(oid) FROM pg_largeobject_metadata")" \
        "$(PGCLIENTENCODING=UTF8 sql "$2" "SELECT oid, obj_description(oid, 'pg_largeobject'), lo_get(oid) FROM pg_largeobject_metadata")"
    same "$(properties "$1")" "$(properties "$2")"
}

properties() {
    PGCLIENTENCODING=UTF8 sql "$1" "SELECT shobj_description(d.oid, 'pg_database'), setconfig FROM pg_database d
        LEFT JOIN pg_db_role_setting ON setdatabase = d.oid WHERE datname = current_database()"
}

# words DB WORD: the word, given in UTF-8, in all places where a text can be.
words() {
    PGCLIENTENCODING=UTF8 sql "$1" >/dev/null <<SQL
CREATE SCHEMA "s $2";
CREATE TYPE "s $2"."e $2" AS ENUM ('$2', 'x');
CREATE TABLE "s $2"."t $2" ("c $2" text DEFAULT '$2' CONSTRAINT "k $2" CHECK ("c $2" <> 'not $2'), e "s $2"."e $2", n int);
INSERT INTO "s $2"."t $2" SELECT repeat('$2 ', i % 10) || i, '$2', i FROM generate_series(1, 3000) i;
INSERT INTO "s $2"."t $2" VALUES (repeat('$2', 1000000)); -- in frames of its own, which may end within a character
CREATE FUNCTION "f $2"() RETURNS text LANGUAGE sql AS 'SELECT ''$2''';
CREATE VIEW "v $2" AS SELECT '$2' AS "c $2" FROM "s $2"."t $2";
CREATE INDEX "i $2" ON "s $2"."t $2" (n) WHERE "c $2" = '$2';
CREATE SEQUENCE "q $2" START 7;
SELECT setval('"q $2"', 42);
COMMENT ON TABLE "s $2"."t $2" IS '$2';
SELECT lo_from_bytea(5, '\x00ff');
COMMENT ON LARGE OBJECT 5 IS '$2';
COMMENT ON DATABASE $1 IS '$2';
ALTER DATABASE $1 SET own.word = '$2';
SQL
}

# In EUC_JP kana and kanji have two bytes, a half-width kana has two of another kind, and the last letter three.
japanese='かな ｶ 漢字 ö'

@test "EUC_JP, into EUC_JP and into UTF-8" {
    a=$(newdb -E EUC_JP --locale=C) b=$(newdb -E EUC_JP --locale=C) c=$(newdb)
    words "$a" "$japanese"
    circle "$a" "$b"
    "$cmpdb" "$a" "$b"
    circle "$a" "$c"
    same_content "$a" "$c"
    same "$(PGCLIENTENCODING=UTF8 sql "$c" "SELECT \"f $japanese\"()")" "$japanese"
}

@test "LATIN1 into UTF-8, and what LATIN1 has back from UTF-8" {
    a=$(newdb -E LATIN1 --locale=C) b=$(newdb) c=$(newdb -E LATIN1 --locale=C)
    words "$a" 'é÷ÿ'
    circle "$a" "$b"
    same_content "$a" "$b"
    circle "$b" "$c"
    "$cmpdb" "$a" "$c"
}

# Each time in another place.
@test "UTF-8 into LATIN1, with a character that is not there" {
    for statement in "CREATE TABLE t AS SELECT 'a ☃' AS x" 'CREATE TABLE "☃" (x int)' "CREATE TABLE t (x int); COMMENT ON TABLE t IS '☃'" \
        "CREATE TABLE t (x int); CREATE INDEX \"☃\" ON t (x)" "SELECT lo_create(1); COMMENT ON LARGE OBJECT 1 IS '☃'"; do
        a=$(newdb) b=$(newdb -E LATIN1 --locale=C)
        PGCLIENTENCODING=UTF8 sql "$a" "$statement" >/dev/null
        pipe "bk-dump -q -d '$a' | bk-load -q -d '$b'"
        same "$stages" '0 1'
        matches 'character with byte sequence 0xe2 0x98 0x83 in encoding "UTF8" has no equivalent in encoding "LATIN1"' "$stderr"
        is_marked "$b"
    done
}

@test "SQL_ASCII that is UTF-8, into UTF-8" {
    a=$(newdb -E SQL_ASCII --locale=C) b=$(newdb)
    words "$a" 'é☃🐘'
    circle "$a" "$b"
    PGCLIENTENCODING=UTF8 "$cmpdb" -d "$a" "$b"
    same "$(sql "$b" 'SELECT "f é☃🐘"()')" 'é☃🐘'
    same "$(sql "$b" "SELECT obj_description(5, 'pg_largeobject')")" 'é☃🐘'
}

@test "SQL_ASCII with bytes that are no UTF-8, into UTF-8: refused wherever they are" {
    for statement in $'CREATE TABLE "\xff" (x int)' $'CREATE TABLE t (x int); COMMENT ON TABLE t IS \'\xff\'' \
        $'CREATE TABLE t (x int); CREATE INDEX "\xff" ON t (x)' $'SELECT lo_create(1); COMMENT ON LARGE OBJECT 1 IS \'\xff\'' \
        $'CREATE TABLE t AS SELECT repeat(\'x\', 2000000) || \'\xff\' AS x'; do
        a=$(newdb -E SQL_ASCII --locale=C) b=$(newdb)
        sql "$a" "$statement" >/dev/null
        pipe "bk-dump -q -d '$a' | bk-load -q -d '$b'"
        same "$stages" '0 1'
        matches 'invalid byte sequence for encoding "UTF8": 0xff' "$stderr"
        is_marked "$b"
    done
}
