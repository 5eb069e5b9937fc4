# `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run preview check lint newer test test-fast soak format lock package bench bench-check bench-update generated texts pictures embed declaration cost page-cost resources deploy rollback destroy proof ops import export unsubscribe growth status outbox \
        redrive erase rotate-keys migrate restore restore-check prove clean

##@ Every day

help: ## this list
	@awk -F ':.*## ' '/^##@ / {printf "%s%s\n", n++ ? "\n" : "", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## the virtual environment, from the lock with hashes

$(READY): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "customer-contact needs Python 3.11 or newer; name one by make PYTHON=…")'
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m local.install requirements-dev.txt
	@touch $@

run: $(READY) ## everything, locally: the cloud, the API, a demo website, a mailbox (PORT=8300; ORIGINS=http://localhost:5173 for a site of yours)
	@exec $(BIN)/python -m local --port "$(or $(PORT),8300)" --origins "$(ORIGINS)"

preview: $(READY) ## every mail and page, in every state and language, on one page (PORT=8310)
	@exec $(BIN)/python -m local.preview --port "$(or $(PORT),8310)"

check: $(READY) ## ruff, mypy, zizmor and the fast tests, on the newest Python of this machine, too: at every save
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target lint test-fast newer NEWEST=1

test-fast: $(READY)
	@$(BIN)/pytest -q -m "not edge"

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@found=$$($(BIN)/zizmor --quiet --offline --no-progress --persona pedantic examples/deploy.yml) || { echo "$$found"; exit 1; }

newer: $(READY) ## the fast tests on each newer Python that Lambda has and this machine, too (NEWEST=1)
	@$(BIN)/python -m local.newer $(if $(NEWEST),--newest)

test: $(READY) ## all tests, the long ones in part, on emulators of their own and in a real browser (6 min)
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=none $(PARTS:%=test-%)

soak: $(READY) ## the long tests in full: the simulations, the packages, the faults at every call, the judges of pages and mails (20 min)
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=none $(PARTS:%=soak-%)

# A third of the tests each, by their time; they wait so much that three keep two processors busy.
PARTS := pages stacks rest
others = $(addprefix --ignore=,$(filter tests/%,$1))
test-pages := tests/browser tests/local tests/quality tests/contract tests/outbox tests/callbacks tests/newsletter \
  $(wildcard tests/edge/test_[c-e]*.py) --ignore=tests/browser/staff --ignore=tests/callbacks/simulation
test-stacks := tests/browser/staff tests/infra tests/package tests/auth tests/http tests/backoffice tests/ops tests/articles \
  tests/callbacks/simulation
test-rest := $(call others,$(test-pages) $(test-stacks))
soak-pages := tests/browser tests/local tests/quality tests/contract tests/outbox tests/newsletter --ignore=tests/browser/staff
soak-stacks := tests/browser/staff tests/infra tests/auth tests/http tests/backoffice tests/articles tests/callbacks
soak-rest := $(call others,$(soak-pages) $(soak-stacks))
PYTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest

$(PARTS:%=test-%): $(READY)
	@$(PYTEST) -m "not soak" $($@)

$(PARTS:%=soak-%): $(READY)
	@SOAK=1 $(PYTEST) -m soak $($@)

format: $(READY) ## ruff's fixes and format
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

clean: ## deletes what `make run` and the tests keep, the local data included
	@rm -rf .local .mypy_cache .ruff_cache .pytest_cache .hypothesis

##@ Quality

lock: $(READY) ## resolves requirements*.in anew, with hashes
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-bench.in -o requirements-bench.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header tests/infra/moto/requirements.in -o tests/infra/moto/requirements.txt

