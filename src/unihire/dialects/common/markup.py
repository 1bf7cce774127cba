"""A page as data, and the same page as Markdown and as HTML."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Code:
    """A name to be read letter by letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """`to` is an address, or `#` and the anchor of a heading of the page."""

    text: str
    to: str


Line = tuple[str | Code | Link, ...]
"""Text, piece by piece."""


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str

    @property
    def anchor(self) -> str:
        """Where links to it lead, as hosts of Markdown name it."""
        return re.sub(r"[^\w -]", "", self.text.lower()).replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: Line


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of a row is what the row is about."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


Block = Heading | Paragraph | Table


def join_codes(names: Iterable[str]) -> Line:
    """Names with commas between them."""
    line: list[str | Code | Link] = []
    for name in names:
        line += [", ", Code(name)] if line else [Code(name)]
    return tuple(line)


def to_plain(line: Line) -> str:
    return "".join(piece if isinstance(piece, str) else piece.text for piece in line)


def to_markdown(blocks: Sequence[Block]) -> str:
    return "\n\n".join(_markdown_block(block) for block in blocks) + "\n"


def _markdown_block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_escape_markdown(text)}"
        case Paragraph(line):
            return _markdown_line(line)
        case Table(columns, rows):
            written = [[_markdown_line(cell) for cell in row] for row in rows]
            lines = [[_escape_markdown(column) for column in columns], ["---"] * len(columns), *written]
            return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _markdown_line(line: Line) -> str:
    return "".join(_markdown_piece(piece) for piece in line)


def _markdown_piece(piece: str | Code | Link) -> str:
    match piece:
        case Code(text):
            # A bar ends a cell even inside code, unless it is escaped.
            return f"`{text.replace('|', chr(92) + '|')}`"
        case Link(text, to):
            return f"[{_escape_markdown(text)}]({to})"
        case _:
            return _escape_markdown(piece)


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*\[\]<|]|\b_|_\b)", r"\\\1", text)


_STYLE = """
:root { color-scheme: light dark; --line: #d0d5db; --soft: #f4f5f7; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --line: #3b4149; --soft: #22262b; --link: #7db7f5; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin-top: 2rem; }
a { color: var(--link); }
code { font: 0.9em ui-monospace, monospace; background: var(--soft); padding: 0.1em 0.3em; border-radius: 3px; }
p wbr { display: none; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
thead th { background: var(--soft); }
tbody th { font-weight: normal; }
@media (max-width: 40rem) {
  body { font-size: 14px; padding: 0.6rem; }
  th, td { padding: 0.2rem 0.35rem; }
  table:has(th:nth-child(4)) { min-width: 44rem; }
}
"""


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """A page that needs nothing else: no script, no file, no other host."""
    body = "\n".join(_html_block(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _html_block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f'<h{level} id="{escape(block.anchor)}">{escape(text)}</h{level}>'
        case Paragraph(line):
            return f"<p>{_html_line(line)}</p>"
        case Table(columns, rows):
            head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
            body = "\n".join(_html_row(row) for row in rows)
            return (
                f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'
            )


def _html_row(row: tuple[Line, ...]) -> str:
    first, *others = (_html_line(cell) for cell in row)
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def _html_line(line: Line) -> str:
    return "".join(_html_piece(piece) for piece in line)


def _html_piece(piece: str | Code | Link) -> str:
    match piece:
        case Code(text):
            # Scopes and names are longer than a narrow column: they may break after their parts.
            return f"<code>{re.sub(r'(?<=[:_/])(?=[^:_/])', '<wbr>', escape(text))}</code>"
        case Link(text, to):
            return f'<a href="{escape(to)}">{escape(text)}</a>'
        case _:
            return escape(piece)
