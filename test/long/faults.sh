#!/bin/bash
# faults.sh ROUNDS [SEED] - what does a restore that fails leave behind?
#
# A database is replaced by a backup, and each time something goes wrong at a random moment: the stream is cut or a bit
# of it flips, its source gives up, a row is refused, an index cannot be made, a session or the server is ended, the
# server's disk is full, or bk-load gets SIGINT, SIGTERM or SIGKILL. The live database must be what it was: the same oid,
# and the same digests, by bk-cmp. Nothing may be left beside it; but after SIGKILL, and when the server was gone, what
# the next load finds and drops. Every third round restores by --single-transaction. Status 1 if something was wrong.
# $BUILD is where the programs are. As root, the server's data lie on a small file system, for the full disk.
# shellcheck source=test/long/race.bash
source "${BASH_SOURCE[0]%/*}/race.bash"

if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
    echo 'usage: faults.sh ROUNDS [SEED]' >&2
    exit 2
fi
rounds=$1
begin_random "${2:-}"
kinds=(cut flip source row index session server disk INT TERM KILL)
declare -A failed=() late=() left=()
wrong=0 mounted='' rest=''
targets=('--replace --yes' '--replace --yes --disconnect' '--single-transaction --no-backup')

unmount() {
    test/pg.sh stop "$dir/disk/server" || true
    [[ ! $mounted ]] || umount "$mounted" || true
    finish
}

# A file system of a size that can be filled, for the server; else the disk is never full.
start_small_server() {
    local environment
    dir=$(mktemp -d)
    chmod 755 "$dir"
    trap unmount EXIT
    mkdir "$dir/disk"
    if ((EUID == 0)) && mount -t tmpfs -o size=1200m,mode=755 tmpfs "$dir/disk" 2>/dev/null; then
        mounted=$dir/disk
    else
        echo 'no file system can be mounted here: the disk will never be full' >&2
        kinds=("${kinds[@]/disk/cut}")
    fi
    environment=$(test/pg.sh start "$dir/disk/server" max_wal_size=128MB)
    eval "$environment"
}

# control VERB [OPTION...]: pg_ctl.
control() {
    local as_owner=()
    ((EUID != 0)) || as_owner=(setpriv --reuid="$(stat -c %u "$dir/disk/server/data")" --regid="$(stat -c %g "$dir/disk/server/data")" --init-groups)
    "${as_owner[@]}" pg_ctl "$@" -w -s -D "$dir/disk/server/data" -l "$dir/disk/server/log" >/dev/null 2>&1
}

# It may be up, down, or coming.
server_up() {
    until psql -X -q -At -d postgres -c 'SELECT 1' >/dev/null 2>&1; do
        control start || true
    done
}

oid() {
    sql postgres "SELECT oid FROM pg_database WHERE datname = 'live'"
}

fill() {
    createdb -T template0 source
    createdb -T template0 live
    pgbench -i -q -s 2 source 2>/dev/null
    sql source "CREATE TABLE words AS SELECT i AS id, repeat(md5(i::text), 24) AS words FROM generate_series(1, 20000) i;
        ALTER TABLE words ADD PRIMARY KEY (id); SELECT lo_from_bytea(0, 'large') FROM generate_series(1, 20)" >/dev/null
    pgbench -i -q -s 1 live 2>/dev/null
    sql live "CREATE TABLE things AS SELECT i AS id, md5(i::text) AS what FROM generate_series(1, 5000) i;
        SELECT lo_from_bytea(0, 'old')" >/dev/null
    bk-dump -d source >"$dir/good.bk"
    # Refused anywhere but in the source.
    sql source "CREATE FUNCTION here() RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN current_database() = ''source''; END';
        ALTER TABLE words ADD CONSTRAINT only_here CHECK (id < 15000 OR here())"
    bk-dump -d source >"$dir/row.bk"
    sql source "ALTER TABLE words DROP CONSTRAINT only_here; CREATE FUNCTION odd(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
        AS 'BEGIN IF current_database() <> ''source'' THEN RAISE ''not here''; END IF; RETURN \$1; END'; CREATE INDEX ON words (odd(id))"
    bk-dump -d source >"$dir/index.bk"
    size=$(stat -c %s "$dir/good.bk")
    bk-dump -d live >"$dir/live.bk"
    bk-dump -q --digests -d live >"$dir/before.bk"
    before=$(oid)
}

# How long a restore takes, at least, in milliseconds.
measure() {
    local start
    mkfifo "$dir/never"
    start=$(now)
    bk-load -q --create -d drill <"$dir/good.bk"
    took=$(($(now) - start))
    dropdb drill
}

