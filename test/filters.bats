#!/usr/bin/env bats
# The filters, without a server: whole streams go through unharmed, and nothing else is ever taken for a whole stream.
#
# A "case" is a tool in one of its ways of use: gz ungz zstd unzstd sum put get verify ls.

# shellcheck disable=SC2094 # a file that comes twice in a pipe is only read

load helper

PATH=$BUILD/test:$PATH
DATA=$BATS_TEST_DIRNAME/data

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir store
    mkstream >plain
    mkstream --gzip >gzip
    mkstream --zstd >zstd
}

tool_of() {
    case $1 in
    gz | ungz) echo bk-gz ;;
    zstd | unzstd) echo bk-zstd ;;
    *) echo "bk-$1" ;;
    esac
}

# The cases whose tool has been built; those in $1 only, if given.
cases() {
    local c
    for c in ${1:-gz ungz zstd unzstd sum put get verify ls}; do
        if [[ -x $BUILD/$(tool_of "$c") ]]; then
            echo "$c"
        fi
    done
}

# What a case reads in the tests: a file in the working folder.
input_of() {
    case $1 in
    ungz) echo gzip ;;
    unzstd) echo zstd ;;
    *) echo plain ;;
    esac
}

# invoke CASE FILE: the tool reads FILE and writes to standard output (put: store/x.bk).
invoke() {
    case $1 in
    gz) bk-gz -j "${jobs:-1}" <"$2" ;;
    ungz) bk-gz -d -j "${jobs:-1}" <"$2" ;;
    zstd) bk-zstd -j "${jobs:-1}" <"$2" ;;
    unzstd) bk-zstd -d -j "${jobs:-1}" <"$2" ;;
    put) bk-put store/x.bk <"$2" ;;
    get) bk-get "$2" ;;
    *) "bk-$1" <"$2" ;;
    esac
}

# Runs it; the outputs go to the files out and err, the status to $rc.
try() {
    rc=0
    rm -f store/x.bk
    invoke "$1" "$2" >out 2>err || rc=$?
}

complain() {
    echo "$1" >&2
    cat err >&2
    return 1
}

# A store without anything, hidden or not.
store_is_empty() {
    [[ $(count store) == 0 ]] || complain "$1: there is something in the store"
}

# How many names there are in a folder, hidden ones too.
count() {
    find "$1" -mindepth 1 -maxdepth 1 | wc -l
}

# refused CASE FILE WHAT [REGEX]: status 3, words that name the place, no END in what came out, and no file.
refused() {
    try "$1" "$2"
    [[ $rc == 3 ]] || complain "$1, $3: status $rc"
    grep -Eq "${4:-(byte|frame) [0-9]+|not a bk stream|is empty}" err || complain "$1, $3: words"
    [[ $(wc -l <err) -le 2 ]] || complain "$1, $3: more than one line and a hint"
    store_is_empty "$1, $3"
    [[ $1 == ls ]] && return
    if streamend <out >/dev/null; then
        complain "$1, $3: whole"
    fi
    if streamend list <out | grep -q ' END '; then
        complain "$1, $3: END written"
    fi
}

cut_and_flip() {
    local from at last seed
    [[ $(cases "$1") ]] || skip "$(tool_of "$1") is not built"
    from=$(input_of "$1")
    streamend list <"$from" >frames
    while read -r at _; do
        last=$at
        head -c "$at" "$from" >cut.bk # before a header, in it, and behind it
        refused "$1" cut.bk "cut at $at"
        head -c $((at + 17)) "$from" >cut.bk
        refused "$1" cut.bk "cut at $at + 17"
        head -c $((at + 40)) "$from" >cut.bk
        refused "$1" cut.bk "cut at $at + 40"
    done <frames
    [[ $last -gt 2000 ]] # the last one: they were all there
    head -c -1 "$from" >cut.bk
    refused "$1" cut.bk "without its last byte"
    for seed in {1..64}; do
        streamend flip "$seed" <"$from" >flipped 2>which
        refused "$1" flipped "$(cat which)"
    done
    try "$1" "$from" # and the whole one goes through
    [[ $rc == 0 ]] || complain "$1: status $rc"
}

