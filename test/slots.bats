#!/usr/bin/env bats
# bk-slots: who can open a sealed backup, and changing that, where each way to be interrupted leaves a backup that opens.

# shellcheck disable=SC2094 # a file that comes twice in a pipe is only read

load helper

PATH=$BUILD/test:$PATH

setup() {
    local name
    cd "$BATS_TEST_TMPDIR" || return
    for name in old new other; do
        openssl genpkey -algorithm X25519 -out $name.pem
        openssl pkey -in $name.pem -pubout -out $name.pub
    done
    mkstream --sums --label app >plain
    bk-seal -r old.pub <plain | bk-sum | bk-put -q app.bk
    cp app.bk before.bk
    old=$(ids app.bk)
}

# ids FILE: the key ids of its slots, a line each.
ids() {
    bk-slots -J "$1" | jq -r '.slots[]."key-id"'
}

types() {
    bk-slots -J "$1" | jq -r '[.slots[].type] | join(" ")'
}

# id_of PUB: as bk-stream(5) says.
id_of() {
    openssl pkey -pubin -in "$1" -outform DER | sha256sum | cut -c 1-16
}

# head_bytes FILE: of magic and HEAD.
head_bytes() {
    echo $((48 + $(od -An -tu4 -j 32 -N 4 "$1")))
}

# behind FILE: all that comes after HEAD.
behind() {
    tail -c +$(($(head_bytes "$1") + 1)) "$1"
}

# kept FILE: the lines of HEAD before the slots.
kept() {
    head -c "$(head_bytes "$1")" "$1" | tail -c +49 | sed '/^slot: /,$d'
}

# opens FILE OPTION...: bk-get and bk-seal -d make of it what was sealed.
opens() {
    bk-get -q "$1" >got && bk-seal -d "${@:2}" <got >opened && diff <(frames list <opened) <(bk-gz <plain | bk-gz -d | frames list)
}

# unchanged: neither the file nor its folder.
unchanged() {
    cmp app.bk before.bk
    same "$(compgen -G '.*.head*')" ""
}

# id_line TYPE: of the slot of that type, in app.bk.
id_line() {
    bk-slots -J app.bk | jq -r --arg t "$1" '.slots[] | select(.type == $t)."key-id"'
}

need_shim() {
    if nm "$BUILD/bk-gz" 2>/dev/null | grep -Eq '__(asan|tsan|ubsan)_'; then
        skip "sanitizers must be loaded first, so nothing can be put before them"
    fi
    [[ -e $BUILD/test/shim.so ]] || skip "the shim is not built"
}

# shim SETTING... COMMAND...: with calls that fail on purpose. Leaves its status in $rc, its words in err.
shim() {
    local settings=()
    while [[ $1 == SHIM_* ]]; do
        settings+=("$1")
        shift
    done
    rc=0
    # In a shell of its own, for that says "Killed".
    (
        env "${settings[@]}" LD_PRELOAD="$BUILD/test/shim.so" "$@" 2>err
        exit $?
    ) 2>/dev/null || rc=$?
}

@test "the list says who can open it, with what it is sealed, and who signed it" {
    openssl genpkey -algorithm ED25519 -out sign.pem
    bk-seal -r old.pub -r new.pub --sign sign.pem --quiet-head --chacha20 <plain >two.bk
    fails 0 bk-slots two.bk
    matches "^backup -, id [0-9a-f]{32}, sealed with chacha20-poly1305"
    matches "signed with the key $(openssl pkey -in sign.pem -pubout -outform DER | tail -c 32 | od -An -tx1 -v | tr -d ' \n')"
    matches "label, tags and host are sealed"
    matches "room for slots: [0-9]{4} bytes"
    matches " 1 x25519     $(id_of old.pub) a claim until opened"
    matches " 2 x25519     $(id_of new.pub) a claim until opened"
    same "$stderr" ""
    same "$(bk-slots -J two.bk | jq -c '[.kind, .label, .aead, .quiet, (.slots | length), .slots[1].slot]')" \
        '["backup",null,"chacha20-poly1305",true,2,2]'
    same "$(bk-slots -J app.bk | jq -c '[.label, .aead, .quiet, ."signed-with"]')" '["app","aes-256-gcm",false,null]'
    same "$(bk-slots -J app.bk | jq .room)" "$(head -c 4096 app.bk | sed -n 's/^pad: //p' | tr -d '\n' | wc -c)"
    fails 0 bk-slots app.bk
    matches "^backup app, .*not signed.*in clear"
    unchanged
}

