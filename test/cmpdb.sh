#!/bin/bash
# cmpdb.sh [-c | -d] DB1 DB2 - do two PostgreSQL databases hold the same?
#
#   -c  contents only: not the databases' own owner, rights, settings, locale
#   -d  data only: rows, sequences' positions and large objects, no definitions
#
# DB1 and DB2 are names or conninfo strings; libpq's environment fills in the rest. Best done as a superuser, by a
# client as new as the servers, while nobody writes. Prints a line for each difference, the first side first; or what
# was compared, if all is the same. Exit status: 0 the same, 1 different, 2 could not compare.
#
# How: each database is written down as facts, one a line, "kind name TAB value", and the two lists are compared. The
# definitions are pg_dump's, beside the few things that it does not tell. For the rows of a table the fact is their
# number and the sum of a hash of each one's text, columns in the order of their names, so no order matters.
# Not compared: what PostgreSQL does not promise to keep (OIDs but for large objects', order of rows, statistics),
# and roles.
set -euo pipefail

properties=yes definitions=yes
while getopts cd option; do
    case $option in
    c) properties=no ;;
    d) properties=no definitions=no ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if (($# != 2)); then
    echo 'usage: cmpdb.sh [-c | -d] DB1 DB2' >&2
    exit 2
fi

# Whatever changes how a value is written must be the same on both sides, against a database's own settings too.
# With row_security off, rows that we may not see are an error and not a table that looks empty.
export PGOPTIONS='-c search_path=pg_catalog -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c TimeZone=UTC
 -c extra_float_digits=3 -c bytea_output=hex -c lc_monetary=C -c xmloption=content -c quote_all_identifiers=off
 -c row_security=off -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0'
export LC_ALL=C
unset PGCLIENTENCODING # each in its own encoding: converting might fail, and says nothing of what is stored

# Standard input is SQL; COPY keeps each fact on its line, whatever is in it.
facts() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1"
}

property_facts() {
    facts "$1" <<'SQL'
COPY (
    SELECT 'database ' || p.name, p.value
    FROM pg_database d, LATERAL (VALUES
        ('owner', pg_get_userbyid(datdba)::text),
        ('encoding', pg_encoding_to_char(encoding)),
        ('collate', datcollate),
        ('ctype', datctype),
        ('locale provider', to_jsonb(d) ->> 'datlocprovider'),
        ('locale', coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale')),
        ('tablespace', (SELECT spcname FROM pg_tablespace t WHERE t.oid = dattablespace)),
        ('is template', datistemplate::text),
        ('connection limit', datconnlimit::text),
        ('comment', shobj_description(d.oid, 'pg_database')),
        -- no ACL means the default one, which a dump may have written out
        ('acl', (SELECT string_agg(a::text, ' ' ORDER BY a::text)
                 FROM unnest(coalesce(datacl, acldefault('d', datdba))) a)),
        ('security label', (SELECT string_agg(provider || ' ' || label, ', ' ORDER BY provider)
                            FROM pg_shseclabel l WHERE l.classoid = 'pg_database'::regclass AND l.objoid = d.oid))
    ) p(name, value)
    WHERE datname = current_database()
    UNION ALL
    SELECT 'setting ' || coalesce(rolname || ' ', '') || split_part(c, '=', 1), c
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole,
        unnest(setconfig) c
    WHERE datname = current_database()
) TO STDOUT;
SQL
}

# What pg_dump --schema-only leaves out, or writes in a way that depends on the order of things.
hidden_facts() {
    facts "$1" <<'SQL'
COPY (
    SELECT 'extension ' || extname, concat_ws(' ', extversion, 'in', extnamespace::regnamespace, 'of', extowner::regrole,
        obj_description(oid, 'pg_extension'))
    FROM pg_extension
    UNION ALL
    -- what belongs to an extension, with its comments
    SELECT 'member ' || i.type || ' ' || i.identity,
        concat_ws(' ', 'of', extname, (SELECT string_agg(objsubid || ' ' || description, ', ' ORDER BY objsubid)
                                       FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid))
    FROM pg_depend d JOIN pg_extension e ON e.oid = refobjid, pg_identify_object(d.classid, d.objid, 0) i
    WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
    UNION ALL
    -- what users may have added to its tables
    SELECT 'on member ' || m.oid::regclass || ' ' || x.name, x.value
    FROM pg_depend d JOIN pg_class m ON m.oid = objid AND classid = 'pg_class'::regclass AND relkind = 'r', LATERAL (
        SELECT 'table', concat_ws(' ', reloptions::text, relreplident, relrowsecurity)
        UNION ALL SELECT 'column ' || attname, concat_ws(' ', format_type(atttypid, atttypmod), attstattarget, attoptions::text)
        FROM pg_attribute WHERE attrelid = m.oid AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'index ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid = m.oid
        UNION ALL SELECT 'constraint ' || conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = m.oid
        UNION ALL SELECT 'trigger ' || tgname, concat_ws(' ', tgenabled, pg_get_triggerdef(oid))
        FROM pg_trigger WHERE tgrelid = m.oid AND NOT tgisinternal
        UNION ALL SELECT 'rule ' || rulename, concat_ws(' ', ev_enabled, pg_get_ruledef(oid)) FROM pg_rewrite WHERE ev_class = m.oid
        UNION ALL SELECT 'policy ' || polname, concat_ws(' ', polcmd, pg_get_expr(polqual, m.oid), pg_get_expr(polwithcheck, m.oid))
        FROM pg_policy WHERE polrelid = m.oid
        UNION ALL SELECT 'publication ' || pubname, ''
        FROM pg_publication_rel r JOIN pg_publication p ON p.oid = prpubid WHERE prrelid = m.oid
    ) x(name, value)
    WHERE deptype = 'e'
    UNION ALL
    SELECT 'subscription ' || subname, CASE WHEN subenabled THEN 'enabled' ELSE 'disabled' END
    FROM pg_subscription s JOIN pg_database b ON b.oid = subdbid WHERE datname = current_database()
    UNION ALL
    SELECT 'storage ' || c.oid::regclass, coalesce(spcname, 'default') || ' ' || coalesce(amname, '')
    FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = reltablespace LEFT JOIN pg_am a ON a.oid = relam
    WHERE relkind IN ('r', 'm', 'i', 'p', 'I') AND c.oid >= 16384 -- lower ones are initdb's own
        AND relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace
    UNION ALL
    SELECT 'populated ' || oid::regclass, relispopulated::text
    FROM pg_class WHERE relkind = 'm'
    UNION ALL
    SELECT 'invalid index ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
    FROM pg_index WHERE NOT indisvalid
    UNION ALL
    -- a foreign key's own triggers, switched off by ALTER TABLE ... DISABLE TRIGGER ALL
    SELECT 'trigger off ' || tgrelid::regclass || ' ' || conname,
        string_agg(tgenabled::text || ' ' || tgfoid::regproc, ', ' ORDER BY tgfoid::regproc::text)
    FROM pg_trigger t JOIN pg_constraint c ON c.oid = tgconstraint
    WHERE tgisinternal AND tgenabled <> 'O' GROUP BY tgrelid, conname
    UNION ALL
    SELECT 'column order ' || attrelid::regclass, string_agg(attname, ' ' ORDER BY attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
        AND c.oid >= 16384 AND relpersistence <> 't'
        -- not even pg_dump keeps a child's order when its parent gained a column later
        AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = attrelid)
    GROUP BY attrelid
) TO STDOUT;
SQL
}

# pg_dump's text, cut at its comments "--", "-- Name: ...", "--" into one fact an object.
definition_facts() {
    pg_dump --schema-only --no-tablespaces -d "$1" | awk '
        function flush(    i, text) {
            # After an object come lines that belong to the next one, or to the end of the dump.
            while (n > 0 && (line[n] ~ /^(--|-- PostgreSQL database dump complete|\\unrestrict .*)?$/ ||
                    line[n] ~ /^SET default_table_access_method = /))
                n--
            if (name ~ /^ACL/)
                order_grants()
            for (i = 1; i <= n; i++)
                text = text line[i] "\n"
            gsub(/\\/, "&&", text)
            gsub(/\n/, "\\n", text)
            gsub(/\t/, "\\t", text)
            if (name != "") {
                # Two objects of one name and type: pg_dump writes them in a settled order.
                seen[name]++
                print name (seen[name] > 1 ? " #" seen[name] : "") "\t" text
            }
            n = 0
        }
        # The order of grants means nothing, but for the ones that stand between two SESSION AUTHORIZATIONs.
        function order_grants(    i, j, m, who, swap) {
            for (i = 1; i <= n; i++) {
                if (line[i] ~ /^SET SESSION AUTHORIZATION /)
                    who = line[i] " "
                else if (line[i] ~ /^RESET SESSION AUTHORIZATION/)
                    who = ""
                else if (line[i] != "")
                    line[++m] = who line[i]
            }
            n = m
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && line[j] < line[j - 1]; j--) {
                    swap = line[j]; line[j] = line[j - 1]; line[j - 1] = swap
                }
        }
        # "-- Name: a_b; Type: TABLE; Schema: public; Owner: me" becomes "TABLE public.a_b"; the owner is in the text.
        function title(s,    type, schema) {
            sub(/^-- Name: /, "", s)
            sub(/; Owner: .*$/, "", s)
            schema = type = s
            sub(/.*; Type: /, "", type)
            sub(/; Schema: .*/, "", type)
            sub(/.*; Schema: /, "", schema)
            sub(/; Type: .*/, "", s)
            return type " " (schema == "-" ? "" : schema ".") s
        }
        previous == "--" && /^-- Name: .*; Type: / { flush(); name = title($0); gsub(/\t/, "\\t", name); body = NR + 3 }
        NR >= body { line[++n] = $0 }
        { previous = $0 }
        END { flush() }'
}

# One statement for each table and sequence, written by a query and run by \gexec.
data_facts() {
    facts "$1" <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

WITH config AS (
    -- The rows of an extension's own table are the extension's, but for those that it calls the user's.
    SELECT unnest(extconfig) AS oid, unnest(extcondition) AS condition FROM pg_extension
)
SELECT format('COPY (SELECT %L, count(*) || '' rows, hash ''
                                 || coalesce(sum(hashtextextended(r, 1)::numeric), 0) || ''/''
                                 || coalesce(sum(hashtextextended(r, 2)::numeric), 0)
                     FROM (SELECT ROW(%s)::text COLLATE "C" AS r FROM %s %s %s) AS s) TO STDOUT',
              'rows ' || t.oid::regclass,
              (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname COLLATE "C")
               FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped),
              CASE relkind WHEN 'r' THEN 'ONLY' ELSE '' END, t.oid::regclass, condition)
