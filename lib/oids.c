#include "oids.h"

#include <stdlib.h>

#include "mem.h"

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

struct oids oids_room(size_t room)
{
    return (struct oids){.oid = xcalloc(room, sizeof(uint32_t))};
}

void oids_add(struct oids *o, uint32_t oid)
{
    o->oid[o->count++] = oid;
}

void oids_sort(struct oids *o)
{
    qsort(o->oid, o->count, sizeof o->oid[0], compare);
}

bool oids_have(const struct oids *o, uint32_t oid)
{
    return bsearch(&oid, o->oid, o->count, sizeof oid, compare) != NULL;
}

void oids_free(struct oids *o)
{
    free(o->oid);
    *o = (struct oids){0};
}
