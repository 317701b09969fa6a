#!/usr/bin/env bats
# examples/bk-open.py, the second reader: what it gets out of a stream is what bk does, and nothing else is ever taken
# for a whole stream. Sealed streams are made by test/tool/seal.py.

# shellcheck disable=SC2094 # a file that comes twice in a pipe is only read

load helper
load db

PATH=$BUILD/test:$PATH
DATA=$BATS_TEST_DIRNAME/data
TOOL=$BATS_TEST_DIRNAME/tool

setup() {
    ! sanitized || skip "Python is under no sanitizer, and slow"
    cd "$BATS_TEST_TMPDIR" || return
    # The first python3 of the PATH may be one that does not have the packages of the system.
    python=python3
    "$python" -c 'import cryptography' 2>/dev/null || python=/usr/bin/python3
    unset BACKUP_ENCRYPTION_KEY
}

opener() { "$python" "$ROOT/examples/bk-open.py" "$@"; }
seal() { "$python" "$TOOL/seal.py" "$@"; }

# In a session without a terminal, where nothing can be asked.
alone() { setsid --wait "$python" "$ROOT/examples/bk-open.py" "$@"; }

make_keys() {
    openssl genpkey -algorithm X25519 -out x.pem
    openssl pkey -in x.pem -pubout -out x.pub
    openssl genpkey -algorithm ED25519 -out s.pem
    openssl pkey -in s.pem -pubout -out s.pub
    head -c 32 /dev/urandom >k
    echo 'correct horse' >p
}

# A stream with a little of everything, all its slots cheap, and sealed.bk of it.
make_sealed() {
    make_keys
    cp "$DATA/${1:-zstd}.bk" plain.bk
    seal --x25519 x.pub --key k --scrypt p --log-n 10 --cmd 00ff --slot 'later what 12' --quiet --sign s.pem \
        --data-key dek <plain.bk >sealed.bk
}

# refused FILE WHAT [OPTION...]: as a bad stream, whatever it is asked for.
refused() {
    local file=$1 what=$2 rc=0
    shift 2
    opener "$@" "$file" >out 2>err || rc=$?
    if [[ $rc != 3 || $(wc -l <err) != 1 ]] || ! grep -q '^bk-open.py: ' err; then
        echo "$what: status $rc" >&2
        cat err >&2
        return 1
    fi
}

# no_end: what came out of a refused opening is not a whole stream.
no_end() {
    if streamend <out >/dev/null; then
        echo "$1: whole" >&2
        return 1
    fi
}

# spoilt TYPE N REGEX TEXT [WORDS]: with such an edit, checksums right, sealed.bk is refused before a byte of it is written.
spoilt() {
    seal --edit "${@:1:4}" <sealed.bk >spoilt.bk
    refused spoilt.bk "$4" --unseal -k k
    [[ $1 != HEAD || ! -s out ]]
    no_end "$4"
    matches "${5:-.}" "$(<err)"
}

@test "opener: all tables and the definitions are what bk-cat prints, plain and compressed" {
    a=$(mixed)
    bk-dump -d "$a" >a.bk
    bk-zstd <a.bk >zstd.bk
    bk-gz <a.bk >gz.bk
    bk-zstd <a.bk | bk-sum >sums.bk
    bk-ls -J <a.bk | jq -r 'select(.type == "table") | .schema + "." + .name' >tables
    [[ $(wc -l <tables) -gt 10 ]]
    for file in a zstd gz sums; do
        while read -r table; do
            printf -v table %b "$table" # written as in the stream
            bk-cat -t "$table" <a.bk >want
            opener --table "$table" $file.bk >got
            cmp want got
        done < <(if [[ $file == a ]]; then cat tables; else head -n 3 tables; fi)
        opener --definitions <$file.bk >archive
        pg_restore -f - archive >got
        bk-cat --ddl <a.bk >want
        diff <(grep -Ev '^\\(un)?restrict ' want) <(grep -Ev '^\\(un)?restrict ' got)
        opener $file.bk | grep -Ev '^step: ' >list.$file
        cmp list.a list.$file
    done
    # Its numbers are those of bk-ls.
    bk-ls -J <a.bk | jq -r 'select(.record == "item") | "\(.rows) \(.bytes)"' >want
    sed -n '/ item$/,/ in all$/p' list.a | sed '1d;$d' | awk '{ print $1, $2 }' >got
    [[ -s want ]]
    cmp want got
}

