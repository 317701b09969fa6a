#include "compress.h"

#include <stdbool.h>
#include <stdio.h>

#include "filter.h"
#include "msg.h"
#include "opt.h"

struct config {
    const struct compressor *tool;
    const struct codec *codec;
    int level;
};

static void add_step(void *ctx, struct head *h)
{
    const struct config *cfg = ctx;
    char step[64];

    snprintf(step, sizeof step, "%s level=%d", cfg->tool->step, cfg->level);
    filter_compress_head(h, step);
}

static void undo_step(void *ctx, struct head *h)
{
    const struct config *cfg = ctx;

    filter_undo_head(h, cfg->tool->step, "level");
}

static void *open_codec(void *ctx)
{
    const struct config *cfg = ctx;

    return cfg->codec->open(cfg->level);
}

static const char *run_codec(void *ctx, void *state, const struct frame *f, const uint8_t *body,
                             struct buf *out)
{
    const struct config *cfg = ctx;

    return cfg->codec->run(state, body, f->length, FRAME_MAX_BODY, out);
}

static void close_codec(void *ctx, void *state)
{
    const struct config *cfg = ctx;

    cfg->codec->close(state);
}

static size_t codec_size(void *ctx, const uint8_t *body, size_t n)
{
    const struct config *cfg = ctx;

    return cfg->codec->size(body, n);
}

int compressor_main(const struct compressor *c, int argc, char **argv)
{
    static const uint32_t types[] = {FRAME_DATA, 0};
    struct config cfg = {.tool = c, .level = 0};
    bool undo = false;
    int jobs = opt_cores(64);
    char level_help[80];
    const struct opt opt[] = {
        {OPT_FLAG, 'd', NULL, NULL, "undo: decompress", &undo, 0, 0},
        {OPT_NUMBER, 'l', NULL, "LEVEL", level_help, &cfg.level, c->min_level, c->max_level},
        {OPT_NUMBER, 'j', NULL, "N", "workers (all cores); 1: no threads", &jobs, 1, 256},
    };
    const struct cmd cmd = {c->name, c->brief, "", opt, sizeof opt / sizeof opt[0], 0, 0, c->example};

    snprintf(level_help, sizeof level_help, "from %d (fast) to %d (small); %d if not given", c->min_level,
             c->max_level, c->level);
    opt_parse(&cmd, argc, argv);
    if (undo && cfg.level)
        opt_wrong("-l has no meaning with -d");
    if (!cfg.level)
        cfg.level = c->level;
    cfg.codec = undo ? c->decompress : c->compress;
    const struct map map = {
        types, undo ? undo_step : add_step, open_codec, run_codec, close_codec, codec_size, NULL};
    filter_map(&map, &cfg, jobs);
    return DONE_OK;
}
