#include "pg.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "msg.h"

/* One parameter of a connection. */
struct parameter {
    char *key, *value;
    bool secret;
};

struct pg {
    PGconn *conn;
    struct parameter
        *parameter; /* all that it was connected with, of several hosts only the one that it has */
    size_t parameters;
    char *server;   /* which one it is, and which database */
    char *farewell; /* the server's, which comes while nothing is asked; NULL: none */
    char farewell_state[6];
    bool loads;       /* see pg_loads() */
    bool may_break;   /* see pg_may_break() */
    char *broken;     /* how it did; NULL: not */
    const char *what; /* of the COPY that is under way */
};

struct pg_rows {
    PGresult *result;
};

/* Chosen so that the text is exact, and the same whatever the database, the role or the environment set:
 * PostgreSQL's documentation, "Client Connection Defaults". pg_dump sets the first three. lc_monetary C
 * writes money as plain digits. */
const char *const pg_copy_settings[] = {
    "DateStyle=ISO, MDY", "IntervalStyle=postgres", "extra_float_digits=3", "bytea_output=hex",
    "TimeZone=UTC",       "lc_monetary=C",          "xmloption=content",    NULL,
};

/* What else all our sessions have. A setting that a server does not know is left out. */
static const char *const session_settings[] = {
    "statement_timeout=0",
    "lock_timeout=0",
    "idle_in_transaction_session_timeout=0",
    "idle_session_timeout=0",
    "transaction_timeout=0",
    "synchronize_seqscans=off",          /* else a table's rows begin anywhere */
    "row_security=off",                  /* an error instead of fewer rows */
    "max_parallel_workers_per_gather=0", /* else rows come in any order */
    "enable_tidscan=on",                 /* else a page range reads the whole table */
    "array_nulls=on",                    /* NULL in an array is not the word */
    "default_transaction_read_only=off",
    "restrict_nonsystem_relation_kind=view, foreign-table", /* as pg_dump since August 2024 */
    NULL,
};

/* Of the last one: what is loaded may read what it likes, as a CHECK that calls a function. */
static const char unrestricted[] = "SELECT pg_catalog.set_config(name, '', false) FROM pg_catalog.pg_settings"
                                   " WHERE name = 'restrict_nonsystem_relation_kind'";

const char pg_standby_advice[] =
    "a standby ends what hinders it: set hot_standby_feedback = on there, or a longer "
    "max_standby_streaming_delay";

static const char *secret_variable; /* that -d env:VAR named: children have no business with it */

const char *pg_conninfo(const char *d)
{
    if (!d)
        return "";
    if (strncmp(d, "env:", 4) != 0)
        return d;
    secret_variable = d + 4;
    const char *value = getenv(d + 4);
    if (!value || !*value)
        die(BAD_CALL, "the variable %s, which -d %s names, is not set", d + 4, d);
    return value;
}

/* libpq's messages end with a newline, and may have several lines. */
static char *one_line(const char *message)
{
    struct buf b = {0};

    for (; *message; message++) {
        if (*message != '\n' && *message != '\t')
            buf_addc(&b, *message);
        else if (*message == '\n' && message[1])
            buf_adds(&b, "; ");
    }
    return buf_str(&b);
}

/* What ends a session that is idle comes as a notice; the next call would only see that it is closed. */
static void keep_farewell(void *arg, const PGresult *result)
{
    struct pg *pg = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (!severity || strcmp(severity, "FATAL") != 0 || pg->farewell)
        return;
    pg->farewell = one_line(PQresultErrorMessage(result));
    snprintf(pg->farewell_state, sizeof pg->farewell_state, "%s", state ? state : "");
}

/* The server's or libpq's words, to be freed. */
static char *last_words(const struct pg *pg)
{
    return pg->farewell ? xstrdup(pg->farewell) : one_line(PQerrorMessage(pg->conn));
}

/* "" if there is none. Lives as long as `result`. */
static const char *sqlstate(const struct pg *pg, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state ? state : pg->farewell_state;
}

