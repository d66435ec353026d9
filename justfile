# What is done often. `just` alone lists it.

# List the recipes
default:
    @just --list

# Carry the sample file into the sandbox
demo:
    cargo run --release -- import samples/contacts.csv --map mappings/contacts.yaml --to mercately --sandbox

# Carry the sandbox's contacts from one platform into another
demo-migrate:
    cargo run --release -- migrate --from mercately --to eadesk --sandbox

# Run all tests, or those whose names hold a word
test *words:
    cargo test {{ words }}

# Everything that must hold before a change goes in
ci:
    .ci/run

# Format, and show what clippy has to say
fix:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# Serve the platforms on this machine, with what may go wrong
sandbox *options:
    cargo run --release -- sandbox {{ options }}

# Measure a part: checkpoint, door or phones
bench part:
    cargo bench --bench {{ part }}

# Read the documentation of the library
doc:
    cargo doc --no-deps --open

# Write the names of the countries again, from a newer CLDR (needs npm and python3)
territories version:
    src/mapping/phone/territories.py {{ version }} > src/mapping/phone/territories.tsv
