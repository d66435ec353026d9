# Frequent tasks. `just` alone lists them.

# List the recipes
default:
    @just --list

# Import the sample file into the sandbox
demo:
    cargo run -- import samples/contacts.csv --map mappings/contacts.yaml --to mercately --sandbox

# Migrate the sandbox's contacts from one platform to another
demo-migrate:
    cargo run -- migrate --from mercately --to eadesk --sandbox

# Run all tests, or those whose names contain a word
test *words:
    cargo test {{ words }}

# Run everything that must hold before a change is merged
ci:
    .ci/run

# Format, and show the lints
fix:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# Run each simulation on N seeds that were not tried before
seeds n="200":
    FERRY_SEED_BEGIN=$(date +%s) FERRY_SEEDS={{ n }} cargo test simulation -- --ignored

# Write transcripts, shown outputs and exceptions as they are now; read the difference before keeping it
bless *words:
    FERRY_TEST_WRITE=1 cargo test {{ words }}
    git diff --stat

# Serve the platforms on this machine, with faults if wanted
sandbox *options:
    cargo run --release -- sandbox {{ options }}

# Measure a part: checkpoint, http, line or phones
bench part:
    cargo bench --bench {{ part }}

# Make a release archive with its checksum
release *folder:
    .ci/release {{ folder }}

# Read the documentation of the library
doc:
    cargo doc --no-deps --open

# Update the names of countries from a newer CLDR (needs npm and python3)
territories version:
    src/mapping/phone/territories.py {{ version }} > src/mapping/phone/territories.tsv