@test "the list of what is not sealed, not whole, or no backup" {
    fails 1 bk-slots plain
    same "$output" ""
    matches "'plain' is not sealed" "$stderr"
    fails 1 bk-slots absent
    fails 1 bk-slots .
    matches "is not a file" "$stderr"
    : >empty
    fails 3 bk-slots empty
    head -c 3000 app.bk >cut.bk
    fails 3 bk-slots cut.bk
    matches "'cut.bk' ends without END" "$stderr"
    fails 3 bk-slots old.pem
    fails 2 bk-slots
    fails 2 bk-slots -i old.pem app.bk
    fails 2 bk-slots app.bk before.bk
    head -c 5000 app.bk >head-only # all that is looked at
    fails 0 bk-slots head-only
}

@test "a hostile HEAD is refused, or can do nothing to a terminal" {
    local edit
    frames set HEAD 0 $'slot=new\e[31m \e]0;x\a {"' <app.bk >odd
    fails 0 bk-slots odd
    [[ $output != *$'\e'* && $output != *$'\a'* ]]
    matches '1 new\\x1b\[31m \\x1b\]0;x\\x07 +a claim'
    same "$(bk-slots -J odd | jq -r '.slots[0].type')" 'new\x1b[31m'
    frames set HEAD 0 "slot=new" <app.bk >odd
    fails 0 bk-slots odd
    matches '1 new        -                a claim'
    for edit in "slot=x25519 $old" "slot=scrypt 0123456789abcdef 30 00 00" "pad=.x." "commit=00" "slots-mac=" \
        "+slot=new 1" "+later=1" "slot=" "commit=" "step=seal" "step=seal aead=rot13 salt=00" "+sign=ed25519 00 00"; do
        frames set HEAD 0 "$edit" <app.bk >odd
        if bk-slots odd >out 2>err; then
            echo "taken: $edit" >&2
            return 1
        fi
        [[ ! -s out ]]
        cp odd odd.bk
        run ! bk-slots --rewrap -i old.pem -r new.pub odd.bk
        cmp odd odd.bk
    done
    openssl genpkey -algorithm ED25519 -out sign.pem
    bk-seal -r old.pub --sign sign.pem <plain >signed
    frames set HEAD 0 "tag=a=b" "sign=$(head -c 4096 signed | sed -n 's/^sign: //p' | rev | tr 0-9 1-90 | rev)" <signed >odd
    fails 3 bk-slots odd
}

@test "a new key for an old one, where the file stands" {
    chmod 640 app.bk
    fails 0 bk-slots --rewrap -i old.pem -r new.pub --drop "$old" app.bk
    same "$(ids app.bk)" "$(id_of new.pub)"
    opens app.bk -i new.pem
    fails 1 bk-seal -d -i old.pem <app.bk
    same "$(stat -c %s,%a app.bk)" "$(stat -c %s before.bk),640"
    run ! cmp -s app.bk before.bk
    cmp <(behind app.bk) <(behind before.bk)
    same "$(kept app.bk)" "$(kept before.bk)"
    bk-verify -n <app.bk 2>err
    grep -q index err
    same "$(compgen -G '.*.head*')" ""
}

