"""The product itself, as it is served: API key, connector token, rate limiter, parameters, store."""

import structlog

from bench.hosting import host, run
from bench.place import make_settings
from bench.processes import read_order
from unihire.app import create_app
from unihire.cli.console.starting import calm_collector, give_memory_back
from unihire.store.database import open_database

HUGE_LIMIT = 1_000_000_000
"""The limiter counts, but lets everything pass."""


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    calm_collector()  # as every command does
    give_memory_back()
    order = read_order()
    settings = make_settings(order["home"], rate_limit=HUGE_LIMIT)
    async with open_database(settings, database=order["database"]) as pool:
        await host(create_app(settings, pool))


if __name__ == "__main__":
    run(main())