@test "bk-gz: cut at each frame, 64 bits changed" { cut_and_flip gz; }
@test "bk-gz -d: cut at each frame, 64 bits changed" { cut_and_flip ungz; }
@test "bk-zstd: cut at each frame, 64 bits changed" { cut_and_flip zstd; }
@test "bk-zstd -d: cut at each frame, 64 bits changed" { cut_and_flip unzstd; }
@test "bk-sum: cut at each frame, 64 bits changed" { cut_and_flip sum; }
@test "bk-put: cut at each frame, 64 bits changed" { cut_and_flip put; }
@test "bk-get: cut at each frame, 64 bits changed" { cut_and_flip get; }
@test "bk-verify: cut at each frame, 64 bits changed" { cut_and_flip verify; }
@test "bk-ls: cut at each frame, 64 bits changed" { cut_and_flip ls; }

@test "round trips give the same bytes" {
    local tool level
    for tool in bk-gz bk-zstd; do
        for level in 1 3 9; do
            "$tool" -l "$level" <plain >small
            streamend <small >/dev/null
            [[ $(stat -c %s small) != $(stat -c %s plain) ]]
            "$tool" -d <small >again
            cmp plain again
        done
    done
}

@test "a stream without rows, or without tables, goes through" {
    local c
    mkstream --rows 0 >norows
    mkstream --tables 0 >notables
    mkstream --tables 0 --kind catalog >/dev/null # makes DONEs: not a catalog
    for stream in norows notables; do
        bk-gz <$stream | bk-gz -d | cmp - $stream
        bk-zstd <$stream | bk-zstd -d | cmp - $stream
        bk-sum <$stream | streamend
    done
}

@test "several workers write the same bytes as one" {
    local tool
    mkstream --tables 3 --rows 3000 --row 300 --body 50000 >large
    for tool in bk-gz bk-zstd; do
        "$tool" -j 1 <large >one
        "$tool" -j 4 <large >four
        cmp one four
        "$tool" <large | cmp one
        "$tool" -d -j 1 <one | cmp - large
        "$tool" -d -j 4 <one | cmp - large
    done
}

@test "bodies of 1 byte, and of 8 MiB that do not compress" {
    local tool
    mkstream --tables 1 --rows 1 --row 8388000 --body 8388608 --noise >large
    mkstream --tables 1 --rows 3 --row 16 --body 1 >tiny
    for stream in large tiny; do
        for tool in bk-gz bk-zstd; do
            "$tool" -j 4 -l 1 <$stream | "$tool" -d -j 4 | cmp - $stream
        done
        bk-sum <$stream | streamend
    done
}

# The number of DATA frames in a file.
data_frames() {
    streamend list <"$1" | grep -c ' DATA '
}

@test "stock gzip and zstd read the bodies that were written" {
    local n
    bk-gz <plain >small
    for ((n = 1; n <= $(data_frames plain); n++)); do
        streamend body $n <plain >want
        streamend body $n <small | gzip -dc | cmp - want
    done
    bk-zstd <plain >small
    for ((n = 1; n <= $(data_frames plain); n++)); do
        streamend body $n <plain >want
        streamend body $n <small | zstd -qdc | cmp - want
    done
    [[ $n -gt 5 ]]
}

