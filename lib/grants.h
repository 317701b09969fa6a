/* grants.h - layer 3: SQL that writes SQL: statements that give an object or a role back what it had.
 *
 * Each is an expression of SQL text, made of other such expressions; what it yields is text of whole
 * statements, names and values quoted by the server that runs them.
 */
#ifndef BK_GRANTS_H
#define BK_GRANTS_H

/* clang-format off */

/* `object` as in "DATABASE app", of `owner` (a name), has the rights `acl` (aclitem[]) and no others. A right that
 * somebody other than the owner gave is given in that role's name, as pg_dump does. */
#define SQL_GRANTS(object, owner, acl) \
    "pg_catalog.concat(pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC, %I;', " object ", " owner ")," \
    " (SELECT pg_catalog.string_agg(pg_catalog.concat(" \
    "   CASE WHEN NOT own THEN pg_catalog.format('SET SESSION AUTHORIZATION %s;', grantor::pg_catalog.regrole) END," \
    "   pg_catalog.format('GRANT %s ON %s TO %s', privilege_type, " object "," \
    "    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::pg_catalog.regrole::text END)," \
    "   CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END, ';'," \
    "   CASE WHEN NOT own THEN 'RESET SESSION AUTHORIZATION;' END), '' ORDER BY own DESC)" \
    "  FROM (SELECT *, grantor::pg_catalog.regrole::text = pg_catalog.quote_ident(" owner ") AS own" \
    "   FROM pg_catalog.aclexplode(nullif(" acl ", '{}'))) a))"

/* `alter`, as in "ALTER ROLE app", sets what `setting`, as in "search_path=a, b", says. The values of some settings
 * are lists of names, which must not become one name (PostgreSQL: GUC_LIST_QUOTE; pg_dump knows the same six). */
#define SQL_SETTING(alter, setting) \
    "(SELECT pg_catalog.format('%s SET %I = %s;', " alter ", v.setting_name," \
    "   CASE WHEN pg_catalog.lower(v.setting_name) IN ('local_preload_libraries', 'search_path', 'session_preload_libraries'," \
    "     'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories')" \
    "   THEN coalesce((SELECT pg_catalog.string_agg(pg_catalog.quote_literal(CASE WHEN w[1] ~ '^\"'" \
    "     THEN pg_catalog.replace(pg_catalog.substr(w[1], 2, pg_catalog.length(w[1]) - 2), '\"\"', '\"') ELSE w[1] END), ', ')" \
    "     FROM pg_catalog.regexp_matches(v.setting_value, '(\"(?:[^\"]|\"\")*\"|[^,\\s]+)', 'g') w), '''''')" \
    "   ELSE pg_catalog.quote_literal(v.setting_value) END)" \
    "  FROM (SELECT pg_catalog.split_part(" setting ", '=', 1)," \
    "   pg_catalog.substr(" setting ", pg_catalog.strpos(" setting ", '=') + 1)) v(setting_name, setting_value))"

/* clang-format on */

#endif