FROM pg_class t LEFT JOIN config USING (oid)
WHERE t.oid >= 16384 AND relpersistence <> 't' AND (relkind = 'r' OR relkind = 'm' AND relispopulated OR relkind = 'p')
    -- Where a row of a hash-partitioned table lies may depend on OIDs, so such a table is taken as a whole, from
    -- its topmost hash-partitioned ancestor; the partitions of others are taken one by one.
    AND (relkind = 'p') = EXISTS (SELECT FROM pg_partitioned_table h WHERE h.partrelid = t.oid AND partstrat = 'h')
    AND NOT EXISTS (SELECT FROM pg_partition_ancestors(t.oid) a JOIN pg_partitioned_table h ON h.partrelid = a.relid
                    WHERE partstrat = 'h' AND a.relid <> t.oid)
    AND (config.oid IS NOT NULL OR NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e'))
ORDER BY t.oid
\gexec

SELECT format('COPY (SELECT %L, last_value || CASE WHEN is_called THEN '' called'' ELSE '' not called'' END
                     FROM %s) TO STDOUT',
              'sequence ' || oid::regclass, oid::regclass)
FROM pg_class WHERE relkind = 'S' AND relpersistence <> 't'
ORDER BY oid
\gexec

-- Read in pieces, for a large object may be larger than a value can be. Its length is where its last page ends.
COPY (
    SELECT 'large object ' || m.oid,
        coalesce(length, 0) || ' bytes, hash ' || coalesce(hash, '-') || ', of ' || lomowner::regrole
        || ', acl ' || (SELECT coalesce(string_agg(a::text, ' ' ORDER BY a::text), '')
                        FROM unnest(coalesce(lomacl, acldefault('L', lomowner))) a)
        || ', label ' || (SELECT coalesce(string_agg(provider || ' ' || label, ', ' ORDER BY provider), '')
                          FROM pg_seclabel l WHERE l.classoid = 'pg_largeobject'::regclass AND l.objoid = m.oid)
        || ', comment ' || coalesce(obj_description(m.oid, 'pg_largeobject'), '')
    FROM pg_largeobject_metadata m
    LEFT JOIN LATERAL (SELECT pageno * 2048::bigint + length(data) AS length FROM pg_largeobject
                       WHERE loid = m.oid ORDER BY pageno DESC LIMIT 1) last ON true
    LEFT JOIN LATERAL (SELECT md5(string_agg(md5(lo_get(m.oid, start, 1 << 20)), '' ORDER BY start)) AS hash
                       FROM generate_series(0, length - 1, 1 << 20) AS start) content ON true
    ORDER BY m.oid
) TO STDOUT;
COMMIT;
SQL
}

