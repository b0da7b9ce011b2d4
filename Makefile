# Every target makes what it needs; `make setup` is called by the others.
PYTHON ?= python3
VIDEO ?=
QUALITY ?= fast
PORT ?= 8000
RUN = .venv/bin/python

.PHONY: setup train-deps test-deps demo serve docs test bench lint programs lock clean

setup: .venv/serving.stamp
train-deps: .venv/train.stamp
test-deps: .venv/test.stamp
demo: .venv/demo.stamp ; $(RUN) client/demo.py --quality $(QUALITY) $(VIDEO)
serve: setup ; ROTOGRAPH_PORT=$(PORT) $(RUN) -m service
# One thread of PyTorch each: threads of several processes that wait for each other cost minutes.
# Bytecode is kept whatever the environment says: tests start hundreds of processes.
test: .venv/test.stamp lint programs ; OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -n 4 --dist loadfile --no-loadscope-reorder --durations 10 --cov --cov-report=term:skip-covered
docs: .venv/demo.stamp ; $(RUN) -m docs.generate
# BENCH="--seconds 2 --repeats 1 --shorts 2 --clients 4 --devices cpu" makes it short.
bench: .venv/bench.stamp ; $(RUN) -m benchmarks --to docs/performance $(BENCH)
lint: .venv/test.stamp
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy --num-workers 2
	.venv/bin/lint-imports
# Tests use the system's Chromium and nginx. Debian's are installed where this may do so; without one its tests are skipped.
HAS_CHROMIUM = command -v chromium || command -v chromium-browser || command -v google-chrome
HAS_NGINX = PATH="$$PATH:/usr/sbin" command -v nginx
programs:
	@missing="$$( ($(HAS_CHROMIUM)) >/dev/null || echo chromium; ($(HAS_NGINX)) >/dev/null || echo nginx)"; \
	[ -z "$$missing" ] || [ "$$(id -u)" != 0 ] || ! grep -qs '^ID=debian' /etc/os-release || \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null)
clean: ; rm -rf .venv out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
.venv/serving.stamp: requirements/serving-cpu.txt | .venv/bin/python
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@
.venv/demo.stamp: requirements/demo.txt client/pyproject.toml .venv/serving.stamp
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r $< --editable client
	touch $@
.venv/train.stamp: requirements/train.txt .venv/demo.stamp
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@
.venv/bench.stamp: requirements/bench.txt .venv/demo.stamp
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@
.venv/test.stamp: requirements/test.txt requirements/peers.txt .venv/demo.stamp
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r requirements/peers.txt
	touch $@

# What torch's CUDA build needs stays out of the lock: torch itself names the exact versions.
COMPILE = .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-header --no-annotate
# LitServe asks for these, with which uvicorn would serve otherwise than users of the service have it.
NO_FASTER_LOOP = $(foreach name,uvloop httptools watchfiles websockets python-dotenv,--no-emit-package $(name))
lock: .venv/test.stamp
	$(COMPILE) --extra cpu -o requirements/serving-cpu.txt
	$(COMPILE) --extra gpu -o requirements/serving-gpu.txt
	$(COMPILE) --extra cpu --extra demo --no-emit-package scipy --no-emit-package pillow -o requirements/demo.txt
	$(COMPILE) --extra cpu --extra demo --extra bench $(NO_FASTER_LOOP) --no-emit-package scipy -o requirements/bench.txt
	$(COMPILE) --extra cpu --extra demo --extra train -o requirements/train.txt
	$(COMPILE) --extra cpu --extra demo --extra tracing --extra train --extra dev -o requirements/test.txt
	sed -i -E '/^(nvidia-|cuda-|triton|scikit-video)/d' requirements/train.txt requirements/test.txt
