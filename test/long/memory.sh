#!/bin/bash
# memory.sh [DIR] - how much memory does each tool take? Builds 2 GB of tables, and one row of 200 MiB, in a server of
# its own (in DIR, or a temporary folder: it needs 6 GB), takes both through all tools, and prints the most that each took.
# Status 1 if a tool took more than it may. $BUILD is where the programs are.
#
# What is read is VmHWM, the peak of a process's resident memory, just before it ends: from /usr/bin/time.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
PATH=$PWD/${BUILD:-build}:$PATH

dir=$(mktemp -d "${1:-/tmp}/bk-memory.XXXXXX")
chmod 755 "$dir"
environment=$(test/pg.sh start "$dir/server")
eval "$environment"
trap 'test/pg.sh stop "$dir/server"; rm -rf "$dir"' EXIT

# The tools by their names, each under time; its figure goes into a file.
mkdir "$dir/bin"
for tool in bk-dump bk-zstd bk-gz bk-sum bk-put bk-get bk-verify bk-load bk-ls bk-cat; do
    cat >"$dir/bin/$tool" <<-END
	#!/bin/bash
	exec /usr/bin/time -a -o '$dir/figures' -f '%M $tool' '$(command -v "$tool")' "\$@"
	END
    chmod +x "$dir/bin/$tool"
done
PATH=$dir/bin:$PATH

failed=0
# most MIB: prints the figures so far; none may be higher. bk-dump may have more: $2.
most() {
    sort -k 2,2 -k 1,1nr "$dir/figures" | awk -v most="$1" -v dump="${2:-$1}" '
        $2 != last {
            limit = ($2 == "bk-dump" ? dump : most)
            over = ($1 / 1024 > limit)
            printf("%-10s %7.1f MiB of %d%s\n", $2, $1 / 1024, limit, over ? "  TOO MUCH" : "")
            bad += over
            last = $2
        }
        END { exit(bad > 0) }' || failed=1
    : >"$dir/figures"
}

circle() {
    createdb -T template0 "$1_copy"
    bk-dump -d "$1" -j 2 | bk-zstd -j 2 | bk-sum | bk-put -q "$dir/$1.bk"
    bk-get "$dir/$1.bk" | bk-verify -q | bk-zstd -d -j 2 | bk-verify -q | bk-load -q -d "$1_copy" -j 2
    bk-ls <"$dir/$1.bk" >/dev/null
    bk-zstd -d -j 2 <"$dir/$1.bk" | bk-gz -l 1 -j 2 | bk-gz -d -j 2 | bk-cat -t "$2" >/dev/null
    rm "$dir/$1.bk"
    dropdb "$1_copy"
}

echo '2 GB in two tables and 300 small ones'
createdb -T template0 large
psql -X -q -v ON_ERROR_STOP=1 -d large <<'SQL'
CREATE TABLE compressible AS SELECT i, md5(i::text) AS a, repeat(md5(i::text), 3) AS b FROM generate_series(1, 9000000) i;
CREATE TABLE noise AS SELECT i, (SELECT string_agg(sha512((i * 40 + k)::text::bytea), '') FROM generate_series(1, 40) k) AS x
    FROM generate_series(1, 400000) i WHERE false;
ALTER TABLE noise ALTER x SET STORAGE EXTERNAL;
INSERT INTO noise SELECT i, string_agg(sha512((i * 25 + k)::text::bytea), '') FROM generate_series(1, 400000) i, generate_series(1, 25) k GROUP BY i;
DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s AS SELECT generate_series(1, 100) AS x', i); END LOOP; END $$;
SQL
psql -X -At -d large -c "SELECT pg_size_pretty(pg_database_size('large'))"
circle large noise
most 64
dropdb large

echo 'a row of 200 MiB'
createdb -T template0 long
psql -X -q -v ON_ERROR_STOP=1 -d long <<'SQL'
CREATE TABLE t (id int, x text);
ALTER TABLE t ALTER x SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, CASE i WHEN 500 THEN repeat(md5('x'), 6553600) ELSE md5(i::text) END FROM generate_series(1, 1000) i;
SQL
circle long t
most 64 $((64 + 500))
exit $failed
