/* Sizes, counts and times in words. */
#include "progress.h"
#include "unit.h"

static void test_spans(void)
{
    char out[40];

    CHECK_STR(format_span(0.01, out), "1 s");
    CHECK_STR(format_span(119, out), "119 s");
    CHECK_STR(format_span(120, out), "2 minutes");
    CHECK_STR(format_span(7199, out), "120 minutes");
    CHECK_STR(format_span(7200, out), "2 hours");
    CHECK_STR(format_span(86400.0 * 400, out), "400 days");
}

/* The seconds are GNU date's: date -u -d '2026-11-22 02:17:00' +%s. */
static void test_ages(void)
{
    char out[40];

    CHECK_STR(format_age("2026-11-22T02:17:00Z", 1795313820.0 + 90, out), "90 s");
    CHECK_STR(format_age("2026-11-22T02:17:00Z", 1795313820.0 + 20 * 3600, out), "20 hours");
    CHECK_STR(format_age("2024-02-29T23:59:59Z", 1709251199.0 + 65, out), "65 s");
    CHECK_STR(format_age("2000-03-01T00:00:00Z", 951868800.0 + 100, out), "100 s");
    CHECK_STR(format_age("1970-01-01T00:00:00Z", 86400.0 * 3, out), "3 days");
    CHECK_STR(format_age("2026-11-22T02:17:00Z", 1795313820.0 - 500, out), "1 s"); /* another clock */
}

static void test_counts(void)
{
    char out[40];

    CHECK_STR(format_grouped("7", out), "7");
    CHECK_STR(format_grouped("123", out), "123");
    CHECK_STR(format_grouped("1234567", out), "1,234,567");
}

int main(void)
{
    RUN(test_spans);
    RUN(test_ages);
    RUN(test_counts);
    return unit_end();
}
