#!/bin/bash
# banned.sh - calls that nothing here may make. A comment on a line of its own may name them.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

list=$(mktemp)
trap 'rm -f "$list"' EXIT
failed=0

# ban REGEX WHY: no line of the files may match, but for comments.
ban() {
    local found status=0
    found=$(grep -nHP -- "^(?!\s*$comment).*$1" "${files[@]}") || status=$?
    ((status <= 1)) || exit 1 # 1: nothing found; more: grep could not look, and has said why
    if ((status == 0)); then
        printf '%s\n  banned: %s\n' "$found" "$2"
        failed=1
    fi
}

find bin lib -name '*.[ch]' -print0 >"$list" # tests may be less careful: they read what they have made
mapfile -d '' files <"$list"
comment='(\*|/\*|//)'
ban '\b(strcpy|strcat|stpcpy|sprintf|vsprintf|gets)\s*\(' 'it knows no bound; use snprintf, memcpy or a struct buf'
ban '\b(system|popen)\s*\(' 'it starts a shell; use lib/child'
ban '\b(atoi|atol|atoll|atof)\s*\(' 'it cannot tell an error from a number'
ban '\bstrtok\s*\(' 'it keeps a hidden state; use strchr or strtok_r'
ban '\b(v?errx?|v?warnx?|error)\s*\(' 'a name that libc has taken; use lib/msg'
ban '#\s*include\s*<(err|error)\.h>' 'not in every libc; use lib/msg'

# Tests wait for what they can see; helper.bash has the one loop that does so. (In C, a slow peer may pause.)
find test \( -name '*.bats' -o -name '*.bash' -o -name '*.sh' \) ! -name helper.bash -print0 >"$list"
mapfile -d '' files <"$list"
comment='#'
ban '\b(u|nano)?sleep\b' 'time proves nothing; use wait_until'

exit $failed
