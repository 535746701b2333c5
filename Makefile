# Every target sets up what it needs, in .venv; nothing else on the machine is touched.

PYTHON ?= python3
BIN    := .venv/bin
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
READY  := .venv/ready
ABSENT := $(shell command -v iverilog >/dev/null || echo icarus; \
                  command -v dot >/dev/null || echo graphviz)
NOTE    = Skipped, for want of tools: tests of $(ABSENT). On Debian: apt-get install iverilog graphviz
PYTEST  = $(BIN)/pytest -q -n $(JOBS) --dist worksteal $(FLAGS)

.PHONY: demo test check lint format types docs examples datasheets waves waves-cocotb study bench fpga \
  readme lock clean

demo: $(READY)  ## run the main job on real data
	@mkdir -p build
	$(BIN)/sdpaflow compare --figure build/compare.png --json build/compare.json

test: $(READY) lint types  ## everything that CI checks
	@$(if $(ABSENT),echo "$(NOTE)",:)
	$(PYTEST)

check: $(READY) lint types  ## what a change is likely to break, in two minutes: no test marked slow
	$(PYTEST) -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## the documentation as a site, in build/docs; a warning is an error
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs
	@echo "open build/docs/index.html"

examples: $(READY)  ## run all of them
	@set -e; for file in examples/*.py; do echo "$$file"; $(BIN)/python $$file; done

datasheets: $(READY)  ## write datasheets and the reference of the command line anew, in seconds
	$(BIN)/python scripts/datasheets.py --write
	$(BIN)/python scripts/command_line.py --write

waves: $(READY)  ## waveforms of two pipelines, with their GTKWave save files
	$(BIN)/python scripts/waves.py

waves-cocotb: $(READY)  ## the same of a cocotb test on the exported Verilog
	$(BIN)/python scripts/waves_cocotb.py

study: $(READY)  ## the published experiment and a real shape, measured anew into docs/study
	$(BIN)/sdpaflow study --engine verilator --out docs/study/published
	$(BIN)/sdpaflow study --engine verilator --d 64 --lanes 64,16 --n 128,256,512,1024,2048 \
	  --out docs/study/real

bench: $(READY)  ## measure the engines' speeds, and keep them in docs/bench.json
	$(BIN)/python scripts/bench.py

fpga: $(READY)  ## place and route every design of the tables that has changed; hours
	$(BIN)/python scripts/fpga_table.py --jobs $(JOBS)
	$(BIN)/python scripts/fpga_table.py --sizes --seeds 1
	$(BIN)/python scripts/readme.py --write
	$(BIN)/python scripts/datasheets.py --write

readme: $(READY)  ## measure the tables and figures of the README and the documentation anew
	$(BIN)/python scripts/readme.py --write

lock:  ## choose and pin new versions of all dependencies
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install -q pip-tools
	build/lock/bin/pip-compile -q --upgrade --generate-hashes --allow-unsafe --strip-extras \
	  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra dev --extra cluster -o requirements.lock pyproject.toml requirements.in

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find hdl sim tests scripts -name __pycache__ -prune -exec rm -rf {} +
