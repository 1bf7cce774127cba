"""Link sessions: one customer's way from a link token to a connector, and the tokens that open it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from unihire.store import Connection, Pool
from unihire.store.audit import Act, log_act
from unihire.store.commits import INSIST_ON_COMMIT

INSERT_SESSION = """
    INSERT INTO link_session (id, organisation, environment, category, integration, is_preset, is_relink, connector_id,
        end_user, origin_id, email, ends_at, connector_number)
    VALUES ($1, $2, $3, $4, $5, $5::text IS NOT NULL, $6, $7, $8, $9, $10, now() + $11::interval,
        CASE WHEN NOT $6 AND $5::text IS NOT NULL
            THEN nextval(pg_get_serial_sequence('connector', 'number'))::integer END)
"""

INSERT_LINK_TOKEN = "INSERT INTO link_token (hash, session, is_handed) VALUES ($1, $2, $3)"  # noqa: S105 - a statement

# How many tokens of a session customers handed on.
COUNT_HANDED = "SELECT count(*) FROM link_token WHERE session = $1 AND is_handed"

# The session a token opens, also one that has ended.
FIND_SESSION = """
    SELECT session.*, session.ends_at <= now() AS is_over,
        coalesce(consent_ends_at > now(), false) AS is_consent_open
    FROM link_token JOIN link_session AS session ON session.id = link_token.session WHERE link_token.hash = $1
"""

# The session whose latest consent was asked for with this state, while it may still be answered.
FIND_CONSENTING = """
    SELECT session.*, session.ends_at <= now() AS is_over, true AS is_consent_open
    FROM link_session AS session WHERE consent_hash = $1 AND consent_ends_at > now()
"""

# The session, locked until the transaction ends; nothing where it is over or done.
LOCK_OPEN = "SELECT true FROM link_session WHERE id = $1 AND done_at IS NULL AND ends_at > now() FOR UPDATE"

# The system was picked; another may be as long as nothing is connected. Its connector gets a number with the first.
PICK_INTEGRATION = """
    UPDATE link_session SET integration = $2, version = version + 1, pending = NULL, missing = NULL, refusal = NULL,
        consent_hash = NULL, consent_ends_at = NULL, verifier = NULL,
        connector_number = coalesce(connector_number, CASE WHEN NOT is_relink AND $2::text IS NOT NULL
            THEN nextval(pg_get_serial_sequence('connector', 'number'))::integer END)
    WHERE id = $1 AND done_at IS NULL AND ends_at > now() AND NOT is_preset
    RETURNING true
"""

# Counts a call of the vendor that is about to be made; nothing where there were too many within the window.
TAKE_ATTEMPT = """
    UPDATE link_session SET
        attempts = CASE WHEN attempts_since > now() - $3::interval THEN attempts + 1 ELSE 1 END,
        attempts_since = CASE WHEN attempts_since > now() - $3::interval THEN attempts_since ELSE now() END
    WHERE id = $1 AND done_at IS NULL AND ends_at > now()
        AND (attempts < $2 OR attempts_since IS NULL OR attempts_since <= now() - $3::interval)
    RETURNING true
"""

# What the vendor accepted, to be confirmed; only while nothing is connected and the system is the same.
SAVE_PENDING = """
    UPDATE link_session SET pending = $3, pending_at = now(), missing = $4::jsonb, refusal = NULL,
        consent_hash = NULL, consent_ends_at = NULL, verifier = NULL, version = version + 1
    WHERE id = $1 AND integration = $2 AND done_at IS NULL AND ends_at > now()
    RETURNING version
"""

# What was accepted is to be entered once more.
DROP_PENDING = """
    UPDATE link_session SET pending = NULL, missing = NULL, refusal = NULL, consent_hash = NULL,
        consent_ends_at = NULL, verifier = NULL, version = version + 1
    WHERE id = $1 AND done_at IS NULL RETURNING version
