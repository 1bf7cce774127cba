"""What the demo says: to people, line by line and with commands to paste; to scripts, one JSON object."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from unihire.cli.console.terminal import OUT, print_line, print_plain
from unihire.cli.demo.keyboard import can_read_enter
from unihire.dialects.bindbee.connectors import RESYNC_PATH
from unihire.dialects.common.admission import TOKEN_HEADER
from unihire.integration.declare import Integration
from unihire.model import Candidate
from unihire.sandbox.runner import Ready
from unihire.store.accounts.tenancy import Connector
from unihire.sync.run import Report

READS_PATH = "/api/ats/v1"

LARGEST_SHOWN = 3
"""Lists that are named with their rows, of all that were read."""


@dataclass(slots=True)
class DemoLink:
    """A connector of the demo and the emulator behind it."""

    connector: Connector
    integration: Integration
    token: str
    ready: Ready

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.ready.client_id, "client_secret": self.ready.client_secret}


def describe_demo(url: str, key: str, links: Sequence[DemoLink]) -> dict[str, Any]:
    """Everything a script needs to use the demo."""
    return {
        "base_url": url,
        "api_key": key,
        "connectors": [
            {
                "integration": link.integration.slug,
                "connector_id": str(link.connector.id),
                "connector_token": link.token,
                "emulator_url": link.ready.base_url,
                "credentials": link.credentials,
            }
            for link in links
        ],
    }


def show_step(console: Console, text: str, *, done: bool = True) -> None:
    """A line of the story, ticked off where something is done."""
    print_line(f"[green]✓[/green] {text}" if done else text, console)


def show_synced(console: Console, link: DemoLink, report: Report, seconds: float, *, is_first: bool) -> None:
    """Of the first sync, what was read; of another, what it found."""
    name = link.integration.name
    if is_first:
        most = sorted(report.streams, key=lambda counts: -counts.read)
        rows = ", ".join(f"{counts.stream} {counts.read:,}" for counts in most[:LARGEST_SHOWN])
        read = f"{sum(counts.read for counts in most):,} rows of {len(most)} lists"
        show_step(console, f"{name} synced: {read} in {seconds:.1f} s with {report.requests:,} requests")
        show_step(console, f"  the longest: {rows}", done=False)
        return
    found = [
        f"{number:,} {kind} in {counts.stream}"
        for counts in report.streams
        for number, kind in ((counts.added, "new"), (counts.changed, "changed"), (counts.deleted, "deleted"))
        if number
    ]
    show_step(console, f"{name} synced again in {seconds:.1f} s: {', '.join(found) or 'nothing changed'}")


def show_ready(url: str, key: str, links: Sequence[DemoLink]) -> None:
    """What to paste into another terminal, and where to look next."""
    _show_rule("paste this into another terminal: address, API key, a token for each connector")
    for line in list_exports(url, key, links):
        print_plain(line)
    _show_rule("then any of these")
    for title, command in list_commands(links):
        print_line(f"[cyan]# {title}[/cyan]")
        print_plain(command)
    show_keys(url)


def show_keys(url: str) -> None:
    """Where everything is described, and what keys do."""
    _show_rule("")
    print_line(f"Every call, described and ready to try: [bold]{url}/docs[/bold]")
    enter = "[bold]Enter[/bold] syncs what changed. " if can_read_enter() else ""
    OUT.print(f"{enter}[bold]Ctrl-C[/bold] ends the demo.")


def show_farewell(home: Path, *, was_made: bool) -> None:
    """What the demo leaves, and where."""
    OUT.print()
    if was_made:
        print_line(f"The demo has ended and left nothing; {home} is as it was.")
    else:
        said = f"The demo has ended. It left an empty PostgreSQL in {home}, which the next command uses."
        print_line(said)


def _show_rule(title: str) -> None:
    OUT.print()
    OUT.rule(title, align="left", style="dim")


def list_exports(url: str, key: str, links: Sequence[DemoLink]) -> list[str]:
    """The shell's lines that name everything which is longer than a word."""
    lines = [f"export URL={url}", f"export API=$URL{READS_PATH}", f"export KEY='Authorization: Bearer {key}'"]
    for link in links:
        lines.append(f"# {link.integration.name}: connector {link.connector.id}")
        lines.append(f"export {_name_token(link)}='{TOKEN_HEADER}: {link.token}'")
    return lines


def list_commands(links: Sequence[DemoLink]) -> list[tuple[str, str]]:
    """Titles and shell commands, a row of 80 characters each, that use what `list_exports` names."""
    first, *others = links
    # -g: curl must not take [] for a pattern of its own.
    commands = [
        ("jobs, two a page", _read(first, "jobs?page_size=2")),
        ("a job with what the vendor sent", _read(first, "jobs?page_size=1&include_raw_data=true")),
        ("an application with its job", _read(first, "applications?page_size=1&expand=job")),
        *((f"a candidate, of {other.integration.name}", _read(other, "candidates?page_size=1")) for other in others),
    ]
    for link in links:
        if (stream := find_candidate_stream(link.integration)) is not None:
            title = f"three candidates change at {link.integration.name}, the emulator"
            rows = f"{link.ready.control_url}rows/{stream}"
            commands.append((title, f"curl -sX PATCH {rows} -d '{{\"count\":3}}'"))
    token = _name_token(first)
    resync = f'curl -sXPOST -H "$KEY" -H "${token}" $URL{RESYNC_PATH}'
    commands.append((f"ask for a whole sync of {first.integration.name}; the worker does it", resync))
    return commands


def _read(link: DemoLink, path: str) -> str:
    return f'curl -sgH "$KEY" -H "${_name_token(link)}" "$API/{path}"'


def _name_token(link: DemoLink) -> str:
    """The shell variable of a connector's token."""
    return link.integration.slug.upper().replace("-", "_")


def find_candidate_stream(integration: Integration) -> str | None:
    """The stream that candidates come from."""
    for stream in integration.streams:
        if any(mapping.model is Candidate for mapping in stream.mappings):
            return stream.name
    return None
