#!/bin/bash
# swap.sh [SWAPS] - databases are replaced under clients that connect all the time.
#
# Each generation of the database says its number in two tables. Clients connect, read both, and go; pgbench's do so as
# fast as they can; others note what they saw, and when. Each must see one generation, never a mixture; a client that
# cannot get in must get in again within the time that the swap may take. Prints what was seen; status 1 if it was wrong. $BUILD is where the programs are.
# shellcheck source=test/long/race.bash
source "${BASH_SOURCE[0]%/*}/race.bash"

swaps=${1:-100}
most_gap=8 # seconds: lock_timeout, the server's wait for sessions, and some
# shellcheck disable=SC2119 # no settings
start_server

# generation N: a backup of the database with this number.
generation() {
    sql source "TRUNCATE first, second; INSERT INTO first VALUES ($1); INSERT INTO second VALUES ($1);"
    bk-dump -d source -j 1 >"$dir/$1.bk"
}

# client N: notes what it sees, and when.
client() {
    local seen
    while [[ ! -e $dir/stop ]]; do
        seen=$(psql -X -q -At -d app -c 'SELECT g FROM first' -c 'SELECT g FROM second' 2>&1 | tr '\n' ' ') || true
        echo "$EPOCHREALTIME $seen"
    done >"$dir/client.$1"
}

hurry() {
    echo 'SELECT 1 / (CASE WHEN (SELECT g FROM first) = (SELECT g FROM second) THEN 1 ELSE 0 END)' >"$dir/hurry.sql"
    while [[ ! -e $dir/stop ]]; do
        pgbench -n -C -c 2 -T 1 -f "$dir/hurry.sql" app >>"$dir/pgbench" 2>&1 || true
    done
}

createdb source
sql source 'CREATE TABLE first (g int); CREATE TABLE second (g int)'
generation 0
bk-load -q --create -d app <"$dir/0.bk"
for i in 1 2 3; do
    client "$i" &
    processes+=("$!")
done
hurry &
processes+=("$!")

for ((i = 1; i <= swaps; i++)); do
    generation "$i"
    bk-load -q --replace -d app --yes --disconnect <"$dir/$i.bk" 2>>"$dir/words"
    rm "$dir/$i.bk"
    if ((i % 5 == 0)); then # undone, and done again
        bk-load -q --swap-back -d app --yes --disconnect 2>>"$dir/words"
        bk-load -q --swap-back -d app --yes --disconnect 2>>"$dir/words"
    fi
    sql postgres "SELECT datname FROM pg_database WHERE datname ~ '^app_before_'" |
        while read -r old; do dropdb --force "$old"; done
done
touch "$dir/stop"
wait "${processes[@]}"
processes=()

awk -v most="$most_gap" -v swaps="$swaps" '
    FNR == 1 { ok = $1 }
    { looks++ }
    NF == 3 && $2 == $3 && $2 ~ /^[0-9]+$/ { if ($1 - ok > gap) gap = $1 - ok; ok = $1; good++; seen[$2] = 1; next }
    NF == 3 && $2 ~ /^[0-9]+$/ { mixed++; print "a mixture: " $0; next }
    # The session was ended, or the name was just being given to another: all that a client may be told.
    /terminating connection due to administrator command|does not exist|server closed the connection/ { refused++; next }
    { odd++; print "what is this: " $0 }
    END {
        for (g in seen) generations++
        printf "%d swaps: %d looks, %d good, %d refused, %d mixed, %d odd; %d generations seen; longest time without: %.2f s\n",
            swaps, looks, good, refused, mixed, odd, generations, gap
        exit mixed > 0 || odd > 0 || gap > most || generations < swaps / 2
    }' "$dir"/client.*
! grep -q 'division by zero' "$dir/pgbench" || { echo 'pgbench saw a mixture'; exit 1; }
printf 'pgbench: %s transactions\n' "$(awk '/number of transactions actually processed/ { n += $6 } END { print n + 0 }' "$dir/pgbench")"