@test "opener: a row over many frames, and tables in binary" {
    a=$(newdb)
    sql "$a" "CREATE TABLE wide AS SELECT 1 AS id, repeat('long ', 700000) AS words; INSERT INTO wide VALUES (2, 'short')"
    bk-dump -d "$a" | bk-gz >a.bk
    opener --table public.wide a.bk >got
    bk-gz -d <a.bk | bk-cat -t public.wide >want
    [[ $(wc -c <want) -gt 3000000 ]]
    cmp want got
    bk-cat -t t0 <"$DATA/binary.bk" >want
    opener --table public.t0 "$DATA/binary.bk" >got
    cmp want got
    opener "$DATA/binary.bk" | grep -Eq '^ +5 +351  table public.t0$'
    bk-dump --digests -d "$a" | opener | grep -Eq '^ +2 +35000[0-9]+  table public.wide$'
}

@test "opener: golden streams, and those of a newer bk" {
    for file in plain gzip zstd sums more lower; do
        opener "$DATA/$file.bk" | grep -Eq '^ +11 +609  in all$'
    done
    refused "$DATA/upper.bk" upper
    matches 'made by a newer bk' "$(<err)"
    refused "$DATA/format2.bk" format2
    matches 'made by a newer bk' "$(<err)"
    refused "$DATA/abort.bk" abort
    matches 'bk-dump.*the server went away' "$(<err)"
    : >empty
    refused empty empty
}

@test "opener: cut anywhere, one bit changed anywhere, or with more behind it, a stream is refused" {
    for file in sums more; do
        while read -r at _; do
            for more in 0 17; do
                head -c $((at + more)) "$DATA/$file.bk" >cut.bk
                refused cut.bk "$file cut at $at + $more"
            done
        done < <(streamend list <"$DATA/$file.bk" | awk 'NR % 6 == 1; { last = $0 } END { print last }')
        head -c -1 "$DATA/$file.bk" >cut.bk
        refused cut.bk "without its last byte"
        { cat "$DATA/$file.bk" && printf x; } >more.bk
        refused more.bk 'with a byte more'
    done
    for seed in {1..12}; do
        streamend flip "$seed" <"$DATA/zstd.bk" >flipped.bk 2>which
        refused flipped.bk "$(<which)"
    done
}

@test "opener: frames out of place, and totals that are not true" {
    for frame in 2 4 7 9; do
        seal --drop $frame <"$DATA/plain.bk" >bad.bk
        refused bad.bk "without frame $frame"
    done
    seal --edit DONE 3 'rows: 5' 'rows: 6' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'rows of an item'
    seal --edit DONE 3 'bytes: 276' 'bytes: 275' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'bytes of an item'
    seal --edit 'END' 1 'rows: 11' 'rows: 12' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'rows in all'
    seal --edit 'END' 1 'items: 5' 'items: 4' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'items in all'
    seal --edit HEAD 1 'host: ' 'host: \\x41' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'an escape that is not needed'
    seal --edit HEAD 1 'host: ' 'host:' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'a line that is no field'
    seal --edit HEAD 1 '\n\Z' '' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'a line without end'
    seal --edit ITEM 3 'parts: 2' 'parts: 18446744073709551618' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'a number beyond 2^64'
    { printf x && tail -c +2 "$DATA/plain.bk"; } >bad.bk
    refused bad.bk 'another magic'
    matches 'not a bk stream' "$(<err)"
    read -r at _ < <(streamend list <"$DATA/lower.bk" | grep xtra)
    streamend set "$at" 0=$((0x61317478)) <"$DATA/lower.bk" >bad.bk # xt1a
    refused bad.bk 'a type with a digit'
    seal --edit HEAD 1 'host: ' 'label: twice\nhost: ' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'a name that comes twice'
    seal --edit HEAD 1 '\Z' 'step: squeeze level=1\n' <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'an unknown step'
    matches 'made by a newer bk' "$(<err)"
}

