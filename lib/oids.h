/* oids.h - layer 1: lists of object identifiers, in which one can be found. */
#ifndef BK_OIDS_H
#define BK_OIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owned by whoever fills it; a zeroed one is empty. */
struct oids {
    uint32_t *oid;
    size_t count;
};

/* A list with room for so many, to be freed with oids_free(). */
struct oids oids_room(size_t room);

/* Adds one, within that room. Before any is looked for: oids_sort(). */
void oids_add(struct oids *o, uint32_t oid);
void oids_sort(struct oids *o);
bool oids_have(const struct oids *o, uint32_t oid);

void oids_free(struct oids *o);

#endif
