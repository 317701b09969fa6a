#!/bin/bash
# Runs shellcheck over all shell files. Of bats it does not know that each test is a process of its own (SC2030, SC2031),
# nor all the variables that it sets (SC2154).
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."
files=$(mktemp)
trap 'rm -f "$files"' EXIT
ci/files.sh shell >"$files"
grep -z '\.bats$' "$files" | xargs -0 -r shellcheck --exclude=SC2154,SC2030,SC2031
grep -zv '\.bats$' "$files" | xargs -0 -r shellcheck
