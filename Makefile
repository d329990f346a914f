# The two commands of the README are `make demo` and `make test`; each sets up all it needs.

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
BIN := $(VENV)/bin
VIDEO ?=
PROMPT ?=

.PHONY: demo test test-all test-media faults stories soak fuzz conformance bench bench-engine contact-sheet pictures gallery-host check format release windows build bundle clean

demo: $(VENV)/.demo-ready
	@$(BIN)/reka-clips-mcp demo $(if $(VIDEO),"$(VIDEO)") $(if $(PROMPT),--prompt "$(PROMPT)")

# The tests that show within minutes whether something broke; the last lines say what was left out.
test: $(VENV)/.test-ready gallery-host
	REKA_TESTS_SHORT=1 $(BIN)/python -m pytest $(ARGS)

# Every test. CI runs this.
test-all: $(VENV)/.test-ready gallery-host
	$(BIN)/python -m pytest $(ARGS)

# What the engine makes of films, with another ffmpeg than the package's: make test-media FFMPEG=/usr/bin/ffmpeg
FFMPEG ?= ffmpeg
test-media: $(VENV)/.test-ready
	REKA_CLIPS_FFMPEG="$(FFMPEG)" $(BIN)/python -m pytest tests/e2e/engine_media $(ARGS)

# Every fault of the scripted Clip API over every transport in every era; `make test` takes each transport in one era.
faults: $(VENV)/.test-ready
	REKA_TESTS_FULL=1 $(BIN)/python -m pytest tests/e2e/transports/test_faults.py $(ARGS)

# Thousands of steps of stories about callers, a server and an upstream, made up by hypothesis.
stories: $(VENV)/.test-ready
	REKA_TESTS_FULL=1 $(BIN)/python -m pytest tests/e2e/network/test_stories.py $(ARGS)

# Ten thousand calls and a thousand generations; prints memory, tasks, sockets and threads at the start and the end.
soak: $(VENV)/.test-ready
	REKA_TESTS_FULL=1 $(BIN)/python -m pytest -s tests/e2e/network/test_soak.py $(ARGS)

# The engine's HTTP face with thousands of made-up requests, the client with as many answers; `make test` sends a few.
fuzz: $(VENV)/.test-ready
	REKA_CLIPS_FUZZ_EXAMPLES=2000 $(BIN)/python -m pytest --hypothesis-seed=random tests/contract/test_engine_schema.py $(ARGS)
	REKA_TESTS_FULL=1 $(BIN)/python -m pytest tests/contract/test_client_fuzz.py $(ARGS)

# The official conformance suite and the Inspector's command line, against the running server. Needs npm.
conformance: $(VENV)/.test-ready tests/conformance/node_modules/.ready
	$(BIN)/python tests/conformance/run.py

tests/conformance/node_modules/.ready: tests/conformance/package.json
	@command -v npm >/dev/null || { echo "make conformance needs npm (it comes with Node.js)"; exit 1; }
	@echo "Installing the conformance suite and the Inspector …"
	@cd tests/conformance && npm install --no-audit --no-fund --no-package-lock --silent
	@touch $@

# The server beside what people would use instead, into docs/benchmarks.md; six minutes. ARGS: parts of it.
bench: $(BENCH)/.ready
	$(BENCH)/bin/python tests/benchmarks/run.py $(ARGS)

$(BENCH)/.ready: $(VENV)/.ready pyproject.toml
	@echo "Setting up $(BENCH), with the peers …"
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BENCH)/bin/python -m pip install --quiet --editable ".[local]" --group bench
	@touch $@

# The pictures of the gallery in docs/images, from a real Chromium. Needs npm and Chromium.
pictures: $(VENV)/.test-ready gallery-host
	@PYTHONPATH=tests $(BIN)/python -m gallery_host $(if $(VIDEO),--video "$(VIDEO)") $(ARGS)

# What comes from npm: a browser's host for the gallery, the TypeScript SDK's client. Without npm their tests are skipped.
gallery-host:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory tests/gallery_host/node_modules/.ready tests/node_client/node_modules/.ready; fi

tests/gallery_host/node_modules/.ready: tests/gallery_host/package.json
	@echo "Installing a host of MCP Apps for the tests of the gallery …"
	@cd tests/gallery_host && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --silent
	@touch $@

tests/node_client/node_modules/.ready: tests/node_client/package.json
	@echo "Installing the TypeScript SDK's client for the tests of stdio …"
	@cd tests/node_client && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --silent
	@touch $@

# How well and how fast the engine works, beside its peers, into docs/benchmarks.md; a quarter of an hour. ARGS: parts
# of it, and --samples FOLDER for the figures that need the sample videos.
bench-engine: $(BENCH)/.ready
	PYTHONPATH=tests $(BENCH)/bin/python -m benchmarks.engine $(ARGS)

# Pictures of what the engine makes of a video: make contact-sheet VIDEO=talk.mp4 ARGS="--layout fit --clips 2"
contact-sheet: $(VENV)/.demo-ready
	@$(BIN)/python tests/benchmarks/engine/contact_sheet.py "$(VIDEO)" contact-sheet.jpg $(ARGS)

check: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python tests/trace_path.py
	PYTHONPATH=tests $(BIN)/python -m release.resolution

format: $(VENV)/.test-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.ready:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.demo-ready: $(VENV)/.ready pyproject.toml
	@echo "Installing the server and its clip engine …"
	@$(BIN)/python -m pip install --quiet --editable ".[local]"
	@touch $@

$(VENV)/.test-ready: $(VENV)/.demo-ready
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --editable ".[captions]" --group test
	@touch $@

$(VENV)/.release-ready: $(VENV)/.test-ready
	@echo "Installing what the checks of a release need …"
	@$(BIN)/python -m pip install --quiet --group release
	@touch $@

# What is published, where it is installed: bundle, wheel and sdist, lowest dependencies, frameworks, clients, image.
release: $(VENV)/.release-ready tests/release/clients/node_modules/.ready
	$(BIN)/python -m pytest tests/release $(ARGS)

# The server on a CPython for Windows under Wine. Installs Wine on a Debian, as root; sets Windows up in build/windows.
windows: $(VENV)/.test-ready
	$(BIN)/python -m pytest tests/windows $(ARGS)

tests/release/clients/node_modules/.ready: tests/release/clients/package.json
	@command -v npm >/dev/null || { echo "make release needs npm (it comes with Node.js)"; exit 1; }
	@echo "Installing the clients whose command lines are tried …"
	@cd tests/release/clients && npm install --no-audit --no-fund --no-package-lock --silent --ignore-scripts
	@cd tests/release/clients && node node_modules/@anthropic-ai/claude-code/install.cjs
	@touch $@

build: $(VENV)/.test-ready
	rm -f dist/*.whl dist/*.tar.gz
	$(BIN)/uv build --quiet --out-dir dist

bundle: $(VENV)/.test-ready
	$(BIN)/python tests/release/bundle.py

clean:
	rm -rf $(VENV) $(BENCH) dist build demo-clips
