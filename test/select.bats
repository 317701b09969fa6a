# What is selected of a database, on the way out and on the way in.

load helper
load db

setup() {
    file=$BATS_TEST_TMPDIR/a.bk
}

# A shop: tables that need types, functions, sequences and each other, in two schemas.
shop() {
    local db
    db=$(newdb)
    sql "$db" >/dev/null 2>"$BATS_TEST_TMPDIR/shop" <<'SQL'
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE FUNCTION shop.loud(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t)';
CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := coalesce(NEW.at, ''2020-01-01''); RETURN NEW; END';
CREATE TABLE shop.customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE INDEX customers_loud ON shop.customers (shop.loud(name));
CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int REFERENCES shop.customers, state shop.state, at date);
CREATE TRIGGER stamp BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
COMMENT ON TABLE shop.orders IS 'what was ordered';
CREATE VIEW shop.paid AS SELECT * FROM shop.orders WHERE state = 'paid';
CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY LIST (id);
CREATE TABLE events_rest_1 PARTITION OF events_rest DEFAULT;
CREATE INDEX ON events (id);
CREATE TABLE "Orders" (x int);
CREATE TABLE log (line text, customer int REFERENCES shop.customers);
CREATE TABLE orders (y int);
INSERT INTO shop.customers (name) SELECT 'name ' || i FROM generate_series(1, 20) i;
INSERT INTO shop.orders (customer, state) SELECT i % 20 + 1, 'paid' FROM generate_series(1, 50) i;
INSERT INTO events SELECT i, '2020-06-01'::date + i * 10 FROM generate_series(1, 40) i;
INSERT INTO "Orders" VALUES (1);
INSERT INTO orders VALUES (2);
INSERT INTO log SELECT 'line', i % 20 + 1 FROM generate_series(1, 100) i;
SELECT lo_from_bytea(7, 'large');
CREATE PUBLICATION all_of_it FOR TABLE shop.orders;
SQL
    echo "$db"
}

# relations DB: tables, views and sequences, but for extensions'.
relations() {
    sql "$1" "SELECT string_agg(c.oid::regclass::text, ' ' ORDER BY c.oid::regclass::text COLLATE \"C\") FROM pg_class c
        WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relnamespace::regnamespace::text IN ('public', 'shop')"
}

rows() {
    sql "$1" "SELECT count(*) FROM $2"
}

# load_part DB OPTION...: from $file, into an empty database.
load_part() {
    local db=$1
    shift
    run --separate-stderr bk-load -q -d "$db" "$@" <"$file"
    if [[ $status != 0 ]]; then
        printf '%s\n' "$stderr" >&2
        return 1
    fi
}

@test "one table comes with its types, functions, sequence, indexes, trigger and comment, and no foreign key into the void" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" >"$file"
    load_part "$b" -t shop.orders
    same "$(relations "$b")" 'shop.orders shop.orders_id_seq'
    same "$(rows "$b" shop.orders)" 50
    matches 'left out, .*: FK CONSTRAINT shop.orders orders_customer_fkey$' "$stderr"
    same "$(sql "$b" "INSERT INTO shop.orders (state) VALUES ('new') RETURNING id, at")" '51|2020-01-01'
    same "$(sql "$b" "SELECT obj_description('shop.orders'::regclass)")" 'what was ordered'
    same "$(sql "$b" 'SELECT count(*) FROM pg_largeobject_metadata')" 0
    same "$(sql "$b" 'SELECT count(*) FROM pg_publication')" 0
    # The same, chosen when it was dumped.
    bk-dump -d "$a" -t shop.orders >"$file"
    same "$(bk-ls -J <"$file" | jq -r 'select(.type == "table").name')" orders
    load_part "$c"
    sql "$b" 'DELETE FROM shop.orders WHERE id = 51; SELECT setval('\''shop.orders_id_seq'\'', 50)'
    "$cmpdb" "$b" "$c"
}

