#!/bin/bash
# demo.sh BUILD - the full circle on a throw-away PostgreSQL: back up, list, verify, restore, compare, and what happens
# when a backup breaks off. BUILD is the folder of the built programs. `make demo` runs this.
#
# It touches nothing of yours: server and files are in temporary folders that are gone when it ends.
set -euo pipefail

if (($# != 1)); then
    echo 'usage: demo.sh BUILD' >&2
    exit 2
fi
build=$(cd "$1" && pwd)
root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

server=$(mktemp -d) work=$(mktemp -d)
clean_up() {
    if [[ -e $server/data ]]; then
        "$root/test/pg.sh" stop "$server" || true # it has said why; the files go all the same
    fi
    rm -rf "$server" "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

heading() {
    printf '\n== %s\n' "$*"
}

# show COMMAND: prints the command as one would type it, then runs just that.
show() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}

heading 'A throw-away PostgreSQL with a blog in it'
environment=$("$root/test/pg.sh" start "$server")
eval "$environment"
PATH=$build:$root/test:$PATH
cd "$work"
createdb blog
psql -X -q -v ON_ERROR_STOP=1 -d blog -f "$root/examples/blog.sql" >/dev/null
show 'psql -d blog -c "SELECT relname, n_live_tup AS rows FROM pg_stat_user_tables ORDER BY 1"'

heading 'Back up: dump, compress, add an index, store'
show 'bk-dump -d blog -j 2 | bk-zstd | bk-sum | bk-put blog.bk'
show 'ls -l blog.bk'

heading 'What is in it?'
show 'bk-get blog.bk | bk-ls'

heading 'Is it whole? Every frame, every total, every row is checked; no database is needed'
show 'bk-get blog.bk | bk-zstd -d | bk-verify -n'

heading 'Restore into a new database'
show 'bk-get blog.bk | bk-verify | bk-zstd -d | bk-load --create -d blog_copy -j 2'

heading 'Does the copy hold what the backup says? The copy is read anew, and digests are compared'
show 'bk-dump --digests -d blog_copy | bk-cmp blog.bk -'

heading 'Is the copy the same? A script that knows nothing of bk compares the two databases'
show 'cmpdb.sh blog blog_copy'

heading 'And if the dump dies half-way?'
# (Killed after 2 MB, bk-dump cannot have come to its end: it has far more to say than a pipe holds, and nobody reads.)
echo
echo 'The second stage lets 2 MB pass and then kills the dump, as the end of a machine would:'
broken=$(cat <<'END'
(echo $BASHPID >dump.pid; exec bk-dump -d blog -j 2) |
    (head -c 2000000; kill -KILL $(cat dump.pid); cat) |
    bk-zstd | bk-sum | bk-put broken.bk
END
)
status=0
show "$broken" || status=$? # of the last stage that failed, with pipefail
if ((status != 3)); then
    echo "demo.sh: the broken pipe ended with exit status $status, and bk-put's should have been 3" >&2
    exit 1
fi
echo
echo 'bk-put ended with exit status 3: the stream is incomplete. So there is no broken.bk:'
rm dump.pid
show 'ls -A'
if [[ $(ls -A) != blog.bk ]]; then
    echo 'demo.sh: the broken backup left something behind' >&2
    exit 1
fi
