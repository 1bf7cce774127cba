"""All that is sealed brought under the newest key, beside running processes, so that older keys can go."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from unihire.errors import ConfigError
from unihire.kit.seal import Sealer
from unihire.platform.sealing import (
    make_credentials_context,
    make_grant_context,
    make_hook_context,
    make_partner_context,
    make_pending_context,
    make_secret_context,
)
from unihire.store import Pool
from unihire.store.accounts.sealed import KINDS, Kind, Sealed, list_others, replace_sealed

BATCH = 200
"""Sealed values read at once."""

PASSES = 3
"""How often what changed meanwhile is looked at again."""

_CONTEXTS = {
    "credentials": make_credentials_context,
    "grant": make_grant_context,
    "hook": make_hook_context,
    "webhook": make_secret_context,
    "partner": make_partner_context,
    "pending": make_pending_context,
}


@dataclass(frozen=True, slots=True)
class NotResealed:
    """A value that is under another key still, and why. The reason contains no secret."""

    kind: Kind
    owner: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Resealing:
    """What was done: how many values of each kind, and those that are left."""

    resealed: Counter[Kind] = field(default_factory=Counter)
    left: list[NotResealed] = field(default_factory=list)


async def reseal(pool: Pool, sealer: Sealer) -> Resealing:
    """Seal everything under the newest key.

    Each value by itself: it is replaced only where it is as it was read, so what a running process saves meanwhile
    stays, and whatever ends this leaves each value whole, under one key or the other. Done again, it goes on.
    """
    done = Resealing()
    for kind in KINDS:
        changed: list[Sealed] = []
        left: list[NotResealed] = []
        for _ in range(PASSES):
            changed, left = await _reseal_kind(pool, sealer, kind, done.resealed)
            if not changed:
                break
        reason = "a running process seals under another key: restart it with the keys of this command, and repeat"
        done.left.extend([*left, *(NotResealed(kind, one.owner, reason) for one in changed)])
    return done


async def _reseal_kind(
    pool: Pool, sealer: Sealer, kind: Kind, resealed: Counter[Kind]
) -> tuple[list[Sealed], list[NotResealed]]:
    """One pass over the values of a kind: those that changed meanwhile, and those that do not open."""
    changed: list[Sealed] = []
    left: list[NotResealed] = []
    after = 0
    while batch := await list_others(pool, kind, sealer.current, after=after, limit=BATCH):
        for old in batch:
            context = _CONTEXTS[kind](old.owner)
            try:
                plain = sealer.open(old.value, context)
            except ConfigError as error:
                left.append(NotResealed(kind, old.owner, str(error)))
                continue
            if await replace_sealed(pool, old, sealer.seal(plain, context)):
                resealed[kind] += 1
            else:
                changed.append(old)
        after = batch[-1].number
    return changed, left
