# Every target sets itself up: a .venv with uv inside and the pinned, hashed dependencies.
# Another Python beside it: make test PYTHON=python3.13 VENV=.venv-3.13
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SIZE ?= 2000
# Two more than there are cores: many tests wait for a process, a vendor's window or a database.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(6, (os.cpu_count() or 1) + 2))')

# Every process of the tests starts from compiled modules; without them a command takes a third longer.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(VENV)/.uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit("Unihire needs Python 3.11 or newer; say which: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.ready: $(VENV)/.uv requirements/dev.txt pyproject.toml
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src/unihire
	@touch $@

# Public clients live apart: what they pin must not hold back what we pin.
$(VENV)/.clients: $(VENV)/.ready requirements/clients.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/clients
	$(BIN)/uv pip install --quiet --python $(VENV)/clients/bin/python --require-hashes -r requirements/clients.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.ready requirements/bench.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/bench.txt
	@touch $@

# A browser is driven from beside as well; it is Debian's own.
$(VENV)/.browser: $(VENV)/.ready requirements/browser.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/browser.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready ## Prepare .venv

.PHONY: demo
demo: setup ## Run the main job on made-up data and serve the API (SIZE=2000 candidates)
	$(BIN)/unihire demo --size $(SIZE)

.PHONY: test
test: setup $(VENV)/.clients ## Run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: thorough
thorough: setup $(VENV)/.clients ## Every test with every case it has, where `make test` takes a part of them: before a release, an hour
	THOROUGH=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --timeout 3600

# Every combination of odd values, which no version of Python makes another.
LENGTHY := --ignore-glob='*/test_emulators_survive.py' --ignore-glob='*/test_operation_rows.py' \
  --ignore-glob='*/test_spoilers.py' --deselect=tests/contract/test_openapi.py::test_requests_as_described_are_taken_and_answered_as_described

.PHONY: test-others
test-others: setup ## The tests that need no more than a minute, on the other Pythons that are here
	@$(BIN)/python tests/testbed/interpreters.py --others | while read -r version python; do \
	  echo "Python $$version"; $(MAKE) --no-print-directory test-quick PYTHON=$$python VENV=.venv-$$version </dev/null || exit 1; done

.PHONY: test-quick
test-quick: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/unit tests/docs tests/contract $(LENGTHY)

.PHONY: wheel-test
wheel-test: setup ## Build wheel and sdist, install them with the newest and the oldest versions allowed, and use them
	$(BIN)/python -m pytest -n auto --maxprocesses 2 --dist loadgroup tests/built

.PHONY: release
release: setup test-others ## Build wheel and sdist into dist, test these files as wheel-test does, and say what to do next
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	BUILT=$(CURDIR)/dist $(BIN)/python -m pytest -n auto --maxprocesses 2 --dist loadgroup tests/built
	@version=$$($(BIN)/python -c 'import unihire; print(unihire.__version__)'); echo; ls -1 dist/*; echo; \
	  echo "Both are good. Next:"; \
	  echo "  1. name the changelog's Unreleased $$version, commit, and: git tag v$$version && git push origin v$$version"; \
	  echo "  2. upload: $(BIN)/uv publish dist/*"; \
	  echo "  3. the next version is __version__ in src/unihire/__init__.py"

.PHONY: browser
browser: $(VENV)/.browser ## The page where customers connect, in a real Chromium (SHOTS=folder for pictures; CHROMIUM=path)
	$(if $(SHOTS),mkdir -p $(SHOTS) && SHOTS=$(abspath $(SHOTS))) $(BIN)/python -m pytest tests/browser --timeout 300

.PHONY: chaos
chaos: setup ## Workers killed, frozen, cut off; every fault and combination of odd values; ten minutes of a vendor that spoils; 500 kills amid deliveries; a mirror killed; writes killed at every step, 1,000 asked twice at once, 50 forms of each; 1,000 races for a token (KILLS=200, SEED=any)
	THOROUGH=1 CHAOS_KILLS=$(or $(KILLS),200) MIRROR_KILLS=$(or $(KILLS),200) DELIVERY_ROUNDS=500 RACE_ROUNDS=1000 SPOIL_SECONDS=600 \
	  WRITE_KILLS_EVERY=1 SAME_KEY_TIMES=1000 FORMS=50 \
	  $(if $(SEED),CHAOS_SEED=$(SEED)) SPOIL_SEED=$(or $(SEED),$(shell date +%s)) \
	  $(BIN)/python -m pytest -s --timeout 7200 tests/acceptance/test_chaos.py tests/acceptance/test_deliveries_killed.py tests/acceptance/test_faults.py \
	  tests/acceptance/test_spoiling_vendor.py tests/acceptance/test_mirror_howto.py \
	  tests/integration/test_grants_race.py tests/contract/test_emulators_survive.py \
	  tests/integration/test_writes_killed.py tests/integration/test_unified_writes.py tests/integration/test_writes_from_meta.py \
	  tests/integration/test_operations_synced.py tests/unit/sync/test_every_member.py

.PHONY: lint
lint: setup ## Style, types and the walls between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(VENV)/.bench ## Measure, as ratios in one run (QUICK=1 in a few minutes; JSON=path also writes them)
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))

.PHONY: test-citus
test-citus: setup ## The store's tests on a database of a Citus cluster that is there for nothing else (ADDRESS=postgresql://…)
	cd tests && $(abspath $(BIN))/python -m testbed.citus $(ADDRESS)

.PHONY: scale
scale: setup ## What many connectors need: the capacity model (ASSUMPTIONS=path; MEASURE=1 measures this machine first)
	$(BIN)/python -m bench.scale $(if $(ASSUMPTIONS),--assumptions $(ASSUMPTIONS)) $(if $(MEASURE),--measure) --checks

.PHONY: memory
memory: setup ## Whether a first sync's memory grows with the account, by vendor (VENDORS=lever,workable, CANDIDATES=100000, JSON=path)
	$(BIN)/python -m bench.memory $(if $(VENDORS),--vendors $(VENDORS)) $(if $(CANDIDATES),--size $(CANDIDATES)) $(if $(JSON),--json $(JSON))

.PHONY: mutate
mutate: setup ## Break what changed in one place at a time; what the tests notice (SINCE=commit, SIZE=70, SEED=1, ONLY=paths)
	$(BIN)/python -m mutate $(if $(SINCE),--since $(SINCE)) --size $(if $(filter file,$(origin SIZE)),70,$(SIZE)) --seed $(or $(SEED),1) $(ONLY)

.PHONY: docs
docs: setup ## Write the generated files anew: the OpenAPI, capabilities, operations, writes, scale
	$(BIN)/python -m unihire.cli openapi > docs/openapi.json
	$(BIN)/python -m unihire.cli capabilities --markdown > docs/capabilities.md
	$(BIN)/python -m unihire.cli operations --markdown > docs/operations.md
	$(BIN)/python -m bench.scale --into docs/scale.md
	cd tests && $(abspath $(BIN))/python -m testbed.citus --write && $(abspath $(BIN))/python -m testbed.writes_page --write

.PHONY: lock
lock: $(VENV)/.uv ## Resolve the dependencies anew
	@for pins in "uv" "dev pyproject.toml --extra tracing" \
	  "run pyproject.toml --extra tracing -c requirements/dev.txt" "clients" "bench -c requirements/dev.txt" \
	  "browser -c requirements/dev.txt"; do set -- $$pins; name=$$1; shift; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url "$$@" requirements/$$name.in -o requirements/$$name.txt || exit 1; done
