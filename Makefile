# bk: `make` builds into build/; `make demo` shows it; `make test` tests it. Variables: BUILD (folder), CC, SAN (sanitizers,
# as "address,undefined"), WERROR=1, PREFIX, DESTDIR.

BUILD = build
PREFIX = /usr/local
DESTDIR =
SAN =
WERROR =
TEST_JOBS = $(shell nproc)
BATS_JOBS = $(shell expr 3 '*' $$(nproc)) # most of them wait for a server most of the time

CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
SANITIZE = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
PQ_CFLAGS := -I$(shell pg_config --includedir 2>/dev/null || echo /usr/include/postgresql)
COMPILE = $(CC) -std=c17 -D_POSIX_C_SOURCE=200809L -Ilib $(WARNINGS) $(CFLAGS) $(SANITIZE) -pthread -MMD -MP

# What each tool links beyond libbk.a: the map of dependencies. Whatever is not named here, a tool does not load.
LINK_bk-dump = -lpq -lxxhash
LINK_bk-load = -lpq -lxxhash
LINK_bk-gz = -lz
LINK_bk-zstd = -lzstd
LINK_bk-sum = -lcrypto
LINK_bk-verify = -lcrypto -lxxhash
LINK_bk-ls = -lxxhash
LINK_bk-cat = -lxxhash
LINK_bk-cmp = -lxxhash
LINK_bk-seal = -lcrypto
LINK_bk-slots = -lcrypto
LINK_bk-put =
LINK_bk-get =

TOOLS = $(patsubst bin/%.c,%,$(wildcard bin/bk-*.c))
LIB_OBJECTS = $(patsubst lib/%.c,$(BUILD)/lib/%.o,$(wildcard lib/*.c))
PAGES = $(wildcard man/*.[157])

all: $(addprefix $(BUILD)/,$(TOOLS))

$(BUILD)/lib/%.o: lib/%.c | $(BUILD)/lib
	$(COMPILE) $(if $(filter lib/pg%,$<),$(PQ_CFLAGS)) -c -o $@ $<

$(BUILD)/libbk.a: $(LIB_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/bk-%: bin/bk-%.c $(BUILD)/libbk.a
	$(COMPILE) $(LDFLAGS) -Wl,--as-needed -o $@ $< $(BUILD)/libbk.a $(LINK_bk-$*)

$(BUILD)/lib:
	mkdir -p $@

-include $(wildcard $(BUILD)/*.d $(BUILD)/lib/*.d)
include test/tests.mk
include test/tool/tool.mk

# What a newcomer runs. Both install what they need (ci/install-deps.sh says what, before it does).
demo:
	ci/install-deps.sh demo
	$(MAKE) -j$(TEST_JOBS) all
	examples/demo.sh $(BUILD)

test:
	ci/install-deps.sh test
	$(MAKE) -j$(TEST_JOBS) all test-programs test-tools
	$(MAKE) unit
	BUILD=$(BUILD) bats --jobs $(BATS_JOBS) --print-output-on-failure test

# By hand: what takes longer than a newcomer, or CI, will wait. Needs GNU time.
test-long: all
	BUILD=$(BUILD) test/long/memory.sh
	BUILD=$(BUILD) test/long/consistency.sh 100
	BUILD=$(BUILD) test/long/ddl.sh 200
	BUILD=$(BUILD) test/long/faults.sh 200
	BUILD=$(BUILD) test/long/swap.sh 100

# By hand, on a machine that has nothing else to do.
bench: all test-programs
	BUILD=$(BUILD) test/bench/seal.sh

lint:
	ci/install-deps.sh lint
	ci/lint.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(addprefix $(BUILD)/,$(TOOLS)) $(DESTDIR)$(PREFIX)/bin
	for s in 1 5 7; do \
		install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; \
		install -m 644 man/*.$$s $(DESTDIR)$(PREFIX)/share/man/man$$s; \
	done

clean:
	rm -rf build build-*

.PHONY: all demo test test-long bench lint install clean
