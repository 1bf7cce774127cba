"""The doctor's check of the database: the key, the engine, and each connector. It changes nothing there."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from unihire.cli.console.ending import EXPECTED, describe_error
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.terminal import show_moment
from unihire.cli.doctor.engine import judge_engine, look_at_engine
from unihire.cli.doctor.findings import Finding, Findings
from unihire.cli.doctor.reconciling import count_at_vendor, describe_stored, make_stored_tables
from unihire.errors import ConfigError
from unihire.kit.phrases import count_of
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_credentials
from unihire.platform.sealing import check_marks, find_key_file, find_sealer
from unihire.platform.syncs import find_status
from unihire.settings import Settings
from unihire.store import Pool, streams
from unihire.store.accounts.sealed import KINDS, Kind, count_marks
from unihire.store.accounts.tenancy import Connector, list_connectors
from unihire.store.database import NotMade, describe_database, open_existing_database
from unihire.store.migrate import list_migrations
from unihire.store.work.history import list_latest_runs
from unihire.sync.issues import say_quarantined

_MADE_ANEW: Mapping[Kind, str] = {
    "grant": "or reconnect",
    "webhook": "or `unihire webhooks rotate` it",
    "partner": "or give it to `unihire links partner` again",
}
"""What is sealed and can be had again, and how."""

_NAMES: Mapping[Kind, str] = {"grant": "grant", "webhook": "webhook secret", "partner": "partner's credential"}


async def examine_store(
    settings: Settings, findings: Findings, ids: Sequence[str], *, is_counting: bool, with_details: bool
) -> None:
    """Add what is found in the database; `ids` are the connectors to look at, all where there are none.

    With `is_counting` records are counted at the vendors too, for which tokens are bought and stored.
    """
    try:
        async with open_existing_database(settings, can_write=is_counting) as pool:
            findings.add(found := await _examine_database(pool, settings))
            if found.status != "ok":
                return
            connectors = await list_connectors(pool)
            marks = {kind: await count_marks(pool, kind) for kind in KINDS}
            sealer = _examine_key(settings, findings, connectors, marks)
            for finding in judge_engine(await look_at_engine(pool)):
                findings.add(finding)
            try:
                picked = await pick_connectors(pool, ids) if ids else connectors
            except ConfigError as error:
                findings.add(Finding("connector", "failed", str(error)))
                return
            for connector, finding in [pair async for pair in _examine_connectors(pool, picked)]:
                findings.add(finding)
                if not with_details:
                    continue
                stored = await describe_stored(pool, connector)
                findings.connectors.append(stored)
                findings.add_details(finding, make_stored_tables(stored, is_counted=is_counting))
                if is_counting and sealer is not None:
                    stored["reconciliation"] = await count_at_vendor(pool, connector, settings, sealer, findings)
    except NotMade as error:
        findings.add(Finding("database", "warning", str(error)))
    except EXPECTED as error:
        findings.add(Finding("database", "failed", describe_error(error)))


async def _examine_database(pool: Pool, settings: Settings) -> Finding:
    server, schema = await describe_database(pool)
    newest = list_migrations()[-1].version
    where = "embedded" if settings.database_url is None else "from UNIHIRE_DATABASE_URL"
    said = f"PostgreSQL {server}, {where}; schema {schema} of {newest}"
    if schema > newest:
        return Finding("database", "failed", f"{said}: a newer version of Unihire made it; install that one")
    if not schema:
        return Finding("database", "warning", f"{said}: nothing is in it yet; the first command makes it")
    if schema < newest:
        return Finding(
            "database", "warning", f"{said}: the next other command brings it forward, and only then is it looked at"
        )
    return Finding("database", "ok", said)


def _examine_key(
    settings: Settings, findings: Findings, connectors: Sequence[Connector], marks: Mapping[Kind, Mapping[bytes, int]]
) -> Sealer | None:
    """Add whether the stored credentials open; the sealer that opens them, if there is one."""
    try:
        sealer = find_sealer(settings)
        check_marks(settings, sealer, marks["credentials"], marks["webhook"])
    except ConfigError as error:
        findings.add(Finding("encryption key", "failed", str(error)))
        return None
    if sealer is None:
        findings.add(Finding("encryption key", "ok", "there is none yet: the first connector makes it"))
        return None
    closed = list(_list_closed(connectors, sealer))
    path = find_key_file(settings)
    source = f"{path} (have a copy: without it no stored credential opens)" if path else "UNIHIRE_ENCRYPTION_KEYS"
    if closed:
        said = f"{len(closed):,} of {count_of(len(connectors), 'connector')} closed to it: {closed[0]}"
        findings.add(Finding("encryption key", "failed", f"{said}; from {source}"))
    elif path is not None and path.exists() and path.stat().st_mode & 0o077:
        findings.add(Finding("encryption key", "warning", f"others may read {path}: chmod 600"))
    else:
        said = f"opens the credentials of {count_of(len(connectors), 'connector')}; from {source}"
        findings.add(judge_marks(sealer, marks, said))
    return sealer


def judge_marks(sealer: Sealer, marks: Mapping[Kind, Mapping[bytes, int]], said: str) -> Finding:
    """Whether everything is sealed under the newest key, so that older ones can go; `said` where there is nothing else.

    `marks`: how many values of each kind are sealed under the key of each mark.
    """
    closed = {
        kind: sum(count for mark, count in marks[kind].items() if mark not in sealer.marks) for kind in _MADE_ANEW
    }
    for kind, remedy in _MADE_ANEW.items():
        if closed[kind]:
            what = count_of(closed[kind], _NAMES[kind])
            said = f"{what} sealed under a key that is not there any more: put it back, {remedy}"
            return Finding("encryption key", "failed", said)
    old = {kind: sum(count for mark, count in found.items() if mark != sealer.current) for kind, found in marks.items()}
    if any(old.values()):
        credentials, grants = count_of(old["credentials"], "connector"), count_of(old["grant"], "grant")
        secrets = f" and {count_of(old['webhook'], 'secret')} of webhooks" if old["webhook"] else ""
        of_links = old["partner"] + old["pending"]
        secrets += f" and {count_of(of_links, 'secret')} of links" if of_links else ""
        said = (
            f"credentials of {credentials} and {grants}{secrets} sealed under an older key: "
            "unihire keys reseal brings them under the newest"
        )
        return Finding("encryption key", "warning", said)
    if len(sealer.marks) > 1:
        rest = len(sealer.marks) - 1
        keys = count_of(rest, "older key")
        said = f"{said}; all is sealed under the newest: the {keys} can go, but for backups made before"
    return Finding("encryption key", "ok", said)


def _list_closed(connectors: Sequence[Connector], sealer: Sealer) -> Iterator[str]:
    for connector in connectors:
        try:
            open_credentials(connector, sealer)
        except ConfigError as error:
            yield f"connector {connector.id}: {error}"


async def _examine_connectors(pool: Pool, connectors: Sequence[Connector]) -> AsyncIterator[tuple[Connector, Finding]]:
    """Each with its state; as many statements for a thousand as for one."""
    latest_runs = await list_latest_runs(pool)
    quarantined = {
        row["connector"]: (row["rows"], row["incomplete"]) for row in await pool.fetch(streams.COUNT_ALL_QUARANTINE)
    }
    for connector in connectors:
        if (latest := latest_runs.get(connector.number)) is not None:  # it may just have been deleted
            yield connector, judge_connector(connector, dict(latest), quarantined.get(connector.number, (0, 0)))


def judge_connector(connector: Connector, latest: Mapping[str, Any], quarantined: tuple[int, int]) -> Finding:
    """Its state: its row of `list_latest_runs`, and its counts of rows that became nothing and of incomplete rows."""
    name = f"connector {str(connector.id)[:8]}"
    what = f"{connector.end_user} ({connector.integration})"
    if connector.status == "RELINK_NEEDED":
        said = f"{what}: the vendor refuses its credentials: unihire reconnect gives it new ones"
        return Finding(name, "failed", said, kind="whose credentials are refused")
    if latest["id"] is None:
        return Finding(name, "warning", f"{what}: never synced", kind="never synced")
    said = f"{what}: sync {latest['number']}"
    state = find_status(latest, is_paused=latest["is_paused"])
    match state:
        case "waiting":
            said = f"{said} waits until {show_moment(latest['waits_until'])}: {latest['waits_for']}"
            return Finding(name, "warning", said, kind="waiting")
        case "paused":
            return Finding(name, "warning", f"{said} rests, for the connector is paused", kind="paused")
        case "queued":
            said = f"{said} asked for {show_moment(latest['asked_at'])} and not begun"
            return Finding(name, "warning", said, kind="queued")
        case "running":
            said = f"{said} under way or interrupted, begun {show_moment(latest['started_at'])}"
            return Finding(name, "warning", said, kind="under way or interrupted")
    said = f"{said} {latest['status']} {show_moment(latest['finished_at'])}"
    if latest["status"] != "done":
        said = f"{said}; `unihire runs {str(connector.id)[:8]} {latest['number']}` shows more"
        return Finding(name, "warning", said, kind=latest["status"])
    if any(quarantined):
        said = f"{said}; {say_quarantined('its lists', *quarantined)}"
        return Finding(name, "warning", said, kind="with rows in quarantine")
    return Finding(name, "ok", said, kind="well")
