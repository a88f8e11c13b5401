PYTHON ?= python3
DEV := $(PYTHON) scripts/dev.py
TEMPLATES = $(shell find otp_gate/templates templates -name '*.html')
# One file serves every Python: the versions that differ carry a marker.
# The extras stay in the locks: without its "[toml]", pip looks for the newest coverage there is,
# and refuses every lock older than that.
COMPILE := $(DEV) lock uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-strip-extras --custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help demo test torture projects bench lint docs format matrix lock messages clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1	/'

demo: ## Run the demo site (ADDRESS=127.0.0.1:8000, REDIS_URL=redis://...)
	@$(DEV) demo scripts/demo.py $(ADDRESS)

test: ## Run the tests, on fakeredis and on a real Redis (ARGS="-k story" for some of them)
	@$(DEV) test scripts/test.py $(ARGS)

torture: ## Hurt everything, for long: Sentinel, Cluster, every fault, load (ARGS=--short: once)
	@$(DEV) test scripts/torture.py $(ARGS)

projects: ## Put the gate before strangers' projects and Django's own tests (ARGS="wagtail django-6.1" for some)
	@$(DEV) bench scripts/projects.py $(ARGS)

bench: ## Measure the gate beside its peers (ARGS=--quick: every part once, nothing kept)
	@$(DEV) bench -m benchmarks $(ARGS)

lint: ## Run every static check
	$(DEV) lint ruff check .
	$(DEV) lint ruff format --check .
	$(DEV) lint mypy
	$(DEV) lint lint-imports
	$(DEV) lint djlint --lint --quiet $(TEMPLATES)
	$(DEV) lint djade --check $(TEMPLATES)
	$(DEV) lint codespell

docs: ## Make the pages in build/docs (a warning is an error)
	$(DEV) docs sphinx-build --fail-on-warning --keep-going --quiet docs build/docs

format: ## Rewrite the code the way `make lint` wants it
	$(DEV) lint ruff check --fix .
	$(DEV) lint ruff format .
	$(DEV) lint djade $(TEMPLATES)

matrix: ## Run the tests on every Python and Django that this machine has
	@$(DEV) matrix scripts/matrix.py $(ARGS)

lock: ## Refresh requirements/*.txt (UPGRADE=--upgrade for newer versions)
	$(COMPILE) requirements/lint.in -o requirements/lint.txt
	for name in demo test docs server matrix bootstrap lock; do \
	  $(COMPILE) requirements/$$name.in -c requirements/lint.txt -o requirements/$$name.txt || exit; done
	for name in django52 django60 django61; do \
	  $(COMPILE) requirements/$$name.in -o requirements/$$name.txt || exit; done
	$(COMPILE) --no-deps requirements/suites.in -o requirements/suites.txt
	$(COMPILE) requirements/bench.in -c requirements/test.txt -o requirements/bench.txt
	for name in requirements/bench/*.in requirements/projects/*.in requirements/django/*.in; do \
	  $(subst 3.11,3.12,$(COMPILE)) $$name -o $${name%.in}.txt || exit; done
	$(COMPILE) --resolution lowest-direct requirements/lowest.in -o requirements/lowest.txt

messages: ## Compile the translations (.po to .mo)
	$(DEV) lint pybabel compile --domain django --directory otp_gate/locale --statistics

clean: ## Remove the environments and whatever was built or measured
	rm -rf .venv .venv-tools .nox .bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf build dist htmlcov .coverage .coverage.*
