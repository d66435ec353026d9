"""Moves the contacts of one connection of Ferry to another: `move.py FROM TO`."""

import sys
from pathlib import Path

import airbyte as ab

HERE = Path(__file__).resolve().parent


def main(source_name: str, target_name: str) -> None:
    source = ab.get_source(
        "source-ferry",
        local_executable=HERE / "source-ferry",
        config={"connection": source_name},
        streams="*",
        install_if_missing=False,
    )
    source.check()
    destination = ab.get_destination(
        "destination-ferry",
        local_executable=HERE / "destination-ferry",
        config={"connection": target_name},
        install_if_missing=False,
    )
    destination.check()
    # The states stay in this cache, so that another start continues where this one ended.
    states = ab.new_local_cache("ferry", cache_dir=Path("states"))
    result = destination.write(source, cache=False, state_cache=states)
    print(f"{result.processed_records} records")


if __name__ == "__main__":
    main(*sys.argv[1:3])
