"""`unihire doctor`: everything that can go wrong on this machine, looked at."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from unihire.cli.configuration import list_unknown_variables
from unihire.cli.console.ending import run
from unihire.cli.console.exits import FAILED
from unihire.cli.console.starting import start
from unihire.cli.console.terminal import Json, examples, print_json
from unihire.cli.doctor.examining import examine_store
from unihire.cli.doctor.findings import Finding, Findings
from unihire.cli.proving import name_variable
from unihire.cli.serving import PortTaken, bind
from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.integration.registry import list_integrations
from unihire.model import MODELS
from unihire.settings import Settings

LEAST_FREE_BYTES = 1_000_000_000

EPILOG = examples("unihire doctor", "unihire doctor --details", "unihire doctor --vendor --connector 3f2c --json")


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
    with_details: Annotated[
        bool, typer.Option("--details", help="Every check, and what each connector has here; as with --connector.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Look for what can go wrong.

    Looks at settings, folders, integrations, the database, the encryption key, workers, schedules and issues, and how
    each connector stands: the verdict first, then what is not well. It changes nothing: a database of an older version
    stays one. Ends with 1 where something does not work; warnings do not count. No vendor is asked, but with --vendor:
    then each connector's records are counted there and here, and it ends with 1 where they differ.
    """
    settings = start(makes_home=False)
    findings = Findings()
    is_whole = with_details or vendor or bool(ids)

    async def look() -> None:
        for finding in examine_machine(settings):
            findings.add(finding)
        await examine_store(settings, findings, ids or [], is_counting=vendor, with_details=is_whole)

    run(lambda _: look())
    if is_json:
        print_json(findings.describe())
    else:
        findings.show(whole=is_whole)
    if not findings.is_well:
        raise typer.Exit(FAILED)


def examine_machine(settings: Settings) -> Iterator[Finding]:
    """What needs no database."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", "ok" if sys.version_info >= (3, 11) else "failed", f"{version} on {sys.platform}")
    known = {
        name_variable(integration, credential)
        for integration in list_integrations()
        for is_partner in (False, True)
        for credential in integration.list_credentials(is_partner=is_partner)
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
        yield Finding(name, "failed" if faults else "ok", "; ".join(faults) or _summarise_models(integration))


def _summarise_models(integration: Integration) -> str:
    names = {mapping.model.__name__ for stream in integration.streams for mapping in stream.mappings}
    return f"{len(integration.streams)} streams give {len(names)} of {len(MODELS)} models"


def _examine_home(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding("home", "failed", f"cannot write in {there}; set UNIHIRE_HOME to another folder")
    free = shutil.disk_usage(there).free
    how = "is writable" if there == home else "is not there yet and can be made"
    if free < LEAST_FREE_BYTES:
        return Finding("home", "warning", f"{home} {how}, but only {free // 1_000_000} MB are free")
    return Finding("home", "ok", f"{home} {how}, {free // 1_000_000_000} GB free")


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
        if not (stream.mappings or stream.is_stored or stream.name in joined):
            yield f"nothing becomes of the stream {stream.name}"
    given = {mapping.model for stream in integration.streams for mapping in stream.mappings}
    for place in integration.cannot:
        model, _, field = place.partition(".")
        spec = MODELS.get(model)
        if spec is None or (field and field not in {one.name for one in (*spec.fields, *spec.more)}):
            yield f"it says it cannot give {place}, which nothing is called"
        elif not field and spec.record in given:
            yield f"it says it cannot give {place}, and gives it"
