"""`python -m bench.fleet`: ten thousand tenants in rotation, at random for a minute, and migrated."""

from rich.console import Console

from bench import ground
from bench.fleet import TENANTS, cycling, migrating, rotation
from bench.results import Result, run
from bench.warm_check import USER


def measure() -> list[Result]:
    ground.migrate()
    with Console(stderr=True).status(f"{TENANTS:,} tenants"):
        ground.fleet(TENANTS, member=USER)
    return [*rotation.measure(), *cycling.measure(), *migrating.measure()]


if __name__ == "__main__":
    run(measure)
