"""Connectors as they are named on a command line, and as JSON names them."""

from collections.abc import Sequence
from typing import Any

from unihire.errors import ConfigError
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, list_connectors


async def pick_connectors(pool: Pool, texts: Sequence[str]) -> list[Connector]:
    """The connectors whose ids begin so, each once. Raises ConfigError where none or several do."""
    known = await list_connectors(pool)
    picked: dict[int, Connector] = {}
    for text in texts:
        fitting = [one for one in known if text and str(one.id).startswith(text.lower())]
        if len(fitting) != 1:
            what = "several connectors begin" if fitting else "no connector begins"
            raise ConfigError(f"{what} with {text!r}: `unihire connectors` lists them")
        picked[fitting[0].number] = fitting[0]
    return list(picked.values())


def name_connector(connector: Connector) -> dict[str, Any]:
    """What every JSON document has of a connector."""
    return {"connector_id": str(connector.id), "integration": connector.integration, "customer": connector.end_user}
