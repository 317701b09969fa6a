#!/usr/bin/env bats
# bk-seal: whoever may opens it, nobody else does, and nothing but what was sealed comes out. What is changed in a stream with all
# checksums right is enumerated by test/unit/seal.c; here the tool as a whole.

# shellcheck disable=SC2094,SC2016 # files that are only read; commands for another shell

load helper
load db

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    unset BACKUP_ENCRYPTION_KEY
}

# keys: a pair of each kind, in files.
keys() {
    openssl genpkey -algorithm X25519 -out x.key 2>/dev/null
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out rsa.key 2>/dev/null
    openssl genpkey -algorithm ED25519 -out sign.key 2>/dev/null
    local k
    for k in x rsa sign; do
        openssl pkey -in "$k.key" -pubout -out "$k.pub"
    done
    openssl rand -out raw.key 32
    echo 'correct horse ü' >pass
}

# backup: of a small database, compressed.
backup() {
    a=$(newdb)
    sql "$a" "CREATE TABLE secret_name AS SELECT i AS id, 'secret words ' || i AS words FROM generate_series(1, 3000) i"
    bk-dump -d "$a" | bk-zstd >a.bk
}

# opens FILE OPTION...: to what was sealed.
opens() {
    bk-seal -d "${@:2}" <"$1" | cmp - a.bk
}

@test "each of those that it is sealed to opens it, by however many workers" {
    keys
    backup
    for cipher in '' --chacha20; do
        for jobs in 1 3; do
            # shellcheck disable=SC2086 # an option, or none
            bk-seal -j "$jobs" $cipher -r x.pub -r rsa.pub -k raw.key --wrap 'openssl enc -aes-256-ctr -pbkdf2 -pass file:pass' <a.bk >s.bk
            opens s.bk -i x.key -j "$jobs"
            opens s.bk -i rsa.key
            opens s.bk -k raw.key
            opens s.bk --unwrap 'openssl enc -d -aes-256-ctr -pbkdf2 -pass file:pass'
        done
    done
    bk-seal --passphrase-file pass <a.bk >s.bk
    opens s.bk --passphrase-file pass
    BACKUP_ENCRYPTION_KEY='correct horse ü' opens s.bk
    BACKUP_ENCRYPTION_KEY='correct horse ü' opens s.bk -p
    # Twice is not the same.
    bk-seal --passphrase-file pass <a.bk >t.bk
    run ! cmp -s s.bk t.bk
}

@test "a full circle, with an index, and a second reading of the rows" {
    keys
    a=$(mixed) b=${a}_new
    willdrop "$b"
    pipe "bk-dump -d '$a' | bk-zstd | bk-seal -r x.pub --sign sign.key | bk-sum | bk-put -q s.bk"
    same "$stages $stderr" '0 0 0 0 0 '
    pipe "bk-get s.bk | bk-verify -q | bk-seal -d -i x.key --from sign.pub | bk-zstd -d | bk-verify -q | bk-load -q --create -d '$b'"
    same "$stages $stderr" '0 0 0 0 0 0 '
    "$cmpdb" -d "$a" "$b"
    fails 0 bk-verify -n <s.bk
    matches 'good: .* frames, index' "$stderr"
    fails 0 bk-ls <s.bk
    matches 'bk-seal -d \| bk-zstd -d \| bk-verify \| bk-load' "$output"
}

@test "what is in it cannot be read, and with --quiet-head neither what it is called" {
    keys
    a=$(newdb)
    sql "$a" "CREATE TABLE secret_name AS SELECT 'secret words' AS words"
    bk-dump -d "$a" --label very-secret --tag where=secret-place >a.bk
    grep -aq secret_name a.bk
    bk-seal -r x.pub <a.bk >s.bk
    run ! grep -aq 'secret_name\|secret words' s.bk
    grep -aq very-secret s.bk
    bk-seal -r x.pub --quiet-head <a.bk >s.bk
    run ! grep -aq "secret\|^host: \|^rows: \|^bytes: " s.bk
    opens s.bk -i x.key
}

