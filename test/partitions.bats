#!/usr/bin/env bats
# Partitions: leaf to leaf, but where a restore would put rows elsewhere.
load helper

cmpdb=$BATS_TEST_DIRNAME/cmpdb.sh

# The hash of an enum value is that of its oid, and a restore makes other oids. With 40 values in 7 partitions it does not
# happen by chance that all of them stay where they were.
@test "partitions by the hash of an enum, at any level, are loaded into the root" {
    a=$(newdb) b=$(newdb)
    sql "$a" <<'SQL'
SELECT format('CREATE TYPE many AS ENUM (%s)', string_agg(quote_literal('v' || i), ', ')) FROM generate_series(1, 40) i
\gexec
CREATE TABLE "by Hash" (n int, e many) PARTITION BY HASH (e);
CREATE TABLE deep (n int, e many) PARTITION BY RANGE (n);
CREATE TABLE deep_1 PARTITION OF deep FOR VALUES FROM (0) TO (500) PARTITION BY HASH (e);
CREATE TABLE deep_2 PARTITION OF deep FOR VALUES FROM (500) TO (9999);
SELECT format('CREATE TABLE h%1$s PARTITION OF "by Hash" FOR VALUES WITH (MODULUS 7, REMAINDER %1$s)', i),
       format('CREATE TABLE d%1$s PARTITION OF deep_1 FOR VALUES WITH (MODULUS 7, REMAINDER %1$s)', i)
FROM generate_series(0, 6) i
\gexec
INSERT INTO "by Hash" SELECT i, (enum_range(NULL::many))[1 + i % 40] FROM generate_series(1, 1000) i;
INSERT INTO deep SELECT * FROM "by Hash";
SQL
    # other oids in the target for sure: a value more, made first, shifts them
    sql "$b" "CREATE TYPE shift AS ENUM ('a', 'b', 'c'); DROP TYPE shift"
    pipe "bk-dump -d $a | bk-zstd | bk-zstd -d | bk-load -q -d $b"
    same "$stages" '0 0 0 0'
    fails 0 "$cmpdb" -c "$a" "$b"
    local leaf='SELECT tableoid::regclass, count(*) FROM "by Hash" GROUP BY 1 ORDER BY 1'
    run ! diff <(sql "$a" "$leaf") <(sql "$b" "$leaf") # else this test shows nothing
}

@test "other partitions are loaded leaf to leaf" {
    a=$(newdb)
    sql "$a" "CREATE TABLE p (n int) PARTITION BY HASH (n); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
    pipe "bk-dump -d $a | bk-ls -J | jq -r 'select(.type == \"table\") | .name, has(\"root-name\")'"
    same "$output" $'p0\nfalse'
}
