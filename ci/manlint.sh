#!/bin/bash
# manlint.sh - mandoc's checks over the manual pages.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."
if ! compgen -G 'man/*.[157]' >/dev/null; then
    echo 'manlint.sh: no manual pages at all?' >&2
    exit 1
fi
mandoc -T lint -W warning man/*.[157]
