# Set-up is part of the targets: on a bare Debian 12, `make demo` and `make test` are enough.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
LAYERS := specs platform messages actors api cli
CTEST = ctest --output-on-failure --no-tests=error -j $(JOBS)

.PHONY: build test demo test-asan test-tsan seed-soak crash chaos power-cut probes compat fuzz churn \
  bench density bench-compare check format clean packages
.DEFAULT_GOAL := build

build: packages build-release

test: build
	$(CTEST) --test-dir build/release

demo: build
	PATH="$(CURDIR)/build/release/bin:$$PATH" examples/web/demo.sh

test-asan: packages build-asan
	$(CTEST) --test-dir build/asan

# Debian's CAF is not instrumented, so only layers without actors in them can be judged.
test-tsan: packages
	cmake --preset tsan
	cmake --build --preset tsan --parallel $(JOBS) --target test_platform test_api
	TSAN_OPTIONS="suppressions=$(CURDIR)/cmake/tsan.supp ignore_noninstrumented_modules=1" \
	  $(CTEST) --test-dir build/tsan -L '^unit-(platform|api)$$'

SOAK = $(CTEST) --test-dir build/release -L seed --repeat until-fail:20
seed-soak: build
	RINGFORT_TEST_ISOLATION=namespaces $(SOAK)
	RINGFORT_TEST_ISOLATION=landlock $(SOAK)
	RINGFORT_TEST_ISOLATION=namespaces RINGFORT_TEST_LANDLOCK_ABI=2 $(SOAK)

# Each system call of each operation: hours. MUTATING=1 tries those that change something, STEP=13
# each 13th, OPERATION=create one operation, FAULT="EIO EINTR" errors instead of SIGKILL (of ENOSPC,
# EIO, EMFILE, EAGAIN, EINTR), LEVEL=namespaces the other level.
crash: build
	python3 tests/crash/crash.py --ringfort build/release/bin/ringfort \
	  --injector build/release/bin/crash_injector --step $(or $(STEP),1) -j $(JOBS) \
	  $(if $(MUTATING),--mutating) $(if $(SEED),--seed $(SEED)) $(if $(LEVEL),--level $(LEVEL)) \
	  $(OPERATION:%=--operation %) $(FAULT:%=--errno %)

# Ten minutes of faults under clients. SEED=n SECONDS=60 choose, SEED=n ROUND=k plays one again.
chaos: build
	build/release/bin/ringfort-chaos --seconds $(or $(SECONDS),600) $(SEED:%=--seed %) \
	  $(ROUND:%=--round %) --history build/chaos.jsonl

# What a power cut leaves at --durability full: each prefix of a traced run, some states of each.
power-cut: build
	for level in landlock namespaces; do \
	  python3 tests/writes/power_cut.py --ringfort build/release/bin/ringfort --level $$level \
	    --lives build/release/bin/power_cut_lives -j $(JOBS) --mixes $(or $(MIXES),10) $(if $(SEED),--seed $(SEED)) || exit 1; \
	done

# Ways out of a sandbox, each tried outside and at each level. DOCUMENT=docs/ISOLATION.md writes the
# table anew, ONLY=tcp tries those with that word.
probes: build
	python3 tests/probes/probes.py --ringfort build/release/bin/ringfort \
	  --probe build/release/bin/probe $(DOCUMENT:%=--document %) $(ONLY:%=--only %)

# Ten minutes of libFuzzer for each target of tests/fuzz. SECONDS=60 TARGET=spec choose. What it finds
# new goes to build/fuzz/corpus.
FUZZED = $(or $(TARGET),spec seatbelt seccomp image_name)
fuzz: packages
	tools/install-deps fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz --parallel $(JOBS) --target $(FUZZED:%=fuzz_%)
	for name in $(FUZZED); do mkdir -p build/fuzz/corpus/$$name && \
	  build/fuzz/bin/fuzz_$$name -max_total_time=$(or $(SECONDS),600) -timeout=5 -print_final_stats=1 \
	  -artifact_prefix=build/fuzz/$$name- build/fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

# Real programs at each level, installed first. DOCUMENT=docs/COMPATIBILITY.md writes the table anew,
# ONLY=git tries those with that in their name.
compat: build
	python3 tests/compat/compat.py --ringfort build/release/bin/ringfort \
	  $(DOCUMENT:%=--document %) $(ONLY:%=--only %)

# What 10,000 lives leave behind must be nothing.
churn: build
	build/release/bin/ringfort-churn --level landlock
	build/release/bin/ringfort-churn --level namespaces

# The table of goals, measured here, in less than ten minutes. QUICK=1 tries the script itself,
# MARKDOWN=file and JSON=file write it there, too.
# 10,000 containers at once; LEVEL=namespaces N=1000 choose.
density: build
	build/release/bin/ringfort-bench density --level $(or $(LEVEL),landlock) -n $(or $(N),10000)

bench: build
	python3 bench/goals.py --bin build/release/bin $(if $(QUICK),--quick) $(MARKDOWN:%=--markdown %) \
	  $(JSON:%=--json %)

# Lives of BASE=ref, which is built below build/, and of this tree, in alternation. LEVEL=namespaces.
bench-compare: build
	python3 bench/compare.py $(or $(BASE),$(error name the other build: make bench-compare BASE=main)) \
	  --build-jobs $(JOBS) $(LEVEL:%=--level %)

# Sources that git tracks or would track: what lies in build/ is never looked at.
CXX_FILES = $(shell git ls-files -co --exclude-standard '*.cpp' '*.hpp' '*.c')

check:
	tools/install-deps check
	clang-format --dry-run --Werror $(CXX_FILES)
	python3 cmake/check_layers.py
	python3 docs/draw_architecture.py --check
	cmake --preset tidy
	git ls-files -co --exclude-standard $(LAYERS:%='%/*.cpp') ':!platform/macos' | \
	  xargs -r -n 1 -P $(JOBS) clang-tidy --quiet -p build/tidy \
	    --extra-arg=-Wno-unknown-warning-option

format:
	tools/install-deps check
	clang-format -i $(CXX_FILES)

clean:
	rm -rf build

packages:
	tools/install-deps

build-%:
	cmake --preset $*
	cmake --build --preset $* --parallel $(JOBS)
