"""What the demo says: to people, line by line and with commands to paste; to scripts, one JSON object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from unihire.cli.keyboard import can_read_enter
from unihire.cli.terminal import OUT, print_plain
from unihire.integration.declare import Integration
from unihire.model import Candidate
from unihire.sandbox.runner import Ready
from unihire.store.tenancy import Connector


@dataclass(slots=True)
class Link:
    """A connector of the demo and the emulator behind it; `candidate` is the id of one to look at."""

    connector: Connector
    integration: Integration
    token: str
    ready: Ready
    candidate: str | None = None

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.ready.client_id, "client_secret": self.ready.client_secret}


def describe_demo(url: str, key: str, links: Sequence[Link]) -> dict[str, Any]:
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


def tell(console: Console, text: str, *, done: bool = True) -> None:
    """A line of the story, ticked off where something is done."""
    console.print(f"[green]✓[/green] {text}" if done else text, soft_wrap=True)


def show_ready(url: str, key: str, links: Sequence[Link]) -> None:
    """Commands to paste, and where to look next."""
    for link in links:
        OUT.print()
        OUT.rule(f"[bold]{link.integration.name}[/bold] · paste these into another terminal", align="left", style="dim")
        for title, command in list_commands(url, key, link):
            OUT.print(f"\n[cyan]# {title}[/cyan]", soft_wrap=True)
            print_plain(command)
    OUT.print()
    OUT.rule(style="dim")
    OUT.print(f"Every call, described and ready to try: [bold]{url}/docs[/bold]", soft_wrap=True)
    if can_read_enter():
        OUT.print("[bold]Enter[/bold] syncs again.")
    OUT.print("[bold]Ctrl-C[/bold] ends the demo; nothing of it stays.")


def list_commands(url: str, key: str, link: Link) -> list[tuple[str, str]]:
    """Titles and shell commands, each complete in itself."""
    headers = f"-H 'Authorization: Bearer {key}' -H 'x-connector-token: {link.token}'"
    reads = [
        ("jobs, two a page", "jobs?page_size=2"),
        ("one candidate by id", f"candidates/{link.candidate}"),
        ("a candidate with what the vendor sent", "candidates?page_size=1&include_raw_data=true"),
        ("an application with its candidate and job", "applications?page_size=1&expand=candidate,job[name]"),
    ]
    # -g: curl must not take [] for a pattern of its own.
    commands = [(title, f"curl -sg '{url}/api/ats/v1/{path}' {headers}") for title, path in reads if link.candidate]
    stream = find_candidate_stream(link.integration)
    if stream is not None:
        title = f"three candidates change at the vendor, an emulator at {link.ready.base_url}"
        if can_read_enter():
            title += "; press Enter here to sync them"
        commands.append((title, f"curl -s -X PATCH '{link.ready.control_url}rows/{stream}' -d '{{\"count\": 3}}'"))
    return commands


def find_candidate_stream(integration: Integration) -> str | None:
    """The stream that candidates come from."""
    for stream in integration.streams:
        if any(maps.model is Candidate for maps in stream.maps):
            return stream.name
    return None
