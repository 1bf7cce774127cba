"""What the doctor found, told as it is found and kept for the end."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from unihire.cli.terminal import OUT

Status = Literal["ok", "warning", "failed"]

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    name: str
    status: Status
    detail: str


@dataclass(slots=True)
class Findings:
    """All that was found. `connectors` are JSON objects: what each has here, and at its vendor where that was asked."""

    is_json: bool
    findings: list[Finding] = field(default_factory=list)
    connectors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return all(finding.status != "failed" for finding in self.findings)

    def tell(self, finding: Finding) -> None:
        self.findings.append(finding)
        if not self.is_json:
            mark = _MARKS[finding.status]
            OUT.print(Text.assemble(mark, f" {finding.name}: ", (finding.detail, "dim")), soft_wrap=True)

    def show(self, *details: RenderableType) -> None:
        """Details for people, set in below the finding."""
        for detail in () if self.is_json else details:
            OUT.print(Padding(detail, (0, 0, 0, 4), expand=False))

    def describe(self) -> dict[str, Any]:
        return {
            "ok": self.is_well,
            "findings": [asdict(finding) for finding in self.findings],
            "connectors": self.connectors,
        }
