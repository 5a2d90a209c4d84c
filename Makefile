# make run: environment, dependencies, the app in a browser.   make test: the same for the tests.
# make test-benchmarks: the tests of the benchmarks, which start many servers.
# make coverage: the same tests, with the lines of the core that they run counted.
PORT ?= 8501
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
GROUPS = -n $(WORKERS) --dist loadscope --no-loadscope-reorder --durations=25
OF_BENCHMARKS := tests/test_benchmarks.py tests/test_benchmark_peers.py

.PHONY: run test test-benchmarks coverage install install-dev lint clean

run: install
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: install-dev lint
	$(BIN)/python -m pytest $(GROUPS) $(addprefix --ignore=,$(OF_BENCHMARKS))

test-benchmarks: install-dev
	$(BIN)/python -m pytest $(OF_BENCHMARKS)

coverage: install-dev
	$(BIN)/python -m pytest $(GROUPS) --cov --cov-report=term --cov-fail-under=90

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/mypy mlp_core

install: .venv/installed

install-dev: .venv/installed-dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt requirements-cluster.txt .venv/installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
