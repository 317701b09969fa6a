#!/bin/bash
# lint.sh - everything that looks at the sources without running them. Runs all of it, and fails if any part failed.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

failed=()
for step in layers banned format musl manlint shellcheck; do
    start=$SECONDS
    if "ci/$step.sh"; then
        printf 'lint: %-10s ok    %3d s\n' "$step" $((SECONDS - start))
    else
        printf 'lint: %-10s FAILED %2d s\n' "$step" $((SECONDS - start))
        failed+=("$step")
    fi
done
if ((${#failed[@]})); then
    echo "lint: failed: ${failed[*]}"
    exit 1
fi
