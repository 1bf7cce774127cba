"""`unihire connect --partner`: the address at which a customer lets a partner in, and the code that comes back."""

import sys
from collections.abc import Sequence
from typing import get_args
from urllib.parse import parse_qs, urlsplit

from unihire.cli.console.terminal import note
from unihire.errors import ConfigError
from unihire.integration.scopes import Access
from unihire.kit.ids import new_token
from unihire.outbound.client import VendorClient

ACCESSES: tuple[Access, ...] = get_args(Access)


def take_code(
    client: VendorClient,
    redirect_uri: str,
    given: str | None,
    *,
    scopes: Sequence[str],
    access: Access,
    can_ask: bool,
) -> str:
    """The customer's code: from what was given, else asked for after the address to open is shown on stderr.

    The state in the address names the access that `scopes` are asked for with. Raises ConfigError where there is no
    code, or an address to which the customer came by another access.
    """
    if given is not None:
        return read_code(given, access=access)
    state = f"{access}.{new_token(16)}"
    note("The customer opens this address, agrees, and is sent on to an address that begins with the redirect URI:\n")
    sys.stderr.write(f"{client.write_authorize_url(redirect_uri, state, scopes)}\n\n")
    if not can_ask:
        raise ConfigError("the customer must agree first: give the address they are sent on to, or its code, as --code")
    sys.stderr.write("The address they were sent on to, or its code: ")
    sys.stderr.flush()
    try:
        return read_code(input(), state=state)
    except EOFError:
        raise ConfigError("no code was given") from None


def read_code(text: str, *, state: str | None = None, access: Access | None = None) -> str:
    """The code in an address to which a customer was sent on, or the code itself.

    An address must have `state`, where we know it: another one is of another attempt, of somebody else perhaps. A state
    that names an access must name `access`: the customer agreed to that one. Raises ConfigError.
    """
    text = text.strip()
    if not text.lower().startswith(("http://", "https://")):
        if not text:
            raise ConfigError("no code was given")
        return text
    try:
        query = parse_qs(urlsplit(text).query)
    except ValueError:
        raise ConfigError("that is not an address") from None
    if state is not None and query.get("state") != [state]:
        raise ConfigError("that address is of another attempt (its state differs): begin again")
    asked = query.get("state", [""])[0].partition(".")[0]
    if access is not None and asked in ACCESSES and asked != access:
        raise ConfigError(f"the customer was asked for {asked}, by that address: give --access {asked}, or begin again")
    if "code" not in query:
        word = query.get("error", ["no code came"])[0]
        raise ConfigError(f"the customer did not let us in: {word if word.isidentifier() else 'no code came'}")
    return query["code"][0]
