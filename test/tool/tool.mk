# Programs that the bats tests with a server use: included by the Makefile, behind test/tests.mk. Build them with
# `make test-tools`.

TOOL_PROGRAMS = $(addprefix $(BUILD)/test/,$(patsubst test/tool/%.c,%,$(wildcard test/tool/*.c)))

$(BUILD)/test/%.o: test/tool/%.c | $(BUILD)/test
	$(COMPILE) -Itest/unit -c -o $@ $<

$(TOOL_PROGRAMS): $(BUILD)/test/%: $(BUILD)/test/%.o $(BUILD)/test/walk.o $(BUILD)/libbk.a
	$(COMPILE) $(LDFLAGS) -Wl,--as-needed -o $@ $^ -lxxhash

test-tools: $(TOOL_PROGRAMS)

.PHONY: test-tools
