"""What the doctor found: collected, then shown with the verdict first, a page of it unless more is asked for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from unihire.cli.console.terminal import OUT, print_line
from unihire.kit.phrases import count_of

Status = Literal["ok", "warning", "failed"]

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}
GRAVEST_FIRST: tuple[Status, ...] = ("failed", "warning", "ok")
SHOWN = 15
"""Lines of connectors on a page."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found. Those of connectors have a `kind`: the few words under which they are counted."""

    name: str
    status: Status
    detail: str
    kind: str = ""


@dataclass(slots=True)
class Findings:
    """All that was found. `connectors` are JSON objects: what each has here, and at its vendor where that was asked."""

    findings: list[Finding] = field(default_factory=list)
    connectors: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, list[RenderableType]] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return all(finding.status != "failed" for finding in self.findings)

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)

    def add_details(self, finding: Finding, details: Sequence[RenderableType]) -> None:
        """What people are shown below a finding."""
        self.details.setdefault(finding.name, []).extend(details)

    def describe(self) -> dict[str, Any]:
        return {
            "ok": self.is_well,
            "verdict": self.judge(),
            "findings": [
                {"name": finding.name, "status": finding.status, "detail": finding.detail} for finding in self.findings
            ],
            "connectors": self.connectors,
        }

    def judge(self) -> str:
        """The verdict in a sentence."""
        counted = Counter(finding.status for finding in self.findings)
        connectors = sum(1 for finding in self.findings if finding.kind)
        among = f"{count_of(len(self.findings) - connectors, 'check')} and {count_of(connectors, 'connector')}"
        if not counted["failed"] + counted["warning"]:
            return f"all is well: {among}"
        said = []
        if counted["failed"]:
            said.append(f"{counted['failed']:,} not working")
        if counted["warning"]:
            said.append(f"{counted['warning']:,} to look at")
        return f"{', '.join(said)}, {counted['ok']:,} well: {among}"

    def show(self, *, whole: bool) -> None:
        """Everything where `whole`, else the verdict, what is not well, and the rest counted."""
        gravest = next(status for status in GRAVEST_FIRST if any(one.status == status for one in self.findings))
        print_line(Text.assemble(MARKS[gravest], f" {self.judge()}\n"))
        if whole:
            for finding in self.findings:
                self._show_one(finding)
            return
        for status in GRAVEST_FIRST[:-1]:
            for finding in self.findings:
                if finding.status == status and not finding.kind:
                    self._show_one(finding)
        troubled = [one for status in GRAVEST_FIRST[:-1] for one in self.findings if one.status == status and one.kind]
        for finding in troubled[:SHOWN]:
            self._show_one(finding)
        if rest := troubled[SHOWN:]:
            kinds = ", ".join(f"{number:,} {kind}" for kind, number in Counter(one.kind for one in rest).most_common())
            print_line(f"  and {count_of(len(rest), 'connector')} more: {kinds}")
        if well := [finding for finding in self.findings if finding.status == "ok"]:
            OUT.print(Text.assemble(MARKS["ok"], f" well: {', '.join(_name_well(well))}"))
        OUT.print("\n`unihire doctor --details` shows every check and what each connector has here.", style="dim")

    def _show_one(self, finding: Finding) -> None:
        print_line(Text.assemble(MARKS[finding.status], f" {finding.name}: ", (finding.detail, "dim")))
        for detail in self.details.get(finding.name, ()):
            OUT.print(Padding(detail, (0, 0, 0, 4), expand=False))


def _name_well(findings: Sequence[Finding]) -> Iterator[str]:
    yield from (finding.name for finding in findings if not finding.kind)
    if number := sum(1 for finding in findings if finding.kind):
        yield count_of(number, "connector")
