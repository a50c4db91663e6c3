# Every command of this project. `make` alone lists them.

PYTHON ?= python3
PORT ?= 8080
service ?= auth_service chat_gateway
CONFIG ?= deploy/config/dev.yml

RUN := .venv/bin/python -m
PYTEST := $(RUN) pytest -q
NPM := $(RUN) deploy.node
MIGRATIONS := $(RUN) deploy.migrations
INNER := */core/*,*/actions/*

# Without the bytecode each worker of pytest rewrites every test again: 20 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test setup fmt lint types unit integration e2e conformance night fuzz browser-test compose-test web screenshots \
	db-revise db-upgrade db-downgrade redis-reset env bench bench-guard ci nightly

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  %-16s %s\n' "$$name" "$$text"; done

run: ## the whole system on this machine, set up first where needed; PORT=8080
	@exec $(PYTHON) -m deploy.bootstrap run --port "$(PORT)"

setup: ## what tests and checks need: the environment, its packages, the client's packages
	@$(PYTHON) -m deploy.bootstrap setup

test: web ## every test but the containers' and the nights', with the coverage gate
	$(NPM) run test
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0 --cov --cov-report= \
		tests/e2e tests/browser tests/integration tests/unit
	$(RUN) coverage report --fail-under=100 --include='$(INNER)'
	$(RUN) coverage report --fail-under=95 --omit='$(INNER)'

fmt: setup ## format, and mend what ruff can mend
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

lint: setup ## ruff, spelling, imports, dead code, eslint
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	.venv/bin/codespell $$(git ls-files)
	.venv/bin/lint-imports
	$(RUN) vulture
	$(NPM) run lint

types: setup ## mypy strict and vue-tsc
	$(RUN) mypy
	$(NPM) run types

unit: setup ## tests without I/O, the client's too
	$(PYTEST) tests/unit
	$(NPM) run test

integration: setup ## tests with one real thing each
	$(PYTEST) tests/integration

e2e: setup ## tests of the whole system as processes
	$(PYTEST) tests/e2e

conformance: setup ## the test suites of the Python and npm SDKs against the engine
	$(PYTEST) -n 2 --dist loadfile --max-worker-restart=0 tests/conformance

fuzz: setup ## new cases for every property, and thousands of requests a verb against the REST face
	$(PYTEST) -n 2 -m hypothesis --hypothesis-profile=nightly --timeout=900 tests/unit tests/integration

night: setup ## the tests that are too long for a push
	$(PYTEST) -n 2 --dist loadfile --max-worker-restart=0 -m nightly tests/integration tests/e2e

browser-test: web ## stories in a real Chromium
	$(PYTEST) tests/browser

compose-test: setup ## the real docker-compose.yml: build, talk, scale, kill
	$(PYTEST) tests/compose

web: setup ## builds the client
	@$(RUN) deploy.client build

screenshots: web ## takes the README's pictures from the running system
	$(RUN) tests.browser.screenshots

db-revise: setup ## a migration from the tables; m="add topic" service=chat_gateway
	@$(MIGRATIONS) revise --config $(CONFIG) --message "$(m)" $(service)

db-upgrade: setup ## migrates up; [service=auth_service|chat_gateway] [to=head]
	@$(MIGRATIONS) upgrade --config $(CONFIG) --to "$(to)" $(service)

db-downgrade: setup ## migrates down; [service=auth_service|chat_gateway] [to=-1]
	@$(MIGRATIONS) downgrade --config $(CONFIG) --to="$(to)" $(service)

redis-reset: setup ## removes Parley's keys from Redis, safe while running; REDIS_URL=redis://127.0.0.1:8084/0
	@$(RUN) deploy.redis_reset

env: ## a .env with fresh secrets for docker compose
	@$(PYTHON) -m deploy.make_env

bench: setup ## measures everything against the peers, writes tests/bench/RESULTS.md; the machine should do nothing else
	$(RUN) tests.bench

bench-guard: setup ## three ratios at half of the target, in under 90 s
	$(RUN) tests.bench guard

ci: lint types test conformance compose-test ## what every push runs

nightly: ci night fuzz ## what every night runs
