# What a person does with this repository. `make` alone says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Whoever has it set would have each of a test run's processes compile every module anew: half its work.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
RUNTIME := build/runtime
THIRD := tests/third_client/node_modules
# Twice the cores: many tests wait for a socket or another process.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$(( n > 4 ? 8 : 2 * n )))
# A test waits for the disk a hundred times, since a ledger does: memory does as well, where there is room.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 1000000 { print "/dev/shm" }')
PLACES := TGSTREAMD_RUNTIME=$(CURDIR)/$(RUNTIME)/bin/python $(if $(MEMORY),PYTEST_DEBUG_TEMPROOT=$(MEMORY))
PIP := -m pip --disable-pip-version-check -qq install

KILLS ?= 1000
SEED ?= 1
RUNS ?= 10
HOURS ?= 24
REAL ?= 0

.PHONY: help dev demo test thorough flaky third-client proofs chaos live soak check lint types docs reference pictures walk bench deb boot boot-vm assets release clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

dev: .venv/.stamp ## a virtual environment in .venv with everything, from the hashed lock file

demo: .venv/.stamp ## a local Telegram, the real daemon, a mirrored chat; ends with a comparison
	@$(BIN)/python -m tests.demo

test: .venv/.stamp $(RUNTIME)/.stamp ## the tests, in under three minutes on two quiet cores
	@$(PLACES) $(BIN)/pytest -q -n $(JOBS) --dist worksteal $(ARGS)

thorough: .venv/.stamp $(RUNTIME)/.stamp ## the tests that `make test` has no time for: further inputs, whole programs; minutes
	@$(PLACES) $(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "thorough and not slow" $(ARGS)

third-client: .venv/.stamp $(THIRD)/.stamp ## the conversation tests through mtcute, a client in JavaScript (needs node, npm)
	@$(BIN)/pytest -q -m third_client tests/integration $(ARGS)

flaky: .venv/.stamp $(RUNTIME)/.stamp ## all tests RUNS=10 times in random order (SEED=…), every core busy beside them
	@$(PLACES) $(BIN)/python -m tests.flaky --runs $(RUNS) \
	  $(if $(filter file,$(origin SEED)),,--seed $(SEED)) -- -n $(JOBS) --dist worksteal $(ARGS)

proofs: .venv/.stamp ## the proofs at full size: 2 GB, kills, floods, broken and slow lines; an hour
	@$(BIN)/pytest -q -m slow tests/process tests/behaviour $(ARGS)
	@STORM=40 $(BIN)/pytest -q tests/behaviour/test_storm.py tests/behaviour/test_storm_forums.py $(ARGS)

chaos: .venv/.stamp ## the daemon killed KILLS=1000 times, drawn from SEED=1; ARGS='--random-ids c1' (c2, both)
	@$(BIN)/python -m tests.chaos --seed $(SEED) --kills $(KILLS) $(ARGS)

live: .venv/.stamp ## the real daemon on Telegram itself and a report (network, TG_API_ID, TG_API_HASH)
	@$(BIN)/python -m tests.live $(ARGS)

soak: .venv/.stamp ## HOURS=24 of a busy mirror in accelerated time, or REAL=3600 seconds of it: is all flat?
	@$(BIN)/python -m tests.soak --hours $(HOURS) --real $(REAL) $(ARGS)

check: lint types ## ruff and mypy, in seconds

lint: .venv/.stamp ## ruff: rules and format; zizmor: the workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/zizmor --quiet --offline --no-progress .github

types: .venv/.stamp ## mypy, strict
	@$(BIN)/mypy

docs: .venv/.stamp ## the documentation, in build/docs: links checked, nothing fetched from elsewhere
	@$(BIN)/python -m docsgen build

reference: .venv/.stamp ## what the documentation takes from the code, written anew
	@$(BIN)/python -m docsgen write

pictures: .venv/.stamp ## the pictures of the documentation, from the program itself (needs chromium, tmux)
	@TGSTREAMD_PICTURES=$(CURDIR)/docs/pictures $(BIN)/pytest -q tests/web/test_page.py
	@$(BIN)/python -m tests.walk.picture

walk: .venv/.stamp ## the first hour in a real terminal, every screen kept in docs/walk (needs tmux)
	@$(BIN)/python -m tests.walk

bench: .venv/.stamp ## the figures in the documentation, measured here
	@$(BIN)/python -m bench

deb: .venv/.stamp ## the Debian packages, in build/deb (Debian or Ubuntu; says what it needs)
	@packaging/make-debs build/deb

boot: .venv/.stamp ## the package on a really booted systemd: Debian 13 and 12 in containers (root)
	@tests/boot/run trixie bookworm

boot-vm: .venv/.stamp ## the same in a virtual machine, for what a container cannot show (root, slow)
	@tests/boot/run-vm trixie

assets: .venv/.stamp ## what is attached to a release, in build/assets (docker, or IMAGE=no)
	@packaging/make-assets build/assets

release: ## the commit and tag of a release: VERSION=1.2.3
	@packaging/release "$(VERSION)"

clean: ## remove what was built
	@rm -rf .venv build dist *.egg-info $(THIRD) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything, from the lock file alone: a package that is not in it, or differs, is refused.
.venv/.stamp: requirements-dev.lock
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
	  python=$$(.ci/find-python) && echo "making .venv with $$($$python --version) …" && $$python -m venv --clear .venv; \
	fi
	@$(BIN)/python $(PIP) --require-hashes -r requirements-dev.lock
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# What an installation has, and nothing else: a test starts the daemon from it.
$(RUNTIME)/.stamp: requirements.lock .venv/.stamp
	@$(BIN)/python -m venv --clear $(RUNTIME)
	@$(RUNTIME)/bin/python $(PIP) --require-hashes -r requirements.lock
	@echo "$(CURDIR)" > "$$($(RUNTIME)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout.pth"
	@touch $@

# From the lock file alone too; no package's own script is run. Its log belongs to a failure.
$(THIRD)/.stamp: tests/third_client/package-lock.json
	@cd tests/third_client && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
	@touch $@
