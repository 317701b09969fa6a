#!/bin/bash
# seal.sh [ROUNDS] - how fast is 2 GB sealed and opened, beside age and openssl? By `make bench`.
#
# All three read a file in memory and write to nowhere, in turns, so that what else the machine does falls on each. Prints
# milliseconds of each round, and medians as ratios to age's. Needs 6 GB of memory in /dev/shm, and age.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
build=$(cd "${BUILD:-build}" && pwd)
PATH=$build:$build/test:$PATH
rounds=${1:-5}

command -v age >/dev/null || {
    echo 'seal.sh: age is not installed' >&2
    exit 1
}
dir=$(mktemp -d /dev/shm/bk-bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkstream --tables 4 --rows 500000 --row 1000 --body 400000 --noise >a.bk
openssl genpkey -algorithm X25519 -out key 2>/dev/null
openssl pkey -in key -pubout -out pub
age-keygen -o age.key 2>/dev/null
openssl rand -hex -out pass 32
recipient=$(age-keygen -y age.key)

# took NAME INPUT COMMAND...: adds the milliseconds of one run to the file NAME.
took() {
    local start=${EPOCHREALTIME/./}
    "${@:3}" <"$2" >/dev/null
    echo $(((${EPOCHREALTIME/./} - start) / 1000)) >>"$1"
}

median() {
    sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}

bk-seal -r pub <a.bk >s.bk
age -r "$recipient" <a.bk >s.age
openssl enc -aes-256-ctr -pbkdf2 -pass file:pass <a.bk >s.ssl
for ((i = 0; i < rounds; i++)); do
    took seal a.bk bk-seal -j 2 -r pub
    took age a.bk age -r "$recipient"
    took openssl a.bk openssl enc -aes-256-ctr -pbkdf2 -pass file:pass
    took seal-d s.bk bk-seal -j 2 -d -i key
    took age-d s.age age -d -i age.key
    took openssl-d s.ssl openssl enc -d -aes-256-ctr -pbkdf2 -pass file:pass
done
for way in '' -d; do
    of=$(median "age$way")
    for name in seal age openssl; do
        ms=$(median "$name$way")
        printf '%-10s %5d ms, %s of age%s  (%s)\n' "$name$way" "$ms" "$(awk -v a="$ms" -v b="$of" 'BEGIN { printf "%.2f", a / b }')" "$way" \
            "$(paste -sd ' ' "$name$way")"
    done
done
