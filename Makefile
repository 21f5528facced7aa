# Every target works in one virtual environment, .venv, made here on first use from requirements.lock.
# It is made again when the lock's content changes, or when PYTHON names another Python than it holds.

PYTHON ?=
export PYTHON
VENV := .venv
BIN := $(VENV)/bin
# make demo RUN_FLAGS=--fresh, make test PYTEST_FLAGS=-x, make lock LOCK_FLAGS=--upgrade
# The tests run in a process a core, at most four; WORKERS=0 is one process, as a debugger needs.
RUN_FLAGS ?=
WORKERS ?= auto
PYTEST_FLAGS ?=
LOCK_FLAGS ?=
STUDIES := $(patsubst studies/%.toml,%,$(sort $(wildcard studies/*.toml)))

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow bench check format reports $(STUDIES:%=report-%) $(STUDIES:%=renew-%) lock clean
.DELETE_ON_ERROR:

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  PYTHON=... chooses the Python that .venv is made with (3.12 or newer)."

# Sets $python: PYTHON if given, else the first candidate that really runs (a pyenv shim may exist
# and fail), is 3.12 or newer and can make virtual environments; else one sentence and failure.
define find_python
fit() { "$$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }; \
if [ -n "$$PYTHON" ]; then \
	python=$$PYTHON; \
	fit "$$python" || { echo "PYTHON=$$PYTHON cannot be used: it does not run, is older than Python 3.12, or lacks the venv module." >&2; exit 1; }; \
else \
	python=; \
	for name in python3.13 python3.12 python3; do if fit "$$name"; then python=$$name; break; fi; done; \
	[ -n "$$python" ] || { echo "mixcompare needs Python 3.12 or newer with the venv module, and none of python3.13, python3.12 and python3 is one that runs: install one, or name it with make PYTHON=..." >&2; exit 1; }; \
fi
endef

version_of = -c 'import sys; print(*sys.version_info[:2], sep=".")'

# Copies of the lock and of pyproject.toml inside .venv say what it was made from; contents are
# compared, not times, so that switching branches back and forth costs nothing. A copy is written
# last, so an interrupted installation starts again.
venv: ## make .venv, or bring it up to date
	@set -e; \
	if [ -n "$$PYTHON" ] || ! cmp -s requirements.lock $(VENV)/made-from.lock; then \
		$(find_python); \
		if ! cmp -s requirements.lock $(VENV)/made-from.lock \
			|| [ "$$("$$python" $(version_of))" != "$$($(BIN)/python $(version_of) 2>/dev/null)" ]; then \
			echo "Making $(VENV) with Python $$("$$python" $(version_of)) from requirements.lock (a few minutes)."; \
			rm -rf $(VENV); \
			"$$python" -m venv $(VENV); \
			$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
			cp requirements.lock $(VENV)/made-from.lock; \
		fi; \
	fi; \
	if ! cmp -s pyproject.toml $(VENV)/made-from.toml; then \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
		cp pyproject.toml $(VENV)/made-from.toml; \
	fi

demo: venv ## run studies/quickstart.toml and say where its report is
	@$(BIN)/mixcompare run studies/quickstart.toml --out runs/quickstart $(RUN_FLAGS)

# pytest exits with 5 if no test was selected, which proves nothing
pytest = OMP_NUM_THREADS=1 $(BIN)/pytest -m $(1) -n $(WORKERS) --maxprocesses 4 --dist loadgroup \
	$(PYTEST_FLAGS) || { code=$$?; \
	[ $$code -ne 5 ] || echo "No test was selected by -m $(1), so nothing was tested: that is a failure." >&2; \
	exit $$code; }

test: venv ## run the fast tests
	@$(call pytest,"not slow")

test-slow: venv ## run the slow tests: full matrices and studies
	@$(call pytest,"slow")

bench: venv ## time this project beside its peers and print the table (a few minutes, on a quiet machine)
	@OMP_NUM_THREADS=1 $(BIN)/pytest tests/benchmarks --benchmark -q $(PYTEST_FLAGS)

check: venv ## formatting, lint, types, import layers, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/codespell

format: venv ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

reports: $(STUDIES:%=renew-%) ## run every study in full, renew reports/ and its index (one: make report-NAME)
	$(BIN)/mixcompare index reports

$(STUDIES:%=report-%): report-%: renew-%
	$(BIN)/mixcompare index reports

# A study of which an expectation does not hold ends with 1: its report says so, and the index fails.
# Tables as .csv: "mixcompare report" makes the .tex from the results.
$(STUDIES:%=renew-%): renew-%: venv
	$(BIN)/mixcompare run studies/$*.toml --out runs/reports/$* $(RUN_FLAGS) || [ $$? -eq 1 ]
	rm -rf reports/$*
	mkdir -p reports/$*/tables
	cp -R runs/reports/$*/report.html runs/reports/$*/report.md runs/reports/$*/summary.json \
		runs/reports/$*/figures reports/$*/
	cp runs/reports/$*/tables/*.csv reports/$*/tables/

# uv keeps the versions of the present lock where they fit. The lock names no place to install from:
# pip takes the packages from wherever it is configured to look, and the hashes guard them.
lock: ## make requirements.lock anew from pyproject.toml
	@set -e; $(find_python); \
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	"$$python" -m venv "$$work/venv"; \
	"$$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	if [ -f requirements.lock ]; then cp requirements.lock "$$work/requirements.lock"; fi; \
	"$$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --extra dask --group dev \
		--custom-compile-command "make lock" $(LOCK_FLAGS) pyproject.toml -o "$$work/requirements.lock"; \
	if grep -nE '://|^ *-(i|f|-index-url|-extra-index-url|-find-links)|(^|[ @])/' "$$work/requirements.lock"; then \
		echo "The new lock names a place (lines above), so requirements.lock was left as it is." >&2; exit 1; \
	fi; \
	cp "$$work/requirements.lock" requirements.lock; \
	echo "requirements.lock: $$(grep -c '==' requirements.lock) packages"

clean: ## remove .venv, caches and builds; runs/ stays
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
