#!/bin/bash
# ddl.sh [-k KIND,...] ROUNDS [SEED] - does a dump that is taken while tables are altered ever lack rows?
#
# In each round a database is dumped, and up to three sessions alter it at random moments meanwhile: see ddl.sql. Its
# table app.expected always says what is in all others, so a copy shows by itself whether it is of one moment. The dump
# must end with status 0, and with a copy that agrees; or, if what is altered is more than tables, with status 1, words,
# and no END. $BUILD is where the programs are.
#
# In some rounds another session has locked a table when the dump begins, so that it waits between its locks; in others
# nobody reads the dump beyond some byte until the sessions have done what they can.
#
# Status 1 if a dump was wrong, or if fewer than half of them ended with status 0, or if fewer than an eighth of the
# alterations could be made. With -k, only these kinds.
# shellcheck source=test/long/race.bash
source "${BASH_SOURCE[0]%/*}/race.bash"

kinds=(rename-view replace-function truncate truncate-two truncate-big truncate-partitions drop rewrite add-column migrate attach detach vacuum-full cluster
    create-as rename swap replace enum refresh drop-schema reindex reindex-big replace-view replace-sequence
    swap-schemas)

# What no lock on a table keeps; or locks something else first and then waits for a table, which may end in a deadlock.
may_fail=' migrate drop-schema replace-view replace-sequence swap-schemas rename-view replace-function '

while getopts k: option; do
    case $option in
    k) IFS=, read -ra kinds <<<"$OPTARG" ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [[ ! ${1:-} =~ ^[1-9][0-9]*$ ]]; then
    echo 'usage: ddl.sh [-k KIND,...] ROUNDS [SEED]' >&2
    exit 2
fi
rounds=$1
begin_random "${2:-}"
here=$PWD/test/long

# shuffle: the kinds, in an order of chance.
shuffle() {
    local i kind
    for ((i = ${#kinds[@]} - 1; i > 0; i--)); do
        below $((i + 1))
        kind=${kinds[i]} kinds[i]=${kinds[number]} kinds[number]=$kind
    done
}

# one_in N: by chance.
one_in() {
    below "$1"
    ((number == 0))
}

# statements KIND R LINGER
statements() {
    case $1 in
    vacuum-full) printf '%s\n' "SELECT 'VACUUM (FULL) ' || app.choose('plain', $2) \\gexec" ;;
    enum) printf '%s\n' "CALL app.change('enum', $2, $3);" "CALL app.change('enum-use', $2, $3);" ;;
    *) printf '%s\n' "CALL app.change('$1', $2, $3);" ;;
    esac
}

# alter N KIND MS R LINGER PATIENCE: a session that does it at that time. It says how far the dump is then, and what came of it.
alter() {
    PGAPPNAME=alter PGOPTIONS="-c client_min_messages=warning -c lock_timeout=$6" sql source >"$dir/alter.$1" 2>&1 <<END &
CALL app.sleep_until($3);
SELECT app.phase();
$(statements "$2" "$4" "$5")
\\echo it is done
END
    sessions+=("$!")
}

# hold TABLE MS: a session that has locked the table until then.
hold() {
    sql source <<END &
BEGIN;
LOCK TABLE app.$1 IN ACCESS EXCLUSIVE MODE;
CALL app.sleep_until($2);
COMMIT;
END
    sessions+=("$!")
}

# gate BYTES: lets so many pass; the others when all who alter are done, or wait for a lock. 0: is no gate.
gate() {
    if (($1 > 0)); then
        head -c "$1"
        sql source "DO \$\$ BEGIN
            WHILE EXISTS (SELECT FROM pg_stat_activity
                WHERE application_name = 'alter' AND wait_event_type IS DISTINCT FROM 'Lock') LOOP
                PERFORM pg_stat_clear_snapshot(), pg_sleep(0.005);
            END LOOP;
        END \$\$"
    fi
    exec cat
}

# dump JOBS MS BYTES: one that begins at that time. A dump that waits for ever is ended.
dump() {
    sql source "CALL app.sleep_until($2)"
    timeout 100 bk-dump -v -d source -j "$1" 2>"$dir/words" | gate "$3" >"$dir/dump.bk"
    return "${PIPESTATUS[0]}"
}

# look BEFORE: what is wrong with the copy? Nothing may be missing that was there before.
look() {
    local copied lines
    copied=$(sql copy 'SELECT count(*) FROM app.ledger') lines=$(sql source 'SELECT count(*) FROM app.ledger')
    if ((copied < $1 || copied > lines)); then
        echo "the ledger has $copied lines, not $1 to $lines"
    fi
    sql copy 'SELECT * FROM app.wrong()'
}

# judge STATUS BEFORE KIND: sets $verdict, and $wrong.
judge() {
    local code=0
    wrong=
    case $1 in
    0)
        verdict=agrees
        createdb -T template0 copy
        bk-load -q -d copy -j 2 <"$dir/dump.bk" 2>"$dir/load" || wrong=$(<"$dir/load")$'\ncannot be loaded'
        [[ $wrong ]] || wrong=$(look "$2" 2>&1) || wrong+=$'\ncannot be looked at'
        dropdb copy
        ;;
    1)
        verdict=failed
        bk-verify -nq <"$dir/dump.bk" 2>/dev/null || code=$?
        ((code == 3)) || wrong="bk-verify finds status $code"
        [[ $may_fail == *" $3 "* ]] || wrong+=$'\nit need not have failed'
        grep -v '^bk-dump: \(using\|beginning again\)' "$dir/words" | grep -q '^bk-dump: ' || wrong+=$'\nno words'
        ;;
    124) wrong='waits for ever' ;;
    *) wrong="status $1" ;;
    esac
    [[ -z $wrong ]] || verdict=WRONG
}

