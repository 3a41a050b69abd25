# Everything a fresh machine needs: Python 3.11 or newer and this file.
PYTHON ?= python3
# Where the torch wheels come from, if not from pip's own index. For CPU wheels elsewhere:
#   make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
RUN ?= runs/demo
GAME := src/mlgolf/competitions/cancer-nuclear

BIN := .venv/bin

.PHONY: setup demo test long full check site site-test site-faults security fuzz faults bench bench-site clean

setup: .venv/.complete

.venv/.complete: pyproject.toml website/pyproject.toml constraints.txt
	@echo "== installing into .venv (once; a minute or two)"
	@began=$$(date +%s); \
	$(PYTHON) -m venv .venv && \
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt \
	  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[torch,jax,golf,site,dev]' -e website && \
	touch $@ && echo "== installed in $$(( $$(date +%s) - began )) s"
	@command -v bwrap > /dev/null || echo "== bubblewrap is missing: other people's code cannot be" \
	  "run, and tests of it fail (apt install bubblewrap)"

# Two algorithms on two workloads, one trial each, and a game with two entries: leaderboards and
# reports in a few minutes.
demo: setup
	@began=$$(date +%s); set -e; \
	rm -rf $(RUN) $(RUN)-game; \
	$(BIN)/mlgolf run nadamw nesterov --competition mini --tuning self --studies 1 \
	  --workload imagenet_resnet --workload criteo1tb --out $(RUN); \
	$(BIN)/mlgolf score $(RUN); \
	$(BIN)/mlgolf report $(RUN); \
	$(BIN)/mlgolf run $(GAME)/baseline $(GAME)/champion --competition $(notdir $(GAME)) \
	  --out $(RUN)-game; \
	$(BIN)/mlgolf score $(RUN)-game; \
	$(BIN)/mlgolf report $(RUN)-game; \
	echo "== ran in $$(( $$(date +%s) - began )) s; open $(RUN)/report.html and" \
	  "$(RUN)-game/report.html"

test: setup
	@$(BIN)/pytest -n 2 --dist worksteal -m "not alone and not long and not full"
	@$(BIN)/pytest -m "alone and not long"

# A website on this machine, in the folder mlgolf-site.
site: setup
	@$(BIN)/mlgolf site serve

# The website: on SQLite, in a browser, and on a PostgreSQL server of its own.
site-test: setup
	@cd website && ../$(BIN)/pytest -n 2 --dist loadfile -m "not slow"
	@cd website && ../$(BIN)/python tests/postgresql.py ../$(BIN)/pytest \
	  -n 2 --dist loadfile -m "not browser and not slow"

# Kills of worker, web, keeper and database during 20 submissions; some minutes.
site-faults: setup
	@cd website && ../$(BIN)/pytest -m slow
	@$(BIN)/python benchmarks/site_faults.py

# The website as an attacker has it: who may call what, planted secrets, attack uploads, requests
# made from the OpenAPI document, and Django's own check of a site that is reached by https.
security: setup
	@cd website && ../$(BIN)/pytest tests/test_rules.py tests/test_uploads.py tests/test_security.py \
	  tests/test_accounts.py tests/test_downloads.py tests/test_hostile_*.py
	@cd website && ../$(BIN)/pytest tests/fuzz_api.py
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  $(BIN)/python -c "from mlgolf_site.config import embedded; print(embedded())" \
	    > "$$folder/site.toml" && \
	  printf 'https = true\nhosts = ["golf.example.org"]\n' >> "$$folder/site.toml" && \
	  $(BIN)/mlgolf site manage --folder "$$folder" check --deploy --fail-level WARNING

# What takes minutes: every baseline and champion that ships, contracts of all sizes and variants.
long: setup
	@$(BIN)/pytest -n 2 --dist worksteal -m "long and not alone"
	@$(BIN)/pytest -m "long and alone"

# Training steps and parity of the full-size networks, one after the other, in up to 20 GB of memory.
full: setup
	@$(BIN)/pytest -m full

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

# Log trees, bundles and what players say, damaged in thousands of ways instead of hundreds; an hour.
fuzz: setup
	@MLGOLF_FUZZ_EXAMPLES=20000 $(BIN)/pytest -n 2 tests/results/test_damaged_trees.py \
	  tests/results/test_bundles.py tests/referee/test_hostile_player.py
	@$(BIN)/python benchmarks/bundle_mutations.py
	@$(BIN)/python benchmarks/protocol_fuzzing.py 200000

# Kills, a full disk, a disk that stalls, want of memory: 200 short trials meet one each; as root.
faults: setup
	@$(BIN)/python benchmarks/faults.py --trials 200

# Alone on the machine: each prints a ratio, its spread and what it ran on.
bench: setup
	@for script in benchmarks/start_up.py benchmarks/sandbox_overhead.py \
	  benchmarks/evaluation_handover.py \
	  benchmarks/referee_overhead.py benchmarks/verdict_stability.py benchmarks/scoring_speed.py \
	  benchmarks/measures.py benchmarks/onnx_judging.py benchmarks/game_judging.py \
	  benchmarks/game_check.py benchmarks/tuning_bands.py benchmarks/step_time.py \
	  benchmarks/suite.py benchmarks/analysis_speed.py benchmarks/diagnose_planted.py \
	  benchmarks/diagnose_speed.py benchmarks/run_list.py benchmarks/deploy_timing.py \
	  benchmarks/probe_spread.py; \
	do echo "== $$script"; $(BIN)/python $$script || exit 1; done
	@for workload in criteo1tb finewebedu_lm; do $(BIN)/python benchmarks/data_pipeline.py \
	  --workload $$workload --megabytes 1000 || exit 1; done

# A site with 20,000 entries on a PostgreSQL server of its own; about ten minutes, alone on the machine.
bench-site: setup
	@$(BIN)/python benchmarks/site_load.py

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
