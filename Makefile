# Everything a fresh machine with Python 3.11 and make needs is installed into .venv.
#   make demo   run the main job and print what it found
#   make test   linters and the whole test suite, against the built wheel
#   make up     run the collector
#   make crash  kill collectors at every step and count what they kept
#   make conformance  what was sent over each transport is what is stored
#   make relay  a real OpenTelemetry Collector in between
#   make readers  ClickHouse's clients in Go, Java and JavaScript read what a collector stored
#   make fuzz   any bytes to whatever reads bytes of others; FUZZ_SECONDS=60
#   make bench  what it costs; make bench-query: questions over ten million records
#   make frameworks  the adapters with real frameworks, oldest and newest versions; 20 minutes, 3 GB
#   make query-attacks   what readers' statements were tried, and what became of them
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= data
SOURCES := $(shell find semconv wire identity policy registry integrity processors storage \
             instrumentation collector reports cli -type f -not -path '*/__pycache__/*' 2>/dev/null)

.PHONY: demo test up frameworks query-attacks crash conformance relay readers bad-input fuzz lint unit check-python semconv docs bench bench-query dev clean

demo: $(VENV)/.installed
	$(BIN)/python examples/demo/run.py

test: lint unit

up: $(VENV)/.installed
	$(BIN)/auditspan up --data $(DATA)

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Whole files go to one of two processes: an embedded store is open once in a process.
unit: $(VENV)/.tools
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# Generated files: constants, columns, DDL, projections and the reference pages.
semconv: $(VENV)/.tools
	$(BIN)/python semconv/generator

docs: $(VENV)/.tools
	$(BIN)/python docs/generate.py

# More statements at random: make query-attacks FUZZ=20000
FUZZ ?= 2000
query-attacks: $(VENV)/.tools
	AUDITSPAN_QUERY_TABLE=1 AUDITSPAN_FUZZ=$(FUZZ) $(BIN)/pytest -q tests/storage/reading

# Kills at every step: nothing lost, nothing twice. make crash KILLS=2000 SEED=7
KILLS ?= 240
crash: $(VENV)/.tools
	$(BIN)/python -m bench.crash --kills $(KILLS) $(if $(SEED),--seed $(SEED)) --keep

# Every pair of the matrix and rows at random over every transport, a line each.
ROWS ?= 400
conformance: $(VENV)/.tools
	AUDITSPAN_ROWS=$(ROWS) AUDITSPAN_NPM=1 $(BIN)/pytest -q -s -rs -p no:cacheprovider tests/conformance

# A real OpenTelemetry Collector, built from its Go modules, between agents and ours; 5 minutes.
relay: $(VENV)/.tools
	AUDITSPAN_RELAY=1 $(BIN)/pytest -q -rs -p no:cacheprovider tests/conformance/test_relay.py

# ClickHouse clients in Go, Java and JavaScript read from a collector; they are fetched, 2 minutes.
readers: $(VENV)/.tools
	AUDITSPAN_READERS=1 $(BIN)/pytest -q -rs -p no:cacheprovider tests/end_to_end/test_readers.py

# Malformed requests amid good ones: make bad-input BAD=100000
BAD ?= 100000
bad-input: $(VENV)/.tools
	$(BIN)/python -m bench.bad_input --bad $(BAD) --keep

# Any bytes to receiver, spool recovery, configuration, verify.py and the query endpoint's parser.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.tools
	AUDITSPAN_FUZZ_SECONDS=$(FUZZ_SECONDS) AUDITSPAN_FUZZ=$$(($(FUZZ_SECONDS) * 20)) \
	  $(BIN)/pytest -q -s -p no:cacheprovider --timeout=0 tests/fuzz tests/storage/reading/test_fuzz.py

# The whole pipeline, beside a peer, little traffic, sealing, verification; 12 minutes. BENCH=--full for longer runs.
BENCH ?=
bench: $(VENV)/.tools
	$(BIN)/python bench/run.py $(BENCH)

# Ten million records and questions about them; 10 minutes, 4 GB of disk.
bench-query: $(VENV)/.tools
	$(BIN)/python -m bench.query
	$(BIN)/python -m bench.report

# Each version in an environment of its own. make frameworks FRAMEWORKS='openai mcp --case denied'
FRAMEWORKS ?=
frameworks: $(VENV)/.tools
	$(BIN)/python -m bench.frameworks --wheel dist/auditspan-*.whl $(FRAMEWORKS)

# For work on the code: an editable install in an environment of its own.
dev: VENV := .venv-dev
dev: check-python
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet --editable '.[collector,openai]' --group dev

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "auditspan needs Python 3.11 or newer; set PYTHON=python3.12, for example"; exit 2; }

$(VENV)/.dependencies: pyproject.toml | check-python
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet '.[collector,openai]' hatchling
	touch $@

$(VENV)/.installed: $(VENV)/.dependencies $(SOURCES)
	rm -rf dist && $(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/pip install --quiet --no-deps --force-reinstall dist/*.whl
	touch $@

$(VENV)/.tools: $(VENV)/.installed
	$(BIN)/pip install --quiet --group dev
	touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
