#!/bin/sh
# run.sh PROGRAM... - runs the unit tests one after the other, and prints the sum of what they count. What a program says
# is shown if something failed in it, or with V=1. One that ends without its last line (a crash) is one failure.

passed=0 failed=0
for program; do
    said=$("$program" 2>&1)
    status=$?
    last=$(printf '%s\n' "$said" | tail -n 1)
    case $last in
    *": "*" passed, "*" failed")
        counts=${last##*: }
        passed=$((passed + ${counts%% *}))
        counts=${counts#*, }
        failed=$((failed + ${counts%% *}))
        if [ "$status" != 0 ] && [ "${counts%% *}" = 0 ]; then # a sanitizer that found something at the end
            failed=$((failed + 1))
            echo "$program: all passed, but it ended with status $status"
        fi
        ;;
    *)
        failed=$((failed + 1))
        echo "$program: ended with status $status and without a count"
        status=1
        ;;
    esac
    if [ "$status" != 0 ] || [ "${V:-}" ]; then
        printf '%s\n' "$said"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