void pg_advise(const char *state)
{
    if (strcmp(state, "40001") == 0) /* serialization_failure: for us, a conflict with recovery */
        hint("%s", pg_standby_advice);
    if (strcmp(state, "53200") == 0) /* out_of_memory: "out of shared memory" */
        hint("there are more locks than the server's max_locks_per_transaction allows for");
}

/* `result` may be NULL. */
static _Noreturn void die_result(const struct pg *pg, const char *what, const PGresult *result)
{
    pg_advise(sqlstate(pg, result));
    die(FAILED, "cannot %s: %s", what, last_words(pg));
}

static _Noreturn void die_pg(const struct pg *pg, const char *what)
{
    die_result(pg, what, NULL);
}

/* A session that waits for a lock, or works long without a word, does not see that we have gone: the server
 * is to look now and then. PostgreSQL knows that from 14 on, but not on every system. */
static void end_with_us(struct pg *pg)
{
    char state[6], *words = NULL;

    pg_try(pg, "SET client_connection_check_interval = '2s'", state, &words);
    free(words);
}

/* set_config() of those that the server has. The first statement takes search_path away, so that no name
 * means something else. */
static void set_session(struct pg *pg)
{
    static const char *const *const both[] = {pg_copy_settings, session_settings};
    struct buf sql = {0};

    pg_exec(pg, "set up the session", "SELECT pg_catalog.set_config('search_path', '', false)");
    buf_adds(
        &sql,
        "SELECT pg_catalog.set_config(s.name, v.value, false) FROM pg_catalog.pg_settings s JOIN (VALUES ");
    for (size_t i = 0; i < 2; i++) {
        for (const char *const *s = both[i]; *s; s++) {
            const char *equals = strchr(*s, '=');
            buf_addf(&sql, "%s('%.*s', '%s')", i + (size_t)(s - both[i]) ? ", " : "", (int)(equals - *s), *s,
                     equals + 1);
        }
    }
    buf_adds(&sql, ") v(name, value) ON s.name = v.name");
    pg_exec(pg, "set up the session", buf_str(&sql));
    buf_free(&sql);
    if (pg->loads)
        pg_exec(pg, "set up the session", unrestricted);
}

/* conninfo: keyword = 'value', with quotes and backslashes escaped (PostgreSQL's documentation, "Connection
 * Strings"). */
static void add_conninfo(struct buf *b, const char *key, const char *value)
{
    buf_addf(b, "%s%s='", b->len ? " " : "", key);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_addc(b, '\\');
        buf_addc(b, *value);
    }
    buf_addc(b, '\'');
}

/* The value of a parameter: of host, address and port, libpq may have been given lists, and has chosen. */
static const char *chosen(const struct pg *pg, const PQconninfoOption *o)
{
    if (strcmp(o->keyword, "host") == 0)
        return PQhost(pg->conn);
    if (strcmp(o->keyword, "port") == 0)
        return PQport(pg->conn);
    if (strcmp(o->keyword, "hostaddr") == 0 && o->val && *o->val)
        return PQhostaddr(pg->conn);
    return o->val;
}

/* A service, if one was named, has been looked up already. */
static void remember_parameters(struct pg *pg)
{
    static const char *const done[] = {"service", "fallback_application_name", "client_encoding"};
    PQconninfoOption *all = PQconninfo(pg->conn);

    if (!all)
        die(FAILED, "out of memory");
    for (PQconninfoOption *o = all; o->keyword; o++) {
        const char *value = chosen(pg, o);
        bool wanted = value && *value;
        for (size_t i = 0; i < sizeof done / sizeof done[0]; i++)
            wanted = wanted && strcmp(o->keyword, done[i]) != 0;
        if (!wanted)
            continue;
        pg->parameter = xrealloc(pg->parameter, pg->parameters + 1, sizeof pg->parameter[0]);
        pg->parameter[pg->parameters++] = (struct parameter){
            .key = xstrdup(o->keyword), .value = xstrdup(value), .secret = strchr(o->dispchar, '*')};
    }
    PQconninfoFree(all);
}

/* May fail: then its status is not CONNECTION_OK. */
static struct pg *connect_with(const char *const *keys, const char *const *values)
{
    struct pg *pg = xcalloc(1, sizeof *pg);