@test "opener: what is called wrongly, or is not there" {
    fails 1 opener nothing.bk
    fails 1 opener --table public.none "$DATA/plain.bk"
    fails 2 opener --table public.t0 --definitions "$DATA/plain.bk"
    fails 2 opener --no-such-option "$DATA/plain.bk"
    fails 1 bash -c '"$@" >/dev/full' - "$python" "$ROOT/examples/bk-open.py" --table public.t0 "$DATA/plain.bk"
    bk-dump --digests -d postgres >digests.bk
    fails 4 opener --definitions digests.bk
}

@test "opener: each type of slot opens, and what comes out is what was sealed, byte for byte" {
    make_sealed
    seal --scrypt p <plain.bk >scrypt17.bk
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out r.pem
    openssl pkey -in r.pem -pubout -out r.pub
    seal --aead chacha20-poly1305 --rsa r.pub <plain.bk >rsa.bk
    od -An -v -tx1 k | tr -d ' \n' >k.hex
    openssl pkey -in x.pem -aes256 -passout file:p -out x-secret.pem
    for how in '-i x.pem sealed' '-i r.pem rsa' '-p p sealed' '-p p scrypt17' '-k k sealed' '-k k.hex sealed' \
        '--data-key dek sealed' '-i r.pem -k k sealed' '-i x-secret.pem --passphrase-file p sealed'; do
        # shellcheck disable=SC2086 # words
        opener --unseal $how.bk >got
        cmp plain.bk got
    done
    BACKUP_ENCRYPTION_KEY=$(<p) opener --unseal sealed.bk >got
    cmp plain.bk got
    opener -k k --from s.pub --table public.t0 sealed.bk >got
    bk-cat -t t0 <"$DATA/plain.bk" >want
    cmp want got
}

@test "opener: all kinds of streams, sealed with both AEADs, quiet or not" {
    make_keys
    for file in plain gzip more binary sums lower; do
        want=$file
        [[ $file != sums && $file != lower ]] || want=plain # a map drops what lower-case frames say
        for how in '--aead aes-256-gcm' '--aead chacha20-poly1305 --quiet'; do
            # shellcheck disable=SC2086 # words
            seal --key k $how <"$DATA/$file.bk" >sealed.bk
            streamend <sealed.bk
            opener --unseal -k k <sealed.bk >got
            cmp "$DATA/$want.bk" got
        done
    done
    seal --key k <"$DATA/abort.bk" >sealed.bk
    refused sealed.bk abort -k k
    matches 'the tool before bk-seal gave up' "$(<err)"
    # Unknown lines, and none to hide.
    seal --edit HEAD 1 '(label|tag|host): .*\n' '' <"$DATA/plain.bk" | seal --edit HEAD 1 '(label|tag|host): .*\n' '' |
        seal --edit HEAD 1 '(label|tag|host): .*\n' '' | seal --edit 'END' 1 'size: ' 'unknown: line\nsize: ' >plain.bk
    seal --key k --quiet <plain.bk >sealed.bk
    opener --unseal -k k <sealed.bk >got
    cmp plain.bk got
}

@test "opener: what is sealed tells nothing that it must not, and is padded" {
    make_sealed plain
    run ! grep -aEq 'sample|why=|nowhere|public|alice|rows: |bytes: ' sealed.bk
    [[ $(bk-ls -J <"$DATA/plain.bk" | jq -r 'select(.record == "head").label') == sample ]] # it would be found
    read -r end _ < <(streamend list <sealed.bk | awk '$2 == "ITEM"')
    ((end % 4096 == 0))
    head -c "$end" sealed.bk | grep -aEq '^pad: \.{2048,}$'
    seal --key k <plain.bk >sealed.bk
    grep -aq sample sealed.bk
}

