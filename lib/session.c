#include "session.h"

#include <string.h>

#include "deadline.h"

enum {
    ROUNDS = 10,
    POOLER_WAIT = 10, /* seconds for the pooler to give us a second session */
};

static const char no_session_advice[] =
    "its pool needs one session more than -j says; or connect to the server itself";

static uint64_t backend_pid(struct pg *pg)
{
    struct pg_rows *r = pg_query(pg, "ask for the server's process", "SELECT pg_catalog.pg_backend_pid()");
    uint64_t pid = pg_number(r, 0, 0);

    pg_free(r);
    return pid;
}

static _Noreturn void refuse(const char *why)
{
    hint("connect to the server itself, or to a pool in session mode");
    die(GUARDED, "the pooler in between does not keep sessions: %s", why);
}

/* A connection on which something has been done. */
static struct pg *open_second(const struct pg *first, const char *app)
{
    char state[6], *words;
    struct pg *second = pg_connect_again(first, app, &words);

    if (second && pg_try(second, "SELECT", state, &words))
        return second;
    hint("%s", no_session_advice);
    die(FAILED, "the pooler in between has no second session for us: %s", words);
}

/* A transaction on the second connection holds a server session for as long as it is open. Where the first
 * one's is not kept for it, it is idle meanwhile: a pooler that takes the session that was idle for the
 * shortest time takes that one at once; one that takes them by turns takes it some rounds later, or gives the
 * first connection another one. False if either of them has another's session. */
static bool keeps_sessions(struct pg *first, uint64_t first_pid, struct pg *second, uint64_t second_pid)
{
    char state[6], *words;

    if (!pg_try(second, "BEGIN", state, &words))
        refuse(words);
    uint64_t pid = backend_pid(second);
    bool kept = pid == second_pid && pid != first_pid;
    if (kept) /* else there may be no session that it could have */
        kept = backend_pid(first) == first_pid;
    pg_exec(second, "end a transaction", "ROLLBACK");
    return kept;
}

static void check_pooler(struct pg *first, uint64_t first_pid, const char *app)
{
    struct deadline *deadline =
        deadline_begin(POOLER_WAIT, "the pooler in between has no second session for us: we waited for 10 s",
                       no_session_advice);
    struct pg *second = open_second(first, app);
    uint64_t second_pid = backend_pid(second);

    for (int i = 0; i < ROUNDS; i++)
        if (!keeps_sessions(first, first_pid, second, second_pid))
            refuse("a statement may come to another one than that before it");
    pg_close(second);
    deadline_end(deadline);
}

/* A pooler makes up what it tells libpq of the server's process. */
void session_begin(struct pg *pg, const char *app)
{
    uint64_t pid = backend_pid(pg);
    bool pooled = pid != pg_client_pid(pg);

    if (pooled)
        check_pooler(pg, pid, app);
    pg_set_up(pg);
    if (pooled)
        pg_close(pg_again(pg, app)); /* is it at the same server? */
}

struct pg *session_open(const char *conninfo, const char *app)
{
    struct pg *pg = pg_connect(conninfo, app);

    session_begin(pg, app);
    return pg;
}