    pg->conn = PQconnectdbParams(keys, values, 1);
    if (!pg->conn)
        die(FAILED, "out of memory");
    if (PQstatus(pg->conn) == CONNECTION_OK) {
        PQsetNoticeReceiver(pg->conn, keep_farewell, pg);
        remember_parameters(pg);
    }
    return pg;
}

/* Words that no other database of any server has. The time at which it was started tells a server from its
 * standbys, whose identifier is the same. */
static char *which_server(struct pg *pg)
{
    struct pg_rows *may =
        pg_query(pg, "look at the server",
                 "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')");
    bool known = strcmp(pg_value(may, 0, 0), "t") == 0;
    struct buf sql = {0};

    pg_free(may);
    buf_adds(&sql, "SELECT pg_catalog.format('database %s of the server ");
    buf_adds(&sql, known ? "%s started at %s', d.oid, c.system_identifier" : "started at %s', d.oid");
    buf_adds(&sql, ", pg_catalog.pg_postmaster_start_time()) FROM pg_catalog.pg_database d");
    buf_adds(&sql, known ? ", pg_catalog.pg_control_system() c" : "");
    buf_adds(&sql, " WHERE d.datname = pg_catalog.current_database()");
    struct pg_rows *r = pg_query(pg, "look at the server", buf_str(&sql));
    char *words = xstrdup(pg_value(r, 0, 0));
    pg_free(r);
    buf_free(&sql);
    return words;
}

static void set_own_encoding(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "ask for the encoding", "SELECT pg_catalog.getdatabaseencoding()");

    pg_set_encoding(pg, pg_value(r, 0, 0));
    pg_free(r);
}

void pg_set_up(struct pg *pg)
{
    set_session(pg);
    end_with_us(pg);
    set_own_encoding(pg);
    pg->server = which_server(pg);
}

void pg_loads(struct pg *pg)
{
    pg->loads = true;
    pg_exec(pg, "set up the session", unrestricted);
}

/* Nothing here may be refused, as that would end the transaction. */
void pg_reset(struct pg *pg)
{
    pg_exec(pg, "set up the session",
            "RESET standard_conforming_strings; RESET check_function_bodies; RESET client_min_messages;"
            " RESET default_tablespace; RESET default_table_access_method");
    set_session(pg);
    set_own_encoding(pg);
}

/* NULL if it cannot be had: `words` say why. */
static struct pg *if_connected(struct pg *pg, char **words)
{
    if (PQstatus(pg->conn) == CONNECTION_OK)
        return pg;
    *words = one_line(PQerrorMessage(pg->conn));
    pg_close(pg);
    return NULL;
}

/* Of several dbnames libpq takes the first for conninfo, and the last for the database. */
struct pg *pg_try_connect(const char *conninfo, const char *database, const char *app, char **words)
{
    const char *const keys[] = {"dbname", "fallback_application_name", database ? "dbname" : NULL, NULL};
    const char *const values[] = {conninfo, app, database, NULL};

    return if_connected(connect_with(keys, values), words);
}

struct pg *pg_connect(const char *conninfo, const char *app)
{
    char *words;
    struct pg *pg = pg_try_connect(conninfo, NULL, app, &words);

    if (!pg) {
        hint("-d takes a name, conninfo, a URI or env:VAR, as for psql; PGHOST, PGUSER and the others count "
             "too");
        die(FAILED, "cannot connect to the database: %s", words);
    }
    return pg;
}

char *pg_conninfo_database(const char *conninfo)
{
    PQconninfoOption *all = PQconninfoParse(conninfo, NULL);
    char *name = all ? NULL : xstrdup(conninfo);

    for (PQconninfoOption *o = all; o && o->keyword; o++)
        if (strcmp(o->keyword, "dbname") == 0 && o->val && *o->val)
            name = xstrdup(o->val);
    PQconninfoFree(all);
    return name;
}

struct pg *pg_connect_other(const struct pg *pg, const char *database, const char *app, char **words)
{
    const char **keys = xcalloc(pg->parameters + 3, sizeof keys[0]);
    const char **values = xcalloc(pg->parameters + 3, sizeof values[0]);
    size_t n = 1;

