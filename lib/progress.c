#include "progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

char *format_grouped(const char *digits, char out[40])
{
    size_t n = strlen(digits), o = 0;

    for (size_t i = 0; i < n && o < 38; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[o++] = ',';
        out[o++] = digits[i];
    }
    out[o] = '\0';
    return out;
}

char *format_span(double seconds, char out[32])
{
    static const struct {
        double seconds;
        const char *name;
    } unit[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}};

    for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
        if (seconds >= 2 * unit[i].seconds) {
            snprintf(out, 32, "%.0f %s", seconds / unit[i].seconds, unit[i].name);
            return out;
        }
    }
    snprintf(out, 32, "%.0f s", seconds < 1 ? 1 : seconds);
    return out;
}

/* Days since 1970 of a date of the Gregorian calendar. March is its first month, so that the day that is
 * sometimes there is the last one; 306 days are from March to the end of December. */
static int64_t day_number(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;

    return 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

char *format_age(const char *created, double at, char out[32])
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

    sscanf(created, "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &day, &hour, &minute, &second);
    int64_t then = day_number(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return format_span(at - (double)then, out);
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
