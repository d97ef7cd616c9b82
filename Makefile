# Two commands from a clean machine: make demo, make test. Every target installs what it needs first; all of them work
# on private copies of PostgreSQL below target/, save install.
.DEFAULT_GOAL := help
.PHONY: help demo demo-fleet test bench lint installcheck psql install setup build clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## 60 seconds: a pg_notify trigger against realtime_sync, live in the terminal
	@scripts/demo

demo-fleet: ## a minute of a simulated city on the fleet kit, live in the terminal, then the reckoning in SQL
	@scripts/demo-fleet

test: ## every kind of test
	@scripts/test

bench: ## 20 minutes: what capture, relay and replay cost, beside their peers; rewrites docs/performance.md
	@scripts/bench

lint: ## formatting, clippy, plain rules
	@scripts/lint

installcheck: ## SQL suite and isolation specs: PGVERSION=15 TESTS="name ..." ACCEPT=1
	@scripts/installcheck

psql: ## a session in the demo's database
	@scripts/psql

install: ## into the PostgreSQL of PG_CONFIG, for use
	@scripts/install

setup: ## only fetch what the others need, every PostgreSQL and PostGIS included
	@scripts/setup 15 16 17 18 postgis

build: ## the extension, into the private copy
	@scripts/setup && scripts/build

clean: ## all that was built and the throwaway servers
	@scripts/clean
