# What there is to do here. `make demo` and `make test` need rustup, git, make and a C compiler; the rest is installed.
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
WASM := $(TARGET)/wasm32-wasip2/release
# Always built as one: another choice of packages has other features, and compiles wasmtime anew.
NATIVE := --package landfall-host --package landfall-stand-in --package landfall-component-tests \
	--package landfall-terraform-tests --package landfall-benches

.PHONY: help toolchain wasm landfall demo serve test portability soak lint bench fuzz dist reproducible clean

help: ## Say what there is to do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

toolchain:
	@rustc --version >/dev/null 2>&1 || rustup toolchain install
	@rustup target list --installed | grep -qx wasm32-wasip2 || rustup target add wasm32-wasip2

wasm: toolchain ## Build both components
	$(CARGO) build --release --target wasm32-wasip2 --package landfall --bins

landfall: wasm ## Build `landfall` as one serves with it, optimised
	$(CARGO) build --profile host --package landfall-host
	cp $(WASM)/landfall-spin.wasm $(TARGET)/host/

demo: wasm ## Start a GitHub of sample modules and Landfall in front of it, and install through it
	$(CARGO) test --no-run $(NATIVE)
	TARGET=$(TARGET) sh stand-in/demo.sh

landfall.toml:
	@(umask 077; cp landfall.example.toml $@)
	@echo "landfall.toml is new: fill it in, then run make serve"
	@test "$(MAKECMDGOALS)" = $@

serve: landfall.toml landfall ## Serve your own modules, as landfall.toml says
	$(TARGET)/host/landfall serve --variables-file landfall.toml $(ARGS)

test: wasm ## Run all tests; those whose programs are missing are said to be ignored
	$(CARGO) test --package landfall
	$(CARGO) test --package landfall-deploy-tests
	LANDFALL_BIN="$(abspath $(TARGET))/debug/landfall" LANDFALL_WASM_DIR="$(abspath $(WASM))" \
		$(CARGO) test $(NATIVE)

portability: wasm ## Try one table of scenarios on each host: HOSTS="landfall wasmtime spin"; STRICT=1: all of them; QUICK=1: no slow ones
	LANDFALL_WASM_DIR="$(abspath $(WASM))" $(CARGO) test --no-run $(NATIVE)
	LANDFALL_BIN="$(abspath $(TARGET))/debug/landfall" LANDFALL_WASM_DIR="$(abspath $(WASM))" \
		HOSTS="$(HOSTS)" STRICT="$(STRICT)" QUICK="$(QUICK)" $(CARGO) test $(NATIVE) --test portability -- $(ARGS)

soak: landfall ## Load `landfall serve` behind a GitHub that fails: MINUTES=5, CLIENTS=256, SEED=1
	LANDFALL_BIN="$(abspath $(TARGET))/host/landfall" LANDFALL_WASM_DIR="$(abspath $(WASM))" \
		SOAK_MINUTES="$(or $(MINUTES),5)" SOAK_CLIENTS="$(or $(CLIENTS),256)" SOAK_SEED="$(or $(SEED),1)" \
		$(CARGO) test $(NATIVE) --test soak

lint: toolchain ## Check format, lints, fuzz targets and documentation; needs a C++ compiler
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --target wasm32-wasip2 --package landfall -- -D warnings
	CARGO_TARGET_DIR="$(abspath $(TARGET))" $(CARGO) check --manifest-path fuzz/Cargo.toml
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

bench: landfall ## Measure all that README quotes, in five minutes; ONLY="versions start" measures some of it
	$(CARGO) build --profile host --package landfall-benches
	LANDFALL_BIN="$(abspath $(TARGET))/host/landfall" LANDFALL_WASM_DIR="$(abspath $(WASM))" \
		$(TARGET)/host/landfall-bench $(ONLY)

fuzz: ## Fuzz each parser for a minute; needs a nightly compiler and cargo-fuzz
	cd fuzz && for target in route version rerooter webhook bearer entries id_token ticket catalogue query details; do mkdir -p corpus/$$target seeds/$$target; \
		cargo +nightly fuzz run $$target corpus/$$target seeds/$$target -- -max_total_time=60 || exit 1; done

# WHAT=wasm leaves out `landfall`, which takes ten times as long as both components.
dist: toolchain ## Build what a release has, into target/dist: archives, checksums and what they were made of
	@TARGET="$(TARGET)" WHAT="$(WHAT)" sh release/dist.sh

reproducible: toolchain ## Build that twice, in two places, and compare; WHAT=wasm leaves `landfall` out
	@WHAT="$(WHAT)" sh release/reproduce.sh

clean: ## Remove what was built, and the data of `make serve`
	$(CARGO) clean
	rm -rf .landfall
