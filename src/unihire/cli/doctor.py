"""`unihire doctor`: everything that can go wrong on this machine, looked at."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from unihire.cli.configuration import list_unknown_variables
from unihire.cli.connectors import pick_connectors
from unihire.cli.ending import EXPECTED, FAILED, describe_error, run
from unihire.cli.engine import judge_engine, look_at_engine
from unihire.cli.findings import Finding, Findings, Status
from unihire.cli.proving import name_variable
from unihire.cli.reconciling import count_at_vendor, describe_stored, make_stored_tables
from unihire.cli.serving import PortTaken, bind
from unihire.cli.starting import start
from unihire.cli.terminal import Json, examples, print_json, show_moment
from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.integration.registry import list_integrations
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.connectors import open_credentials
from unihire.platform.sealing import check_marks, find_sealer
from unihire.platform.syncs import find_status
from unihire.settings import Settings
from unihire.store import Pool, runs, streams
from unihire.store.database import describe_database, open_database
from unihire.store.migrate import list_migrations
from unihire.store.schedules import get_schedule
from unihire.store.tenancy import Connector, list_connectors, list_seal_marks
from unihire.sync.issues import say_quarantined

LEAST_FREE_BYTES = 1_000_000_000

EPILOG = examples("unihire doctor", "unihire doctor --vendor", "unihire doctor --vendor --connector 3f2c --json")


def doctor(
    vendor: Annotated[
        bool, typer.Option("--vendor", help="Count every connector's records at its vendor too; reads its lists whole.")
    ] = False,
    ids: Annotated[
        list[str] | None,
        typer.Option(
            "--connector", metavar="ID", help="Only this connector; may be repeated. The beginning of an id is enough."
        ),
    ] = None,
    is_json: Json = False,
) -> None:
    """Look for what can go wrong.

    Looks at settings, folders, integrations, the database, the encryption key, workers, schedules and issues, and what
    each connector has here. Ends with 1 where something does not work; warnings are told and do not count. No vendor is
    asked, but with --vendor: then each connector's records are counted there and here, and it ends with 1 where they
    differ.
    """
    settings = start()
    findings = Findings(is_json)

    async def look() -> None:
        for finding in examine_machine(settings):
            findings.tell(finding)
        await _examine_store(settings, findings, ids or [], is_counting=vendor)

    run(lambda _: look())
    if is_json:
        print_json(findings.describe())
    if not findings.is_well:
        raise typer.Exit(FAILED)


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """What needs no database."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", "ok" if sys.version_info >= (3, 11) else "failed", f"{version} on {sys.platform}")
    known = {
        name_variable(integration, credential)
        for integration in list_integrations()
        for credential in integration.auth.credentials
    }
    unknown = list_unknown_variables(known)
    if unknown:
        yield Finding("settings", "warning", f"nothing is called {', '.join(unknown)}: `unihire config` lists what is")
    else:
        yield Finding("settings", "ok", "read")
    yield _examine_home(settings.home)
    yield _examine_port(settings)
    for integration in list_integrations():
        faults = list(find_declaration_faults(integration))
        name = f"integration {integration.slug}"
        yield Finding(name, "failed" if faults else "ok", "; ".join(faults) or _praise(integration))


def _praise(integration: Integration) -> str:
    names = {maps.model.__name__ for stream in integration.streams for maps in stream.maps}
    return f"{len(integration.streams)} streams give {len(names)} of {len(MODELS)} models"


