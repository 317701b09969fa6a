#!/bin/bash
# consistency.sh ROUNDS [SEED] - does a dump that is taken while pgbench writes hold the state of one moment?
#
# Four clients write at full speed, into pgbench's tables and into those of consistency.sql, so that in every committed
# state some sums and numbers agree. Meanwhile the database is dumped and loaded so many times, with -j 2, 4 and 1, and
# every copy is asked for what does not agree. A copy must also have all that was committed before its dump began.
# Status 1 if one was wrong. $BUILD is where the programs are.
# shellcheck source=test/long/race.bash
source "${BASH_SOURCE[0]%/*}/race.bash"

if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
    echo 'usage: consistency.sh ROUNDS [SEED]' >&2
    exit 2
fi
rounds=$1
begin_random "${2:-}"
here=$PWD/test/long

fill() {
    createdb -T template0 source
    # Few rows on many pages, so that there are many parts.
    pgbench -i -q -F 15 --partitions=4 source 2>"$dir/words" || {
        cat "$dir/words" >&2
        exit 1
    }
    sql source <"$here/consistency.sql"
}

# Each client keeps to rows of its own where two of them could be in each other's way.
scripts() {
    cat >"$dir/move" <<'EOF'
\set a 1 + :client_id + 4 * random(0, 999)
\set place random(0, 7)
UPDATE parcels SET place = :place WHERE id = :a;
EOF
    cat >"$dir/carry" <<'EOF'
\set a 1 + :client_id + 4 * random(0, 999)
WITH gone AS (DELETE FROM here WHERE id = :a RETURNING *), back AS (DELETE FROM there WHERE id = :a RETURNING *),
    went AS (INSERT INTO there SELECT * FROM gone)
INSERT INTO here SELECT * FROM back;
EOF
    cat >"$dir/order" <<'EOF'
\set a random(1, 1000)
\set b random(1, 1000)
\set c random(1, 1000)
BEGIN;
SELECT order_some(:client_id, :a, :b, :c);
DELETE FROM orders WHERE id = (SELECT min(id) FROM orders WHERE client = :client_id);
END;
EOF
    cat >"$dir/write" <<'EOF'
\set a :client_id + 4 * random(0, 9)
\set s random(1, 1000000)
BEGIN;
UPDATE long SET body = long_body(:a, :s) WHERE id = :a;
UPDATE long_sums SET md5 = md5(long_body(:a, :s)) WHERE id = :a;
END;
EOF
    cat >"$dir/file" <<'EOF'
\set a :client_id + 4 * random(0, 4)
\set s random(1, 1000000)
BEGIN;
SELECT lo_unlink(object) FROM documents WHERE id = :a;
UPDATE documents SET object = lo_from_bytea(0, convert_to(long_body(1, :s), 'UTF8')), md5 = md5(long_body(1, :s)) WHERE id = :a;
END;
EOF
    echo 'SELECT fold();' >"$dir/fold"
}

write() {
    pgbench -n -c 4 -j 1 -T 100000 --random-seed="$seed" -M prepared -b tpcb-like@500 -f "$dir/move@200" -f "$dir/carry@200" \
        -f "$dir/order@200" -f "$dir/write@10" -f "$dir/file@20" -f "$dir/fold@2" source >"$dir/pgbench" 2>&1 &
    writer=$!
    processes+=("$writer")
}

transactions() {
    sql "$1" 'SELECT sum(transactions) FROM counted'
}

# Leaves how many transactions there were when it had ended.
dump() {
    bk-dump -q -d source -j "$1" 2>"$dir/words" || return
    transactions source >"$dir/after"
}

# look ROUND BEFORE AFTER: what is wrong with the copy?
look() {
    local held mark
    held=$(transactions copy) mark=$(sql copy 'SELECT max(n) FROM marks')
    if ((held < $2 || held > $3 || mark != $1)); then
        echo "after $held transactions and $mark marks: not a state of the time of the dump"
    fi
    sql copy 'SELECT * FROM wrong'
}

# round N JOBS: prints a line, and what is wrong. False if something is.
round() {
    local before after began wrong verdict=agrees
    createdb -T template0 copy
    sql source "INSERT INTO marks VALUES ($1)"
    before=$(transactions source)
    began=$(now)
    if dump "$2" | bk-load -q -d copy -j 2 2>"$dir/load"; then
        after=$(<"$dir/after")
        wrong=$(look "$1" "$before" "$after" 2>&1) || wrong+=$'\ncannot look at the copy'
    else
        after=$before wrong=$(cat "$dir/words" "$dir/load")
    fi
    [[ -z $wrong ]] || verdict=WRONG
    printf '%3d  -j %d  %s s  %6d transactions meanwhile  %s\n' "$1" "$2" "$(seconds $(($(now) - began)))" \
        $((after - before)) "$verdict"
    written=$((written + after - before))
    dropdb copy
    [[ -z $wrong ]] && return
    printf '     %s\n' "${wrong//$'\n'/$'\n'     }"
    return 1
}

start_server autovacuum_naptime=1s
fill
scripts
write
jobs=(2 4 1)
bad=0 written=0
echo "seed $seed"
for ((i = 1; i <= rounds; i++)); do
    round "$i" "${jobs[i % 3]}" || bad=$((bad + 1))
done
if ! kill -0 "$writer" 2>/dev/null || grep -q aborted "$dir/pgbench"; then
    cat "$dir/pgbench" >&2
    echo 'not all clients wrote to the end' >&2
    exit 1
fi
echo "$rounds dumps while $written transactions were written: $bad wrong"
# Less, and there was nothing that a wrong dump could have missed.
((bad == 0 && written >= rounds * 20))