@test "what opens it, and who may open it behind that" {
    head -c 32 /dev/urandom >a.key
    head -c 32 /dev/urandom >b.key
    echo secret >pass
    echo other >pass2
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out rsa.pem 2>/dev/null
    openssl pkey -in rsa.pem -pubout -out rsa.pub
    enc() { echo "openssl enc $1 -aes-256-ctr -K $(printf '%064d' 7) -iv $(printf '%032d' 0)"; }
    bk-slots --rewrap -i old.pem -r rsa.pub --new-key a.key --wrap "$(enc -e)" app.bk
    same "$(types app.bk)" "x25519 rsa key cmd"
    bk-slots --rewrap -i rsa.pem --new-passphrase-file pass --drop "$old" app.bk
    same "$(types app.bk)" "rsa key cmd scrypt"
    opens app.bk -i rsa.pem
    opens app.bk -k a.key
    opens app.bk --unwrap "$(enc -d)"
    opens app.bk --passphrase-file pass
    bk-slots --rewrap --unwrap "$(enc -d)" --new-key b.key --drop "$(id_line key)" app.bk
    opens app.bk -k b.key
    fails 1 bk-seal -d -k a.key <app.bk
    fails 2 bk-slots --rewrap -k b.key --new-passphrase-file pass2 app.bk
    matches "at most one passphrase.*hint: .*--drop" "$stderr"
    bk-slots --rewrap --passphrase-file pass --new-passphrase-file pass2 --drop "$(id_line scrypt)" app.bk
    BACKUP_ENCRYPTION_KEY=other bk-slots --rewrap --drop "$(id_line cmd)" --drop "$(id_line rsa)" app.bk
    same "$(types app.bk)" "key scrypt"
    fails 1 bk-seal -d --passphrase-file pass <app.bk
    opens app.bk --passphrase-file pass2
    cmp <(behind app.bk) <(behind before.bk)
}

@test "signature, hidden lines and slots of a newer bk stay as they are" {
    openssl genpkey -algorithm ED25519 -out sign.pem
    openssl pkey -in sign.pem -pubout -out sign.pub
    bk-seal -r old.pub --sign sign.pem --quiet-head <plain >app.bk
    cp app.bk before.bk
    bk-slots --rewrap -i old.pem -r new.pub app.bk
    same "$(kept app.bk)" "$(kept before.bk)"
    same "$(grep -ac '^quiet: ' app.bk)" 1
    bk-get app.bk | bk-seal -d -i new.pem --from sign.pub | cmp - <(bk-seal -d -i old.pem <before.bk)
}

@test "who can open it already is not added twice, and gets a slot anew" {
    bk-slots --rewrap -i old.pem -r new.pub -r old.pub -r new.pub app.bk
    same "$(ids app.bk | sort)" "$( (id_of new.pub && id_of old.pub) | sort)"
    opens app.bk -i old.pem
    opens app.bk -i new.pem
    bk-slots --rewrap -i old.pem -r new.pub --drop "$(id_of new.pub)" app.bk
    same "$(ids app.bk)" "$(id_of old.pub)"$'\n'"$(id_of new.pub)"
}

@test "what is refused changes nothing" {
    fails 4 bk-slots --rewrap -i old.pem --drop "$old" app.bk
    matches "a slot must be left" "$stderr"
    unchanged
    fails 2 bk-slots --rewrap -i old.pem -r new.pub --drop 0123456789abcdef app.bk
    matches "no slot with the key id '0123456789abcdef'" "$stderr"
    fails 2 bk-slots --rewrap -i old.pem -r new.pub --drop "" app.bk
    fails 2 bk-slots --rewrap -i old.pem app.bk
    fails 2 bk-slots --rewrap -J -i old.pem -r new.pub app.bk
    fails 1 bk-slots --rewrap -i other.pem -r new.pub app.bk
    matches "none of your keys opens this backup" "$stderr"
    fails 2 bk-slots --rewrap -r new.pub app.bk
    fails 1 bk-slots --rewrap -i old.pem -r absent.pub app.bk
    fails 2 bk-slots --rewrap -i old.pem -r old.pem app.bk
    fails 1 bk-slots --rewrap -i old.pem --wrap false app.bk
    unchanged
    cp plain unsealed
    fails 3 bk-slots --rewrap -i old.pem -r new.pub unsealed
    cmp plain unsealed
    head -c -1 app.bk | tail -c +2 >bad.bk
    fails 3 bk-slots --rewrap -i old.pem -r new.pub bad.bk
    frames set HEAD 0 "slots-mac=$(printf '%064d' 0)" <app.bk >forged.bk # slots of somebody else
    cp forged.bk forged
    fails 3 bk-slots --rewrap -i old.pem -r new.pub forged.bk
    cmp forged forged.bk
}