@test "bodies by stock gzip, pigz and zstd are read" {
    mkstream --each 'gzip -c' --step 'gzip level=6' | bk-gz -d | cmp - plain
    mkstream --each 'gzip -9c' --step 'gzip' | bk-gz -d | cmp - plain
    mkstream --each 'zstd -qc' --step 'zstd level=3' | bk-zstd -d | cmp - plain
    mkstream --each 'zstd -q -19 -c' --step 'zstd level=19' | bk-zstd -d | cmp - plain
    # A window of 128 MiB is more than the format allows.
    mkstream --each 'zstd -q --ultra -22 -c' --step 'zstd level=22' >large
    fails 3 bk-zstd -d <large
    matches 'window' "$stderr"
    mkstream --each 'pigz -c' --step 'gzip level=6' | bk-gz -d | cmp - plain
    mkstream --rows 2000 --row 1000 --body 1000000 >large
    mkstream --rows 2000 --row 1000 --body 1000000 --each 'pigz -c -b 128' --step 'gzip level=6' | bk-gz -d | cmp - large
}

@test "bodies of two members, or with something behind, are refused" {
    mkstream --each 'sh -c "gzip -c; echo more | gzip -c"' --step 'gzip level=6' >bad
    refused ungz bad "two members" 'frame [0-9]+ \(DATA\)'
    mkstream --each 'sh -c "gzip -c; echo"' --step 'gzip level=6' >bad
    refused ungz bad "a byte behind" 'frame [0-9]+ \(DATA\)'
    mkstream --each 'sh -c "zstd -qc; echo more | zstd -qc"' --step 'zstd level=6' >bad
    refused unzstd bad "two frames" 'frame [0-9]+ \(DATA\)'
    mkstream --each cat --step 'gzip level=6' >bad
    refused ungz bad "no gzip at all" 'frame [0-9]+ \(DATA\)'
    mkstream --each cat --step 'zstd level=6' >bad
    jobs=4 refused unzstd bad "no zstd at all" 'frame [0-9]+ \(DATA\)'
}

@test "a body of which more would come than a body may be is refused" {
    mkstream --tables 1 --rows 1 --each 'sh -c "head -c 17000000 /dev/zero | gzip -1c"' --step 'gzip level=1' >bad
    refused ungz bad "17 MB" 'longer than a body may be'
    mkstream --tables 1 --rows 1 --each 'sh -c "head -c 17000000 /dev/zero | zstd -qc"' --step 'zstd level=1' >bad
    refused unzstd bad "17 MB" 'longer than a body may be'
}

@test "steps are undone last first, and compressing twice is refused" {
    fails 2 bk-gz -d <plain
    matches 'no step left' "$stderr"
    fails 2 bk-gz -d <zstd
    matches 'hint: run bk-zstd -d first' "$stderr"
    fails 2 bk-zstd -d <gzip
    matches 'hint: run bk-gz -d first' "$stderr"
    fails 2 bk-zstd <gzip
    matches 'compressed already' "$stderr"
    fails 2 bk-gz <gzip
    mkstream --step 'brotli level=5' >future
    run --separate-stderr bk-gz -d <future
    [[ $status != 0 ]]
    matches 'made by a newer bk' "$stderr"
}

@test "an empty input is refused" {
    local c
    : >empty
    for c in $(cases); do
        refused "$c" empty "nothing" "is empty"
    done
}

@test "what is no stream is refused" {
    local c
    echo "SELECT 1;" >text
    for c in $(cases); do
        refused "$c" text "text" "is not a bk stream"
    done
}

@test "a frame of 4 GiB is refused before memory is taken" {
    local c at
    for c in $(cases); do
        at=$(streamend list <"$(input_of "$c")" | awk '$2 == "DATA" { print $1; exit }')
        streamend set "$at" 24=4294967295 <"$(input_of "$c")" >huge
        sanitized || ulimit -v 600000
        refused "$c" huge "4 GiB" "frame [0-9]+ \(DATA\) at byte $at: .*longer than it may be"
    done
}

@test "bytes after END are refused" {
    local c
    for c in $(cases); do
        { cat "$(input_of "$c")" && printf x; } >more.bk
        refused "$c" more.bk "a byte after END" "goes on after END, at byte [0-9]+"
        cat "$(input_of "$c")" "$(input_of "$c")" >more.bk
        refused "$c" more.bk "a stream after END" "goes on after END, at byte [0-9]+"
    done
}