@test "a part of a part: what both ask for, and nothing that either leaves out" {
    a=$(shop) b=$(newdb) c=$(newdb) d=$(newdb)
    bk-dump -d "$a" -t 'shop.*' -t log --exclude-table shop.customers >"$file"
    load_part "$b" -t '*' --exclude-table log
    same "$(relations "$b")" 'shop.orders shop.orders_id_seq shop.paid'
    same "$(rows "$b" shop.orders)" 50
    load_part "$c" -t 'log' -t orders # and not public.orders, whose definition is there
    same "$(relations "$c")" 'log shop.orders shop.orders_id_seq'
    run --separate-stderr bk-load -q -d "$d" -t shop.orders -t public.orders <"$file"
    same "$status" 1
    matches "the pattern 'public.orders' matches no table" "$stderr"
    bk-dump -d "$a" --exclude-table-data log --exclude-table events >"$file"
    load_part "$d" --exclude-table-data '"Orders"' --exclude-table shop.paid
    same "$(relations "$d")" '"Orders" log orders shop.customers shop.customers_id_seq shop.orders shop.orders_id_seq'
    same "$(rows "$d" log) $(rows "$d" '"Orders"') $(rows "$d" orders) $(rows "$d" shop.orders)" '0 0 1 50'
}

@test "sequences of serial and of identity columns come with their tables, as far as they got" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" -t shop.customers -t shop.orders >"$file"
    load_part "$b"
    same "$(sql "$b" "SELECT nextval('shop.customers_id_seq'), nextval('shop.orders_id_seq')")" '21|51'
}

@test "a foreign key comes with both of its tables" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" >"$file"
    load_part "$b" -t shop.orders -t shop.customers
    same "$stderr" ''
    same "$(relations "$b")" 'shop.customers shop.customers_id_seq shop.orders shop.orders_id_seq'
    same "$(sql "$b" "SELECT count(*) FROM pg_constraint WHERE contype = 'f'")" 1
    same "$(sql "$b" "SELECT indexdef ~ 'loud' FROM pg_indexes WHERE indexname = 'customers_loud'")" t
    same "$(sql "$b" "INSERT INTO shop.customers (name) VALUES ('next') RETURNING id")" 21
}

@test "a partitioned table comes with all its partitions; a partition alone is a table" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" -t events >"$file"
    load_part "$b"
    same "$(relations "$b")" 'events events_2020 events_rest events_rest_1'
    same "$(rows "$b" events)" 40
    same "$(sql "$b" "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")" 2
    bk-dump -d "$a" >"$file"
    load_part "$c" -t events_rest_1
    same "$(relations "$c")" events_rest_1
    same "$(rows "$c" events_rest_1)" "$(rows "$a" events_rest_1)"
}

@test "patterns are psql's: folded, quoted, with stars, in any schema or in one" {
    a=$(shop)
    chosen() {
        bk-dump -d "$a" "$@" | bk-ls -J | jq -r 'select(.type == "table") | .schema + "." + .name' | LC_ALL=C sort | paste -sd ' '
    }
    same "$(chosen -t ORDERS)" 'public.orders shop.orders'
    same "$(chosen -t '"Orders"')" 'public.Orders'
    same "$(chosen -t '?rders')" 'public.Orders public.orders shop.orders'
    same "$(chosen -t 'shop.*')" 'shop.customers shop.orders'
    same "$(chosen -t '*.l*' -t '(log|orders)')" 'public.log public.orders shop.orders'
    same "$(chosen -t 's*.orders')" 'shop.orders'
    same "$(chosen -t '"shop"."ord"*')" 'shop.orders'
    same "$(chosen --schema SH*)" 'shop.customers shop.orders'
    same "$(chosen --exclude-table 'events*' --exclude-table shop.orders)" 'public.Orders public.log public.orders shop.customers'
    same "$(chosen --exclude-table events --schema public)" 'public.Orders public.log public.orders'
    same "$(chosen --exclude-table-data '*')" ''
    same "$(chosen --schema-only)" ''
}