@test "no room in the file is status 4; the filter makes HEAD longer, and leaves the rest" {
    local n files=()
    for n in {1..20}; do
        openssl genpkey -algorithm X25519 | openssl pkey -pubout -out "$n.pub"
        files+=(-r "$n.pub")
    done
    fails 4 bk-slots --rewrap -i old.pem "${files[@]}" app.bk
    matches "no room.*hint: .*< FILE" "$stderr"
    unchanged
    bk-slots --rewrap -i old.pem "${files[@]}" -r new.pub --drop "$old" <app.bk >longer.bk
    (($(head_bytes longer.bk) > $(head_bytes app.bk) && $(head_bytes longer.bk) % 4096 == 0))
    same "$(ids longer.bk | wc -l)" 21
    cmp <(behind longer.bk) <(behind app.bk)
    same "$(kept longer.bk)" "$(kept app.bk)"
    bk-verify -n <longer.bk 2>err
    grep -q index err
    opens longer.bk -i new.pem
    fails 1 bk-seal -d -i old.pem <longer.bk
    bk-slots --rewrap -i new.pem -r other.pub longer.bk # there is room again
    opens longer.bk -i other.pem
    unchanged
}

@test "HEAD can be filled to its last byte, and not beyond" {
    local label room n left filled=0
    for label in app appl; do # one byte more, for a slot has an even number of them
        mkstream --label $label | bk-seal -r old.pub >full
        room=$(bk-slots -J full | jq .room)
        for ((n = (room - 28) / 2 - 1; n <= (room - 28) / 2 + 5; n++)); do
            cp full full.bk
            left=$((room - 28 - 2 * n)) # "slot: cmd ", the id, " ", the blob in hex, newline
            if ((left >= 0 || left == -6)); then # without a line "pad: "
                fails 0 bk-slots --rewrap -i old.pem --wrap "head -c $n /dev/zero" full.bk
                same "$(bk-slots -J full.bk | jq .room)" $((left > 0 ? left : 0))
                same "$(head_bytes full.bk)" "$(head_bytes full)"
                bk-seal -d -i old.pem <full.bk | cmp - <(bk-seal -d -i old.pem <full)
                filled=$((filled + (left <= 0)))
            else
                fails 4 bk-slots --rewrap -i old.pem --wrap "head -c $n /dev/zero" full.bk
                cmp full full.bk
            fi
        done
    done
    same $filled 2
}

@test "the filter gives no END when its input has none" {
    pipe "head -c 5000 app.bk | bk-slots --rewrap -i old.pem -r new.pub | bk-put x.bk"
    same "$stages" "0 3 3"
    [[ ! -e x.bk ]]
    pipe "bk-slots --rewrap -i other.pem -r new.pub <app.bk | bk-put x.bk"
    same "$stages" "1 3"
    pipe "bk-slots --rewrap -i old.pem -r new.pub <plain | bk-put x.bk"
    same "$stages" "3 3"
    pipe "bk-seal -r old.pub <plain | bk-slots --rewrap -i old.pem -r new.pub --drop $old | bk-put -q x.bk"
    same "$stages" "0 0 0"
    opens x.bk -i new.pem
}

# still_opens: by the old key or by the new one, but not by both; then the next run makes it whole.
still_opens() {
    local rc=0 key=old
    cmp <(behind app.bk) <(behind before.bk) || return
    if ! opens app.bk -i old.pem 2>/dev/null; then
        key=new
        opens app.bk -i new.pem || return
    fi
    same "$(ids app.bk 2>/dev/null)" "$(id_of $key.pub)" || return
    bk-slots --rewrap -i $key.pem -r new.pub -r other.pub app.bk 2>err || return
    [[ ! -e .app.bk.head ]] || return
    opens app.bk -i new.pem && opens app.bk -i other.pem && bk-verify -q -n <app.bk
}