# Adds up, by kind and by phase, what came of the alterations; sets $deeds to a few words for each.
count_alterations() {
    local file phase deed
    deeds=
    for file in "$dir"/alter.*; do
        read -r phase <"$file"
        if grep -qx 'it is done' "$file"; then
            deed=made
            made=$((made + 1)) made_of[$1]=$((${made_of[$1]:-0} + 1))
        elif grep -q 'lock timeout' "$file"; then
            deed='gave up'
        elif grep -q 'deadlock detected' "$file"; then
            deed=deadlock
        else
            deed=refused
            refusals+=$1:$(<"$file")$'\n'
        fi
        deeds+=", $phase: $deed"
        alterations=$((alterations + 1))
        at[$phase]=$((${at[$phase]:-0} + 1))
    done
    deeds=${deeds#, }
}

# sessions BEGIN MS KIND: up to three sessions alter things in a dump that begins then and takes so long.
sessions() {
    local count=$((1 + RANDOM % 3)) i moment r linger=0
    for ((i = 0; i < count; i++)); do
        below $(($2 + 30))
        moment=$number
        if one_in 2; then # more of them at the beginning
            moment=$((moment / 3))
        fi
        if one_in 4; then
            linger=$((RANDOM % 300))
        fi
        below 10000
        r=$number
        alter "$i" "$3" $(($1 + moment)) "$r" "$linger" $((typical + RANDOM % 500))
    done
}

# round N KIND: prints a line, and what is wrong.
round() {
    local kind=$2 jobs=$((1 << RANDOM % 3)) length=$typical bytes=0 tables=(first middle last) table
    local begin before status=0 again sessions=() notes=''
    sql source "SET client_min_messages = warning; CALL app.tidy($RANDOM)"
    before=$(sql source 'SELECT count(*) FROM app.ledger')
    rm -f "$dir"/alter.*
    begin=$(($(now) + 150)) # by then all sessions are there
    if one_in 3; then
        table=${tables[RANDOM % 3]}
        below 400
        length=$((length + number))
        hold "$table" $((begin + number))
        notes+=", $table held"
    fi
    if one_in 3; then
        below "$size"
        bytes=$((number + 1))
        notes+=", gate"
    fi
    sessions "$begin" "$length" "$kind"
    dump "$jobs" "$begin" "$bytes" || status=$?
    wait "${sessions[@]}" || true
    judge "$status" "$before" "$kind"
    count_alterations "$kind"
    again=$(grep -c 'beginning again' "$dir/words") || true
    if ((again > 0)); then
        notes+=", began again $again times"
        began_again=$((began_again + 1))
    fi
    printf '%3d  %s: %s, -j %d%s: %s\n' "$1" "$kind" "$deeds" "$jobs" "$notes" "$verdict"
    count_verdict "$kind"
}

# Adds up, by kind, what came of the dump, and prints its words if it did not end with status 0.
count_verdict() {
    local words
    rounds_of[$1]=$((${rounds_of[$1]:-0} + 1))
    case $verdict in
    agrees)
        good=$((good + 1)) good_of[$1]=$((${good_of[$1]:-0} + 1))
        return
        ;;
    failed)
        words=$(<"$dir/words")
        ;;
    WRONG)
        words=$(<"$dir/words")$'\n'$wrong
        bad=$((bad + 1))
        ;;
    esac
    printf '     %s\n' "${words//$'\n'/$'\n'     }"
}

report() {
    local kind
    echo
    printf '%-20s %6s %7s %12s\n' kind dumps status0 alterations
    for kind in "${!rounds_of[@]}"; do
        printf '%-20s %6d %7d %12d\n' "$kind" "${rounds_of[$kind]}" "${good_of[$kind]:-0}" "${made_of[$kind]:-0}"
    done | sort
    echo
    for phase in "${!at[@]}"; do
        printf 'altered at: %-20s %d\n' "$phase" "${at[$phase]}"
    done
    [[ -z $refusals ]] || printf '\nrefused by the server:\n%s' "$refusals"
    echo
    echo "$rounds dumps: $good ended with status 0, $((rounds - good - bad)) with status 1, $bad were wrong; $began_again began again"
    echo "$alterations alterations, of which $made were made"
}

declare -A rounds_of=() good_of=() made_of=() at=()
good=0 bad=0 began_again=0 alterations=0 made=0 refusals=''
start_server deadlock_timeout=200ms
createdb -T template0 source
sql source <"$here/ddl.sql"
bk-dump -q -d source -j 2 >/dev/null
typical=$(now)
size=$(bk-dump -q -d source -j 2 | wc -c)
typical=$(($(now) - typical))
echo "seed $seed; a dump that nobody disturbs takes $(seconds "$typical") s and has $size bytes"
for ((i = 0; i < rounds; i++)); do
    ((i % ${#kinds[@]})) || shuffle
    round $((i + 1)) "${kinds[i % ${#kinds[@]}]}"
done
report
((bad == 0 && good * 2 >= rounds && made * 8 >= alterations))