describe() {
    if [[ $properties == yes ]]; then
        property_facts "$1"
    fi
    if [[ $definitions == yes ]]; then
        hidden_facts "$1"
        definition_facts "$1"
    fi
    data_facts "$1"
}

# A definition has many lines: of two, the first ones that differ are shown; of one, its beginning.
compare() {
    awk -F '\t' '
        function brief(s) {
            gsub(/\\n */, " ", s)
            return length(s) > 200 ? substr(s, 1, 200) "..." : s
        }
        function both(a, b,    x, y, i, m, n) {
            m = split(a, x, /\\n/)
            n = split(b, y, /\\n/)
            for (i = 1; (i < m || i < n) && x[i] "" == y[i] ""; i++)
                ;
            return (x[i] == "" ? "nothing" : x[i]) " <> " (y[i] == "" ? "nothing" : y[i])
        }
        # The "" keeps awk from taking 1.0 and 1 for the same number.
        FILENAME == ARGV[1] { one[$1] = $2 ""; next }
        { two[$1] = $2 "" }
        END {
            for (k in one)
                if (!(k in two))
                    print k ": only in the first: " brief(one[k])
                else if (one[k] != two[k])
                    print k ": " both(one[k], two[k])
            for (k in two)
                if (!(k in one))
                    print k ": only in the second: " brief(two[k])
        }' "$1" "$2" | sort
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Under `if` or `||` the shell would go on after an error in describe, hence the plain jobs.
describe "$1" >"$work/1" &
first=$!
describe "$2" >"$work/2" &
second=$!
failed=0
wait $first || failed=1
wait $second || failed=1
if ((failed)); then
    echo 'cmpdb.sh: could not compare' >&2
    exit 2
fi

compare "$work/1" "$work/2" >"$work/differences"
if [[ -s $work/differences ]]; then
    cat "$work/differences"
    exit 1
fi
awk -F '\t' '
    /^rows / { tables++; rows += $2; next }
    /^sequence / { sequences++; next }
    /^large object / { objects++; next }
    { facts++ }
    END { printf "the same: %d tables, %d rows, %d sequences, %d large objects, %d definitions\n",
              tables, rows, sequences, objects, facts }' "$work/1"
