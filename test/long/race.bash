# shellcheck shell=bash
# race.bash - what consistency.sh and ddl.sh share: a server of their own, random numbers that a seed repeats, and an end
# that leaves nothing behind.
#
# Everything runs at low priority, the server too, so that what else the machine does goes first.

set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
BUILD=${BUILD:-build} # where make put the programs, as in the Makefile
[[ $BUILD == /* ]] || BUILD=$PWD/$BUILD
PATH=$BUILD:$PATH
export LC_ALL=C
renice -n 10 $$ >/dev/null

processes=() # that end with us
seed=

finish() {
    local pid
    for pid in "${processes[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait
    if [[ -e $dir/server/data ]]; then
        test/pg.sh stop "$dir/server"
    fi
    rm -rf "$dir"
}

# start_server [NAME=VALUE...]: and a folder for files, $dir.
start_server() {
    local environment
    dir=$(mktemp -d)
    trap finish EXIT
    chmod 755 "$dir"
    environment=$(test/pg.sh start "$dir/server" "$@")
    eval "$environment"
}

# begin_random [SEED]: the numbers of before, or new ones.
begin_random() {
    seed=${1:-$SRANDOM}
    RANDOM=$seed
}

# below N: sets $number to a random one from 0 to N - 1, of up to 30 bits. (In $(below N) the numbers would not go on.)
below() {
    # shellcheck disable=SC2034 # for the caller
    number=$(((RANDOM << 15 | RANDOM) % $1))
}

# sql DB [STATEMENT]: as in helper.bash.
sql() {
    if (($# > 1)); then
        psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2"
    else
        psql -X -q -At -v ON_ERROR_STOP=1 -d "$1"
    fi
}

# Milliseconds since 1970.
now() {
    local us=${EPOCHREALTIME/./}
    printf '%s' $((us / 1000))
}

# seconds MS: as 1.234.
seconds() {
    printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}
