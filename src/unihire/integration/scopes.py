"""OAuth scopes: what a customer is asked to grant, and what a grant allows."""

from collections.abc import Collection, Iterable
from typing import Literal

from unihire.integration.operate import Operation
from unihire.integration.webhooks import Webhooks
from unihire.integration.write import Write
from unihire.outbound.auth import Auth, AuthorizationCode

Access = Literal["read", "read-write"]
"""What a partner asks a customer for."""


def list_scopes(
    auth: AuthorizationCode, operations: Iterable[Operation | Write], access: Access, webhooks: Webhooks | None = None
) -> tuple[str, ...]:
    """The scopes to ask for, those of reads first; none where the vendor grants all that the partner has.

    To subscribe to webhooks over the vendor's API is a write, too.
    """
    if access == "read" or not auth.scopes:
        return auth.scopes
    subscription = None if webhooks is None else webhooks.subscription
    written = (*list_write_scopes(operations), *(() if subscription is None else subscription.scopes))
    return tuple(dict.fromkeys((*auth.scopes, *written)))


def list_write_scopes(operations: Iterable[Operation | Write]) -> tuple[str, ...]:
    """The scopes that the operations write with, each once."""
    return tuple(dict.fromkeys(scope for one in operations for scope in (*one.scopes, *one.more_scopes)))


def find_granted(
    auth: Auth | None, operations: Iterable[Operation | Write], named: Collection[str] | None
) -> Collection[str] | None:
    """The scopes a grant has, by those the vendor named; None where it is not known which.

    So it is, too, where none of them is one to ask for: the vendor names them otherwise in its answers.
    """
    asked = auth.scopes if isinstance(auth, AuthorizationCode) else ()
    return None if named is None or {*asked, *list_write_scopes(operations)}.isdisjoint(named) else named


def list_missing(needed: Iterable[str], granted: Collection[str] | None) -> list[str]:
    """The scopes a grant is known not to have, each once; none where it is not known what it has."""
    return [] if granted is None else [scope for scope in dict.fromkeys(needed) if scope not in granted]


def find_access(operations: Iterable[Operation | Write], granted: Collection[str] | None) -> Access:
    """What to ask for when the customer consents once more: writes where the grant has a scope of them."""
    return "read-write" if granted and any(scope in granted for scope in list_write_scopes(operations)) else "read"
