/* rewrap.h - layer 3: other slots for a stream that is sealed already. Its frames, its record and its
 * signature stay what they are.
 */
#ifndef BK_REWRAP_H
#define BK_REWRAP_H

#include "head.h"
#include "keyring.h"
#include "opt.h"

struct rewrap {
    struct keyring opens; /* who may open it now */
    struct keyring adds;  /* and who shall; one who has a slot gets it anew */
    struct opt_list drop; /* key ids whose slots are left out */
};

/* Changes the slots of a HEAD. `whole`: how many bytes magic and HEAD must be together, or 0: any. Dies with
 * status 1 if none of the keys opens it, 2 of a key id that is not there, 3 if HEAD is wrong, and 4 if no
 * slot would be left or there is no room for them. */
void rewrap_head(const struct rewrap *r, struct head *h, size_t whole);

#endif