"""

# Consent is about to be asked for. What was accepted before stays until it is given.
ASK_CONSENT = """
    UPDATE link_session SET consent_hash = $2, verifier = $3, consent_scopes = $4, refusal = NULL,
        consent_ends_at = now() + $5::interval, version = version + 1
    WHERE id = $1 AND done_at IS NULL AND ends_at > now() RETURNING version
"""

# A state is answered once.
SPEND_CONSENT = """
    UPDATE link_session SET consent_hash = NULL, consent_ends_at = NULL WHERE id = $1 AND consent_hash = $2
    RETURNING true
"""

# Why a consent came to nothing, for the page that waits for it.
NOTE_REFUSAL = """
    UPDATE link_session SET refusal = $2, consent_hash = NULL, consent_ends_at = NULL, verifier = NULL,
        version = version + 1
    WHERE id = $1 AND done_at IS NULL
"""

# It is connected. `first_token_hash` is that of the token the connector is made with, which nobody knows.
FINISH_SESSION = """
    UPDATE link_session SET done_at = now(), pending = NULL, verifier = NULL, consent_hash = NULL,
        consent_ends_at = NULL, refusal = NULL, version = version + 1,
        first_token_hash = $3
    WHERE id = $1 AND version = $2 AND done_at IS NULL AND ends_at > now() RETURNING true
"""

COUNT_EXCHANGES = "SELECT count(*) FROM link_exchange WHERE session = $1"

# What a page may have exchanged; nothing where it was done already.
INSERT_EXCHANGE = """
    INSERT INTO link_exchange (hash, session, ends_at)
    SELECT $1, id, now() + $3::interval FROM link_session
    WHERE id = $2 AND done_at IS NOT NULL AND exchanged_at IS NULL
    RETURNING true
"""

# Exchange it: the session it is of, if it is of this organisation and environment, good still and the first.
EXCHANGE = """
    UPDATE link_session AS session SET exchanged_at = now() FROM link_exchange AS given
    WHERE given.hash = $1 AND given.ends_at > now() AND session.id = given.session
        AND session.organisation = $2 AND session.environment = $3
        AND session.exchanged_at IS NULL AND session.done_at IS NOT NULL
    RETURNING session.connector_id, session.is_relink, session.first_token_hash
"""

# What nobody confirmed in time, some at a time.
DROP_UNCONFIRMED = """
    UPDATE link_session SET pending = NULL, verifier = NULL, consent_hash = NULL WHERE id IN (
        SELECT id FROM link_session WHERE ends_at < now() - $1::interval AND pending IS NOT NULL LIMIT $2
    )
"""

# The unfinished link that is listed as this connector is over, and what it was given is dropped.
END_LISTED = """
    UPDATE link_session SET ends_at = now(), pending = NULL, verifier = NULL, consent_hash = NULL,
        consent_ends_at = NULL, version = version + 1
    WHERE organisation = $1 AND environment = $2 AND connector_id = $3
        AND done_at IS NULL AND NOT is_relink AND connector_number IS NOT NULL AND ends_at > now()
    RETURNING id
"""

# Sessions that ended so long ago, with their tokens, some at a time.
DROP_OLD_SESSIONS = """
    DELETE FROM link_session WHERE id IN (
        SELECT id FROM link_session WHERE ends_at < now() - $1::interval LIMIT $2
    )
