# make run    start it: web server and worker, on http://localhost:8000, or PORT=… HOST=… BASE_URL=…
# make test   run all tests
# make check  what else must be green: style, types, migrations, deployment settings
# make script minify the tracking scripts after a change of their sources
# make messages  gather the texts for translations, and compile these; LOCALE=fr adds a language

PYTHON ?= python3
BIN := .venv/bin

# The server's own variables, which may stand in .env too. Other variables that are given to make
# (BASE_URL, DATA_DIR, …) are passed on as they are.
ifdef PORT
export GRANIAN_PORT := $(PORT)
endif
# From the environment it would not be meant: shells keep the name of the machine there.
ifeq ($(origin HOST),command line)
export GRANIAN_HOST := $(HOST)
endif

.PHONY: run test check format script messages

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

script: .venv/installed-dev
	$(BIN)/python -m tracking.collector.minify

messages: .venv/installed
	@command -v xgettext >/dev/null || { \
		echo "This needs the tools of GNU gettext. On Debian and Ubuntu: apt install gettext"; \
		exit 1; \
	}
	$(BIN)/python manage.py makemessages $(if $(LOCALE),--locale $(LOCALE),--all) \
		--no-wrap --add-location file --no-obsolete \
		--ignore data --ignore '*/tests/*' --ignore benchmarks --ignore docs
	$(BIN)/python manage.py compilemessages --ignore .venv

# With pip, since Debian's Python alone makes half an environment, and stops.
.venv/bin/pip:
	@$(PYTHON) -m venv .venv || { \
		rm -rf .venv; \
		echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; \
		exit 1; \
	}

.venv/installed: requirements.txt | .venv/bin/pip
	@echo "Installing what is needed into .venv …"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt | .venv/bin/pip
	@echo "Installing what is needed into .venv …"
	@$(BIN)/pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/installed
