# Everything sets up what it needs: `make demo` and `make test` work on a machine with Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PYTHON_13 ?= $(or $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null),$(lastword $(sort $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LITERT := $(VENV)-litert
RAY := $(VENV)-ray
export OMP_NUM_THREADS ?= 2

.PHONY: help setup demo test fuzz soak reproduce homeassistant-env test-oracles litert-env test-litert ray-env test-ray check docs models bench bench-compare format wheel app image clean

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## */\t/' | expand -t 14

setup: $(READY)  ## the virtual environment with everything in it

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup      ## train, prune and test a network on simulated houses, in under five minutes
	$(BIN)/seq2point demo

test: export OMP_NUM_THREADS = 1
test: setup      ## all tests
	$(BIN)/pytest -n auto --dist worksteal

fuzz: setup      ## damage files of every kind and dress tables in thousands of ways: read right or refused (half an hour)
	SEQ2POINT_FUZZ=2000 $(BIN)/pytest tests/fuzz tests/data/test_grammar.py tests/data/test_text_file.py tests/compression/test_compaction.py

homeassistant-env: ## Home Assistant in an environment of its own (Python 3.13), which make soak then tries
	@test -n "$(PYTHON_13)" || { echo "Home Assistant needs Python 3.13: name one as PYTHON_13=..."; exit 1; }
	test -x $(VENV)-homeassistant/bin/python || $(PYTHON_13) -m venv $(VENV)-homeassistant
	$(VENV)-homeassistant/bin/pip install --quiet homeassistant paho-mqtt==2.1.0 sqlalchemy fnv-hash-fast psutil-home-assistant

soak: setup      ## what takes minutes: a hundred kills, a month at high speed, whole real houses, a broker that comes and goes, a fleet
	$(BIN)/pytest -m soak
	SEQ2POINT_FLEET_HOMES=$${SEQ2POINT_FLEET_HOMES:-1000} $(BIN)/python -m benchmarks fleet_kills

test-oracles:    ## what stored expectations say, against the real toolkit in an environment of its own
	test -x $(VENV)-oracles/bin/python || $(PYTHON) -m venv $(VENV)-oracles
	$(VENV)-oracles/bin/pip install --quiet --requirement tests/oracles/requirements.txt
	$(VENV)-oracles/bin/python tests/oracles/tfmot_magnitude.py

litert-env: $(LITERT)/.ready  ## LiteRT, in an environment of its own that sees the other one's packages

$(LITERT)/.ready: PACKAGES := ai-edge-litert tflite-micro
$(RAY)/.ready: PACKAGES := ray
$(LITERT)/.ready $(RAY)/.ready: $(READY)
	$(PYTHON) -m venv $(@D)
	$(BIN)/python -c "import sysconfig; print(f'import site; site.addsitedir({sysconfig.get_path(\"purelib\")!r})')" \
	    > $$($(@D)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/main.pth
	$(@D)/bin/pip install --quiet --constraint constraints.txt $(PACKAGES)
	@touch $@

test-litert: litert-env  ## what LiteRT files promise, in LiteRT's interpreter and in TensorFlow Lite Micro's
	$(LITERT)/bin/python -m pytest tests/deploy/test_litert.py tests/contracts/test_targets.py -k litert

ray-env: $(RAY)/.ready  ## Ray, in an environment of its own that sees the other one's packages

test-ray: ray-env  ## a fleet and a study on a Ray cluster of two nodes, of which one is killed (minutes)
	$(RAY)/bin/python -m pytest -m '' tests/fleet/test_cluster.py tests/cli/test_study_cluster.py

check: setup     ## style, types, the direction of imports, and the links of the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/docs/test_links.py

docs: setup      ## the documentation as a site, in build/docs; warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going docs build/docs
	@echo build/docs/index.html

reproduce: setup ## the headline studies with their report and tables (needs SEQ2POINT_DATA; hours, with QUICK=1 minutes)
	QUICK=$(QUICK) $(BIN)/python -m experiments reproduce

models: setup    ## train, test and write the models that the package brings (needs SEQ2POINT_DATA; an hour or two)
	$(BIN)/python tools/make_models.py

bench: setup     ## speed and memory, as ratios measured in one run: a table, and build/bench.json
	$(BIN)/python -m benchmarks

bench-compare: setup  ## the same ratios on another commit and here, in turns: make bench-compare BASE=main; fails where one fell
	$(BIN)/python -m benchmarks.compare $(BASE)

format: setup    ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

app: wheel       ## the Home Assistant app with its wheel, in build/app: copy the folder to /addons
	rm -rf build/app && mkdir -p build/app
	cp -r packaging/homeassistant/seq2point build/app/
	cp dist/*.whl constraints.txt build/app/seq2point/

image: wheel     ## the image of live for Docker, for amd64 and arm64 (needs Docker with buildx)
	docker buildx build --platform linux/amd64,linux/arm64 --file packaging/docker/Dockerfile --tag seq2point-live .

wheel: setup     ## build the wheel, and a pure one for other machines, and prove it in bare environments
	SEQ2POINT_WHEEL=pure $(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/python tests/wheel_in_a_bare_environment.py dist

clean:           ## remove the environment and what was built
	rm -rf $(VENV) $(VENV)-oracles $(VENV)-homeassistant $(LITERT) $(RAY) build dist runs
