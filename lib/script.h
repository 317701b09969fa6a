/* script.h - layer 1: the SQL that pg_restore writes as text, for a connection of ours to run.
 *
 * Such a text is meant for psql. Ours has no rows, so all of it is SQL but for two lines that newer versions
 * write: "\restrict KEY" before anything else, and "\unrestrict KEY" behind all. These are taken out, and no
 * others.
 */
#ifndef BK_SCRIPT_H
#define BK_SCRIPT_H

#include "mem.h"

/* A zeroed struct is ready for the first line. Freed with script_free(). */
struct script {
    struct buf settings; /* what it sets first of all: to be run before, for the server reads a text as a
                            whole, and these say how (the encoding, standard_conforming_strings) */
    struct buf body;     /* in memory as a whole: only the server knows where a statement ends */
    char *key;           /* of \restrict; NULL: none */
};

/* Pure: takes a line of the text, its newline included; and the end of it. */
void script_line(struct script *s, const struct buf *line);
void script_end(struct script *s);

/* Takes what a program (a path, its arguments) writes. Dies if the program fails: then nothing of it was run.
 */
void script_read(struct script *s, char *const argv[]);

void script_free(struct script *s);

#endif