@test "opener: without the right key or passphrase it is status 1, and says which slots there are" {
    make_sealed
    openssl genpkey -algorithm X25519 -out other.pem
    head -c 32 /dev/urandom >other
    echo wrong >wrong
    fails 1 opener -i other.pem sealed.bk
    matches 'x25519 [0-9a-f]{16}, scrypt [0-9a-f]{16}, key [0-9a-f]{16}, cmd' "$stderr"
    fails 1 opener -k other sealed.bk
    fails 1 opener -p wrong sealed.bk
    BACKUP_ENCRYPTION_KEY=wrong fails 1 opener sealed.bk
    fails 1 opener -i other.pem -k other -p wrong sealed.bk
    fails 1 alone sealed.bk
    matches 'no terminal' "$stderr"
    fails 1 opener -k k.missing sealed.bk
    fails 1 opener -k p sealed.bk # not a key
    fails 1 opener -i s.pem sealed.bk
    fails 1 opener -i k sealed.bk
    fails 3 opener --data-key other sealed.bk
}

@test "opener: sealed, and then cut, a bit changed, or with more behind it: refused, and END not written" {
    make_sealed
    for seed in {1..16}; do
        streamend flip "$seed" <sealed.bk >flipped.bk 2>which
        refused flipped.bk "$(<which)" --unseal -k k
        no_end "$(<which)"
    done
    while read -r at _; do
        head -c "$at" sealed.bk >cut.bk
        refused cut.bk "cut at $at" --unseal -k k
    done < <(streamend list <sealed.bk | awk 'NR % 3 == 1; { last = $0 } END { print last }')
    { cat sealed.bk && printf x; } >more.bk
    refused more.bk 'with a byte more' --unseal -k k
    no_end more
}

@test "opener: a sealed stream changed by somebody who puts all checksums right" {
    make_sealed
    other=$(seal --key k --quiet <plain.bk | tee other.bk | grep -a ^commit:)
    # The record
    spoilt HEAD 1 'kind: backup' 'kind: backuq'
    spoilt HEAD 1 '\+?2026-01' '2025-01'
    spoilt HEAD 1 'step: zstd level=1\n' ''
    spoilt HEAD 1 'aead=aes-256-gcm' 'aead=chacha20-poly1305'
    spoilt HEAD 1 'aead=aes-256-gcm' 'aead=none' 'newer bk'
    spoilt HEAD 1 'salt=.' 'salt=x'
    spoilt HEAD 1 '(salt=.{64})' '\1 more=1' 'newer bk'
    spoilt HEAD 1 'step: seal.*\n' ''
    spoilt HEAD 1 '(step: seal.*\n)' '\1unknown: line\n'
    spoilt HEAD 1 '(step: seal.*\n)' '\1step: gzip level=1\n'
    # The lines after it
    spoilt HEAD 1 'commit: .*' "$other"
    spoilt HEAD 1 'commit: .*\n' ''
    spoilt HEAD 1 'sign: .*\n' '' 'slots'
    spoilt HEAD 1 'quiet: .*\n' '' 'slots'
    spoilt HEAD 1 'quiet: .*\n' 'label: mine\n'
    spoilt HEAD 1 'slot: cmd.*\n' '' 'slots'
    spoilt HEAD 1 'slot: later.*\n' '' 'slots'
    spoilt HEAD 1 '(slot: cmd.*\n)' '\1\1' 'slots'
    spoilt HEAD 1 '(slot: later.*\n)' '\1unknown: line\n'
    spoilt HEAD 1 'slots-mac: .*\n' ''
    spoilt HEAD 1 'pad: \.' 'pad: x'
    spoilt HEAD 1 '\Z' 'unknown: line\n' 'newer bk'
    spoilt HEAD 1 '\Z' 'partial: a table\n'
    # END
    spoilt END 1 'mac: .*\n' '' 'mac'
    spoilt END 1 'mac: ' 'unknown: line\nmac: ' 'END was changed'
    spoilt END 1 'size: ' 'unknown: line\nsize: ' 'mac'
    # An unsealed stream in its place; frames of it; frames in other places
    refused plain.bk unsealed --unseal -k k
    matches 'not sealed' "$(<err)"
    refused plain.bk unsealed -k k
    seal --swap 6 7 <sealed.bk >bad.bk
    refused bad.bk swapped --unseal -k k
    matches 'frame 6 was changed' "$(<err)"
    seal --drop 7 <sealed.bk >bad.bk
    refused bad.bk dropped --unseal -k k
    no_end dropped
    # Only pad may change.
    seal --edit HEAD 1 'pad: \.*' 'pad: .' <sealed.bk | opener --unseal -k k >got
    cmp plain.bk got
}