@test "ABRT is passed on with its words" {
    local c
    mkstream --abort 'the server went away' >plain
    mkstream --abort 'the server went away' --gzip >gzip
    mkstream --abort 'the server went away' --zstd >zstd
    for c in $(cases); do
        refused "$c" "$(input_of "$c")" ABRT ": bk-dump gave up: the server went away"
        [[ $c == put || $c == ls ]] && continue
        streamend <out | grep -q 'given up: the server went away' || complain "$c: $(streamend <out)"
        bk-sum <out 2>&1 >/dev/null | grep -q "bk-dump gave up: the server went away" # and once more
    done
}

@test "a tool that fails says so in ABRT" {
    head -c 1500 plain >cut.bk
    try gz cut.bk
    streamend <out | grep -q 'given up: standard input ends without END, at byte 1500'
    bk-sum <out 2>&1 >/dev/null | grep -q '^bk-sum: bk-gz gave up: standard input ends without END, at byte 1500$'
}

@test "unknown lower-case frames: maps drop them, taps keep them" {
    local c
    mkstream --lower >plain
    mkstream --lower --gzip >gzip
    mkstream --lower --zstd >zstd
    for c in $(cases "gz ungz zstd unzstd"); do
        try "$c" "$(input_of "$c")"
        [[ $rc == 0 ]] || complain "$c: status $rc"
        streamend list <out | awk '$2 ~ /^[a-z]/' >lower
        [[ ! -s lower ]] || complain "$c: lower-case frames left"
    done
    for c in $(cases "put get verify"); do
        try "$c" plain
        [[ $rc == 0 ]] || complain "$c: status $rc"
        [[ $c != put ]] || mv store/x.bk out
        cmp plain out
    done
    bk-sum <plain >summed
    same "$(streamend list <plain | grep -c 'tra ')" "$(streamend list <summed | grep -c 'tra ')"
    streamend <summed
}

@test "what a newer bk made is refused with these words" {
    local c
    for c in $(cases); do
        [[ $c == un* ]] && continue
        refused "$c" "$DATA/upper.bk" "an upper-case frame" "made by a newer bk"
        refused "$c" "$DATA/format2.bk" "format 2" "made by a newer bk"
    done
}

@test "golden streams go through" {
    local name
    for name in plain gzip zstd sums more binary lower; do
        bk-put store/$name.bk <"$DATA/$name.bk"
        cmp "$DATA/$name.bk" store/$name.bk
        bk-get store/$name.bk | cmp - "$DATA/$name.bk"
        if [[ $(cases verify) ]]; then
            bk-verify <"$DATA/$name.bk" | cmp - "$DATA/$name.bk"
        fi
    done
    bk-gz -d <"$DATA/gzip.bk" | cmp - "$DATA/plain.bk"
    bk-zstd -d <"$DATA/zstd.bk" | cmp - "$DATA/plain.bk"
    bk-sum <"$DATA/plain.bk" | cmp - "$DATA/sums.bk"
}

@test "bk-sum: the index is the same made twice, and goes with a map" {
    mkstream --sums | cmp - <(bk-sum <plain)
    bk-sum <plain | bk-sum | cmp - <(bk-sum <plain)
    bk-sum <plain | bk-gz | bk-gz -d | cmp - plain
    mkstream --tables 1 --rows 9000 --row 16 --body 16 >many
    bk-sum <many >summed
    same "$(streamend list <summed | grep -c ' sums ')" 3 # two leaves, the root
    streamend <summed
}

@test "a wrong option, or an argument too many, is status 2" {
    local c tool
    for c in $(cases "gz zstd sum put get verify ls"); do
        tool=$(tool_of "$c")
        fails 2 "$tool" --nonsense <plain
        matches "^$tool: there is no option --nonsense" "$stderr"
        matches "hint: $tool -h" "$stderr"
        fails 2 "$tool" a b </dev/null
        fails 2 "$tool" -h -q
        [[ -z $output ]]
    done
    fails 2 bk-gz -l 10 <plain
    fails 2 bk-zstd -l 0 <plain
    fails 2 bk-gz -d -l 3 <gzip
    fails 2 bk-gz -j 0 <plain
    fails 2 bk-put <plain
    fails 2 bk-put '' <plain
    fails 2 bk-get
}