# load STREAM: in the background, by $target. With a good stream the moment of the failure is random.
load() {
    # shellcheck disable=SC2086 # words
    env --default-signal=INT bk-load $target -d live <"$1" 2>"$dir/words" &
    loading=$!
}

# Waits for a random part of the time that a restore takes.
pause() {
    below "$took"
    read -r -t "$(seconds "$number")" _ <>"$dir/never" || true
}

# inject KIND: a restore to which that happens. Sets $status.
inject() {
    status=0
    case $1 in
    cut)
        below "$size"
        head -c "$number" "$dir/good.bk" >"$dir/bad.bk"
        load "$dir/bad.bk"
        ;;
    flip)
        below "$size"
        cp "$dir/good.bk" "$dir/bad.bk"
        byte=$(od -An -tu1 -j "$number" -N 1 "$dir/good.bk")
        # shellcheck disable=SC2059 # an octal escape
        printf "\\$(printf %03o $((byte ^ 1)))" |
            dd of="$dir/bad.bk" bs=1 seek="$number" conv=notrunc status=none
        load "$dir/bad.bk"
        ;;
    source)
        mkfifo "$dir/pipe"
        bk-dump -d source -j 2 >"$dir/pipe" 2>/dev/null &
        dumping=$!
        load "$dir/pipe"
        pause
        ((RANDOM % 2)) && kill -TERM "$dumping" 2>/dev/null || kill -KILL "$dumping" 2>/dev/null || true
        wait "$dumping" 2>/dev/null || true
        rm "$dir/pipe"
        ;;
    row | index) load "$dir/$1.bk" ;;
    session)
        load "$dir/good.bk"
        pause
        sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('bk-load', 'pg_restore')
            ORDER BY random() LIMIT 1" >/dev/null
        ;;
    server)
        load "$dir/good.bk"
        pause
        control stop -m immediate || true
        control start || true
        ;;
    disk) # with room for a part of it
        below 60000000
        fallocate -l $(($(stat -f -c '%a * %S' "$dir/disk") - number)) "$dir/disk/filler"
        load "$dir/good.bk"
        wait "$loading" || status=$?
        rm "$dir/disk/filler"
        ;;
    INT | TERM | KILL)
        load "$dir/good.bk"
        pause
        kill "-$1" "$loading" 2>/dev/null || true
        ;;
    esac
    [[ $1 == disk ]] || wait "$loading" 2>/dev/null || status=$?
    server_up
}

complain() {
    echo "round $round, $kind, $target: $*"
    sed 's/^/    /' "$dir/words"
    wrong=$((wrong + 1))
}

# It was too late: all is there that was to be. Back to what was before.
undo() {
    late[$kind]=$((${late[$kind]:-0} + 1))
    if [[ $target == --replace* ]]; then
        bk-load -q --swap-back -d live --yes --disconnect || complain 'it said that it was done, and is not'
    else
        bk-load -q --single-transaction --no-backup -d live <"$dir/live.bk"
    fi
    sql postgres "SELECT datname FROM pg_database WHERE datname ~ '^live_before_'" | while read -r old; do dropdb "$old"; done
}

look() {
    local beside
    [[ $(oid) == "$before" ]] || complain 'the database is another one'
    bk-dump -q --digests -d live | bk-cmp "$dir/before.bk" - >"$dir/differences" || {
        complain 'the database has changed:'
        cat "$dir/differences"
    }
    beside=$(sql postgres "SELECT datname FROM pg_database WHERE datname ~ '^(live|source)_' ORDER BY 1")
    if [[ $beside == live_bk_incomplete && $kind =~ ^(KILL|server|disk)$ && ! $rest ]]; then
        left[$kind]=$((${left[$kind]:-0} + 1))
        rest=1
    elif [[ $beside == live_bk_incomplete && $rest && $target != --replace* ]]; then
        : # it stays until another new database is made
    elif [[ $beside ]]; then
        complain "this was left: $beside"
    else
        rest=
    fi
}

start_small_server
fill
measure
echo "seed $seed; a restore takes $took ms; the live database has oid $before"
for ((round = 1; round <= rounds; round++)); do
    kind=${kinds[round % ${#kinds[@]}]}
    below ${#targets[@]}
    target=${targets[number]}
    inject "$kind"
    if ((status == 0)); then
        undo
    else
        failed[$kind]=$((${failed[$kind]:-0} + 1))
    fi
    look
done
for kind in "${kinds[@]}"; do
    printf '%-8s %3d failed, %2d too late, %2d left an incomplete database that the next load dropped\n' \
        "$kind" "${failed[$kind]:-0}" "${late[$kind]:-0}" "${left[$kind]:-0}"
done
echo "$rounds rounds: $wrong wrong"
((wrong == 0))