generated: $(READY) ## the checked-in files that tools/ makes: holidays, bots, events, settings, policies, the dashboard's picture, the snippet's versions
	@for made in $(basename $(notdir $(filter-out tools/__init__.py,$(wildcard tools/*.py)))); do $(BIN)/python -m tools.$$made; done

texts: $(READY) ## collects the words for the catalogues, chalicelib/texts/*.po, for translators to fill in
	@mkdir -p .local
	@$(BIN)/pybabel -q extract -F pyproject.toml --add-location=file --no-wrap -o .local/words.pot .
	@for made in chalicelib/texts/*.po; do $(BIN)/pybabel -q update -i .local/words.pot -o $$made -l $$(basename $$made .po) \
	  --no-fuzzy-matching --ignore-obsolete --no-wrap --ignore-pot-creation-date; done

pictures: $(READY) ## the README's pictures, docs/pictures, anew (needs Chromium)
	@$(BIN)/python -m tests.browser.readme

embed: $(READY) ## builds the snippet, chalicelib/web/built, from chalicelib/web/embed (needs npm)
	@$(BIN)/python -m tools.embed

declaration: $(READY) ## fills the drafts of the declarations of consent and freezes what changed as new versions
	@$(BIN)/python -m infra.declaration

cost: $(READY) ## what each call to the articles costs, in capacity units and at list price
	@$(BIN)/python -m bench.cost
	@$(BIN)/python -m bench.filters

page-cost: $(READY) ## what an article page of the website asks of us: requests, bytes, and their list price
	@$(BIN)/python -m bench.page

bench: $(READY) ## cold starts and warm requests beside other libraries', by instruction counts (10 min, needs valgrind)
	@$(BIN)/python -m bench

bench-check: $(READY) ## whether a start or a view has become dearer than bench/figures.json says (1 min, needs valgrind)
	@$(BIN)/python -m bench check

bench-update: $(READY) ## writes the figures bench-check compares with
	@$(BIN)/python -m bench update

##@ Package and deploy

package: $(READY) ## the deployment package of STAGE=…, made to start fast, and sbom.json of what is in it, in .local/package
	@rm -rf .local/package
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-central-1} $(BIN)/python -m infra.chalice package --stage $(or $(STAGE),local) .local/package
	@$(BIN)/python -m infra.sbom .local/package/deployment.zip .local/package/sbom.json

resources: $(READY) ## the resources of STAGE=…: tables, topics, secrets, logs, alarms (DRY=1 only says what would be done)
	@$(BIN)/python -m infra.deploy $(STAGE) --only resources $(if $(DRY),--dry-run)

deploy: $(READY) ## STAGE=dev|prod from an AWS account to a served stage (DRY=1; URL=… what to test at the end)
	@$(BIN)/python -m infra.deploy $(STAGE) $(if $(DRY),--dry-run) $(if $(URL),--url "$(URL)")

rollback: $(READY) ## the last good deployment of STAGE=… before the present one, once more (DRY=1; LIST=1; RELEASE=…; URL=…)
	@$(BIN)/python -m infra.rollback $(STAGE) $(if $(LIST),--list) $(if $(DRY),--dry-run) $(if $(RELEASE),--release "$(RELEASE)") $(if $(URL),--url "$(URL)")

destroy: $(READY) ## ends what serves STAGE=…; DATA=1 deletes its data, too, once its name is typed (DRY=1)
	@$(BIN)/python -m infra.destroy $(STAGE) $(if $(DATA),--data) $(if $(DRY),--dry-run)

##@ Operations

OPS := $(BIN)/python -m ops --stage $(or $(STAGE),local)

ops: $(READY) ## the operators' commands, which those below are, too (STAGE=local; ARGS="status --help")
	@$(OPS) $(or $(ARGS),--help)

proof: $(READY) ## the proof of consent of EMAIL=…, verified (STAGE=local; HTML=file for a page to print)
	@$(OPS) proof "$(EMAIL)" $(if $(HTML),--html "$(HTML)")

import: $(READY) ## takes over the subscribers in FILE=… with their proof (STAGE=local; FROM=mailchimp, MAP=file; DRY=1 only says what would happen)
	@$(OPS) import "$(FILE)" $(if $(FROM),--from "$(FROM)") $(if $(MAP),--map "$(MAP)") $(if $(REFUSED),--refused "$(REFUSED)") $(if $(DRY),--dry-run)

export: $(READY) ## the confirmed subscribers to FILE=… (STAGE=local; TOPIC=news, READS=de, DOMAIN=, STATE=all, SINCE=day, TO=day, FORMAT=jsonl)
	@$(OPS) export "$(FILE)" $(if $(TOPIC),--topic "$(TOPIC)") $(if $(READS),--language "$(READS)") $(if $(DOMAIN),--domain "$(DOMAIN)") $(if $(STATE),--state "$(STATE)") $(if $(SINCE),--from "$(SINCE)") $(if $(TO),--to "$(TO)") $(if $(FORMAT),--format "$(FORMAT)")

unsubscribe: $(READY) ## records withdrawals: EMAIL=… or FILE=… of addresses (STAGE=local; HOW=mail|telephone|letter|shop|mailer; DRY=1)
	@$(OPS) unsubscribe "$(or $(EMAIL),$(FILE))" $(if $(HOW),--how "$(HOW)") $(if $(DRY),--dry-run)

growth: $(READY) ## signups, confirmations, unsubscribes and bounces by day (STAGE=local; DAYS=365)
	@$(OPS) growth --days $(or $(DAYS),365)

status: $(READY) ## what waits, what was set aside, which alarms are on (STAGE=local)
	@$(OPS) status

outbox: $(READY) ## the messages that wait or were given up, and why (STAGE=local; STATE=due|unclear|failed, KIND=; RETRY=1 sends them again, DRY=1)
	@$(OPS) outbox $(if $(STATE),--state $(STATE)) $(if $(KIND),--kind $(KIND)) $(if $(RETRY),--retry) $(if $(DRY),--dry-run)

redrive: $(READY) ## does again what lies in the dead-letter queue (STAGE=local; DRY=1 only lists it)
	@$(OPS) redrive $(if $(DRY),--dry-run)

erase: $(READY) ## erases a person: EMAIL=…, or PHONE=… for callbacks (STAGE=local; DRY=1 only says what there is)
	@$(OPS) erase $(if $(EMAIL),"$(EMAIL)") $(if $(PHONE),--phone "$(PHONE)") $(if $(DRY),--dry-run)

rotate-keys: $(READY) ## a new key signs the links in mails; RETIRE=1 takes an old one out (STAGE=local; DRY=1)
	@$(OPS) rotate-keys $(if $(RETIRE),--retire $(RETIRE)) $(if $(DRY),--dry-run)

migrate: $(READY) ## brings the tables' items to the present formats (STAGE=local; DRY=1 only counts; Ctrl-C stops, and the next run goes on)
	@$(OPS) migrate $(if $(DRY),--dry-run)

restore: $(READY) ## makes the contacts what they were at AT=…, but for who left or was erased since (STAGE=local; KEYS=, PERSON= for a part; DRY=1)
	@$(OPS) restore $(if $(AT),--at "$(AT)") $(if $(KEYS),--keys "$(KEYS)") $(if $(PERSON),--person "$(PERSON)") $(if $(ERASED),--erased "$(ERASED)") $(if $(KEEP),--keep) $(if $(DRY),--dry-run)

restore-check: $(READY) ## restores the contacts to a new table and compares (STAGE=local; AT=time; KEEP=1; DRY=1)
	@$(OPS) restore-check $(if $(AT),--at "$(AT)") $(if $(KEEP),--keep) $(if $(DRY),--dry-run)

prove: $(READY) ## tries what STAGE=… promises and writes a report of the day (STAGE=local; URL=; ONLY=signup,bounce; AGAIN=1; PEOPLE=1 alerts your own people, too; YES=1)
	@$(OPS) prove $(if $(URL),--url "$(URL)") $(if $(ONLY),--only "$(ONLY)") $(if $(AGAIN),--again) $(if $(PEOPLE),--people) $(if $(YES),--yes)
