# Every target explains itself: `make help`.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
TYPESCRIPT := src/llm_forge/targets/typescript/runtime
LANG_NAME := $(if $(filter command,$(firstword $(origin LANG))),$(LANG),python)

.DEFAULT_GOAL := help
.PHONY: help demo test check gen golden sdks requirements coverage-spec conformance extras vendors prism typescript typescript-runtime rust fuzz proof kill-test pace mutation soak bench bench-generator bench-overhead compare-faults clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: .venv/run.stamp ## the main job on the embedded simulator: no key, no network
	@$(BIN)/python examples/demo.py

test: .venv/dev.stamp ## every test (tests that need more than Python say so when they skip)
	@$(BIN)/python -m pytest -n auto

check: .venv/dev.stamp ## lint, strict types, architecture, lightness, regenerated output equals what is checked in, no requirement without a test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_lightness.py
	@$(BIN)/python -m llm_forge.targets.regenerate --check
	@$(BIN)/python -m tests.requirements.table --check

gen: .venv/dev.stamp ## regenerate src/llm_forge/clients and docs/providers from the descriptions
	@$(BIN)/python -m llm_forge.targets.regenerate

golden: .venv/dev.stamp ## rewrite the expected output of every case under golden/
	@$(BIN)/python -m llm_forge.targets.regenerate --golden

requirements: .venv/dev.stamp ## write docs/requirements.md: each requirement with the tests that name it
	@$(BIN)/python -m tests.requirements.table

sdks: .venv/dev.stamp build/typescript.stamp ## SDKs of our descriptions and of every vendor's document: types, linters, bytes, wire tests
	@LLM_FORGE_ALL_SDKS=1 $(BIN)/python -m pytest -n auto --durations=5 tests/targets/test_checked_sdks.py tests/targets/test_wire_cases.py tests/targets/test_vendor_documents.py tests/targets/typescript tests/targets/rust/test_sdks.py

prism: build/prism.stamp ## install Prism (needs npm), which holds our clients' requests against the vendors' documents

typescript: build/typescript.stamp ## install the TypeScript compiler, linter and formatter (needs npm), which more tests use

coverage-spec: .venv/dev.stamp ## vendors' documents beside our descriptions; a newer one: SPEC=file PROVIDER=name [BASE=older file]
	@$(BIN)/python -m tests.descriptions.report --write $(if $(SPEC),--spec '$(SPEC)') $(if $(BASE),--base '$(BASE)') $(if $(PROVIDER),--provider $(PROVIDER))

typescript-runtime: build/typescript.stamp ## compile, lint and test the TypeScript runtime, and build it (needs node and npm)
	@[ -e $(TYPESCRIPT)/node_modules ] || ln -s $(CURDIR)/build/typescript/node_modules $(TYPESCRIPT)/node_modules
	@npm run --silent --prefix $(TYPESCRIPT) check
	@npm run --silent --prefix $(TYPESCRIPT) test
	@npm run --silent --prefix $(TYPESCRIPT) build

rust: ## build the Rust runtime and its conformance driver (needs cargo)
	@CARGO_TARGET_DIR=$(CURDIR)/build/cargo cargo build --quiet --manifest-path conformance/drivers/rust/Cargo.toml

conformance: .venv/dev.stamp $(if $(filter typescript,$(LANG_NAME)),build/typescript-driver.stamp) ## corpora and scenarios, LANG=python (default), one result table
	@$(BIN)/llm-forge conformance --lang $(LANG_NAME)

fuzz: .venv/dev.stamp ## stateful models, decoders and parsers at random for FUZZ_MINUTES (30) from SEED (1)
	@$(BIN)/python -m tests.fuzz --minutes $(or $(FUZZ_MINUTES),30) --seed $(or $(SEED),1) $(if $(ONLY),--only '$(ONLY)')

proof: .venv/dev.stamp ## measure the whole-system scenarios; write docs/proof.md with the records of all long runs
	@$(BIN)/python -m tests.proof

mutation: .venv/mutation.stamp ## mutate the core and count what the tests notice (half an hour; repeats only what changed)
	@$(BIN)/python -m tests.proof.mutation