@test "killed before each call that changes a file, it leaves a backup that opens" {
    local n bytes calls setting torn=0 wants
    need_shim
    [[ $(head_bytes app.bk) == 4096 ]]
    for setting in SHIM_ONE=0 SHIM_NO_TMPFILE=1; do
        wants="fchown,fchmod,writev,fsync,linkat,fsync of a folder,pwrite,fsync,unlink,fsync of a folder"
        [[ $setting != SHIM_NO_TMPFILE=1 ]] ||
            wants="fchown,fchmod,writev,fsync,link,fsync of a folder,unlink,pwrite,fsync,unlink,fsync of a folder"
        rm -f calls
        cp before.bk app.bk
        shim $setting SHIM_CALLS="$PWD/calls" bk-slots --rewrap -i old.pem -r new.pub --drop "$old" app.bk
        same "$(paste -sd , calls)" "$wants"
        calls=$(wc -l <calls)
        for ((n = 1; n <= calls; n++)); do
            for bytes in "" :1 :30 :47 :100 :600 :4095; do
                rm -f .*.head*
                cp before.bk app.bk
                shim $setting SHIM_KILL="$n$bytes" bk-slots --rewrap -i old.pem -r new.pub --drop "$old" app.bk
                [[ $rc == 137 ]]
                bk-verify -q -n <app.bk 2>/dev/null || torn=$((torn + 1))
                still_opens || {
                    echo "killed: $setting $n$bytes" >&2
                    return 1
                }
                [[ $(sed -n "${n}p" calls) == *write* ]] || break
            done
        done
        cp before.bk app.bk
        rm -f .*.head*
        shim $setting SHIM_KILL=$((calls + 1)) bk-slots --rewrap -i old.pem -r new.pub --drop "$old" app.bk
        same "$rc" 0
    done
    ((torn >= 6)) # else nothing was tried
}

@test "a HEAD that is part old and part new is read from the file beside it" {
    local n
    need_shim
    chmod 640 app.bk
    shim SHIM_KILL=7 bk-slots --rewrap -i old.pem -r new.pub --drop "$old" app.bk
    same "$(stat -c %a .app.bk.head)" 640
    cmp app.bk before.bk
    cp .app.bk.head beside
    for n in {0..7}; do # blocks of 512 bytes reach the disk in any order
        cp before.bk app.bk
        dd if=beside of=app.bk bs=512 seek="$n" skip="$n" count=1 conv=notrunc status=none
        opens app.bk -i new.pem
        bk-slots app.bk 2>/dev/null | grep -q "$(id_of new.pub)"
        dd if=beside of=app.bk bs=512 count="$n" conv=notrunc status=none
        opens app.bk -i new.pem
        cp beside .app.bk.head
        fails 0 bk-slots --rewrap -i new.pem -r other.pub app.bk
        matches "finished what an earlier bk-slots had begun" "$stderr"
        opens app.bk -i other.pem
        opens app.bk -i new.pem
        [[ ! -e .app.bk.head ]]
        cp beside .app.bk.head
    done
}

@test "a file beside it that is not its own is not used, and not removed" {
    local beside
    bk-seal -r other.pub <plain >other.bk
    head -c 4096 other.bk >foreign
    head -c 4000 before.bk >short
    head -c 4097 before.bk >long
    (head -c 4095 before.bk && echo x) >damaged
    : >empty
    head -c 8000000 /dev/zero >large
    head -c "$(head_bytes plain)" plain >unsealed
    for beside in foreign short long damaged empty large unsealed; do
        cp $beside .app.bk.head
        opens app.bk -i old.pem
        fails 0 bk-get app.bk
        matches "warning: '.*/.app.bk.head' is not a HEAD of '.*app.bk'" "$stderr"
        fails 4 bk-slots --rewrap -i old.pem -r new.pub app.bk
        matches "is not a HEAD of 'app.bk'.*hint: look what it is" "$stderr"
        cmp $beside .app.bk.head
        cmp app.bk before.bk
        rm .app.bk.head
    done
    mkfifo .app.bk.head
    fails 0 bk-get app.bk
    rm .app.bk.head
    ln -s before.bk .app.bk.head
    fails 4 bk-slots --rewrap -i old.pem -r new.pub app.bk
    rm .app.bk.head
    bk-slots --rewrap -i old.pem -r new.pub app.bk
}