def _examine_home(home: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free
    except OSError as error:
        return Finding(
            "home", "failed", f"cannot write in {home}: {error.strerror}; set UNIHIRE_HOME to another folder"
        )
    if free < LEAST_FREE_BYTES:
        return Finding("home", "warning", f"{home} is writable, but only {free // 1_000_000} MB are free")
    return Finding("home", "ok", f"{home} is writable, {free // 1_000_000_000} GB free")


def _examine_port(settings: Settings) -> Finding:
    where = f"{settings.host} port {settings.port}"
    try:
        bind(settings.host, settings.port).close()
    except PortTaken:
        return Finding("address", "warning", f"{where} is in use, by a running `unihire serve` perhaps")
    except ConfigError as error:
        return Finding("address", "failed", str(error))
    return Finding("address", "ok", f"{where} is free")


def find_declaration_faults(integration: Integration) -> Iterator[str]:
    """What an integration declares that cannot be."""
    if urlsplit(integration.base_url).scheme != "https":
        yield f"its address is not https: {integration.base_url}"
    if not integration.auth.credentials:
        yield "it asks for no credentials"
    names = [stream.name for stream in integration.streams]
    if len(names) != len(set(names)):
        yield "two of its streams have the same name"
    joined = {join.stream for stream in integration.streams for join in stream.joins}
    for stream in integration.streams:
        if not (stream.maps or stream.is_kept or stream.name in joined):
            yield f"nothing becomes of the stream {stream.name}"
    given = {maps.model for stream in integration.streams for maps in stream.maps}
    for place in integration.cannot:
        model, _, field = place.partition(".")
        spec = MODELS.get(model)
        if spec is None or (field and field not in {one.name for one in spec.fields}):
            yield f"it says it cannot give {place}, which nothing is called"
        elif not field and spec.record in given:
            yield f"it says it cannot give {place}, and gives it"


async def _examine_store(settings: Settings, findings: Findings, ids: Sequence[str], *, is_counting: bool) -> None:
    sealer: Sealer | None = None
    try:
        sealer = find_sealer(settings)
    except EXPECTED as error:
        findings.tell(Finding("encryption key", "failed", describe_error(error)))
    where = "embedded" if settings.database_url is None else "from UNIHIRE_DATABASE_URL"
    try:
        async with open_database(settings) as pool:
            server, schema = await describe_database(pool)
            newest = list_migrations()[-1].version
            status: Status = "ok" if schema == newest else "failed"
            findings.tell(Finding("database", status, f"PostgreSQL {server}, {where}; schema {schema} of {newest}"))
            connectors = await list_connectors(pool)
            findings.tell(_examine_key(settings, sealer, connectors, await list_seal_marks(pool)))
            if status == "ok":
                for finding in judge_engine(await look_at_engine(pool)):
                    findings.tell(finding)
            try:
                picked = await pick_connectors(pool, ids) if ids else connectors
            except ConfigError as error:
                findings.tell(Finding("connector", "failed", str(error)))
                return
            for connector in picked:
                findings.tell(await _examine_connector(pool, connector))
                stored = await describe_stored(pool, connector)
                findings.connectors.append(stored)
                findings.show(*make_stored_tables(stored, is_counted=is_counting))
                if is_counting and sealer is not None:
                    stored["reconciliation"] = await count_at_vendor(pool, connector, settings, sealer, findings)
    except EXPECTED as error:
        findings.tell(Finding("database", "failed", describe_error(error)))


def _examine_key(
    settings: Settings, sealer: Sealer | None, connectors: list[Connector], marks: Mapping[bytes, int]
) -> Finding:
    try:
        check_marks(settings, sealer, marks)
    except ConfigError as error:
        return Finding("encryption key", "failed", str(error))
    if sealer is None:
        return Finding("encryption key", "ok", "there is none yet: the first connector makes it")
    for connector in connectors:
        try:
            open_credentials(connector, sealer)
        except ConfigError as error:
            return Finding("encryption key", "failed", f"connector {connector.id}: {error}")
    source = "UNIHIRE_ENCRYPTION_KEYS"
    if settings.encryption_keys is None:
        source = f"{settings.home / 'encryption.key'} (keep a copy: without it no stored credential opens)"
    return Finding("encryption key", "ok", f"opens the credentials of {len(connectors)} connectors; from {source}")


async def _examine_connector(pool: Pool, connector: Connector) -> Finding:
    name = f"connector {str(connector.id)[:8]}"
    what = f"{connector.end_user} ({connector.integration})"
    if connector.status == "RELINK_NEEDED":
        return Finding(
            name, "failed", f"{what}: the vendor refuses its credentials: unihire reconnect gives it new ones"
        )
    latest = await pool.fetchrow(runs.FIND_LATEST, connector.number)
    if latest is None:
        return Finding(name, "warning", f"{what}: never synced")
    said = f"{what}: sync {latest['number']}"
    counted = await pool.fetch(streams.COUNT_QUARANTINE, connector.number)
    aside, incomplete = sum(row["rows"] for row in counted), sum(row["incomplete"] for row in counted)
    schedule = await get_schedule(pool, connector.number)
    state = find_status(dict(latest), is_paused=schedule.is_paused)
    if state == "waiting":
        until = show_moment(latest["waits_until"])
        return Finding(name, "warning", f"{said} waits until {until}: {latest['waits_for']}")
    if state == "paused":
        return Finding(name, "warning", f"{said} rests, for the connector is paused")
    if state == "queued":
        return Finding(name, "warning", f"{said} asked for {show_moment(latest['asked_at'])} and not begun")
    if state == "running":
        return Finding(name, "warning", f"{said} under way or interrupted, begun {show_moment(latest['started_at'])}")
    said = f"{said} {latest['status']} {show_moment(latest['finished_at'])}"
    if latest["status"] != "done":
        tells = f"`unihire runs {str(connector.id)[:8]} {latest['number']}` tells more"
        return Finding(name, "warning", f"{said}; {tells}")
    if aside or incomplete:
        return Finding(name, "warning", f"{said}; {say_quarantined('its lists', aside, incomplete)}")
    return Finding(name, "ok", said)
