# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs git, make and a Python of 3.11 or newer; `make PYTHON=/path/to/python` chooses one. The logic is in tests/run.py.

VENV := .venv
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
FIRST_USABLE = $(shell for p in $(CANDIDATES); do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
PY = $(or $(FIRST_USABLE),$(error No Python of 3.11 or newer runs here (tried: $(CANDIDATES)). Install one, or name it: make PYTHON=/path/to/python))
STAGES := lint docs sanity unit fuzz faults integration interop cores

.DEFAULT_GOAL := help
.PHONY: help demo venv test matrix bench clean $(STAGES)

help:  ## show this
	@sed -n 's/^\([a-z$$()A-Z]*\):.*  ## /\1\t/p' Makefile | sed 's/^$$(STAGES)/$(firstword $(STAGES)) .../' | expand -t 14
	@echo "stages of test: $(STAGES)"

demo: venv  ## a collective in one process, and a playbook that talks to it
	@$(VENV)/bin/python tests/demo/run.py

venv:  ## make .venv and install what demo and tests need
	@$(PY) tests/run.py venv

test:  ## every stage, then the count of tests passed and failed
	@$(PY) tests/run.py $(STAGES)

matrix:  ## sanity, unit and cores with every ansible-core, Python and library that is supported; half an hour
	@$(PY) tests/run.py matrix

$(STAGES):  ## one stage of test alone
	@$(PY) tests/run.py $@

bench: venv  ## what it costs beside what others cost; some minutes, on an idle machine (make bench ONLY="fanout memory")
	@$(VENV)/bin/python tests/benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(NODES),--nodes $(NODES))

clean:  ## remove all that this Makefile made
	rm -rf .build $(VENV)
