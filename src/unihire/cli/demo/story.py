"""What the demo says: to people, line by line; to scripts, one JSON object."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from unihire.cli.console.terminal import OUT, print_line, print_plain
from unihire.cli.demo.keyboard import can_read_enter
from unihire.cli.demo.pasting import DemoLink, list_commands, list_exports
from unihire.sync.run import Report

LARGEST_SHOWN = 3
"""Lists that are named with their rows, of all that were read."""


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
                "link_url": url + link.link_path,
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
    _show_customer_page(url, links)


def _show_customer_page(url: str, links: Sequence[DemoLink]) -> None:
    """Where a customer connects another one; with consent nothing has to be entered."""
    link = next((one for one in links if one.integration.partner_auth is not None), links[0])
    print_line(f"The page where customers connect, for {link.integration.name}: [bold]{url}{link.link_path}[/bold]")


def show_keys(url: str) -> None:
    """Where everything is described, and what keys do."""
    _show_rule("")
    print_line(f"Every call, described and ready to try: [bold]{url}/docs[/bold]")
    enter = "[bold]Enter[/bold] syncs what changed. " if can_read_enter() else ""
    OUT.print(f"{enter}[bold]Ctrl-C[/bold] ends the demo.")


def show_ended(home: Path, *, was_made: bool) -> None:
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
