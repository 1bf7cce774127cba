"""After an upgrade: rows that were quarantined are tried again by the mapping of now."""

from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib import resources
from importlib.resources.abc import Traversable

import structlog

from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.store import Pool, streams
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.sync.remap import remap_held

log = structlog.get_logger()


@cache
def find_mapping_version(slug: str) -> str:
    """Stands for how an integration maps: it differs when what a mapping reads does, and for nothing else.

    That is the connector, which declares the mappings, the mapping itself, and the vocabulary; packages with all that
    is in them.
    """
    return digest_mapping(resources.files(f"unihire.integrations.{slug}"), resources.files("unihire.model"))


def digest_mapping(folder: Traversable, vocabulary: Traversable) -> str:
    """Of a vendor's folder and the vocabulary's: names and contents of the modules that map. 16 hexadecimal digits."""
    digest = blake2b(digest_size=8)
    for root in (folder / "connector.py", folder / "mapping.py", folder / "mapping", vocabulary):
        for name, content in _read_modules(root):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _read_modules(root: Traversable, within: str = "") -> Iterator[tuple[str, bytes]]:
    """The module there, or all of the package there with their paths, by name; nothing where nothing is."""
    name = f"{within}{root.name}"
    if root.is_dir():
        for inner in sorted(root.iterdir(), key=lambda inner: inner.name):
            yield from _read_modules(inner, f"{name}/")
    elif root.name.endswith(".py") and root.is_file():
        yield name, root.read_bytes()


async def retry_aside(pool: Pool, connector: Connector) -> None:
    """Map what is quarantined again, once for each version of the mapping. Call while holding the connector."""
    try:
        integration = get_integration(connector.integration)
    except ConfigError:
        return  # the run itself tells that the integration is gone
    version = find_mapping_version(integration.slug)
    if await pool.fetchval(tenancy.GET_MAPPED_BY, connector.number) == version:
        return
    if await pool.fetch(streams.COUNT_QUARANTINE, connector.number):
        remade = await remap_held(pool, connector, integration, only_aside=True)
        released, left = sum(one.released for one in remade), sum(one.aside + one.incomplete for one in remade)
        log.info("quarantined rows were tried again", released=released, left=left)
    await pool.execute(tenancy.SET_MAPPED_BY, connector.number, version)
