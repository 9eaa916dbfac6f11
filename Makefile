# Two commands do everything on a machine with Python >= 3.11 and make: `make preview` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install preview test lab-tools lab-test lab-test-long lab lab-down lint format bench docs clean
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(STAMP) ## make .venv with everything in it

# uv is a wheel itself and installs the rest in seconds; pip alone takes half a minute.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hakit needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	@echo "installing into $(VENV) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

preview: $(STAMP) ## what every stack of the reference system would run; no engine, no cluster, no credentials
	@$(BIN)/hakit preview

test: $(STAMP) ## every test that needs no tools but Python's
	@$(BIN)/python -m pytest -n auto -m "not lab"

lab-tools: ## build Kubernetes, Helm, Pulumi and more from their Go modules into lab/bin; 25 minutes the first time
	@nice -n 15 $(PYTHON) -m lab.build

# Its tests wait more than they work: two files at a time take half as long. Of the long ones each has the machine to itself.
lab-test: $(STAMP) lab-tools ## hakit against a real Kubernetes, Helm, Pulumi and PostgreSQL
	@$(BIN)/python -m tests.lab.short

lab-test-long: $(STAMP) lab-tools ## the same, and what takes minutes a test
	@$(BIN)/python -m pytest tests/lab -m lab

lab: $(STAMP) lab-tools ## two regions to explore with kubectl, until Ctrl-C
	@$(BIN)/python -m lab.harness

lab-down: $(STAMP) ## end the lab that is open, and what a killed one left
	@$(BIN)/python -m lab.harness --down

lint: $(STAMP) ## every static check
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/ty check
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## format the code
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: $(STAMP) ## ratios, measured in one run
	@$(BIN)/python tests/bench.py

# The reference system has no witness; a runbook without its step would be half of one.
WITNESS := $(foreach region,us-east-1 us-west-2,--witness 's3://acme-prod-$(region)-witness/shop.json?region=$(region)')

docs: $(STAMP) ## write the pages and files that come from the code
	@$(BIN)/hakit explain > docs/findings.md
	@$(BIN)/hakit schema > docs/topology.schema.json
	@for kind in switchover failover failback; do \
	    $(BIN)/hakit runbook $$kind $(WITNESS) > docs/runbooks/$$kind.md || exit; done

clean: ## remove .venv and caches
	rm -rf $(VENV) .hakit .pytest_cache .ruff_cache .hypothesis
