#!/bin/sh
# tsan.sh BUILD - the filters with several workers, built with the thread sanitizer: a data race ends them with status 66.
set -eu
PATH=$1:$1/test:$PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkstream --tables 4 --rows 4000 --row 200 --body 20000 >"$dir/plain"
for tool in bk-gz bk-zstd; do
    "$tool" -j 4 -l 1 <"$dir/plain" >"$dir/small"
    "$tool" -d -j 4 <"$dir/small" >"$dir/again"
    cmp "$dir/plain" "$dir/again"
    # One that dies while its workers are at work.
    head -c 300000 "$dir/plain" >"$dir/cut"
    status=0
    "$tool" -j 4 <"$dir/cut" >"$dir/out" 2>"$dir/words" || status=$?
    [ "$status" = 3 ] || { cat "$dir/words"; exit 1; }
done
bk-sum <"$dir/plain" | bk-put "$dir/kept.bk"
bk-get "$dir/kept.bk" | streamend
echo "$0: no race"
