"""Everything that is sealed: found by the key it was sealed under, and replaced unless it changed meanwhile."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from unihire.kit.seal import MARK_BYTES
from unihire.store import Pool
from unihire.store.commits import INSIST_ON_COMMIT

Kind = Literal["credentials", "grant", "hook", "webhook", "partner", "pending"]
KINDS: tuple[Kind, ...] = ("credentials", "grant", "hook", "webhook", "partner", "pending")

# Credentials of connectors after a number that do not begin as is said, which names the key.
LIST_OTHER_CREDENTIALS = """
    SELECT number, id, credentials AS sealed FROM connector
    WHERE number > $1 AND substring(credentials FROM 1 FOR $3) <> $2 ORDER BY number LIMIT $4
"""

# The same of what connectors have bought with them.
LIST_OTHER_GRANTS = """
    SELECT number, id, saved.sealed FROM connector_grant AS saved JOIN connector ON connector.number = saved.connector
    WHERE saved.connector > $1 AND substring(saved.sealed FROM 1 FOR $3) <> $2 ORDER BY saved.connector LIMIT $4
"""

# The same of the secrets of hooks.
LIST_OTHER_HOOKS = """
    SELECT number, id, hook.secrets AS sealed FROM hook JOIN connector ON connector.number = hook.connector
    WHERE hook.connector > $1 AND substring(hook.secrets FROM 1 FOR $3) <> $2 ORDER BY hook.connector LIMIT $4
"""

# The same of secrets that sign what webhooks are sent, by numbers of their own.
LIST_OTHER_SECRETS = """
    SELECT number, endpoint AS id, sealed FROM endpoint_secret
    WHERE number > $1 AND substring(sealed FROM 1 FOR $3) <> $2 ORDER BY number LIMIT $4
"""

# The same of partners' credentials that links use.
LIST_OTHER_PARTNERS = """
    SELECT number, id, partner AS sealed FROM link_integration
    WHERE number > $1 AND substring(partner FROM 1 FOR $3) <> $2 ORDER BY number LIMIT $4
"""

# The same of credentials that wait to be confirmed.
LIST_OTHER_PENDING = """
    SELECT number, id, pending AS sealed FROM link_session
    WHERE number > $1 AND substring(pending FROM 1 FOR $3) <> $2 ORDER BY number LIMIT $4
"""

# Put another in place of sealed credentials; nothing where they are others by now.
REPLACE_SEALED_CREDENTIALS = "UPDATE connector SET credentials = $3 WHERE number = $1 AND credentials = $2"

# The same of a grant. When it was bought stays as it is.
REPLACE_SEALED_GRANT = "UPDATE connector_grant SET sealed = $3 WHERE connector = $1 AND sealed = $2"

# The same of a hook.
REPLACE_SEALED_HOOK = "UPDATE hook SET secrets = $3 WHERE connector = $1 AND secrets = $2"

# The same of a secret.
REPLACE_SEALED_SECRET = "UPDATE endpoint_secret SET sealed = $3 WHERE number = $1 AND sealed = $2"  # noqa: S105

# The same of a partner's credentials.
REPLACE_SEALED_PARTNER = "UPDATE link_integration SET partner = $3 WHERE number = $1 AND partner = $2"

# The same of what waits to be confirmed.
REPLACE_SEALED_PENDING = "UPDATE link_session SET pending = $3 WHERE number = $1 AND pending = $2"

# How the sealed credentials of all connectors begin ($1 bytes, which name the key), and how many begin so.
COUNT_CREDENTIALS_MARKS = """
    SELECT substring(credentials FROM 1 FOR $1) AS mark, count(*) AS sealed FROM connector GROUP BY 1
"""

# The same of what connectors have bought with them.
COUNT_GRANT_MARKS = """
    SELECT substring(sealed FROM 1 FOR $1) AS mark, count(*) AS sealed FROM connector_grant
    WHERE sealed IS NOT NULL GROUP BY 1
"""

# The same of the secrets of hooks.
COUNT_HOOK_MARKS = """
    SELECT substring(secrets FROM 1 FOR $1) AS mark, count(*) AS sealed FROM hook WHERE secrets IS NOT NULL GROUP BY 1
"""

# The same of secrets of webhooks.
COUNT_SECRETS_MARKS = """
    SELECT substring(sealed FROM 1 FOR $1) AS mark, count(*) AS sealed FROM endpoint_secret GROUP BY 1
"""

# The same of partners' credentials.
COUNT_PARTNER_MARKS = """
    SELECT substring(partner FROM 1 FOR $1) AS mark, count(*) AS sealed FROM link_integration
    WHERE partner IS NOT NULL GROUP BY 1
"""

# The same of what waits to be confirmed.
COUNT_PENDING_MARKS = """
    SELECT substring(pending FROM 1 FOR $1) AS mark, count(*) AS sealed FROM link_session
    WHERE pending IS NOT NULL GROUP BY 1
"""

_LIST = {
    "credentials": LIST_OTHER_CREDENTIALS,
    "grant": LIST_OTHER_GRANTS,
    "hook": LIST_OTHER_HOOKS,
    "webhook": LIST_OTHER_SECRETS,
    "partner": LIST_OTHER_PARTNERS,
    "pending": LIST_OTHER_PENDING,
}
_REPLACE = {
    "credentials": REPLACE_SEALED_CREDENTIALS,
    "grant": REPLACE_SEALED_GRANT,
    "hook": REPLACE_SEALED_HOOK,
    "webhook": REPLACE_SEALED_SECRET,
    "partner": REPLACE_SEALED_PARTNER,
    "pending": REPLACE_SEALED_PENDING,
}
_COUNT = {
    "credentials": COUNT_CREDENTIALS_MARKS,
    "grant": COUNT_GRANT_MARKS,
    "hook": COUNT_HOOK_MARKS,
    "webhook": COUNT_SECRETS_MARKS,
    "partner": COUNT_PARTNER_MARKS,
    "pending": COUNT_PENDING_MARKS,
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value of a connector, or of a webhook: `owner` is its id."""

    kind: Kind
    number: int
    owner: UUID
    value: bytes = field(repr=False)


async def list_others(pool: Pool, kind: Kind, mark: bytes, *, after: int, limit: int) -> list[Sealed]:
    """Those sealed under another key than that of the mark, in the order of their numbers, after one."""
    found = await pool.fetch(_LIST[kind], after, mark, MARK_BYTES, limit)
    return [Sealed(kind, row["number"], row["id"], row["sealed"]) for row in found]


async def replace_sealed(pool: Pool, old: Sealed, value: bytes) -> bool:
    """Whether the value is in place of the old one, on the disk when this returns; not where that changed meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(INSIST_ON_COMMIT)
        status = await connection.execute(_REPLACE[old.kind], old.number, old.value, value)
    return bool(status == "UPDATE 1")


async def count_marks(pool: Pool, kind: Kind) -> dict[bytes, int]:
    """The marks of the keys that values of this kind are sealed under, each with how many are."""
    return {row["mark"]: row["sealed"] for row in await pool.fetch(_COUNT[kind], MARK_BYTES)}
