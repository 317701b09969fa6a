# shellcheck shell=bash
# setup_suite.bash - one throw-away PostgreSQL server for the whole run, however many tests run side by side.
#
# With $BK_TEST_PGHOST (and libpq's other variables) the tests use a server that is already there, as a superuser of it.

setup_suite() {
    if [[ ${BK_TEST_PGHOST:-} ]]; then
        export PGHOST=$BK_TEST_PGHOST
        return
    fi
    # Not below bats' own folder: a socket's name must be short, and the server's user must get there.
    BK_TEST_SERVER=$(mktemp -d)
    export BK_TEST_SERVER
    local environment
    environment=$("$BATS_TEST_DIRNAME/pg.sh" start "$BK_TEST_SERVER")
    eval "$environment"
}

teardown_suite() {
    if [[ ${BK_TEST_SERVER:-} ]]; then
        "$BATS_TEST_DIRNAME/pg.sh" stop "$BK_TEST_SERVER" || rm -rf "$BK_TEST_SERVER"
    fi
}