@test "opener: each value of a seal counts" {
    make_keys
    cp "$DATA/zstd.bk" plain.bk
    for what in commit quiet slots-mac tag mac; do
        seal --key k --quiet --spoil $what <plain.bk >bad.bk
        refused bad.bk "$what" --unseal -k k
        no_end "$what"
    done
    seal --key k --sign s.pem --spoil sign <plain.bk >bad.bk
    refused bad.bk sign --from s.pub -k k
    matches 'signature' "$(<err)"
    opener -k k bad.bk >out # nobody asked who
    seal --key k --quiet <plain.bk >bad.bk
    refused bad.bk 'not signed' --from s.pub -k k
    matches 'is not signed' "$(<err)"
    openssl genpkey -algorithm ED25519 -out t.pem
    seal --key k --sign t.pem <plain.bk >bad.bk
    refused bad.bk 'signed by another' --from s.pub -k k
    matches 'another key' "$(<err)"
    refused plain.bk 'not sealed' --from s.pub
}

@test "opener: slots of a wrong shape are refused before any is opened" {
    make_keys
    id=0123456789abcdef
    n48=$(printf '%096d' 0) n32=$(printf '%064d' 0) n16=$(printf '%032d' 0)
    salt=374708fff7719dd5 # the id of 16 bytes 00
    for slot in "x25519 $id $n32 ${n48}00" "x25519 $id ${n32}00 $n48" "x25519 $id $n32" "x25519 $id $n32 $n48 00" \
        "x25519 ${id^^} $n32 $n48" "rsa $id $n48" "rsa $id" "scrypt $salt 19 $n16 $n48" "scrypt $salt 017 $n16 $n48" \
        "scrypt $salt 0 $n16 $n48" "scrypt $salt 17 $n32 $n48" "scrypt $id 17 $n16 $n48" "key $salt $n16 $n32" \
        "key $id $n16 $n48" "cmd $id 00" "cmd $id 0" "cmd $id"; do
        seal --key k --slot "$slot" <"$DATA/plain.bk" >bad.bk
        refused bad.bk "$slot" --unseal -k k
        [[ ! -s out ]]
    done
    seal --scrypt p --log-n 10 --slot "scrypt $salt 10 $n16 $n48" <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'two of scrypt' -p p
    # These are right, but are not for us.
    seal --slot "key $salt $n16 $n48" --slot "x25519 $id $n32 $n48" --slot "later" --key k <"$DATA/plain.bk" >good.bk
    opener --unseal -k k good.bk >got
    cmp "$DATA/plain.bk" got
    # This one is for us, and its key is the one that X25519 must refuse.
    mine=$(openssl pkey -in x.pem -pubout -outform DER | sha256sum | head -c 16)
    seal --slot "x25519 $mine $n32 $n48" --key k <"$DATA/plain.bk" >bad.bk
    refused bad.bk 'a secret of zeros' -i x.pem
}

@test "opener: the values in seal-vectors.txt are those that the sealer makes" {
    "$python" "$TOOL/seal-vectors.py" >got
    cmp "$DATA/seal-vectors.txt" got
}
