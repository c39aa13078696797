# Every target makes what it needs: an empty machine with Python and make is enough.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Two processes share the tests, as most of them wait; neighbours stay together, for the sake of what they share.
PARALLEL = -n 2 --dist worksteal

.PHONY: demo test coverage test-newest test-oldest test-sdk test-downstream test-browser test-postgres interop
.PHONY: lint types docs examples bench bench-quick clean

# The main job, offline: counts, energies on a noisy device and exactly, a cost estimate, a picture.
demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL)

# The same, and which lines it reaches; takes half as long again.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term

# The newest versions of everything; the oldest that pyproject.toml declares; what haiqu-sdk 1.7.0 pins.
test-newest:
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager -e '.[test]'
	.venv-newest/bin/python -m pytest $(PARALLEL)

test-oldest test-sdk: test-%:
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet -c tests/constraints-$*.txt -e '.[test]'
	.venv-$*/bin/python -m pytest $(PARALLEL)

# Each library of the ecosystem that our users run on top, once on our primitives.
test-downstream:
	$(PYTHON) -m venv .venv-downstream
	.venv-downstream/bin/python -m pip install --quiet -e '.[test]' -r tests/downstream/requirements.txt
	.venv-downstream/bin/python -m pytest tests/downstream

# The dashboard in Debian's Chromium. HAIQU_SCREENSHOTS=1 writes the pictures of the documentation.
test-browser: $(VENV)/.dev
	command -v chromium chromedriver >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium chromium-driver)
	$(PIP) -e '.[browser]'
	$(BIN)/python -m pytest tests/browser

# The gateway on PostgreSQL, started for the tests from Debian's package.
test-postgres: $(VENV)/.dev
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null || (apt-get update -qq && apt-get install -y -qq postgresql)
	$(BIN)/python -m tests.gateway.postgres -- $(BIN)/python -m pytest tests/gateway/store

# The official client, unmodified and in an environment of its own, against our gateway in ours. Installs 1.6 GB.
interop: $(VENV)/.dev
	test -x .venv-interop/bin/python || $(PYTHON) -m venv .venv-interop
	.venv-interop/bin/python -m pip install --quiet --disable-pip-version-check -r tests/interop/requirements.txt
	HAIQU_GATEWAY_PYTHON=$(BIN)/python .venv-interop/bin/pytest -c tests/interop/pytest.ini --rootdir tests/interop tests/interop

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python -m pytest --doctest-modules qiskit_haiqu_provider --doctest-glob='*.md' README.md docs -q

examples: $(VENV)/.dev
	for example in examples/*.py; do echo "== $$example"; $(BIN)/python $$example || exit 1; done

# About half an hour on two cores, with nothing else running; writes benchmarks/results/full.* and its picture.
bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Less than five minutes: fewer workloads, runs and sizes.
bench-quick: $(VENV)/.dev
	$(BIN)/python -m benchmarks --quick

clean:
	rm -rf .venv .venv-* docs/_build demo-output build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) -e '.[ibm]' matplotlib
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/.demo
