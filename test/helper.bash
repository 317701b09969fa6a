# shellcheck shell=bash
# helper.bash - what the tests share. Each test file begins with `load helper`.
#
# Tests run side by side and in any order, so a test makes its own databases and keeps its files in $BATS_TEST_TMPDIR.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BUILD=${BUILD:-build} # where make put the programs, as in the Makefile
[[ $BUILD == /* ]] || BUILD=$ROOT/$BUILD
PATH=$BUILD:$PATH

# newdb [CREATEDB-OPTION...]: makes an empty database, prints its name, and drops it after the test.
newdb() {
    local list=$BATS_TEST_TMPDIR/databases name
    touch "$list"
    # Two runs may share a server, hence the process id.
    name=bk_test_${BATS_SUITE_TEST_NUMBER}_$$_$(wc -l <"$list")
    willdrop "$name"
    createdb -T template0 "$@" "$name" >&2
    echo "$name"
}

# willdrop NAME: drops a database after the test, if it is there then; for those that the tools make.
willdrop() {
    echo "$1" >>"$BATS_TEST_TMPDIR/databases"
}

# newrole [CREATEUSER-OPTION...]: makes a role, prints its name, and drops it after the test and its databases.
newrole() {
    local list=$BATS_TEST_TMPDIR/roles name
    touch "$list"
    name=bk_role_${BATS_SUITE_TEST_NUMBER}_$$_$(wc -l <"$list")
    echo "$name" >>"$list"
    createuser "$@" "$name" >&2
    echo "$name"
}

# A test file with a teardown of its own calls this one from it.
drop_all() {
    local name
    touch "$BATS_TEST_TMPDIR"/{databases,roles}
    while read -r name; do
        dropdb --if-exists --force "$name" 2>&1 </dev/null
    done <"$BATS_TEST_TMPDIR/databases"
    while read -r name; do
        dropuser --if-exists "$name" 2>&1 </dev/null
    done <"$BATS_TEST_TMPDIR/roles"
}

teardown() {
    drop_all
}

# sql DB [STATEMENT]: runs SQL, from standard input without STATEMENT, and prints bare values. An error fails the test.
sql() {
    if (($# > 1)); then
        psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2"
    else
        psql -X -q -At -v ON_ERROR_STOP=1 -d "$1"
    fi
}

# fails STATUS COMMAND...: the command must end with this very status. Leaves $output and $stderr to look at.
# Status 0 is allowed, for a command whose words are looked at.
# shellcheck disable=SC2154 # run sets them
fails() {
    local want=$1
    shift
    run --separate-stderr "$@"
    if [[ $status != "$want" ]]; then
        printf 'status %s and not %s from: %s\n%s\n%s\n' "$status" "$want" "$*" "$output" "$stderr" >&2
        return 1
    fi
}

# pipe PIPELINE: runs it in a shell of its own. $stages is the status of each stage, as "0 0 3"; $status is that of the
# last stage that failed; $output and $stderr are what came out. It never fails by itself: look at $stages.
# shellcheck disable=SC2034 # the tests read them
pipe() {
    local file=$BATS_TEST_TMPDIR/stages
    run --separate-stderr bash -c "set -o pipefail
$1
rc=\$? stages=\"\${PIPESTATUS[*]}\"
echo \"\$stages\" >'$file'
exit \$rc"
    stages=$(cat "$file")
}

# matches REGEX [TEXT]: TEXT, or else $output, must match the extended regular expression.
matches() {
    local text=${2-$output}
    if [[ ! $text =~ $1 ]]; then
        printf 'does not match /%s/:\n%s\n' "$1" "$text" >&2
        return 1
    fi
}

# same A B: two texts must be equal.
same() {
    diff <(printf '%s\n' "$1") <(printf '%s\n' "$2") >&2
}

# wait_until COMMAND...: until the command is true, for up to 30 seconds. The only place where tests may sleep: what a
# test waits for must be something that it can ask for, never time.
wait_until() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        if ((SECONDS >= deadline)); then
            printf 'waited in vain for: %s\n' "$*" >&2
            return 1
        fi
        sleep 0.05
    done
}

# Are the programs built with a sanitizer?
sanitized() {
    nm "$BUILD/bk-gz" 2>/dev/null | grep -Eq '__(asan|tsan|ubsan)_'
}