@test "none of our keys: status 1, and who could" {
    keys
    backup
    openssl genpkey -algorithm X25519 -out other.key
    bk-seal -r x.pub -k raw.key <a.bk >s.bk
    openssl rand -out other.raw 32
    for option in '-i other.key' '-i rsa.key' '-i sign.key' '-k other.raw' '--passphrase-file pass'; do
        # shellcheck disable=SC2086 # words
        fails 1 bk-seal -d $option <s.bk
        same "$output" ''
        matches 'none of your keys opens this backup \(it is sealed to: x25519 [0-9a-f]{16}, key [0-9a-f]{16}\)' "$stderr"
    done
    bk-seal --passphrase-file pass <a.bk >s.bk
    fails 1 env BACKUP_ENCRYPTION_KEY=wrong bk-seal -d <s.bk
    matches 'none of your keys' "$stderr"
    fails 2 bk-seal -d <s.bk
    matches 'it is sealed to: scrypt .*; say what opens it.*hint: -i KEY.pem' "${stderr//$'\n'/ }"
}

@test "BACKUP_ENCRYPTION_KEY: a key in hex or base64, a slip, a passphrase" {
    backup
    hex=$(openssl rand -hex 32)
    for value in "$hex" "${hex^^}" "$(openssl rand -base64 32)"; do
        BACKUP_ENCRYPTION_KEY=$value bk-seal -p <a.bk >s.bk
        grep -aq '^slot: key ' s.bk
        BACKUP_ENCRYPTION_KEY=$value opens s.bk
        echo "$value" >text.key
        opens s.bk -k text.key
    done
    for value in "${hex:0:60}" "${hex:1}" "${hex}0" "${hex}abcdef"; do
        fails 2 env BACKUP_ENCRYPTION_KEY="$value" bk-seal -p <a.bk
        matches "BACKUP_ENCRYPTION_KEY has ${#value} hex digits: a key has 64" "$stderr"
        [[ $stderr != *"$value"* ]]
    done
    for value in "${hex:0:59}" "${hex}abcdef0" "g${hex:1}" 'x y'; do
        BACKUP_ENCRYPTION_KEY=$value bk-seal -p <a.bk >s.bk
        grep -aq '^slot: scrypt ' s.bk
        BACKUP_ENCRYPTION_KEY=$value opens s.bk
    done
}

# asked N: has the terminal asked so often?
asked() {
    [[ $(grep -o 'passphrase of the backup' tty.out | wc -l) == "$1" ]]
}

# typed COMMAND ANSWER...: on a terminal; each answer comes when it is asked for.
typed() {
    : >tty.out
    local n=0 answer
    for answer in "${@:2}"; do
        n=$((n + 1))
        wait_until asked "$n"
        echo "$answer"
    done | script -qfec "$1" tty.out >/dev/null
}

@test "a passphrase from the terminal: twice to seal, once to open" {
    backup
    typed 'bk-seal -p <a.bk >s.bk' 'some words' 'some words'
    typed 'bk-seal -d -p <s.bk >b.bk' 'some words'
    cmp a.bk b.bk
    run ! grep -q 'some words' tty.out
    run typed 'bk-seal -p <a.bk >t.bk' 'some words' 'some word'
    same "$status" 2
    [[ ! -s t.bk ]]
    fails 4 setsid -w bk-seal -p <a.bk
    matches 'there is no terminal' "$stderr"
}

@test "keys that are none, or not for this: status 2 or 1, and no byte" {
    keys
    backup
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out short.key 2>/dev/null
    openssl pkey -in short.key -pubout -out short.pub
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null | openssl pkey -pubout -out ec.pub
    echo nothing >nothing
    : >empty
    printf 'one\ntwo\n' >lines
    for option in '-r short.pub' '-r ec.pub' '-r sign.pub' '-r x.key' '-r nothing' '-k nothing' '-k empty' '--passphrase-file empty' \
        '--passphrase-file lines' '-r x.pub --sign x.key' '' '-i x.key' '-d -r x.pub' '-d --sign sign.key'; do
        # shellcheck disable=SC2086 # words
        fails 2 bk-seal $option <a.bk
        same "$output" ''
    done
    for option in '-r not-there' '-k not-there' '--passphrase-file not-there'; do
        # shellcheck disable=SC2086 # words
        fails 1 bk-seal $option <a.bk
        matches "cannot open .*not-there" "$stderr"
    done
    openssl pkey -in x.key -aes256 -passout file:pass -out locked.key
    bk-seal -r x.pub <a.bk >s.bk
    opens s.bk -i locked.key --passphrase-file pass
    echo wrong >wrong
    fails 1 bk-seal -d -i locked.key --passphrase-file wrong <s.bk
    matches "'locked.key' does not open with this passphrase" "$stderr"
}

