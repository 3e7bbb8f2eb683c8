# Everything that a contributor or a curious operator does, one word each. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := otel_openstack tests deploy collector dashboards
# Where the back ends of the tests are built, once: anywhere that is kept
BACKENDS ?= build/backends
export BACKENDS
GO := $(shell command -v go || ls /usr/local/go/bin/go 2>/dev/null)
MAVEN := $(shell command -v java >/dev/null && command -v mvn)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports format pictures bench suites backends backends-path clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(STAMP)  ## a real cloud, recorded commands, their documents and their site in build/demo/
	@$(BIN)/python -m tests.cloud.demo

test: $(STAMP) $(if $(GO),backends)  ## every test, also those that need the real cloud and, with Go, real back ends
	@$(BIN)/python -m tests.cloud.environment
	@$(BIN)/coverage erase
	@$(BIN)/pytest --cov --cov-report=
	@$(BIN)/coverage report --skip-covered --sort=cover
	@printf 'coverage of the pure core: '
	@$(BIN)/coverage report --format=total --fail-under=95 \
	    --include='otel_openstack/conversation/*,otel_openstack/render/*,otel_openstack/importer/*,otel_openstack/otlp/*'

check: lint types imports  ## lint, types and import rules

lint: $(STAMP)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports

format: $(STAMP)  ## format the code and mend what can be mended
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/python collector/generate.py

pictures: $(STAMP)  ## the picture of the README, from what make demo has recorded; needs chromium
	@$(BIN)/python -m tests.browser.pictures

bench: $(STAMP)  ## the benchmarks: ratios against named peers, measured in one run
	@$(BIN)/python -m tests.benchmarks

suites: $(STAMP)  ## the tests of requests, WebOb, Werkzeug and swift, without the agent and with it
	@$(BIN)/python -m tests.suites

backends: $(addprefix $(BACKENDS)/,otelcol-openstack jaeger tempo prometheus $(if $(MAVEN),kafka))  ## Collector, Jaeger, Tempo, Prometheus, with Maven Kafka: real ones

backends-path:
	@echo $(abspath $(BACKENDS))

$(BACKENDS)/otelcol-openstack: collector/builder.yaml
	@backends/build.sh otelcol-openstack $(BACKENDS)

$(BACKENDS)/jaeger $(BACKENDS)/tempo: $(BACKENDS)/%: backends/%/go.mod backends/%/go.sum
	@backends/build.sh $* $(BACKENDS)

$(BACKENDS)/prometheus:
	@backends/build.sh prometheus $(BACKENDS)

$(BACKENDS)/kafka: backends/kafka/pom.xml
	@backends/build.sh kafka $(BACKENDS)

clean:  ## remove environments and build output
	rm -rf $(VENV) build .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(STAMP): pyproject.toml
	@echo "==> environment: $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "error: $(PYTHON) is too old, 3.10 is needed: make PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[dev]'
	@# pip takes a uWSGI that it has built once for any CPython of the same minor version; it holds the one it was built by
	@test "$$($(BIN)/uwsgi --python-version)" = "$$($(BIN)/python -c 'import platform; print(platform.python_version())')" \
	    || $(PIP) --no-cache-dir --force-reinstall --no-deps "uWSGI==$$($(BIN)/uwsgi --version)"
	@touch $@