    keys[0] = "dbname"; /* libpq looks into the first one, whether it is conninfo: an empty one is */
    values[0] = "dbname=''";
    for (size_t i = 0; i < pg->parameters; i++) {
        bool other = database && strcmp(pg->parameter[i].key, "dbname") == 0;
        keys[n] = pg->parameter[i].key;
        values[n++] = other ? database : pg->parameter[i].value;
    }
    keys[n] = "fallback_application_name";
    values[n] = app;
    struct pg *other = connect_with(keys, values);
    free(keys);
    free(values);
    return if_connected(other, words);
}

struct pg *pg_connect_again(const struct pg *pg, const char *app, char **words)
{
    return pg_connect_other(pg, NULL, app, words);
}

struct pg *pg_again(const struct pg *pg, const char *app)
{
    char *words;
    struct pg *again = pg_connect_again(pg, app, &words);

    if (!again)
        die(FAILED, "cannot connect once more: %s", words);
    again->loads = pg->loads;
    pg_set_up(again);
    if (strcmp(again->server, pg->server) != 0) {
        hint("a pooler or proxy that spreads connections over several servers is no way to one database");
        die(FAILED, "two connections lead to different places: %s; %s", pg->server, again->server);
    }
    return again;
}

void pg_close(struct pg *pg)
{
    PQfinish(pg->conn);
    for (size_t i = 0; i < pg->parameters; i++) {
        free(pg->parameter[i].key);
        free(pg->parameter[i].value);
    }
    free(pg->parameter);
    free(pg->server);
    free(pg->farewell);
    free(pg->broken);
    free(pg);
}

uint64_t pg_client_pid(const struct pg *pg)
{
    return (uint64_t)PQbackendPID(pg->conn);
}

int pg_version(const struct pg *pg)
{
    return PQserverVersion(pg->conn);
}

const char *pg_parameter(const struct pg *pg, const char *name)
{
    const char *value = PQparameterStatus(pg->conn, name);

    return value ? value : "";
}

void pg_set_encoding(struct pg *pg, const char *encoding)
{
    if (PQsetClientEncoding(pg->conn, encoding) != 0)
        die_pg(pg, "set the encoding");
}

const char *pg_database(const struct pg *pg)
{
    return PQdb(pg->conn);
}