@test "a signature: of this key, of another, of none; and of a stranger who has the public key" {
    keys
    backup
    openssl genpkey -algorithm ED25519 -out other.key
    openssl pkey -in other.key -pubout -out other.pub
    bk-seal -r x.pub --sign sign.key <a.bk >s.bk
    opens s.bk -i x.key --from sign.pub
    opens s.bk -i x.key
    fails 0 bk-verify -n --from sign.pub <s.bk
    fails 3 bk-verify -n --from other.pub <s.bk
    matches "not from the holder of 'other.pub': it was signed with another key" "$stderr"
    fails 3 bk-verify -n --from sign.pub <a.bk
    for file in "$(bk-seal -r x.pub <a.bk >none.bk && echo none.bk)" "$(bk-seal -r x.pub --sign other.key <a.bk >stranger.bk && echo stranger.bk)"; do
        fails 3 bk-seal -d -i x.key --from sign.pub <"$file"
        same "$output" ''
        matches "not from the holder of 'sign.pub': it (is not signed|was signed with another key)" "$stderr"
    done
    # His line, and our key's name in it.
    line=$(grep -a '^sign: ' s.bk)
    public=${line:14:64}
    "$frames" set HEAD 0 sign="$(grep -a '^sign: ' stranger.bk | sed "s/ed25519 [0-9a-f]*/ed25519 $public/; s/^sign: //")" <stranger.bk >forged.bk
    fails 3 bk-seal -d -i x.key --from sign.pub <forged.bk
    matches 'its signature is wrong' "$stderr"
    fails 2 bk-seal -d -i x.key --from x.pub <s.bk
}

@test "what is not sealed, is sealed already, or was sealed by a newer bk" {
    keys
    backup
    fails 3 bk-seal -d -i x.key <a.bk
    matches 'the stream cannot be opened: it is not sealed' "$stderr"
    bk-seal -r x.pub <a.bk >s.bk
    fails 2 bk-seal -r x.pub <s.bk
    matches 'sealed already' "$stderr"
    bk-zstd -d <a.bk | bk-seal -r x.pub >plain.bk
    fails 2 bk-gz <plain.bk
    matches 'the stream is sealed: compress it before' "$stderr"
    for tool in 'bk-zstd -d' "bk-load -d x" 'bk-cat -t t'; do
        # shellcheck disable=SC2086 # words
        run --separate-stderr $tool <s.bk
        [[ $status == 2 || $status == 1 ]]
    done
    sed 's/^step: seal aead=aes-256-gcm/step: seal aead=aes-257-gcm/' s.bk >newer.bk
    "$frames" set HEAD 0 created=2026-01-01T00:00:00Z <s.bk >moved.bk
    fails 3 bk-seal -d -i x.key <moved.bk
    same "$output" ''
    matches 'the key in its slot is not that of this stream' "$stderr"
}

@test "cut at each frame, and bits changed with right checksums: status 3, and what came out was right" {
    keys
    backup
    bk-seal -k raw.key <a.bk >s.bk
    size=$(stat -c %s s.bk)
    for ((n = 0; n < size; n += size / 40)); do
        head -c "$n" s.bk >cut.bk
        fails 3 bk-seal -d -k raw.key <cut.bk
        bk-seal -d -k raw.key <cut.bk >out.bk 2>/dev/null || true
        fails 3 bk-verify -n <out.bk
    done
    for spec in 'ITEM 1 0' 'ITEM 2 5' 'DATA 1 0' 'DATA 2 30' 'DONE 1 0' 'DONE 2 16'; do
        # shellcheck disable=SC2086 # words
        "$frames" flip $spec <s.bk >flip.bk
        run bash -c 'bk-seal -d -k raw.key <flip.bk >out.bk 2>words; echo $?'
        same "$output" 3
        matches 'it is not what was sealed here' "$(<words)"
        n=$(cmp a.bk out.bk 2>&1 | grep -o 'byte [0-9]*' | grep -o '[0-9]*' || stat -c %s out.bk)
        # Only ABRT differs from what was sealed.
        same "$(tail -c +"$n" out.bk | head -c 4)" ABRT
    done
}

