#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "msg.h"

static struct {
    bool shown;
    uint64_t total, bytes;
    double start, last; /* seconds */
} now;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

char *format_size(uint64_t bytes, char out[16])
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double size = (double)bytes;
    size_t u = 0;

    while (size >= 1000 && u + 1 < sizeof unit / sizeof unit[0]) {
        size /= 1024;
        u++;
    }
    snprintf(out, 16, size < 10 && u > 0 ? "%.1f %s" : "%.0f %s", size, unit[u]);
    return out;
}

void progress_begin(uint64_t total)
{
    now.shown = !msg_is_quiet() && isatty(STDERR_FILENO);
    now.total = total;
    now.bytes = 0;
    now.start = now.last = seconds();
}

static void show(double at)
{
    char line[200], done[16], total[16], rate[16];
    double took = at - now.start;

    format_size(now.bytes, done);
    format_size(took > 0 ? (uint64_t)((double)now.bytes / took) : 0, rate);
    int n = snprintf(line, sizeof line, "\r\033[K%s: %s%s%s, %s/s", msg_tool(), done,
                     now.total ? " of about " : "", now.total ? format_size(now.total, total) : "", rate);
    io_write(STDERR_FILENO, line, (size_t)n); /* a terminal that is gone shows nothing: no reason to fail */
}

void progress_add(uint64_t bytes)
{
    now.bytes += bytes;
    if (!now.shown)
        return;
    double at = seconds();
    if (at - now.last < 0.2)
        return;
    now.last = at;
    show(at);
}

void progress_end(void)
{
    if (now.shown)
        io_write(STDERR_FILENO, "\r\033[K", 4);
    now.shown = false;
}