const char *pg_host(const struct pg *pg)
{
    return PQhost(pg->conn);
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* True if it may be forgiven: a conflict with recovery, or a session that is gone without a word. */
static bool breaks(struct pg *pg, const PGresult *result)
{
    const char *state = sqlstate(pg, result);

    if (!pg->may_break || (*state ? strcmp(state, "40001") != 0 : PQstatus(pg->conn) == CONNECTION_OK))
        return false;
    if (!pg->broken)
        pg->broken = last_words(pg);
    return true;
}

void pg_may_break(struct pg *pg)
{
    pg->may_break = true;
}

char *pg_broken(struct pg *pg)
{
    char *words = pg->broken;

    pg->may_break = false;
    pg->broken = NULL;
    if (PQstatus(pg->conn) != CONNECTION_OK) {
        struct pg *again = pg_again(pg, msg_tool()), gone = *pg;
        *pg = *again;
        *again = gone;
        PQsetNoticeReceiver(pg->conn, keep_farewell, pg);
        pg_close(again);
    }
    return words;
}

static bool is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* As PQexec(), but of several errors the first: that of a session that is ended says why, the next one only
 * that it is closed. */
static PGresult *run(struct pg *pg, const char *sql)
{
    PGresult *result = NULL, *next;

    if (!PQsendQuery(pg->conn, sql))
        return NULL;
    while ((next = PQgetResult(pg->conn))) {
        bool failed = result && !succeeded(result);
        PQclear(failed ? next : result);
        result = failed ? result : next;
        if (is_copy(result)) /* which nobody would end */
            die(FAILED, "a COPY stands where there may be none");
    }
    if (!succeeded(result))
        keep_farewell(pg, result);
    return result;
}

struct pg_rows *pg_query(struct pg *pg, const char *what, const char *sql)
{
    struct pg_rows *r = xcalloc(1, sizeof *r);

    if (pg->broken)
        return r;
    r->result = run(pg, sql);
    if (succeeded(r->result))
        return r;
    if (!breaks(pg, r->result))
        die_result(pg, what, r->result);
    PQclear(r->result);
    r->result = NULL;
    return r;
}

void pg_exec(struct pg *pg, const char *what, const char *sql)
{
    pg_free(pg_query(pg, what, sql));
}

bool pg_try(struct pg *pg, const char *sql, char state[6], char **words)
{
    PGresult *result = run(pg, sql);
    bool ok = succeeded(result);

    if (!ok) {
        bool gone = !*sqlstate(pg, result) && breaks(pg, result);
        snprintf(state, 6, "%s", gone ? "40001" : sqlstate(pg, result));
        *words = last_words(pg);
    }
    PQclear(result);
    return ok;
}

bool pg_in_transaction(const struct pg *pg)
{
    return PQtransactionStatus(pg->conn) == PQTRANS_INTRANS;
}

int pg_count(const struct pg_rows *r)
{
    return PQntuples(r->result);
}

const char *pg_value(const struct pg_rows *r, int row, int column)
{
    const char *value = PQgetvalue(r->result, row, column);

    return value ? value : "";
}

bool pg_null(const struct pg_rows *r, int row, int column)
{
    return PQgetisnull(r->result, row, column);
}

uint64_t pg_number(const struct pg_rows *r, int row, int column)
{
    return strtoull(pg_value(r, row, column), NULL, 10);
}

void pg_free(struct pg_rows *r)
{
    PQclear(r->result);
    free(r);
}

static void add_quoted(struct pg *pg, char *quoted, struct buf *out)
{
    if (!quoted)
        die_pg(pg, "quote a name");
    buf_adds(out, quoted);
    PQfreemem(quoted);
}

void pg_ident(struct pg *pg, const char *name, struct buf *out)
{
    add_quoted(pg, PQescapeIdentifier(pg->conn, name, strlen(name)), out);
}

void pg_literal(struct pg *pg, const char *value, struct buf *out)
{
    add_quoted(pg, PQescapeLiteral(pg->conn, value, strlen(value)), out);
}

/* Sends `sql` and reads results until the COPY begins. False if the server refuses with the SQLSTATE
 * `unless`. */
static bool begin_copy(struct pg *pg, const char *what, const char *sql, ExecStatusType wanted,
                       const char *unless)
{
    PGresult *result;

    pg->what = what;
    if (!PQsendQuery(pg->conn, sql))
        die_pg(pg, what);
    while ((result = PQgetResult(pg->conn))) {
        bool begun = PQresultStatus(result) == wanted;
        bool refused = unless && strcmp(sqlstate(pg, result), unless) == 0;
        if (!begun && !refused && !succeeded(result))
            die_result(pg, what, result);
        PQclear(result);
        if (begun)
            return true;
        if (refused) {
            while ((result = PQgetResult(pg->conn)))
                PQclear(result);
            return false;
        }
    }
    die_pg(pg, what);
}

/* After the last byte of a COPY: the server's count of rows. NULL, or what the server says against it. */
static char *end_copy(struct pg *pg, uint64_t *rows)
{
    PGresult *result;
    char *words = NULL;

    *rows = 0;
    while ((result = PQgetResult(pg->conn))) {
        if (succeeded(result))
            *rows = strtoull(PQcmdTuples(result), NULL, 10);
        else if (!words) {
            words = one_line(PQresultErrorMessage(result));
            pg_advise(sqlstate(pg, result));
        }
        PQclear(result);
    }
    return words;
}

void pg_copy_out(struct pg *pg, const char *what, const char *sql)
{
    begin_copy(pg, what, sql, PGRES_COPY_OUT, NULL);
}

bool pg_copy_out_unless(struct pg *pg, const char *what, const char *sql, const char *state)
{
    return begin_copy(pg, what, sql, PGRES_COPY_OUT, state);
}

size_t pg_copy_get(struct pg *pg, char **row)
{
    int n = PQgetCopyData(pg->conn, row, 0);

    if (n > 0)
        return (size_t)n;
    uint64_t rows;
    char *words = n == -1 ? end_copy(pg, &rows) : last_words(pg);
    if (words)
        die(FAILED, "cannot %s: %s", pg->what, words);
    return 0;
}

void pg_copy_free(char *row)
{
    PQfreemem(row);
}

void pg_copy_in(struct pg *pg, const char *what, const char *sql)
{
    begin_copy(pg, what, sql, PGRES_COPY_IN, NULL);
}

void pg_copy_put(struct pg *pg, const void *bytes, size_t n)
{
    enum { PIECE = 256 << 10 }; /* libpq copies what it is given into a buffer of its own */
    const char *p = bytes;

    while (n > 0) {
        size_t piece = n < PIECE ? n : PIECE;
        if (PQputCopyData(pg->conn, p, (int)piece) != 1)
            die_pg(pg, pg->what);
        p += piece;
        n -= piece;
    }
}

bool pg_copy_end_try(struct pg *pg, uint64_t *rows, char **words)
{
    if (PQputCopyEnd(pg->conn, NULL) != 1)
        die_pg(pg, pg->what);
    *words = end_copy(pg, rows);
    if (PQstatus(pg->conn) != CONNECTION_OK)
        die(FAILED, "cannot %s: %s", pg->what, *words ? *words : "the server has gone");
    return !*words;
}

/* What libpq marks as secret stays out; so does what PGOPTIONS gave, for settings there break some
 * extensions' scripts. */
static char *child_conninfo(const struct pg *pg)
{
    struct buf b = {0};

    for (size_t i = 0; i < pg->parameters; i++) {
        const struct parameter *p = &pg->parameter[i];
        bool ours =
            p->secret || strcmp(p->key, "passfile") == 0; /* pg_child() has a password file of its own */
        if (!ours && !(strcmp(p->key, "options") == 0 && getenv("PGOPTIONS")))
            add_conninfo(&b, p->key, p->value);
    }
    return buf_str(&b);
}

/* A line of a password file that fits every host, port, database and user ("The Password File"). */
static int password_file(const char *password)
{
    struct buf b = {0};

    buf_adds(&b, "*:*:*:*:");
    for (; *password; password++) {
        if (*password == ':' || *password == '\\')
            buf_addc(&b, '\\');
        buf_addc(&b, *password);
    }
    buf_addc(&b, '\n');
    int fd = io_secret_file(b.data, b.len);
    memset(b.data, 0, b.len);
    buf_free(&b);
    return fd;
}

/* Where the database or the role has default_transaction_read_only, children can write only if it is taken
 * back. */
static bool is_read_only(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "look at the settings",
                                 "SELECT reset_val = 'on' FROM pg_catalog.pg_settings"
                                 " WHERE name = 'default_transaction_read_only'");
    bool yes = strcmp(pg_value(r, 0, 0), "t") == 0;

    pg_free(r);
    return yes;
}