soak: .venv/dev.stamp ## an hour in virtual time and SOAK_MINUTES (10) of real calls: memory, handles and tasks stay constant
	@$(BIN)/python -m tests.proof.soak --minutes $(or $(SOAK_MINUTES),10)

kill-test: .venv/dev.stamp ## kill jobs of 2,000 items at 200 random points: alone, three processes, three that share a limit; docs/proof.md
	@$(BIN)/python -m tests.unified.jobs.kill

pace: .venv/dev.stamp ## how much of its declared limits a job of 10,000 items uses, by the server's ledger
	@$(BIN)/python -m tests.unified.jobs.pace

extras: .venv/extras.stamp ## install Ray and pyarrow (410 MB), with which more tests of jobs run

vendors: .venv/vendors.stamp ## install the vendors' own clients, which more tests and `bench` use

bench: .venv/vendors.stamp .venv/litellm.stamp ## client CPU and memory beside the other clients: docs/benchmarks.md
	@$(BIN)/python -m benchmarks.speed.run --write

compare-faults: .venv/vendors.stamp .venv/litellm.stamp ## the same faults served to the vendors' clients, litellm and ours: docs/faults.md
	@$(BIN)/python -m benchmarks.faults.run --write

bench-generator: .venv/dev.stamp .venv/generators.stamp ## our generator beside others on OpenAI's document (needs npm, java, ../shared): docs/benchmarks-generator.md
	@$(BIN)/python -m benchmarks.generator.run --write

bench-overhead: .venv/dev.stamp ## CPU of a unary call of the whole client beside its bare transport, as a ratio
	@$(BIN)/python -m benchmarks.overhead

clean: ## remove .venv and everything built
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "llm-forge needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv

# Stamps hold what was installed, so that a second run needs no network.
.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch .venv/run.stamp $@

.venv/vendors.stamp: .venv/dev.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,vendors]'
	@touch $@

.venv/extras.stamp: .venv/dev.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,parquet,ray]'
	@touch $@

.venv/mutation.stamp: .venv/dev.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,mutation]'
	@touch $@

# The tools that the runtime pins, for it and for the SDKs that stand on it.
build/typescript.stamp: src/llm_forge/targets/typescript/runtime/package.json
	@mkdir -p build/typescript
	@cp $< build/typescript/package.json
	@npm install --prefix build/typescript --silent --ignore-scripts --no-audit --no-fund --no-package-lock
	@touch $@

# The runtime's conformance driver, and what that knows of providers.
build/typescript-driver.stamp: build/typescript.stamp .venv/dev.stamp $(wildcard $(addprefix $(TYPESCRIPT)/,tsconfig.base.json src/*.ts src/*/*.ts src/*/*/*.ts)) $(wildcard conformance/drivers/typescript/*)
	@mkdir -p build/typescript-driver && cp conformance/drivers/typescript/package.json build/typescript-driver/
	@build/typescript/node_modules/.bin/tsc -p conformance/drivers/typescript
	@$(BIN)/python conformance/drivers/typescript/tables.py build/typescript-driver/tables.json
	@touch $@

build/prism.stamp:
	@mkdir -p build/prism
	@npm install --prefix build/prism --silent --no-audit --no-fund --no-package-lock @stoplight/prism-cli@5.14.2
	@touch $@

# litellm pins versions that do not go with the vendors' current packages: an environment of its own.
.venv/litellm.stamp: benchmarks/faults/litellm.txt | .venv/bin/python
	@$(PYTHON) -m venv .venv/litellm
	@.venv/litellm/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/faults/litellm.txt
	@touch $@

# openapi-generator's jar comes with its package on PyPI.
.venv/generators.stamp: benchmarks/generator/requirements.txt | .venv/bin/python
	@$(PYTHON) -m venv .venv/generators
	@.venv/generators/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/generator/requirements.txt
	@mkdir -p build/generators
	@npm install --prefix build/generators --silent --no-audit --no-fund --no-package-lock @hey-api/openapi-ts@0.99.0 typescript@5.9.3
	@touch $@
