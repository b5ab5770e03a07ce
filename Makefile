# sedsep. `make demo` and `make test` install what they need first; both can be run again and again.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.sedsep-installed
BENCH := .bench-venv

.PHONY: help install demo test lint bench clean
help:
	@echo "make demo     install, then run the main job on a corpus that sedsep synthesises (10 to 15 minutes on two cores)"
	@echo "make test     install, then run the tests"
	@echo "make lint     format of Python and shell, and likely mistakes (settings: tools/ruff.toml)"
	@echo "make install  install into $(VENV)"
	@echo "make bench    time sedsep against its peers (installs them into $(BENCH))"
	@echo "make clean    remove the environments, never your data or experiments"

install: $(STAMP)

$(STAMP): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "sedsep needs Python 3.10 or newer; choose one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "==> Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "venv failed; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "==> Installing sedsep with PyTorch and the rest (several GB the first time, a few minutes)"
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --editable '.[test]'
	@touch $@
	@echo "==> Installed; use it with: . $(BIN)/activate"

demo: install
	@echo "==> The main job on a synthesised corpus: egs/desed_2021/run.sh --corpus mini --preset mini --rows main"
	@PATH="$(CURDIR)/$(BIN):$$PATH" egs/desed_2021/run.sh --corpus mini --preset mini --rows main

test: install
	@echo "==> Tests"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: install
	@$(BIN)/ruff format --config tools/ruff.toml --check sedsep tests tools
	@$(BIN)/ruff check --config tools/ruff.toml sedsep tests tools
	@if command -v shellcheck > /dev/null; then shellcheck -S warning egs/*/run.sh egs/*/local/*.sh tools/*.sh tools/bench/*.sh; \
	  else echo "shellcheck is not here: shell scripts are not looked at"; fi

bench: install
	@tools/bench/install.sh "$(PYTHON)" "$(BENCH)"
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BENCH)/bin/python tools/bench/run.py $(BENCH_ARGS)

clean:
	rm -rf $(VENV) $(BENCH) *.egg-info
