#!/bin/bash
# musl.sh - all but the adapters must compile against musl: no glibc-only call, and no header of a foreign library, for
# musl-gcc looks into its own folders only.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

failed=0
for file in lib/*.c bin/*.c; do
    if [[ $file == lib/* ]] && head -n 1 "${file%.c}.h" | grep -q ' - layer a: '; then
        continue
    fi
    musl-gcc -std=c17 -D_POSIX_C_SOURCE=200809L -Ilib -Wall -Wextra -Werror -fsyntax-only "$file" || failed=1
done
exit $failed