struct pg_child pg_child(struct pg *pg, bool writes)
{
    static const char *const cleaned[] = {"PGPASSWORD", "PGCLIENTENCODING", "PGDATESTYLE", "PGTZ",
                                          "PGGEQO",     "PGAPPNAME",        "PGSERVICE"};
    enum { CLEANED = sizeof cleaned / sizeof cleaned[0] };
    struct pg_child c = {.conninfo = child_conninfo(pg), .env = xcalloc(CLEANED + 4, sizeof c.env[0])};
    const char *password = PQpass(pg->conn);
    size_t n = 0;

    for (; n < CLEANED; n++)
        c.env[n] = xstrdup(cleaned[n]);
    c.env[n++] =
        xstrdup(writes && is_read_only(pg) ? "PGOPTIONS=-c default_transaction_read_only=off" : "PGOPTIONS");
    c.env[n++] = password && *password ? xasprintf("PGPASSFILE=/dev/fd/%d", password_file(password))
                                       : xstrdup("PGPASSFILE");
    if (secret_variable)
        c.env[n++] = xstrdup(secret_variable);
    return c;
}

void pg_child_free(struct pg_child *c)
{
    for (char **e = c->env; e && *e; e++)
        free(*e);
    free(c->env);
    free(c->conninfo);
    *c = (struct pg_child){0};
}
