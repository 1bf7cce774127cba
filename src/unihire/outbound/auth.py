"""How a connector proves who it is: the flows, as data, and what a token is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing the customer gives us; also draws the connect form."""

    name: str
    title: str
    help: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """OAuth 2.0 client credentials: an id and a secret buy a token for a while.

    `token_path` is joined to the vendor's base address, or to the connector's own where it has one.
    """

    token_path: str
    credentials: tuple[Credential, ...]
    sent_as: Literal["form", "basic"] = "form"
    form: Mapping[str, str] = field(default_factory=lambda: {"grant_type": "client_credentials"})


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the moment from which a new one is to be bought."""

    value: str = field(repr=False)
    renew_at: datetime
