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
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """OAuth 2.0 client credentials: an id and a secret buy a token for a while.

    `token_path` is joined to `token_host`, the vendor's token server where that is not its API's, else to its base
    address; for a connector with an address of its own always to that one. With `sent_as="basic"` the credentials
    `client_id` and `client_secret` go into a header and the others into the form.
    """

    token_path: str
    credentials: tuple[Credential, ...]
    token_host: str | None = None
    sent_as: Literal["form", "basic"] = "form"
    form: Mapping[str, str] = field(default_factory=lambda: {"grant_type": "client_credentials"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """OAuth 2.0 authorization code: the customer lets in a partner, whose own id and secret are `credentials`.

    Both paths are joined as that of `ClientCredentials` is. `scopes` are asked for; where there are none, all that the
    partner has. A refresh token may work once only.
    """

    authorize_path: str
    token_path: str
    credentials: tuple[Credential, ...]
    token_host: str | None = None
    sent_as: Literal["form", "basic"] = "basic"
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the moment from which a new one is to be bought."""

    value: str = field(repr=False)
    renew_at: datetime