@test "-h fits a terminal, -V names the tool" {
    local c tool
    for c in $(cases "gz zstd sum put get verify ls"); do
        tool=$(tool_of "$c")
        fails 0 "$tool" -h
        [[ ${#lines[@]} -ge 6 ]]
        [[ $(wc -l <<<"$output") -le 24 ]] || complain "$tool -h has more than 24 lines"
        [[ $(wc -L <<<"$output") -le 80 ]] || complain "$tool -h is wider than 80"
        matches "^$tool - "
        [[ -z $stderr ]]
        fails 0 "$tool" -V
        matches "^$tool [0-9]+\.[0-9]+\.[0-9]+$"
        "$tool" -h >/dev/full 2>err && complain "$tool -h says it is done"
        grep -q 'No space left' err
    done
}

# on_terminal COMMAND: its standard files are a terminal, unless it redirects them. Output and status as with run.
on_terminal() {
    command -v script >/dev/null || skip "script (util-linux) is not installed"
    run script -qec "$1" /dev/null </dev/null
}

@test "a stream is not written to a terminal" {
    local command
    for command in "bk-gz <plain" "bk-zstd <plain" "bk-sum <plain" "bk-get plain"; do
        on_terminal "$command"
        same "$status" 2
        matches 'a stream is not written to a terminal'
        matches 'hint: .*bk-put'
        [[ $output != *HEAD* ]] || complain "$command: wrote HEAD"
    done
    if [[ $(cases verify) ]]; then
        on_terminal "bk-verify <plain"
        same "$status" 2
    fi
}

@test "a stream is not read from a terminal" {
    local c tool
    for c in $(cases "gz zstd sum put verify ls"); do
        tool=$(tool_of "$c")
        [[ $c == put ]] && tool="bk-put store/x.bk"
        on_terminal "$tool >out"
        same "$status" 2
        matches 'standard input is a terminal'
        matches 'hint: '
        [[ ! -s out ]]
    done
    store_is_empty "bk-put"
}

@test "a reader that goes away ends a tool by SIGPIPE" {
    local c command
    mkstream --tables 2 --rows 20000 --row 200 --body 20000 --noise >plain
    mkstream --tables 2 --rows 20000 --row 200 --body 20000 --noise --zstd >zstd
    for command in "bk-gz -j 1 -l 1 <plain" "bk-gz -j 4 -l 1 <plain" "bk-zstd <plain" "bk-zstd -d <zstd" "bk-sum <plain" \
        "bk-get plain"; do
        pipe "env --default-signal=PIPE timeout 60 $command | head -c 10 >/dev/null"
        same "$command: $stages" "$command: 141 0"
        same "$stderr" ""
    done
}

@test "a full disk: status 1, words, no file" {
    local c
    for c in $(cases "gz ungz zstd unzstd sum get verify"); do
        rc=0
        invoke "$c" "$(input_of "$c")" >/dev/full 2>err || rc=$?
        [[ $rc == 1 ]] || complain "$c: status $rc"
        grep -q 'cannot write to standard output: No space left on device' err || complain "$c: words"
    done
}

# Mounts a small file system on the folder store; skips the test where that is not possible.
small_store() {
    [[ $(id -u) == 0 ]] || skip "only root can mount a small file system"
    mount -t tmpfs -o size=256k tmpfs store 2>/dev/null || skip "no file system can be mounted here"
}

teardown() {
    if mountpoint -q "$BATS_TEST_TMPDIR/store"; then
        umount "$BATS_TEST_TMPDIR/store"
    fi
    drop_all
}

@test "bk-put: a full disk leaves no file" {
    small_store
    mkstream --tables 2 --rows 5000 --row 200 --body 20000 >large
    fails 1 bk-put store/x.bk <large
    matches "cannot write .*No space left on device" "$stderr"
    store_is_empty "full"
    bk-put store/x.bk <plain # and there is room again
    cmp plain store/x.bk
}

# Has bk-put, in the background as $pid, open its file and wait for more of the stream.
half_put() {
    mkfifo input
    bk-put store/x.bk <input 2>err &
    pid=$!
    exec 9>input
    head -c 1000 plain >&9
    wait_until has_file
}

has_file() {
    readlink /proc/$pid/fd/* 2>/dev/null | grep -q "$BATS_TEST_TMPDIR/store/"
}

@test "bk-put: killed in the middle, it leaves no file" {
    local signal rc
    for signal in KILL TERM INT HUP; do
        [[ $signal != INT ]] || continue # a shell's background job ignores it
        half_put
        kill -$signal $pid
        exec 9>&-
        rc=0
        wait $pid || rc=$?
        same "$rc" $((128 + $(kill -l $signal)))
        store_is_empty $signal
        rm input
    done
}

@test "bk-put: one that waits for END has no file, and then a whole one" {
    half_put
    store_is_empty "before END"
    tail -c +1001 plain >&9
    exec 9>&-
    wait $pid
    cmp plain store/x.bk
    same "$(stat -c %a store/x.bk)" 600
    same "$(cat err)" "bk-put: store/x.bk"
}

@test "bk-put: a file that is there is not touched" {
    echo precious >store/x.bk
    ln -s nowhere store/link
    fails 4 bk-put store/x.bk <plain
    matches "'store/x.bk' is there already" "$stderr"
    matches "hint: " "$stderr"
    fails 4 bk-put store/link <plain
    same "$(cat store/x.bk)" precious
    same "$(count store)" 2
    # One that comes while bk-put is at work is not touched either.
    rm store/*
    half_put
    echo precious >store/x.bk
    tail -c +1001 plain >&9
    exec 9>&-
    rc=0
    wait $pid || rc=$?
    same "$rc" 4
    same "$(cat store/x.bk)" precious
    same "$(count store)" 1
}

@test "bk-put DIR/: label, time and id make the name" {
    fails 0 bk-put store/ <"$DATA/plain.bk"
    same "$stderr" "bk-put: store/sample/20260102T030405Z-910a2dec.bk"
    cmp "$DATA/plain.bk" store/sample/20260102T030405Z-910a2dec.bk
    fails 4 bk-put store/ <"$DATA/plain.bk"
    mkstream --seed 2 | bk-put store/
    same "$(count store/sample)" 2
    mkstream --label other | bk-put -q store/ 2>err
    [[ ! -s err ]]
    same "$(count store/other)" 1
    mkstream --label '' >nolabel
    fails 2 bk-put store/ <nolabel
    matches "no label" "$stderr"
    fails 1 bk-put nowhere/ <plain
    fails 1 bk-put nowhere/x.bk <plain
}

@test "bk-get: what is no file is refused" {
    fails 1 bk-get nothing
    matches "cannot open 'nothing': No such file" "$stderr"
    fails 1 bk-get store
    fails 1 bk-get /dev/zero
    head -c 100 plain >cut.bk
    fails 3 bk-get cut.bk
    matches "'cut.bk' ends without END" "$stderr"
}

# loads_only TOOL LIBRARY...: beyond the C library and what comes with it.
loads_only() {
    local name library
    ldd "$BUILD/$1" | awk '{ print $1 }' | while read -r name; do
        name=${name##*/}
        case $name in
        linux-vdso.so.* | linux-gate.so.* | ld-linux*.so.* | ld-musl-*.so.* | libc.so.* | libc.musl-*.so.* | libpthread.so.* | libm.so.* | librt.so.* | libdl.so.*)
            continue
            ;;
        esac
        for library in "${@:2}"; do
            [[ $name != "$library".so.* ]] || continue 2
        done
        echo "$1 loads $name" >&2
        return 1
    done
}

@test "each filter loads what it needs, and nothing else" {
    command -v ldd >/dev/null || skip "ldd is not installed"
    ! sanitized || skip "sanitizers load libraries of their own"
    loads_only bk-gz libz
    loads_only bk-zstd libzstd
    loads_only bk-sum libcrypto
    loads_only bk-put
    loads_only bk-get
    run ! loads_only bk-gz # so the check can fail
}

# shim CASE FILE SETTING...: as try, with calls that fail on purpose.
shim() {
    rc=0
    rm -f store/x.bk
    (
        export "${@:3}" LD_PRELOAD=$BUILD/test/shim.so
        invoke "$1" "$2" >out 2>err
    ) || rc=$?
}

need_shim() {
    ! sanitized || skip "sanitizers must be loaded first, so nothing can be put before them"
    [[ -e $BUILD/test/shim.so ]] || skip "the shim is not built"
}

@test "calls that take one byte, and calls that are interrupted, change nothing" {
    local c setting
    need_shim
    for c in $(cases); do
        try "$c" "$(input_of "$c")"
        [[ $rc == 0 ]] || complain "$c: status $rc"
        [[ $c != put ]] || cp store/x.bk out
        mv out want
        for setting in SHIM_ONE=1 SHIM_EINTR=2 "SHIM_ONE=1 SHIM_EINTR=3"; do
            # shellcheck disable=SC2086 # one or two settings
            jobs=4 shim "$c" "$(input_of "$c")" $setting
            [[ $rc == 0 ]] || complain "$c, $setting: status $rc"
            [[ $c != put ]] || cp store/x.bk out
            cmp want out || complain "$c, $setting"
        done
    done
}

@test "a read that fails is status 1, and no END" {
    local c n
    need_shim
    for c in $(cases); do
        for n in 1 2 700; do
            shim "$c" "$(input_of "$c")" SHIM_ONE=1 SHIM_READ=$n:5
            [[ $rc == 1 ]] || complain "$c, read $n: status $rc"
            grep -q 'cannot read .*: Input/output error' err || complain "$c, read $n: words"
            store_is_empty "$c, read $n"
            [[ $c == ls ]] || ! streamend <out >/dev/null || complain "$c, read $n: whole"
        done
    done
}

@test "a write that fails is status 1, and no END" {
    local c n
    need_shim
    for c in $(cases "gz ungz zstd unzstd sum put get verify"); do
        for n in 1 2 700; do
            shim "$c" "$(input_of "$c")" SHIM_ONE=1 SHIM_WRITE=$n:28
            [[ $rc == 1 ]] || complain "$c, write $n: status $rc"
            grep -q 'cannot write .*: No space left on device' err || complain "$c, write $n: words"
            store_is_empty "$c, write $n"
            ! streamend <out >/dev/null || complain "$c, write $n: whole"
        done
    done
}

@test "bk-put: what does not reach the disk is no file" {
    local setting
    need_shim
    for setting in SHIM_FSYNC=5 SHIM_FSYNC_DIR=5; do
        shim put plain $setting
        same "$rc" 1
        grep -q "cannot write 'store/x.bk': Input/output error" err
        store_is_empty $setting
        shim put plain $setting SHIM_NO_TMPFILE=1
        same "$rc" 1
        store_is_empty "$setting, with a temporary name"
    done
}

@test "bk-put: without O_TMPFILE it is the same" {
    local n
    need_shim
    shim put plain SHIM_NO_TMPFILE=1
    same "$rc" 0
    cmp plain store/x.bk
    same "$(count store)" 1
    for n in 1 2; do
        shim put plain SHIM_NO_TMPFILE=1 SHIM_WRITE=$n:28
        same "$rc" 1
        store_is_empty "write $n"
    done
    head -c 1000 plain >cut.bk
    shim put cut.bk SHIM_NO_TMPFILE=1
    same "$rc" 3
    store_is_empty "cut"
}
