#!/bin/bash
# pg.sh - a throw-away PostgreSQL server for tests and demos.
#
#   eval "$(test/pg.sh start DIR [NAME=VALUE...])"    start one in DIR; PATH and libpq's environment lead to it
#   test/pg.sh standby DIR OF [NAME=VALUE...]         start a hot standby in DIR of the server in the folder OF
#   test/pg.sh stop DIR                               stop it, whatever it is doing, and remove DIR
#
# A standby has the same user and port; only the folder, as PGHOST, tells it from its primary.
# DIR must be empty or not be there. NAME=VALUE are further server settings. The server listens on a unix socket in DIR
# and nowhere else, and lets every local user in as the superuser "bk", so nothing depends on who runs it. It does not
# run as root: root's server belongs to the user postgres, or else nobody. $BK_TEST_PGBIN is the folder of the server's
# programs; by default the newest that is found.
set -euo pipefail

fail() {
    printf 'pg.sh: %s\n' "$*" >&2
    exit 1
}

usage() {
    printf 'usage: pg.sh start DIR [NAME=VALUE...] | pg.sh standby DIR OF [NAME=VALUE...] | pg.sh stop DIR\n' >&2
    exit 2
}

find_programs() {
    local newest
    if [[ ${BK_TEST_PGBIN:-} ]]; then
        bin=$BK_TEST_PGBIN
    elif newest=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) && [[ $newest ]]; then
        bin=${newest%/*} # Debian keeps them off PATH
    elif command -v initdb >/dev/null; then
        bin=$(dirname "$(command -v initdb)")
    elif command -v pg_config >/dev/null; then
        bin=$(pg_config --bindir)
    else
        fail 'there is no PostgreSQL server on this machine (ci/install-deps.sh test installs one)'
    fi
    [[ -x $bin/initdb && -x $bin/pg_ctl ]] || fail "no initdb and pg_ctl in '$bin'"
}

# The server refuses to run as root. as_owner is the prefix for a command that its user runs.
find_owner() {
    as_owner=()
    ((EUID == 0)) || return 0
    for owner in postgres nobody; do
        if id "$owner" >/dev/null 2>&1; then
            as_owner=(setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups)
            return 0
        fi
    done
    fail 'PostgreSQL does not run as root, and there is neither a user postgres nor nobody'
}

settings() {
    local setting
    cat <<-END
	listen_addresses = ''
	port = $port
	unix_socket_directories = '$dir'
	unix_socket_permissions = 0777
	max_connections = 100
	max_prepared_transactions = 0
	shared_buffers = 128MB
	max_wal_size = 4GB
	fsync = off
	synchronous_commit = off
	full_page_writes = off
	timezone = 'UTC'
	log_timezone = 'UTC'
	END
    for setting in "$@"; do
        printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
    done
}

check_settings() {
    local setting
    for setting in "$@"; do
        [[ $setting =~ ^[a-z_.]+=[^\']*$ ]] || fail "not a setting: '$setting'"
    done
}

make_folder() {
    # sun_path holds 108 bytes, and libpq wants the last one to be 0.
    local socket=$dir/.s.PGSQL.$port
    ((${#socket} <= 107)) || fail "the name of the socket would be too long: '$socket'"
    [[ $dir != *\'* && $dir != *,* ]] || fail "a socket's folder cannot have a quote or a comma in its name: '$dir'"
    mkdir -p "$dir" || exit 1
    [[ -z $(ls -A "$dir") ]] || fail "'$dir' is not empty"
    if ((EUID == 0)); then
        chown "$owner" "$dir"
    fi
    chmod 755 "$dir"
    "${as_owner[@]}" test -w "$dir" || fail "the user $owner cannot get at '$dir'"
}

run_server() {
    "${as_owner[@]}" touch "$log" # else the shell would make it ours
    if ! "${as_owner[@]}" "$bin/pg_ctl" start -w -s -t 60 -D "$data" -l "$log" >/dev/null; then
        tail -n 20 "$log" >&2
        "${as_owner[@]}" "$bin/pg_ctl" stop -s -m immediate -D "$data" 2>/dev/null || true # it may not have come up
        fail "the server did not start; its log is '$log'"
    fi
}

start() {
    local locale=C
    check_settings "$@"
    make_folder
    if locale -a 2>/dev/null | grep -Eiqx 'c\.utf-?8'; then
        locale=C.UTF-8
    fi
    if ! "${as_owner[@]}" "$bin/initdb" -D "$data" -U bk -A trust -E UTF8 --locale="$locale" -N \
        >"$dir/initdb.log" 2>&1; then
        cat "$dir/initdb.log" >&2
        fail 'initdb failed'
    fi
    settings "$@" >>"$data/postgresql.conf"
    run_server
    printf 'export PGHOST=%q PGPORT=%q PGUSER=bk\n' "$dir" "$port"
    printf 'export PATH=%q:"%s"\n' "$bin" "\$PATH" # clients as new as the server
    # What else in libpq's environment would lead away from this server, or change what it answers.
    printf 'unset PGHOSTADDR PGDATABASE PGPASSWORD PGSERVICE PGOPTIONS PGCLIENTENCODING PGDATESTYLE PGTZ\n'
}

standby() {
    check_settings "$@"
    make_folder
    if ! "${as_owner[@]}" "$bin/pg_basebackup" -D "$data" -d "host=$of port=$port user=bk" -c fast -R -N \
        >"$dir/basebackup.log" 2>&1; then
        cat "$dir/basebackup.log" >&2
        fail 'pg_basebackup failed'
    fi
    settings hot_standby=on "$@" >>"$data/postgresql.conf"
    run_server
}

stop() {
    [[ -e $data/PG_VERSION ]] || fail "there is no server of ours in '$dir'"
    # Nobody wants its data any more, so it need not shut down in order.
    if "${as_owner[@]}" "$bin/pg_ctl" status -D "$data" >/dev/null; then
        "${as_owner[@]}" "$bin/pg_ctl" stop -w -s -m immediate -D "$data" >&2 || fail "cannot stop the server in '$dir'"
    fi
    rm -rf "$dir"
}

(($# >= 2)) || usage
verb=$1
dir=$(realpath -m -- "$2")
data=$dir/data
log=$dir/log
port=5499 # only a part of the socket's name; not 5432, so that a lost PGHOST never means a real server
shift 2
if [[ $verb == standby ]]; then
    (($# >= 1)) || usage
    of=$(realpath -m -- "$1")
    shift
fi

# The server outlives us, so it must not hold open what a caller gave us: a test runner waits for its pipes to close.
for fd in "/proc/$$/fd/"*; do
    fd=${fd##*/}
    if ((fd > 2 && fd != 255)); then # 255: bash reads this script from it
        exec {fd}>&-
    fi
done

find_programs
find_owner
cd / # the server's user may not be allowed where we are
case $verb in
start) start "$@" ;;
standby) standby "$@" ;;
stop)
    (($# == 0)) || usage
    stop
    ;;
*) usage ;;
esac
