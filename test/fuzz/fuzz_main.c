/* fuzz_main - without libFuzzer: gives each file of the target's corpus to it, and a few texts of its own. So
 * every `make test` holds what the fuzzers once found.
 *
 *     fuzz_NAME [FILE...]      without FILE: all of $BK_TEST_CORPUS/NAME (or test/fuzz/corpus/NAME)
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf b = {0};
    size_t got;

    if (!f)
        die_errno("cannot open '%s'", path);
    while ((got = fread(buf_room(&b, 4096), 1, 4096, f)) > 0)
        b.len += got;
    fclose(f);
    uint8_t *exact = xmalloc(b.len); /* so that the address sanitizer sees a read behind the end */
    if (b.len > 0)
        memcpy(exact, b.data, b.len);
    LLVMFuzzerTestOneInput(exact, b.len);
    free(exact);
    buf_free(&b);
}

static int run_corpus(const char *target)
{
    const char *corpus = getenv("BK_TEST_CORPUS");
    char *path = xasprintf("%s/%s", corpus ? corpus : "test/fuzz/corpus", target);
    DIR *dir = opendir(path);
    int files = 0;

    if (!dir)
        die_errno("cannot open '%s'", path);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (d->d_name[0] == '.')
            continue;
        char *file = xasprintf("%s/%s", path, d->d_name);
        run_file(file);
        free(file);
        files++;
    }
    closedir(dir);
    free(path);
    return files;
}

int main(int argc, char **argv)
{
    const char *name = program_invocation_short_name;
    int files = argc - 1;

    msg_init(name);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc == 1)
        files = run_corpus(name + strlen("fuzz_"));
    if (files == 0)
        die(FAILED, "there is no file to replay");
    printf("%s: 1 passed, 0 failed\n", name); /* for test/unit/run.sh: to come here is to pass */
    return DONE_OK;
}