"""


@dataclass(frozen=True, slots=True)
class LinkSession:
    """How far a customer is. `is_over`: its time has passed; `done_at`: it is connected.

    `missing` are lists that the pending credentials do not reach, as JSON.
    """

    id: UUID
    organisation: UUID
    environment: str
    category: str
    integration: str | None
    is_preset: bool
    is_relink: bool
    connector_id: UUID
    connector_number: int | None
    end_user: str
    origin_id: str | None
    email: str | None
    ends_at: datetime
    is_over: bool
    version: int
    pending: bytes | None = field(repr=False)
    missing: str | None
    refusal: str | None
    is_consent_open: bool
    consent_scopes: list[str] | None
    verifier: str | None = field(repr=False)
    done_at: datetime | None
    exchanged_at: datetime | None


def _read_session(row: asyncpg.Record | None) -> LinkSession | None:
    return None if row is None else LinkSession(**{name: row[name] for name in LinkSession.__slots__})


async def insert_session(
    pool: Pool,
    token_hash: bytes,
    *,
    id: UUID,
    organisation: UUID,
    environment: str,
    category: str,
    integration: str | None,
    relinks: UUID | None,
    connector_id: UUID,
    end_user: str,
    origin_id: str | None,
    email: str | None,
    lasts: timedelta,
) -> None:
    """A new session, with the token that opens it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            INSERT_SESSION, id, organisation, environment, category, integration, relinks is not None,
            relinks or connector_id, end_user, origin_id, email, lasts,
        )  # fmt: skip
        await connection.execute(INSERT_LINK_TOKEN, token_hash, id, False)
        said = {"integration_slug": integration, "end_user": end_user, "origin_id": origin_id}
        made = Act(
            organisation=organisation, environment=environment, act="link.created", kind="link", object=id,
            after={**said, "connector_id": None if relinks is None else str(relinks)},
        )  # fmt: skip
        await log_act(connection, made)


async def find_session(pool: Pool, token_hash: bytes) -> LinkSession | None:
    """The session a token opens, also one that has ended."""
    return _read_session(await pool.fetchrow(FIND_SESSION, token_hash))


async def find_consenting(pool: Pool, state_hash: bytes) -> LinkSession | None:
    return _read_session(await pool.fetchrow(FIND_CONSENTING, state_hash))


async def hand_on(pool: Pool, session: UUID, token_hash: bytes, *, most: int) -> bool:
    """Another token for a session that is not done; False where it is, or where it has so many."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(LOCK_OPEN, session):
            return False
        if await connection.fetchval(COUNT_HANDED, session) >= most:
            return False
        await connection.execute(INSERT_LINK_TOKEN, token_hash, session, True)
    return True


async def add_exchange(pool: Pool, session: UUID, token_hash: bytes, *, lasts: timedelta, most: int) -> bool:
    """A temporary token of a session that is done; False where it was exchanged, or where it has so many."""
    if await pool.fetchval(COUNT_EXCHANGES, session) >= most:
        return False
    return bool(await pool.fetchval(INSERT_EXCHANGE, token_hash, session, lasts))


async def lock_open(connection: Connection, session: UUID) -> bool:
    """Whether a session is neither done nor over; if so, until the transaction ends."""
    return bool(await connection.fetchval(LOCK_OPEN, session))


async def exchange(
    connection: Connection, token_hash: bytes, organisation: UUID, environment: str
) -> tuple[UUID, bytes | None] | None:
    """The connector a temporary token stands for, and the hash of the token it was made with, None of a relinked one.

    Call inside a transaction, which also stores the token that is given out. None where the token is not, or no more,
    one of theirs.
    """
    await connection.execute(INSIST_ON_COMMIT)
    row = await connection.fetchrow(EXCHANGE, token_hash, organisation, environment)
    if row is None:
        return None
    return row["connector_id"], None if row["is_relink"] else row["first_token_hash"]


async def ask_consent(
    pool: Pool, session: UUID, *, state_hash: bytes, verifier: str | None, scopes: Sequence[str], lasts: timedelta
) -> bool:
    return bool(await pool.fetchval(ASK_CONSENT, session, state_hash, verifier, list(scopes), lasts))


async def end_listed(pool: Pool, organisation: UUID, environment: str, connector_id: UUID) -> bool:
    """End the unfinished link that is listed by this id of a connector; False where there is none."""
    async with pool.acquire() as connection, connection.transaction():
        session = await connection.fetchval(END_LISTED, organisation, environment, connector_id)
        if session is None:
            return False
        ended = Act(organisation=organisation, environment=environment, act="link.ended", kind="link", object=session)
        await log_act(connection, ended)
    return True
