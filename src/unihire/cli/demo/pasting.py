"""Lines to paste into a shell: the demo's address, key and tokens as variables, and calls that use them."""

from collections.abc import Sequence
from dataclasses import dataclass

from unihire.dialects.bindbee.connectors import RESYNC_PATH
from unihire.dialects.common.admission import TOKEN_HEADER
from unihire.integration.declare import Integration
from unihire.model import Candidate
from unihire.sandbox.runner import Ready
from unihire.store.accounts.tenancy import Connector

READS_PATH = "/api/ats/v1"


@dataclass(slots=True)
class DemoLink:
    """A connector of the demo and the emulator behind it."""

    connector: Connector
    integration: Integration
    token: str
    ready: Ready
    link_path: str
    """Where a customer connects another one like it."""

    @property
    def credentials(self) -> dict[str, str]:
        """What the emulator takes, by the names that connecting asks for."""
        return pick_credentials(self.integration, self.ready)


def pick_credentials(integration: Integration, ready: Ready) -> dict[str, str]:
    """The credentials of an emulator by the names that connecting to its vendor asks for."""
    known = ready.list_credentials()
    return {one.name: known[one.name] for one in integration.list_credentials() if one.name in known}


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
