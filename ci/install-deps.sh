#!/bin/bash
# install-deps.sh WHAT... - install the Debian or Ubuntu packages that something here needs.
#
#   build   to build the programs
#   demo    build, and a PostgreSQL server for `make demo`
#   test    demo, and what `make test` needs
#   lint    what `make lint` and .ci/run need beside that
#
# Silent if nothing is missing, and then nothing but dpkg is asked. Else it says what it will install and how large that
# is, and installs it: as root, or by sudo. Without either it prints the command for an administrator. Exit status 1 if
# something is still missing, 2 if called wrongly.
set -euo pipefail

build=(gcc make libc6-dev libpq-dev zlib1g-dev libzstd-dev libssl-dev libxxhash-dev)
demo=("${build[@]}" postgresql)
tests=("${demo[@]}" bats parallel gzip jq openssl pgbouncer pigz procps python3-cryptography zstd)
lint=(git gcc make clang clang-format shellcheck mandoc musl-tools valgrind)
# clang's own sanitizers and libFuzzer, for `make fuzz`; the package's name has clang's version in it.
if grep -qs '^VERSION_CODENAME=bookworm$' /etc/os-release; then
    lint+=(libclang-rt-14-dev)
fi

say() { printf 'install-deps: %s\n' "$*" >&2; }

installed() {
    # Any PostgreSQL server will do, wherever its package came from.
    if [[ $1 == postgresql ]] && compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
        return 0
    fi
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

list_missing() {
    local package
    missing=()
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        "${sudo[@]}" "$@"
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y --no-install-recommends "$@" </dev/null >&2
}

# apt-get asks nothing and changes nothing with --print-uris, yet adds up the sizes; NoLocking lets any user ask.
apt_plan() {
    LC_ALL=C apt-get -y --no-install-recommends -o Debug::NoLocking=true --print-uris install "${missing[@]}"
}

# Installing the server package would set up and start a database server of its own. Nothing here wants that one (each
# test run starts one in a temporary folder), so it is switched off while we install, and only then.
no_cluster=/etc/postgresql-common/createcluster.d/zz-bk-install-deps.conf

forbid_cluster() {
    as_root mkdir -p "${no_cluster%/*}"
    trap allow_cluster EXIT
    as_root tee "$no_cluster" >/dev/null <<<'create_main_cluster = false'
}

allow_cluster() {
    as_root rm -f "$no_cluster"
}

# So is pgbouncer's service: not started while we install, nor at the next boot. (invoke-rc.d asks this file; 101: no.)
policy=/usr/sbin/policy-rc.d

forbid_pgbouncer() {
    [[ ! -e $policy ]] || return 0 # somebody has said what may start
    trap allow_all EXIT
    as_root tee "$policy" >/dev/null <<<$'#!/bin/sh\ncase $1 in pgbouncer) exit 101 ;; esac'
    as_root chmod 755 "$policy"
}

allow_all() {
    allow_cluster
    as_root rm -f "$policy"
}

wanted=()
for what in "$@"; do
    case $what in
    build) wanted+=("${build[@]}") ;;
    demo) wanted+=("${demo[@]}") ;;
    test) wanted+=("${tests[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    *) wanted=() && break ;;
    esac
done
if ((${#wanted[@]} == 0)); then
    say 'usage: install-deps.sh build|demo|test|lint...'
    exit 2
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say 'this is neither Debian nor Ubuntu; please install what these packages of Debian hold:'
    printf '%s\n' "${wanted[@]}" | sort -u | paste -sd ' ' >&2
    exit 1
fi

list_missing
((${#missing[@]} > 0)) || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
say "missing: ${missing[*]}"

by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
sudo=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        say 'this needs root, and there is no sudo; please run as root:'
        say "  $by_hand"
        exit 1
    fi
    # Only a person can type a password.
    sudo=(sudo)
    [[ -t 0 ]] || sudo=(sudo -n)
    if ! "${sudo[@]}" true; then
        say 'this needs root, and sudo refuses; please run as root:'
        say "  $by_hand"
        exit 1
    fi
fi

# Without package lists, or with old ones, apt does not know some package.
if ! plan=$(apt_plan 2>/dev/null); then
    say 'fetching the package lists first (apt-get update)'
    apt_get update
    plan=$(apt_plan)
fi
say 'will install these, and what they depend on:'
grep -E '^(Need to get|After this operation)' <<<"$plan" | sed 's/^/install-deps:   /' >&2 ||
    say '  (their size is not known)'

if [[ " ${missing[*]} " == *' postgresql '* ]]; then
    forbid_cluster
fi
if [[ " ${missing[*]} " == *' pgbouncer '* ]]; then
    forbid_pgbouncer
fi
# A file that the lists name but the archive has no longer: the lists are old.
apt_get install "${missing[@]}" || { apt_get update && apt_get install "${missing[@]}"; }

if [[ " ${missing[*]} " == *' pgbouncer '* ]]; then
    as_root update-rc.d pgbouncer disable >&2
fi

list_missing
if ((${#missing[@]} > 0)); then
    say "still missing: ${missing[*]}"
    exit 1
fi
