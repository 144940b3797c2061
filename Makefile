# make run and make test set up everything that they need in .venv; neither needs root or a service.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# One more than the two cores that they are meant for, because some wait for servers.
PYTEST := $(BIN)/python -m pytest --numprocesses 3
# Two minutes more; CI counts always.
COVERAGE := --cov --cov-report=term:skip-covered

.DEFAULT_GOAL := help
# Compiled once, and not at each start of one of Pulse's processes.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run check test coverage bench drill pictures clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(VENV)/installed: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; on Debian: apt-get install python3.11-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements.txt $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

## make run    set up, migrate and run Pulse on http://127.0.0.1:8000 until Ctrl-C
run: $(VENV)/installed .env
	@exec $(BIN)/python manage.py serve

.env:
	@printf '%s\n' '# What the first make run starts with; .env.example explains every variable.' \
		'PULSE_HOSTED_MODE=true' 'PULSE_LOG_LEVEL=WARNING' > $@

## make check  format, lint, types, direction of imports, migrations, system checks
check: $(VENV)/installed-dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache >/dev/null
	$(BIN)/python manage.py makemigrations --check --dry-run
	@PULSE_STAGE=ga PULSE_HOSTED_MODE= PULSE_ALLOWED_HOSTS=pulse.example PULSE_SECRET_KEY=$$(head -c 48 /dev/urandom | base64) \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py spectacular --fail-on-warn --validate --file docs/openapi.yaml
	git diff --exit-code -- docs/openapi.yaml

## make test   the checks, then the tests: on SQLite, and on PostgreSQL where PULSE_TEST_DATABASE_URL is set
test: check
	$(PYTEST) $(if $(CI),$(COVERAGE))
	@if [ -n "$$PULSE_TEST_DATABASE_URL" ]; then \
		DATABASE_URL="$$PULSE_TEST_DATABASE_URL" $(PYTEST); \
	else \
		echo "PULSE_TEST_DATABASE_URL is not set: the tests did not run on PostgreSQL."; \
	fi

## make coverage  the tests on SQLite once more, with what they do not reach
coverage: $(VENV)/installed-dev
	$(PYTEST) $(COVERAGE)

## make drill  the tests that take minutes: storms and the like, on SQLite and where set on PostgreSQL
drill: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m drill
	@if [ -n "$$PULSE_TEST_DATABASE_URL" ]; then DATABASE_URL="$$PULSE_TEST_DATABASE_URL" $(BIN)/python -m pytest -m drill; fi

## make pictures  the operators' stories, walked in Chromium as in make drill, with their pictures in docs/img
pictures: $(VENV)/installed-dev
	PULSE_TEST_PICTURES=docs/img $(BIN)/python -m pytest -m drill tests/stories

## make bench  the measured comparisons, as one table, in bench/results.json and as charts in docs/bench
bench: $(VENV)/installed-bench
	@$(BIN)/python -m bench; found=$$?; $(BIN)/python -m bench.charts && exit $$found

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
