# SPDX-License-Identifier: Apache-2.0
# make run: the demo exchange on loopback.  make test: lint, types and all tests.  Both set up what they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# Debian's own Python is built with profile-guided optimisation: calls cost a third less on it than on a plain build.
PYTHON ?= $(shell test -x /usr/bin/python3.11 && echo /usr/bin/python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
COMPILED := $(shell find ext codecs media pbx -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' | grep -v '^build/')

.PHONY: run build dev system test quick lint types clients client bench debug asan tsan clean

run: build
	$(BIN)/switchroom demo

build: $(VENV)/.built

# The dependencies first, so that a change of the code builds again without fetching anything.
$(VENV)/.deps: pyproject.toml .ci/system-packages
	.ci/system-packages build
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check 'setuptools>=77' wheel 'cython>=3.1,<4'
	touch $@

$(VENV)/.built: $(VENV)/.deps pyproject.toml setup.py $(COMPILED)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.built
	.ci/system-packages test
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["dev"], sep="\n")' \
	  | $(BIN)/pip install --quiet --disable-pip-version-check -r /dev/stdin
	touch $@

dev: $(VENV)/.dev

test: dev lint types
	$(BIN)/python -m pytest

quick: dev
	$(BIN)/python -m pytest -m 'not slow and not clients'

clients: dev
	$(BIN)/python -m pytest -m clients tests/clients

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	cd src && ../$(BIN)/mypy -p switchroom

client: dev
	$(BIN)/python -m switchroom.client.generate
	$(BIN)/ruff format --quiet src/switchroom/client

bench: dev
	$(BIN)/python -m benchmarks

debug asan tsan: $(VENV)/.dev
	.ci/checked-build $@

clean:
	rm -rf build dist $(VENV) src/*.egg-info
	find ext codecs media pbx -name '*.so' -delete