# Each table's name is in one schema only, so that none hides another from psql.
# shellcheck disable=SC2016 # a dollar is meant
@test "psql itself shows what a pattern chooses" {
    a=$(newdb)
    sql "$a" 'CREATE SCHEMA "Shop"; CREATE SCHEMA shop; CREATE SCHEMA "s.p";
        CREATE TABLE orders (); CREATE TABLE "Orders2" (); CREATE TABLE "or ders" (); CREATE TABLE "a*b" (); CREATE TABLE "aXb" ();
        CREATE TABLE "a.b" (); CREATE TABLE "a?c" (); CREATE TABLE "Shop".customers (); CREATE TABLE "Shop"."x$y" ();
        CREATE TABLE "Shop"."x""y" (); CREATE TABLE "Shop"."É" (); CREATE TABLE shop.e (); CREATE TABLE shop.digit7 ();
        CREATE TABLE shop."e[]" (); CREATE TABLE shop."(p)" (); CREATE TABLE shop."^v" (); CREATE TABLE shop.a ();
        CREATE TABLE "s.p"."c|d" (); CREATE TABLE "s.p".c (); CREATE TABLE "s.p"."a\d" (); CREATE TABLE "s.p"."é" (); CREATE TABLE "s.p".aab ()'
    by_psql() {
        PGOPTIONS='-c search_path=public,"Shop",shop,"s.p"' psql -X -q -A -t -F . -v pattern="$1" -d "$a" -c '\dt :pattern' |
            sed -n 's/\.table\.bk$//p' | LC_ALL=C sort
    }
    by_dump() {
        bk-dump -d "$a" --data-only -t "$1" | bk-ls -J | jq -r 'select(.type == "table") | .schema + "." + .name' |
            sed 's/\\\\/\\/g' | LC_ALL=C sort
    }
    # What is in PostgreSQL's own schemas is not for bk-dump, so psql is not asked for that.
    while read -r count pattern; do
        want=$(by_psql "$pattern")
        same "$count $(by_dump "$pattern" 2>"$BATS_TEST_TMPDIR/words")" "$(grep -c . <<<"$want" || true) $want"
    done <<'END'
1 ORDERS
0 ORDERS2
2 orders*|"Orders"*
1 "or ders"
1 or" d"ers
0 "OR DERS"
1 "a*b"
4 a?b
2 a[*X]b
2 a[^*X]b
1 a"."b
0 a.b
1 public.a"."b
0 "a.b".c
5 "s.p".*
2 "s.p".?
2 s?p.c*
0 s.p.c
6 "shop".*
6 SHOP.*
4 "Shop".*
10 (?)hop.*
10 ?hop.*
2 "Shop".x*
1 x$*
1 x"$y"
1 x""""y
1 "x""y"
1 "É"
0 "Shop".é
3 "Shop".?|*y
2 e*
1 e[]
1 e"[]"
1 e[[]]
1 digit[0-9]
1 digit\d
1 digit\D
1 d[a-z]+7
1 "(p)"
0 (p)
1 \(p\)
1 "^"v
0 ^v
1 a
2 (a)|(c)
3 s?p.a*|c
1 "c|d"
2 c|a
1 a\\d
1 "a\d"
1 a{2}b
0 a{3}b
0 "".a
END
}

# shellcheck disable=SC2016 # a dollar is meant
@test "names that look like patterns, and other odd ones" {
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE TABLE "a*b" (x int); CREATE TABLE "aXb" (x int); CREATE TABLE "a.b" (x int); CREATE TABLE "a""b" (x int);
        CREATE TABLE "a$b" (x int); CREATE TABLE "a\b" (x int); CREATE TABLE "é" (x int); CREATE TABLE "a
b" (x int)'
    bk-dump -d "$a" >"$file"
    for pattern in '"a*b"' '"a.b"' '"a""b"' 'a$b' '"a\b"' '?' $'"a\nb"'; do
        load_part "$b" -t "$pattern"
        name=$(sql "$b" "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        case $pattern in
        '?') same "$name" é ;;
        '"a""b"') same "\"${name//\"/\"\"}\"" "$pattern" ;;
        'a$b') same "$name" "$pattern" ;;
        *) same "\"$name\"" "$pattern" ;;
        esac
        sql "$b" "DO \$\$ BEGIN EXECUTE (SELECT format('DROP TABLE %I', relname) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace); END \$\$"
    done
}

@test "what a pattern chose in the source comes, though the target's locale sees other letters" {
    a=$(newdb -E UTF8 --locale=C.UTF-8) b=$(newdb -E UTF8 --locale=C) c=$(newdb -E UTF8 --locale=C)
    sql "$a" 'CREATE TABLE "é" (x int); INSERT INTO "é" VALUES (1); CREATE TABLE a (x int); INSERT INTO a VALUES (2);
        CREATE TABLE "é2" (x int); INSERT INTO "é2" VALUES (3)'
    bk-dump -d "$a" -t '\w' >"$file"
    load_part "$b"
    same "$(relations "$b")" '"é" a'
    same "$(rows "$b" '"é"') $(rows "$b" a)" '1 1'
    matches 'fit other names on this server' "$stderr"
    bk-dump -d "$a" --exclude-table '[^[:alpha:]]' --exclude-table-data '[^[:alpha:]]2' >"$file" # no letter, for the target only
    load_part "$c"
    same "$(relations "$c")" '"é" "é2" a'
    same "$(rows "$c" '"é"') $(rows "$c" '"é2"')" '1 1'
    matches 'fit other names on this server' "$stderr"
}

@test "rows without a definition are an error, if they are asked for" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" >"$file"
    item=$(bk-ls -J <"$file" | jq 'select(.name == "log").item')
    for oid in oid= oid=1 oid=99999999999; do
        "$frames" set ITEM "$item" "$oid" <"$file" >"$file.odd"
        run --separate-stderr bk-load -q -d "$b" -t log -t orders <"$file.odd"
        same "$status" 3
        matches 'public.log has rows, but no definition' "$stderr"
        is_untouched "$b"
    done
    bk-load -q -d "$b" -t orders <"$file.odd"
    bk-load -q -d "$c" <"$file.odd" # all is loaded by its name
    same "$(rows "$c" log)" 100
}

@test "a pattern that matches nothing is an error, an exclusion that matches nothing a warning" {
    a=$(shop) b=$(newdb)
    fails 1 bk-dump -d "$a" -t orders -t nothing
    matches "the pattern 'nothing' matches no table" "$stderr"
    fails 1 bk-dump -d "$a" --schema nothing
    matches "the pattern 'nothing' matches no schema" "$stderr"
    bk-dump -d "$a" -t shop.orders >"$file" # customers' rows are not in it, though their definition is
    for option in '-t nothing' '--schema public' '-t shop.customers'; do
        # shellcheck disable=SC2086 # an option and its argument
        run --separate-stderr bk-load -d "$b" $option <"$file"
        same "$status" 1
        matches "matches no (table|schema)" "$stderr"
        is_untouched "$b"
    done
    for option in --exclude-table --exclude-table-data; do
        load_part "$b" "$option" nothing
        matches "warning: the pattern 'nothing' matches nothing" "$stderr"
        b=$(newdb)
        fails 0 bash -c "bk-dump -d $a $option nothing | bk-ls"
        matches "warning: the pattern 'nothing' matches nothing" "$stderr"
    done
}

@test "wrong patterns and options that contradict each other: status 2" {
    for option in "-t a.b.c" "-t ''" "-t '\"a'" "--schema a.b" "--data-only --schema-only" "-t a --schema b"; do
        for tool in bk-dump bk-load; do
            pipe "$tool -d nothing $option </dev/null"
            same "$stages" 2
        done
    done
    fails 2 bk-dump --role-passwords
    fails 2 bk-load -d x --create-roles --into-existing
}

@test "a pattern that is no regular expression for the server: status 2, whether or not it would have been looked at" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" >"$file"
    for pattern in 'a[' '(' 'a{2,1}' 'nosuch.+' '[b-a]'; do
        for option in -t --exclude-table --exclude-table-data; do
            fails 2 bk-dump -d "$a" "$option" "$pattern"
            matches "the pattern '.*' is not one that the server takes: .*regular expression" "$stderr"
            run --separate-stderr bk-load -d "$b" "$option" "$pattern" <"$file"
            same "$status" 2
            matches "the pattern '.*' is not one that the server takes: .*regular expression" "$stderr"
            matches 'hint: in double quotes every character means itself' "$stderr"
        done
    done
    fails 2 bk-dump -d "$a" --schema 'a('
    run --separate-stderr bk-load -d "$b" --schema 'a(' <"$file"
    same "$status" 2
    is_untouched "$b"
}

@test "a schema comes whole, with what it needs of others" {
    a=$(shop) b=$(newdb)
    sql "$a" 'CREATE TYPE public.kind AS (a int); ALTER TABLE shop.orders ADD kind public.kind; CREATE VIEW shop.logs AS SELECT * FROM log'
    bk-dump -d "$a" --schema shop >"$file"
    load_part "$b"
    same "$(relations "$b")" 'log shop.customers shop.customers_id_seq shop.logs shop.orders shop.orders_id_seq shop.paid'
    same "$(rows "$b" log)" 0
    matches 'made without rows, .*: TABLE public.log$' "$stderr"
    same "$(rows "$b" shop.paid)" 50
    same "$(sql "$b" "SELECT shop.loud('a')")" A
}

@test "of a schema: its own definitions only, even if nothing is in it" {
    a=$(shop) b=$(newdb) c=$(newdb)
    sql "$a" 'CREATE SCHEMA void; COMMENT ON SCHEMA void IS '\''nothing'\''; ALTER TABLE shop.customers ADD log int;
        ALTER TABLE log ADD id serial PRIMARY KEY;
        ALTER TABLE shop.customers ADD CONSTRAINT to_public FOREIGN KEY (log) REFERENCES log (id)'
    bk-dump -d "$a" >"$file"
    load_part "$b" --schema shop
    same "$(relations "$b")" 'shop.customers shop.customers_id_seq shop.orders shop.orders_id_seq shop.paid'
    matches 'left out, for it needs tables or rows that are left out: FK CONSTRAINT shop.customers to_public$' "$stderr"
    same "$(sql "$b" 'SELECT count(*) FROM pg_publication')" 0
    same "$(sql "$b" "SELECT count(*) FROM pg_constraint WHERE contype = 'f'")" 1
    load_part "$c" --schema void
    same "$(sql "$c" "SELECT obj_description('void'::regnamespace)") $(relations "$c")" 'nothing '
}

@test "a table that inherits from one that is left out goes too, with its rows" {
    a=$(newdb) b=$(newdb)
    sql "$a" 'CREATE TABLE parent (x int); CREATE TABLE child () INHERITS (parent); CREATE TABLE other (x int);
        INSERT INTO child VALUES (1); INSERT INTO other VALUES (2)'
    bk-dump -d "$a" >"$file"
    load_part "$b" --exclude-table parent
    same "$(relations "$b") $(rows "$b" other)" 'other 1'
    matches 'left out, for it needs tables or rows that are left out: TABLE public.child$' "$stderr"
}

@test "foreign keys to and from partitioned tables: where all rows that they need are there" {
    a=$(newdb)
    sql "$a" 'CREATE TABLE days (d int PRIMARY KEY) PARTITION BY RANGE (d); CREATE TABLE early PARTITION OF days FOR VALUES FROM (1) TO (10);
        CREATE TABLE late PARTITION OF days DEFAULT PARTITION BY RANGE (d); CREATE TABLE latest PARTITION OF late DEFAULT;
        CREATE TABLE visits (d int REFERENCES days, by int) PARTITION BY LIST (by); CREATE TABLE visits_1 PARTITION OF visits DEFAULT;
        CREATE TABLE other (x int); INSERT INTO days SELECT generate_series(1, 20);
        INSERT INTO visits SELECT i % 20 + 1, i FROM generate_series(1, 40) i'
    bk-dump -d "$a" >"$file"
    keys() {
        sql "$1" "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'visits'::regclass AND confrelid = 'days'::regclass"
    }
    for option in '--exclude-table other' '-t visits -t days' '--exclude-table-data other' '--exclude-table-data visits --exclude-table-data early'; do
        b=$(newdb)
        # shellcheck disable=SC2086 # options
        load_part "$b" $option
        same "$option $stderr $(keys "$b")" "$option  1"
    done
    for option in '--exclude-table-data early' '--exclude-table-data late' '--exclude-table-data days' '--exclude-table latest'; do
        b=$(newdb)
        # shellcheck disable=SC2086 # options
        load_part "$b" $option
        matches 'left out, .*: .*FK CONSTRAINT public.visits visits_d_fkey' "$stderr"
        same "$option $(keys "$b") $(rows "$b" visits)" "$option 0 40"
    done
}

@test "a part needs only those owners and extensions that are of it" {
    a=$(newdb) b=$(newdb) mine=$(newrole) yours=$(newrole) theirs=$(newrole)
    sql "$a" "CREATE TABLE a (x int); ALTER TABLE a OWNER TO $mine; CREATE TABLE b (x int); ALTER TABLE b OWNER TO $yours;
        ALTER ROLE $theirs IN DATABASE $a SET work_mem = '5MB'"
    bk-dump -d "$a" >"$file.all"
    "$frames" set ITEM 1 '+extension=none such 1.0' <"$file.all" >"$file"
    for role in "$mine" "$yours" "$theirs"; do
        sql postgres "ALTER ROLE $role RENAME TO ${role}_x"
    done
    run --separate-stderr bk-load -q -d "$b" -t a <"$file"
    same "$status" 1
    matches "lacks what the backup needs: owner '$mine'$" "$(head -n 1 <<<"$stderr")"
    is_untouched "$b"
    sql postgres "ALTER ROLE ${mine}_x RENAME TO $mine"
    load_part "$b" -t a
    same "$(relations "$b")" a
    for role in "$yours" "$theirs"; do
        sql postgres "ALTER ROLE ${role}_x RENAME TO $role"
    done
}

@test "rows of an extension's configuration table come with all of the backup only" {
    a=$(newdb) b=$(newdb) c=$(newdb)
    for db in "$a" "$b" "$c"; do
        sql "$db" "CREATE TABLE config (x int); ALTER EXTENSION plpgsql ADD TABLE config;
            UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = '{\"\"}' WHERE extname = 'plpgsql'"
    done
    sql "$a" 'INSERT INTO config VALUES (1); CREATE TABLE t (x int); INSERT INTO t VALUES (2)'
    bk-dump -d "$a" >"$file"
    load_part "$b" -t config -t t
    same "$(rows "$b" config) $(rows "$b" t)" '0 1'
    load_part "$c" --exclude-table nothing
    same "$(rows "$c" config) $(rows "$c" t)" '1 1'
}

@test "an excluded table goes, and what needs it; the rest is complete" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" >"$file"
    load_part "$b" --exclude-table shop.orders
    same "$(sql "$b" "SELECT to_regclass('shop.orders'), to_regclass('shop.paid'), to_regclass('shop.orders_id_seq')")" '||'
    matches 'left out, .*VIEW shop.paid' "$stderr"
    for t in log events orders '"Orders"' shop.customers; do
        same "$(rows "$b" "$t")" "$(rows "$a" "$t")"
    done
    same "$(sql "$b" "SELECT count(*) FROM pg_constraint WHERE contype = 'f'")" 1
    same "$(sql "$b" 'SELECT count(*) FROM pg_largeobject_metadata')" 1
    bk-dump -d "$a" --exclude-table shop.orders >"$file"
    load_part "$c"
    "$cmpdb" "$b" "$c"
}

@test "a table without its data: no foreign key to it from rows, all else" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" >"$file"
    load_part "$b" --exclude-table-data shop.customers --exclude-table-data events
    matches 'FK CONSTRAINT shop.orders orders_customer_fkey' "$stderr"
    matches 'FK CONSTRAINT public.log log_customer_fkey' "$stderr"
    same "$(relations "$b")" "$(relations "$a")"
    same "$(rows "$b" shop.customers) $(rows "$b" events) $(rows "$b" shop.orders)" '0 0 50'
    same "$(sql "$b" "SELECT last_value FROM shop.customers_id_seq")" 20
    bk-dump -d "$a" --exclude-table-data shop.customers --exclude-table-data events >"$file"
    load_part "$c"
    "$cmpdb" "$b" "$c"
    # Rows of the one who refers are left out: then the key can be.
    c=$(newdb)
    load_part "$c" --exclude-table-data log --exclude-table-data shop.orders
    same "$stderr" ''
    same "$(sql "$c" "SELECT count(*) FROM pg_constraint WHERE contype = 'f'")" 2
}

@test "definitions only, on the way out and on the way in" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" >"$file"
    load_part "$b" --schema-only
    bk-dump -d "$a" --schema-only >"$file"
    load_part "$c"
    for db in "$b" "$c"; do
        same "$(relations "$db")" "$(relations "$a")"
        same "$(rows "$db" shop.orders) $(rows "$db" log) $(rows "$db" events)" '0 0 0'
        same "$(sql "$db" 'SELECT is_called FROM shop.customers_id_seq')" f
        same "$(sql "$db" 'SELECT count(*) FROM pg_largeobject_metadata')" 0
    done
    "$cmpdb" "$b" "$c"
}

@test "rows only, into tables that are there: foreign keys in any order, sequences, large objects" {
    a=$(shop) b=$(newdb) c=$(newdb)
    bk-dump -d "$a" >"$file"
    load_part "$b" --schema-only
    bk-dump -d "$a" --data-only >"$file"
    run --separate-stderr bk-load -d "$c" <"$file"
    same "$status" 4
    matches 'rows only, and no definitions' "$stderr"
    load_part "$b" --into-existing
    "$cmpdb" "$a" "$b"
}

@test "rows only, of one table, out of a whole backup into a database that is in use" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" >"$file"
    bk-load -q -d "$b" <"$file"
    sql "$b" "TRUNCATE shop.orders RESTART IDENTITY; INSERT INTO log VALUES ('new'); SELECT setval('shop.customers_id_seq', 99)"
    load_part "$b" --into-existing -t shop.orders
    same "$(rows "$b" shop.orders) $(rows "$b" log)" '50 101'
    same "$(sql "$b" "SELECT nextval('shop.orders_id_seq'), nextval('shop.customers_id_seq')")" '51|100'
    # A second time it has rows.
    fails 4 bk-load -d "$b" --into-existing -t 'shop.*' <"$file"
    matches 'these tables have rows: shop.customers, shop.orders' "$stderr"
    same "$(rows "$b" shop.orders)" 50
}

@test "rows only: if anything fails, all is as it was" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" >"$file"
    bk-load -q -d "$b" --schema-only <"$file"
    # A row that the server refuses, in the last of the tables.
    sql "$b" 'ALTER TABLE orders ADD CHECK (y > 2)'
    fails 1 bk-load -d "$b" --into-existing <"$file"
    matches 'cannot load public.orders: .*violates check' "$stderr"
    same "$(rows "$b" shop.customers) $(rows "$b" log)" '0 0'
    # A table that is not there.
    sql "$b" 'ALTER TABLE orders RENAME TO other; DROP TABLE "Orders"'
    fails 1 bk-load -d "$b" --into-existing <"$file"
    matches 'no tables for these rows: public."Orders", public.orders' "$stderr"
    # A stream that is cut.
    head -c -100 "$file" >"$file.cut"
    fails 3 bk-load -d "$b" --into-existing --exclude-table 'public.?rders' <"$file.cut"
    same "$(rows "$b" shop.customers) $(rows "$b" log)" '0 0'
    run ! is_marked "$b"
    same "$(sql "$b" 'SELECT count(*) FROM pg_largeobject_metadata')" 0
    load_part "$b" --into-existing --exclude-table 'public.?rders'
    same "$(rows "$b" shop.customers) $(rows "$b" log)" '20 100'
}

@test "what is not loaded is checked all the same" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" >"$file"
    item=$(bk-ls -J <"$file" | jq 'select(.name == "log").item')
    nth=$("$frames" list <"$file" | awk -v item="$item" '$1 == "DATA" { n++; if ($3 == item) print n }' | head -n 1)
    "$frames" flip DATA "$nth" 3 <"$file" >"$file.flipped"
    run --separate-stderr bk-load -q -d "$b" -t shop.orders <"$file.flipped"
    same "$status" 3
    matches 'public.log: digest' "$stderr"
    is_marked "$b"
}

@test "bk-ls says what a backup is limited to, and the pipe for rows only" {
    a=$(shop)
    bk-dump -d "$a" --schema shop --exclude-table-data 'shop.c*' --data-only >"$file"
    fails 0 bk-ls <"$file"
    matches 'not all of it: schema shop, exclude-table-data shop.c\*, data-only' "$output"
    matches 'bk-load -d DB --into-existing$' "$output"
}

@test "rows of partitions by the root: into a target that is partitioned otherwise" {
    a=$(shop) b=$(newdb)
    bk-dump -d "$a" >"$file"
    sql "$b" 'CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
        CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('\''2020-07-01'\'');
        CREATE TABLE events_rest_1 PARTITION OF events DEFAULT'
    fails 1 bk-load -d "$b" --into-existing -t events <"$file"
    matches 'violates partition constraint' "$stderr"
    load_part "$b" --into-existing -t events --via-root
    same "$(rows "$b" events)" 40
    same "$(rows "$b" events_2020)" "$(sql "$a" "SELECT count(*) FROM events WHERE at < '2020-07-01'")"
}

@test "a partition without the table above it is loaded by itself, whatever schema that is in" {
    a=$(newdb) b=$(newdb) c=$(newdb)
    sql "$a" 'CREATE SCHEMA top; CREATE TABLE top.events (x int) PARTITION BY RANGE (x); CREATE TABLE top.part (x int);
        CREATE TABLE part PARTITION OF top.events DEFAULT; INSERT INTO part VALUES (1), (2)'
    bk-dump -d "$a" >"$file"
    load_part "$b" -t public.part --via-root
    same "$(rows "$b" part)" 2
    # Not into a table of the same name that happens to be in that schema.
    load_part "$c" -t part --via-root
    same "$(rows "$c" part) $(rows "$c" top.part)" '2 0'
}