@test "a disk that is full or fails: the old HEAD, or the new one beside" {
    need_shim
    shim SHIM_WRITE=1:28 bk-slots --rewrap -i old.pem -r new.pub app.bk
    same "$rc" 1
    grep -q "cannot write '.*/.app.bk.head': No space left on device" err
    unchanged
    for setting in SHIM_FSYNC=5 SHIM_FSYNC_DIR=5; do
        shim $setting bk-slots --rewrap -i old.pem -r new.pub app.bk
        same "$rc" 1
        unchanged
        shim SHIM_NO_TMPFILE=1 $setting bk-slots --rewrap -i old.pem -r new.pub app.bk
        same "$rc" 1
        unchanged
    done
    shim SHIM_WRITE=2:28 bk-slots --rewrap -i old.pem -r new.pub app.bk
    same "$rc" 1
    grep -q "cannot write to '.*/app.bk': No space left" err
    grep -q "hint: the new HEAD is in '.*/.app.bk.head': bk-get uses it" err
    cmp app.bk before.bk
    opens app.bk -i new.pem
    bk-slots --rewrap -q -i new.pem --drop "$old" app.bk
    same "$(ids app.bk)" "$(id_of new.pub)"
}

@test "calls that take one byte, and calls that are interrupted, change nothing" {
    local setting
    need_shim
    for setting in SHIM_ONE=1 SHIM_EINTR=2; do
        cp before.bk app.bk
        shim $setting bk-slots --rewrap -i old.pem -r new.pub --drop "$old" app.bk
        same "$rc" 0
        opens app.bk -i new.pem
        shim $setting bk-get app.bk >got
        cmp got app.bk
    done
}

@test "a file that cannot be written, or that another bk-slots is at" {
    chmod 400 app.bk
    if ((EUID != 0)); then
        fails 1 bk-slots --rewrap -i old.pem -r new.pub app.bk
        matches "cannot open 'app.bk' to write to it: Permission denied" "$stderr"
        unchanged
    fi
    bk-slots app.bk
    chmod 600 app.bk
    exec 7<app.bk
    flock 7
    fails 4 bk-slots --rewrap -i old.pem -r new.pub app.bk 7<&-
    matches "another bk-slots is at work on 'app.bk'" "$stderr"
    unchanged
    bk-slots app.bk      # looking is free
    opens app.bk -i old.pem
    exec 7<&-
    bk-slots --rewrap -i old.pem -r new.pub app.bk
}

@test "a link is followed, and what lies beside the file itself is found" {
    need_shim
    mkdir links
    ln -s ../app.bk links/l.bk
    shim SHIM_KILL=7:700 bk-slots --rewrap -i old.pem -r new.pub --drop "$old" links/l.bk
    [[ -e .app.bk.head && -L links/l.bk ]]
    opens links/l.bk -i new.pem
    opens app.bk -i new.pem
    (cd links && bk-slots --rewrap -q -i ../new.pem -r ../other.pub l.bk)
    opens app.bk -i other.pem
    [[ -L links/l.bk && ! -e .app.bk.head ]]
}

@test "no secret is in its words" {
    local word
    head -c 32 /dev/urandom | od -An -tx1 -v | tr -d ' \n' >a.key
    echo "correct horse" >pass
    bk-slots --rewrap -v -i old.pem --new-key a.key --new-passphrase-file pass app.bk 2>err && return 1
    bk-slots --rewrap -v -i old.pem --new-key a.key app.bk 2>>err
    bk-slots --rewrap -v -k a.key --new-passphrase-file pass app.bk 2>>err
    BACKUP_ENCRYPTION_KEY="wrong horse" bk-slots --rewrap -v -r new.pub app.bk 2>>err && return 1
    bk-slots app.bk >>err
    for word in "$(cat a.key)" horse; do
        run ! grep -q "$word" err
    done
}
