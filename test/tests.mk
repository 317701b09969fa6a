# How the tests in C are built: included by the Makefile.
#
#   make unit       builds and runs test/unit, and replays the fuzzers' corpora; V=1 shows each test's name
#   make test-tsan  the threads, under the thread sanitizer
#   make fuzz       builds the fuzzers with libFuzzer (clang) into build-fuzz/test/; run them as test/fuzz/README.md says

TEST_LINK = -lz -lzstd -lcrypto -lxxhash
TEST_TOOLS = mkstream streamend
TEST_SHARED = unit walk sample mktoc
TEST_UNITS = $(filter-out $(TEST_TOOLS) $(TEST_SHARED),$(patsubst test/unit/%.c,%,$(wildcard test/unit/*.c)))
FUZZ_TARGETS = $(filter-out fuzz_main,$(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/fuzz_*.c)))
# "unit_", for a folder with a program called head in it cannot be in anybody's PATH.
UNIT_PROGRAMS = $(addprefix $(BUILD)/test/unit_,$(TEST_UNITS))
FUZZ_PROGRAMS = $(addprefix $(BUILD)/test/,$(FUZZ_TARGETS))
TEST_PROGRAMS = $(addprefix $(BUILD)/test/,$(TEST_TOOLS)) $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(BUILD)/test/shim.so
TEST_OBJECTS = $(patsubst %,$(BUILD)/test/%.o,$(TEST_SHARED))

$(BUILD)/test:
	mkdir -p $@

$(BUILD)/test/%.o: test/unit/%.c | $(BUILD)/test
	$(COMPILE) -Itest/unit -c -o $@ $<

$(BUILD)/test/%.o: test/fuzz/%.c | $(BUILD)/test
	$(COMPILE) -Itest/unit -Itest/fuzz -c -o $@ $<

$(UNIT_PROGRAMS): $(BUILD)/test/unit_%: $(BUILD)/test/%.o $(TEST_OBJECTS) $(BUILD)/libbk.a
	$(COMPILE) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(TEST_LINK)

$(addprefix $(BUILD)/test/,$(TEST_TOOLS)): $(BUILD)/test/%: $(BUILD)/test/%.o $(TEST_OBJECTS) $(BUILD)/libbk.a
	$(COMPILE) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(TEST_LINK)

# With FUZZER=fuzzer libFuzzer brings main(); else ours replays files.
$(FUZZ_PROGRAMS): $(BUILD)/test/%: $(BUILD)/test/%.o $(if $(FUZZER),,$(BUILD)/test/fuzz_main.o) $(BUILD)/test/walk.o \
		$(BUILD)/libbk.a
	$(COMPILE) $(LDFLAGS) $(if $(FUZZER),-fsanitize=$(FUZZER)) -Wl,--as-needed -o $@ $^ $(TEST_LINK)

# Never with sanitizers: it is loaded into programs that may have none.
$(BUILD)/test/shim.so: test/shim/shim.c | $(BUILD)/test
	$(CC) -std=c17 $(WARNINGS) -O2 -g -shared -fPIC -o $@ $< -ldl

# What the bats tests need beside the tools.
test-programs: $(TEST_PROGRAMS)

unit: $(TEST_PROGRAMS)
	@BK_TEST_DATA=test/data BK_TEST_CORPUS=test/fuzz/corpus \
		test/unit/run.sh $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS)

test-tsan:
	$(MAKE) BUILD=build-tsan SAN=thread WERROR=$(WERROR) all test-tsan-run

test-tsan-run: $(addprefix $(BUILD)/test/,unit_pool $(TEST_TOOLS))
	test/unit/run.sh $(BUILD)/test/unit_pool
	test/unit/tsan.sh $(BUILD)

fuzz:
	$(MAKE) BUILD=build-fuzz CC=clang SAN=address,undefined,fuzzer-no-link FUZZER=fuzzer WERROR=$(WERROR) fuzz-programs

fuzz-programs: $(FUZZ_PROGRAMS)

-include $(wildcard $(BUILD)/test/*.d)

.PHONY: unit test-programs test-tsan test-tsan-run fuzz fuzz-programs
.PRECIOUS: $(BUILD)/test/%.o
