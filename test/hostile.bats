# Streams whose ITEMs say odd things: a clear failure, and no SQL but what is meant.

load helper
load db

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

# backup: a small database, and its backup in $file. Item 1 is the database, item 3 the table t.
backup() {
    a=$(newdb)
    sql "$a" 'CREATE TABLE t (x int); INSERT INTO t VALUES (1); CREATE TABLE canary (x int)'
    bk-dump -d "$a" >"$file"
}

# load_odd DB ITEM WORD... [-- OPTION...]: the backup with these fields changed. Leaves $status and $stderr.
load_odd() {
    local db=$1 item=$2 words=()
    shift 2
    while (($# > 0)) && [[ $1 != -- ]]; do
        words+=("$1")
        shift
    done
    "$frames" set ITEM "$item" "${words[@]}" <"$file" >"$file.odd"
    run --separate-stderr bk-load -q -d "$db" "${@:2}" <"$file.odd"
}

relations() {
    sql "$1" "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
}

has_no_settings() {
    same "$(sql postgres "SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = '$1'")" 0
    same "$(sql postgres "SELECT pg_get_userbyid(datdba), datacl IS NULL, datconnlimit, shobj_description(oid, 'pg_database') IS NULL
        FROM pg_database WHERE datname = '$1'")" 'bk|t|-1|t'
}

@test "a selection that this bk does not know is not taken for none" {
    backup
    b=$(newdb)
    for line in 'nonsense x' 'Data-only' 'data-only ' 'table' 'table ' 'table "t' 'table a.b.c' 'tables t' 'schema public.t' ' table t'; do
        load_odd "$b" 1 "select=$line"
        same "$status $line" "3 $line"
        matches "the backup is limited to '.*', which this bk does not know" "$stderr"
        is_untouched "$b"
    done
    # All lines are looked at.
    load_odd "$b" 1 +select='table *' +select='sometimes'
    same "$status" 3
    is_untouched "$b"
    # A regular expression is for the server to judge.
    for line in 'table a[' 'schema (' 'exclude-table a{2,1}' 'exclude-table-data nosuch.+'; do
        load_odd "$b" 1 "select=$line"
        same "$status $line" "3 $line"
        matches "a pattern that the backup is limited to, '.*' is not one that the server takes" "$stderr"
        is_untouched "$b"
    done
    # What the server cannot read at all.
    load_odd "$b" 1 "select=table $(printf '\xff')"
    same "$status" 1
    is_untouched "$b"
}

@test "patterns, owners and extensions that look like SQL are names" {
    backup
    b=$(newdb)
    load_odd "$b" 1 "select=exclude-table x'; DROP TABLE canary; --"
    same "$status $stderr" '0 '
    "$cmpdb" "$a" "$b"
    b=$(newdb)
    for line in "needs-owner=x'; CREATE TABLE evil (); --" "needs-grantee=x') OR true --" "needs-role=x" "needs-setting-role='" \
        "needs-tablespace='" "extension=x'; CREATE TABLE evil (); -- 1.0" 'extension=' "needs-owner=$(printf 'x\ny')"; do
        load_odd "$b" 1 "+$line"
        same "$status $line" "1 $line"
        matches 'lacks what the backup needs' "$stderr"
        is_untouched "$b"
    done
}

@test "properties of the database that are none: refused before anything is changed" {
    backup
    b=$(newdb)
    for line in nospace '"unended work_mem=1MB' '"' '""' '-' '- ' '- work_mem' '- =1' '"a"b work_mem=1MB' 'bk" work_mem'; do
        load_odd "$b" 1 "setting=$line"
        same "$status $line" "3 $line"
        matches 'a setting of the database in the backup is none' "$stderr"
        is_untouched "$b"
        has_no_settings "$b"
    done
    for line in "setting=- x.y'; DROP TABLE t; --=1" 'setting=- a"b.c=1' 'setting=- work_mem=lots' 'setting="" work_mem=1MB' \
        'setting="no body" work_mem=1MB' 'acl=nonsense' 'acl=bk=CTc/bk}' 'acl=bk=CTc/nobody' "acl='); DROP TABLE t; --" 'acl='; do
        load_odd "$b" 1 '+acl=bk=CTc/bk' "+$line"
        same "$status $line" "1 $line"
        matches "cannot (read|set) the database's properties: ERROR" "$stderr"
        matches 'hint: --no-properties' "$stderr"
        is_untouched "$b"
        has_no_settings "$b"
    done
    for line in 'owner=no body' 'owner=bk"; DROP TABLE t; --' 'connection-limit=many' 'connection-limit=5; DROP TABLE t' 'connection-limit=-7'; do
        load_odd "$b" 1 "$line"
        same "$status $line" "1 $line"
        matches "cannot (read|set) the database's properties: ERROR|lacks what the backup needs: owner of the database" "$stderr"
        is_untouched "$b"
        has_no_settings "$b"
    done
    load_odd "$b" 1 +setting=nospace +acl=nonsense 'owner=no body' -- --no-properties --no-owner
    same "$status $stderr" '0 '
}

@test "values that look like SQL arrive as they are" {
    backup
    b=$(newdb)
    comment="it's x'; DROP TABLE canary; -- \\"
    list='"a, b"; drop table canary, d'
    load_odd "$b" 1 "comment=$comment" "+setting=- my.words=$comment" "+setting=- my.empty=" "+setting=- my.equals=a=b=" \
        "+setting=bk my.words=$comment" "+setting=- search_path=$list"
    same "$status $stderr" '0 '
    same "$(sql "$b" "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$b'")" "$comment"
    same "$(sql "$b" "SELECT current_setting('my.words'), current_setting('my.empty') = '', current_setting('my.equals')")" "$comment|t|a=b="
    same "$(sql postgres "SELECT setconfig[1] FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE datname = '$b' AND setrole <> 0")" "my.words=$comment"
    sql "$b" 'SELECT FROM public.canary'
    # Of a list in which a quote does not end, words come of it, and no more.
    c=$(newdb)
    load_odd "$c" 1 "+setting=- search_path=\"a, b'; DROP TABLE canary"
    same "$status $stderr" '0 '
    sql "$c" 'SELECT FROM public.canary'
}

@test "a table with many ancestors, or with half of one" {
    backup
    b=$(newdb) c=$(newdb) d=$(newdb) e=$(newdb)
    words=()
    for i in {1..3000}; do
        words+=("+ancestor-schema=s$i" "+ancestor-name=it's \"$i\"")
    done
    load_odd "$b" 3 "${words[@]}" -- -t "\"it's \"\"3001\"\"\""
    same "$status" 1
    matches 'matches no table' "$stderr"
    is_untouched "$b"
    # The definitions know of no ancestors; but the rows are those of t.
    load_odd "$b" 3 "${words[@]}" -- -t "\"it's \"\"2999\"\"\"" --via-root
    same "$status $stderr" '0 '
    same "$(relations "$b") $(sql "$b" 'SELECT count(*) FROM t')" 't 1'
    load_odd "$e" 3 "${words[@]}" -- --exclude-table "\"it's \"\"2999\"\"\""
    same "$status $stderr" '0 '
    same "$(relations "$e")" canary
    load_odd "$c" 3 +ancestor-schema=public -- -t t --via-root # there is no name behind it
    same "$status" 0
    same "$(sql "$c" 'SELECT count(*) FROM t')" 1
    load_odd "$d" 3 +ancestor-name=canary +ancestor-schema=public +ancestor-schema=public -- --exclude-table canary
    same "$status" 0
    same "$(sql "$d" 'SELECT count(*) FROM t')" 1
}
