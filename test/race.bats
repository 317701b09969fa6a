#!/usr/bin/env bats
# bk-dump while others write and alter. The two scripts say what they do; `make test-long` runs many more rounds of them.

load helper

@test "dumps while pgbench writes: each holds the state of one moment" {
    "$ROOT/test/long/consistency.sh" 5
}

@test "dumps while tables are altered: none lacks rows" {
    "$ROOT/test/long/ddl.sh" 10
}
