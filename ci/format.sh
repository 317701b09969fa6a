#!/bin/bash
# format.sh - are all C files as clang-format (14, Debian 12's) would write them? `clang-format -i FILE...` does it.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."
ci/files.sh c | xargs -0 clang-format --dry-run -Werror
