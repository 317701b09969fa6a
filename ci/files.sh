#!/bin/bash
# files.sh c|shell - prints the project's C or shell files, a NUL after each: those in git, and new ones not ignored.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

# A container often checks out as another user than it runs as; git asks to be told that this is all right.
all=$(mktemp)
trap 'rm -f "$all"' EXIT
git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard >"$all"

found=0
while IFS= read -r -d '' file; do
    [[ -f $file ]] || continue # deleted, and not yet told to git
    case $1 in
    c) [[ $file == *.[ch] ]] || continue ;;
    shell) [[ $file =~ \.(sh|bash|bats)$ ]] || head -n 1 "$file" | grep -aEq '^#!.*[/ ](ba)?sh\b' || continue ;;
    *) exit 2 ;;
    esac
    printf '%s\0' "$file"
    found=1
done <"$all"
if ((!found)); then
    echo "files.sh: no $1 files at all?" >&2
    exit 1
fi