@test "words of the tools before it do not get out; its own commands get no secret that is not theirs" {
    keys
    a=$(newdb)
    sql "$a" "CREATE TABLE secret_name (x int)"
    bk-dump -d "$a" >a.bk
    BACKUP_ENCRYPTION_KEY=hidden-secret bk-seal -r x.pub -p --wrap 'cat >dek; env >environment; cat /proc/$PPID/environ >>environment; tr "\0" " " </proc/$PPID/cmdline >argv; cat /proc/$PPID/limits >limits; echo blob' <a.bk >s.bk
    same "$(stat -c %s dek)" 32
    run ! grep -aq 'hidden-secret' environment argv
    matches 'Max core file size +0 +0' "$(<limits)"
    fails 1 bk-seal --wrap 'exit 3' <a.bk
    matches "the command 'exit 3' failed with status 3" "$stderr"
    fails 1 bk-seal --wrap true <a.bk
    matches "the command 'true' wrote nothing" "$stderr"
    fails 1 bk-seal --wrap 'head -c 8193 /dev/zero' <a.bk
    matches 'wrote more than 8192 bytes' "$stderr"
    fails 1 bk-seal -d --unwrap 'echo short' <s.bk
    matches 'did not write a data key of 32 bytes' "$stderr"
}

# python: one that has the packages of the system.
python() {
    if python3 -c 'import cryptography' 2>/dev/null; then
        python3 "$@"
    else
        /usr/bin/python3 "$@"
    fi
}

@test "another implementation opens what bk-seal makes, and bk-seal opens what another makes" {
    keys
    backup
    for option in '' --chacha20 '--quiet-head --sign sign.key'; do
        # shellcheck disable=SC2086 # words
        bk-seal $option -r x.pub -r rsa.pub -k raw.key --passphrase-file pass <a.bk >s.bk
        for key in '-i x.key' '-i rsa.key' '-k raw.key' '-p pass'; do
            # shellcheck disable=SC2086 # words
            python "$ROOT/examples/bk-open.py" $key --unseal s.bk | cmp - a.bk
        done
    done
    python "$ROOT/examples/bk-open.py" -i x.key --from sign.pub s.bk >/dev/null
    for option in '' '--aead chacha20-poly1305' '--quiet --sign sign.key'; do
        # shellcheck disable=SC2086 # words
        python "$BATS_TEST_DIRNAME/tool/seal.py" $option --x25519 x.pub --rsa rsa.pub --key raw.key --scrypt pass <a.bk >s.bk
        for key in '-i x.key' '-i rsa.key' '-k raw.key' '--passphrase-file pass'; do
            # shellcheck disable=SC2086 # words
            opens s.bk $key
        done
    done
    opens s.bk -i x.key --from sign.pub
    for wrong in commit slots-mac quiet; do
        python "$BATS_TEST_DIRNAME/tool/seal.py" --quiet --spoil "$wrong" --key raw.key <a.bk >s.bk
        fails 3 bk-seal -d -k raw.key <s.bk
        same "$output" ''
    done
    for wrong in tag mac; do
        python "$BATS_TEST_DIRNAME/tool/seal.py" --spoil "$wrong" --key raw.key <a.bk >s.bk
        run bash -c 'bk-seal -d -k raw.key <s.bk 2>words | bk-verify -n 2>/dev/null; echo "${PIPESTATUS[*]}"'
        same "$output" '3 3'
    done
}

@test "a stream that gives up while it is sealed: no END, and no words of others" {
    keys
    "$BUILD/test/mkstream" --abort 'cannot copy secret_name' >abort.bk
    run bash -c 'bk-seal -r x.pub <abort.bk >s.bk 2>words; echo $?'
    same "$output" 3
    matches 'cannot copy secret_name' "$(<words)"
    run ! grep -aq secret_name s.bk
    grep -aq 'the tools before it gave up' s.bk
    run --separate-stderr bk-verify -n <s.bk
    same "$status" 3
    matches 'bk-seal gave up: the tools before it gave up' "$stderr"
}
