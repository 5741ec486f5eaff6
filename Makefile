# make run    start it: web server and worker, on http://$(HOST):$(PORT)
# make test   run all tests
# make check  what else must be green: style, types, migrations, deployment settings

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
BIN := .venv/bin

# granian reads these by itself; settings.py makes the default BASE_URL of the port.
export GRANIAN_HOST ?= $(HOST)
export GRANIAN_PORT ?= $(PORT)
ifdef DATA_DIR
export DATA_DIR
endif

.PHONY: run test check format

run: .venv/installed
	@$(BIN)/python manage.py start

test: .venv/installed-dev
	$(BIN)/python -m pytest $(ARGS)

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	BASE_URL=https://stats.example.com TRUSTED_PROXIES=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/python:
	@$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing what is needed into .venv …"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	@echo "Installing what is needed into .venv …"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/installed
