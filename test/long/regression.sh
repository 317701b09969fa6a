#!/bin/bash
# regression.sh DB... - is bk's copy of a database the same as its copy by pg_dump and pg_restore?
#
# By hand, with real databases of a server that libpq's environment leads to, as a superuser of it. $BUILD is where the
# tools are. Of each DB it makes the databases DB_bk and DB_twin, compares each with DB and with the other, says what it
# has found, and drops both (with KEEP=1 it does not). Exit status: 0 if bk's copy of each database is its twin.
#
# What the databases are is up to you. PostgreSQL's own is the best one, "regression", which its tests leave behind:
#
#   apt-get source postgresql-15 && cd postgresql-15-*/src/test/regress     # with Debian's deb-src lines
#   cc -O2 -fPIC -shared -I"$(pg_config --includedir-server)" -o regress.so regress.c
#   for m in refint autoinc; do cc -O2 -fPIC -shared -I"$(pg_config --includedir-server)" -o $m.so ../../../contrib/spi/$m.c; done
#   "$(dirname "$(pg_config --pgxs)")/../test/regress/pg_regress" --inputdir=. --dlpath="$PWD" --outputdir=/tmp/regress \
#       --bindir="$(pg_config --bindir)" --user="$PGUSER" --host="$PGHOST" --port="$PGPORT" --schedule=parallel_schedule
#
# (postgresql-server-dev-15 has pg_config's headers and pg_regress; the server's user must be able to read these files.)
# The known differences to the original are listed in bk(7).
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
PATH=$PWD/${BUILD:-build}:$PATH
if (($# == 0)); then
    echo 'usage: test/long/regression.sh DB...' >&2
    exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# empty_like DB NAME: makes the database NAME anew, of the encoding and the locale of DB.
empty_like() {
    dropdb --if-exists --force "$2" 2>/dev/null
    psql -X -q -v ON_ERROR_STOP=1 -v "like=$1" -v "name=$2" -d postgres <<'SQL'
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'name',
              pg_encoding_to_char(encoding), datcollate, datctype)
FROM pg_database WHERE datname = :'like'
\gexec
SQL
}

# The ways there and back, for timed().
# shellcheck disable=SC2317
{
    bk_out() { bk-dump -q -d "$1" | bk-zstd | bk-sum | bk-put -q "$work/a.bk"; }
    bk_in() { bk-get "$work/a.bk" | bk-verify -q | bk-zstd -d | bk-load -q -d "$1"; }
    pg_out() { pg_dump -Fc -d "$1" -f "$work/a.dump"; }
    pg_in() { pg_restore -d "$1" "$work/a.dump"; }
}

# timed NAME COMMAND...: says how long it took, and how it ended.
timed() {
    local name=$1 start=$EPOCHREALTIME status=0
    shift
    "$@" || status=$?
    awk -v name="$name" -v a="$start" -v b="$EPOCHREALTIME" -v s="$status" \
        'BEGIN { printf "  %-10s %7.1f s%s\n", name, b - a, s ? ", status " s : "" }'
    return "$status"
}

# versus WORDS A B: compares the contents, and says the differences.
versus() {
    local found status=0
    found=$(test/cmpdb.sh -c "$2" "$3") || status=$?
    printf '  %s: %s\n' "$1" "${found//$'\n'/$'\n'    }"
    return "$status"
}

failed=0
for db in "$@"; do
    size=$(psql -X -At -d "$db" -c 'SELECT pg_size_pretty(pg_database_size(current_database()))')
    printf '%s: %s\n' "$db" "$size"
    empty_like "$db" "${db}_bk"
    empty_like "$db" "${db}_twin"
    rm -f "$work"/*
    timed bk-dump bk_out "$db" && timed bk-load bk_in "${db}_bk" || failed=1
    timed pg_dump pg_out "$db"
    timed pg_restore pg_in "${db}_twin" || true # where it lets things go, bk may do better
    stat -c '  %n: %s bytes' "$work"/* | sed "s|$work/||"
    versus 'twin and bk' "${db}_twin" "${db}_bk" || failed=1
    versus 'original and twin' "$db" "${db}_twin" || true
    versus 'original and bk' "$db" "${db}_bk" || true
    if [[ ! ${KEEP:-} ]]; then
        dropdb --force "${db}_bk"
        dropdb --force "${db}_twin"
    fi
done
exit "$failed"
