#!/usr/bin/env bats
# Large objects go through the pipe as one item: contents, holes, owners, rights, comments.
load helper

cmpdb=$BATS_TEST_DIRNAME/cmpdb.sh

# fill DB ROLE ROLE: objects of every size around a page's 2048 bytes, sparse ones, empty ones, and all that can be said of them.
fill() {
    sql "$1" >/dev/null <<SQL
SELECT lo_from_bytea(200000 + i, convert_to(repeat('x', i), 'UTF8')) FROM unnest(ARRAY[1, 2047, 2048, 2049, 4096, 300000]) i;
SELECT lo_create(1000001);
SELECT lo_create(1000002), lo_put(1000002, 5000000, 'behind a hole');
SELECT lo_from_bytea(1000003, '\x00ff0a5c');
COMMENT ON LARGE OBJECT 1000003 IS E'it''s\\n\\\\ a comment';
ALTER LARGE OBJECT 1000002 OWNER TO $2;
GRANT SELECT ON LARGE OBJECT 1000002 TO $3 WITH GRANT OPTION;
GRANT ALL ON LARGE OBJECT 1000003 TO PUBLIC;
SET SESSION AUTHORIZATION $3;
GRANT SELECT ON LARGE OBJECT 1000002 TO $2;
RESET SESSION AUTHORIZATION;
SELECT lo_create(1000004);
REVOKE ALL ON LARGE OBJECT 1000004 FROM CURRENT_USER;
SQL
}

@test "large objects come back as they were" {
    a=$(newdb) b=$(newdb)
    fill "$a" "$(newrole)" "$(newrole)"
    pipe "bk-dump -d $a | bk-zstd | bk-verify -q | bk-zstd -d | bk-verify -q | bk-load -q -d $b"
    same "$stages" '0 0 0 0 0 0'
    fails 0 "$cmpdb" -c "$a" "$b"
    matches '10 large objects'
    same "$(sql "$b" "SELECT lomacl IS NULL, lomacl::text = '{}' FROM pg_largeobject_metadata WHERE oid IN (1000001, 1000004) ORDER BY oid")" \
        $'t|\nf|t'
    bk-dump --digests -d "$b" >"$BATS_TEST_TMPDIR/b.digests"
    bk-dump -d "$a" | bk-cmp - "$BATS_TEST_TMPDIR/b.digests"
}

@test "more large objects than one transaction takes, and none at all" {
    a=$(newdb) b=$(newdb) c=$(newdb)
    sql "$a" "SELECT count(lo_create(300000 + i)) FROM generate_series(1, 2500) i" >/dev/null
    pipe "bk-dump -d $a -j 1 | bk-load -q -d $b -j 1"
    same "$stages" '0 0'
    same "$(sql "$b" 'SELECT count(*), min(oid), max(oid) FROM pg_largeobject_metadata')" '2500|300001|302500'
    sql "$a" "SELECT count(lo_unlink(oid)) FROM pg_largeobject_metadata" >/dev/null
    pipe "bk-dump -d $a | bk-load -q -d $c"
    same "$stages" '0 0'
    same "$(sql "$c" 'SELECT count(*) FROM pg_largeobject_metadata')" 0
}

@test "whoever may read all data may dump the large objects of others" {
    a=$(newdb) role=$(newrole)
    sql "$a" "SELECT lo_from_bytea(400001, 'secret'); GRANT pg_read_all_data TO $role; ALTER ROLE $role BYPASSRLS" >/dev/null
    pipe "bk-dump -d 'dbname=$a user=$role' | bk-ls -J | jq -r 'select(.type == \"large-objects\") | .rows'"
    same "$stages" '0 0 0'
    same "$output" 2 # the object, and its one page
}

@test "the owner of a database, who may read no catalog, dumps and loads it, with its large objects" {
    role=$(newrole)
    a=$(newdb -O "$role") b=$(newdb -O "$role")
    pipe "bk-dump -d 'dbname=$a user=$role' | bk-ls -J | jq -r 'select(.type == \"large-objects\") | .rows'"
    same "$stages $output" '0 0 0 0'
    PGUSER=$role fill "$a" "$role" "$role"
    sql "$a" "SELECT lo_create(1000005), lo_put(1000005, 2048 * 7, decode(repeat('00', 2048 * 3 + 5), 'hex'))" >/dev/null
    sql "$a" "ALTER LARGE OBJECT 1000005 OWNER TO $role; GRANT SELECT ON LARGE OBJECT 1000004 TO $role"
    pipe "bk-dump -d 'dbname=$a user=$role' | bk-load -q -d 'dbname=$b user=$role'"
    same "$stages" '0 0'
    fails 0 "$cmpdb" -c "$a" "$b"
    matches '11 large objects'
    # What he may not read is an error.
    sql "$a" "SELECT lo_from_bytea(1000006, 'of another')" >/dev/null
    fails 1 bk-dump -d "dbname=$a user=$role"
    matches 'permission denied for large object' "$stderr"
}
