# What people type. `make demo` and `make test` need Python 3.11 or newer and nothing else.
#
#   make demo          train a small GPT on the text that ships inside Python, then print samples
#   make test          the whole suite (ARGS="-k softmax" for a part of it)
#   make bench         the same programs on PyTorch and on ours, side by side (ARGS="--only mlp")
#   make conformance   PyTorch's own databases against ours, docs/coverage.md (needs CONFORMANCE=<folder>)
#   make lint fuzz clean
#   make fuzz-compiler 5,000 random programs, compiled against eager (PROGRAMS=20000 for more)
#
# Variables: PYTHON (interpreter), VENV (.venv), EXTRA_PIP (further packages for `make test`), ARGS.

PYTHON ?= python3
VENV ?= .venv
TORCH_VENV ?= .venv-torch
TORCH ?= torch==2.13.0
EXTRA_PIP ?=
CONFORMANCE ?= ../shared/conformance
PROGRAMS ?= 5000
ARGS ?=

PIP = -m pip --disable-pip-version-check --quiet install
PYTEST = -m pytest --timeout=300
empty :=
space := $(empty) $(empty)
test_stamp := $(VENV)/.test$(subst /,_,$(subst $(space),_,$(if $(EXTRA_PIP),-$(EXTRA_PIP))))

.PHONY: help demo test fuzz fuzz-compiler lint bench conformance suite clean
help:
	@sed -n 's/^#   /  /p' Makefile

demo: $(VENV)/.demo
	$(VENV)/bin/stickonfire train $(ARGS)

test: $(test_stamp)
	$(VENV)/bin/python $(PYTEST) $(ARGS)

fuzz: $(test_stamp)
	$(VENV)/bin/python $(PYTEST) --hypothesis-profile=fuzz -m "not oracle" $(ARGS)

fuzz-compiler: $(test_stamp)
	STICKONFIRE_FUZZ=$(PROGRAMS) STICKONFIRE_FUZZ_FROM=$$(date +%s) $(VENV)/bin/python -m pytest --timeout=3600 \
	    tests/compiler/test_random_programs.py -k random $(ARGS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/python scripts/check_layers.py

bench: $(TORCH_VENV)/.torch
	$(TORCH_VENV)/bin/python bench/run.py $(ARGS)

conformance: suite $(TORCH_VENV)/.torch
	$(TORCH_VENV)/bin/python scripts/coverage.py --conformance "$(CONFORMANCE)" $(ARGS)
suite:
	@[ -f "$(CONFORMANCE)/run.py" ] || { \
	    echo "no conformance suite in $(CONFORMANCE): name its folder with CONFORMANCE=..."; exit 1; }

clean:
	rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .ci/work
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: one stamp file each, made again when pyproject.toml changes ------------------------------

%/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed and $(PYTHON) is not it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(@D) || { \
	    echo "$(PYTHON) -m venv failed. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.demo: pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(PIP) -e ".[plot]"
	@touch $@

$(test_stamp): pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(PIP) -e ".[test]" $(EXTRA_PIP)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(PIP) -e ".[dev]"
	@touch $@

$(TORCH_VENV)/.torch: pyproject.toml | $(TORCH_VENV)/.made
	$(TORCH_VENV)/bin/python $(PIP) -e ".[test]" expecttest $(TORCH)
	@touch $@

.PRECIOUS: %/.made
