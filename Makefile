# The commands of the house. `make start` and `make test` set everything up first; the rest is for us.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BOOTSTRAP := scripts/bootstrap

.PHONY: help start test test-fast lint lock bench bench-marking scale routes bench-class bench-words bench-pages bench-review faults faults-batch growth attacks mutated differential differential-oracle check pictures bench-exports bench-parts bench-formgrader test-postgresql

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

start: ## set everything up, then run the learning environment on http://passerelle.localhost:8000
	@$(BOOTSTRAP) start

test: ## set everything up, then pass the tests
	@$(BOOTSTRAP) test

test-fast: ## the quick tests
	@$(BOOTSTRAP) test -m "not slow"

lint: ## formatting, types, order of rooms, spelling
	@$(BOOTSTRAP) lint

routes: ## write docs/security-routes.md anew, from tests/attacks/walls.csv
	@PYTHONPATH=src:. .venv/bin/python -m tests.attacks.walls

bench: ## measure the loop's figures and marking's, stock nbgrader beside them, and print them (some 15 minutes)
	@status=0; $(BOOTSTRAP) run benchmarks.loop || status=$$?; $(BOOTSTRAP) run benchmarks.marking || status=$$?; exit $$status

PART ?= releases,wall,workers,feedback,memory,writer,hub
bench-marking: ## measure marking beside stock nbgrader; PART=wall,memory … these alone, SAVE=FILE for the simulation
	@$(BOOTSTRAP) run benchmarks.marking --part $(PART) $(if $(SAVE),--save $(SAVE))

scale: ## simulate a deadline evening with the costs in benchmarks/costs.json: the tables and pictures of docs/scale.md
	@out=$$(mktemp -d) && chmod 777 $$out && $(BOOTSTRAP) run benchmarks.scale --into $$out && \
	cp $$out/*.svg docs/pictures/ && cp $$out/scale.md docs/scale.md; \
	status=$$?; rm -r $$out; exit $$status

bench-class: ## measure how a class of twelve starts and submits
	@$(BOOTSTRAP) run benchmarks.class_start

bench-words: ## measure how long each word of a check takes in a notebook
	@$(BOOTSTRAP) run benchmarks.words

bench-pages: ## measure how long a page is looked at in a check and when it is marked
	@$(BOOTSTRAP) run benchmarks.pages

bench-review: ## measure the pages of 1,000 fellows with a year behind them (some 8 minutes)
	@$(BOOTSTRAP) run benchmarks.pages_year

bench-parts: ## measure what a submission costs beside its cells and checks, part by part (some 2 minutes)
	@$(BOOTSTRAP) run benchmarks.parts

bench-exports: ## measure exports beside `nbgrader export` (some 2 minutes)
	@$(BOOTSTRAP) run benchmarks.exports

bench-formgrader: ## measure formgrader's lists of 1,000 fellows, on SQLite and PostgreSQL (some 10 minutes)
	@$(BOOTSTRAP) run benchmarks.formgrader --postgresql

test-postgresql: ## the tests of ledger, exchange and pages with their ledger on PostgreSQL (some 10 minutes)
	@$(BOOTSTRAP) test --ledger postgresql tests/unit/ledger tests/unit/progress tests/unit/exchange tests/unit/review

faults: ## kill each process at each step of the loop and of a batch, really, and see that nothing is lost (some 35 minutes)
	@status=0; $(BOOTSTRAP) run tests.faults.grid || status=$$?; $(BOOTSTRAP) run tests.faults.batch || status=$$?; exit $$status

faults-batch: ## kill a batch of 200 submissions at 100 random moments, and see that it ends as an undisturbed one (some 20 minutes)
	@$(BOOTSTRAP) run tests.faults.batch

growth: ## mark 1,000 submissions in one marker, and see that nothing grows (some 10 minutes)
	@$(BOOTSTRAP) run tests.faults.growth

attacks: ## make every attack on marking, really, and print what each gets from us and from stock nbgrader (some 25 minutes)
	@$(BOOTSTRAP) run tests.attacks.table

check: ## prove every unit, with all planted bugs, and write docs/courses/ anew
	@out=$$(mktemp -d) && chmod 777 $$out && $(BOOTSTRAP) run passerelle.cli check --table $$out; status=$$?; \
	mkdir -p docs/courses && cp $$out/*.md docs/courses/; rm -r $$out; exit $$status

PICTURES := tests.hub.loop_pictures tests.browser.pictures tests.browser.help_pictures tests.browser.mentor_pictures \
	tests.browser.coordinator_pictures
pictures: ## make the pictures of the README, the guides and the units in docs/pictures/ anew
	@out=$$(mktemp -d) && chmod 777 $$out && status=0; for module in $(PICTURES); do \
	$(BOOTSTRAP) run $$module $$out || status=$$?; done; cp $$out/*.png docs/pictures/; rm -r $$out; exit $$status

mutated: ## mark 1,000 mutated notebooks: each has a verdict, untouched answers keep their marks, nothing is left behind
	@$(BOOTSTRAP) run tests.attacks.mutated

differential: ## mark hundreds of submissions of plain asserts, and print our points beside nbgrader's (some 15 minutes)
	@$(BOOTSTRAP) run tests.grading.differential

ORACLE := tests/grading/differential/oracle.json
differential-oracle: ## let stock nbgrader mark what oracle.json does not have of these submissions (some 15 minutes)
	@$(BOOTSTRAP) run tests.grading.differential --oracle > $(ORACLE).new && mv $(ORACLE).new $(ORACLE)

UV := .venv/bin/uv
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --quiet pyproject.toml

lock: ## resolve pyproject.toml anew into binder/lock.txt, and export learner and platform from it
	$(COMPILE) --group learner --group dev --output-file binder/lock.txt $(UPGRADE)
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--quiet --constraint binder/lock.txt --group learner --output-file binder/requirements.txt
	$(COMPILE) --constraint binder/lock.txt --group build --output-file binder/platform.txt
