"""Single mutations of Python and SQL: each a place in a file and the text that stands there instead."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}

SQL = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\bAND [^\n()]+?(?= AND |\n|\"|$)", ""),
        (r" FOR (?:NO KEY )?(?:UPDATE|SHARE)(?: SKIP LOCKED)?\b", ""),
        (r"\bIS NULL\b", "IS NOT NULL"),
        (r"\bIS NOT NULL\b", "IS NULL"),
        (r"\bNOT EXISTS\b", "EXISTS"),
        (r" DESC\b", ""),
        (r"(?<=[\w)] )<(?= )", "<="),
        (r"(?<=[\w)] )<=(?= )", "<"),
        (r"(?<=[\w)] )>(?= )", ">="),
        (r"(?<=[\w)] )>=(?= )", ">"),
        (r"(?<=[\w)] )\+ 1\b", "+ 0"),
        (r"\bgreatest\(", "least("),
        (r"\bcoalesce\(([^(),]+), [^(),]+\)", r"\1"),
        (r"\btrue\b", "false"),
        (r"\bfalse\b", "true"),
    )
]
"""What is replaced in a statement, the latter in place of the former."""

_STATEMENT = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE)\b")


@dataclass(frozen=True, slots=True)
class Mutation:
    """`text` in place of what stands from `start` to `end`, in bytes of the file; `lines` are the lines it touches.

    `statement` names the SQL constant it is in, if it is in one.
    """

    path: str
    lines: range
    start: int
    end: int
    text: str
    statement: str | None = None

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def describe(self, source: bytes) -> str:
        """One line: where, what stood there, what stands there now."""
        place = f"{self.path}:{self.lines.start}" + (f" {self.statement}" if self.statement else "")
        before = " ".join(source[self.start : self.end].decode().split())
        return f"{place}: {before[:60]!r} → {self.text[:60]!r}"


def find_mutations(path: str, source: bytes, changed: set[int] | None = None) -> list[Mutation]:
    """Every mutation of a module, of its `changed` lines alone where these are given."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return [one for one in finder.found if changed is None or not changed.isdisjoint(one.lines)]


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.source = source
        self.found: list[Mutation] = []
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._depth = 0

    def _at(self, line: int | None, column: int | None) -> int:
        assert line is not None
        assert column is not None
        return self._starts[line - 1] + column

    def _add(self, node: ast.expr | ast.stmt, start: int, end: int, text: str, statement: str | None = None) -> None:
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        self.found.append(Mutation(self.path, lines, start, end, text, statement))

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _replace(self, node: ast.expr | ast.stmt, text: str) -> None:
        self._add(node, *self._span(node), text)

    def _between(self, node: ast.expr, left: ast.expr, right: ast.expr, word: str, text: str) -> None:
        """Replace the operator that stands between two operands."""
        start, end = self._span(left)[1], self._span(right)[0]
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)".encode(), self.source[start:end])
        if found:
            self._add(node, start + found.start(), start + found.end(), text)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._depth += 1
        for statement in node.body:
            self.visit(statement)
        self._depth -= 1

    visit_FunctionDef = _visit_function  # noqa: N815 - ast names them
    visit_AsyncFunctionDef = _visit_function  # noqa: N815

    def visit_Assign(self, node: ast.Assign) -> None:
        if self._depth == 0 and isinstance(node.targets[0], ast.Name):
            self._find_sql(node, node.targets[0].id)
        self.generic_visit(node)

    def _find_sql(self, node: ast.Assign, name: str) -> None:
        start, end = self._span(node.value)
        text = self.source[start:end].decode()
        if not name.isupper() or not _STATEMENT.search(text):
            return
        for pattern, replacement in SQL:
            for match in pattern.finditer(text):
                at = start + len(text[: match.start()].encode())
                until = at + len(match[0].encode())
                line = self.source[:at].count(b"\n") + 1
                one = Mutation(self.path, range(line, line + 1), at, until, match.expand(replacement), name)
                self.found.append(one)

    def visit_Compare(self, node: ast.Compare) -> None:
        if self._depth and len(node.ops) == 1:
            word, text = COMPARISONS[type(node.ops[0])]
            self._between(node, node.left, node.comparators[0], word, text)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, text = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        if self._depth:
            for left, right in zip(node.values, node.values[1:], strict=False):
                self._between(node, left, right, word, text)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        pair = {ast.Add: ("+", "-"), ast.Sub: ("-", "+")}.get(type(node.op))
        operands = (node.left, node.right)
        is_text = any(isinstance(one, ast.JoinedStr) or _is_text(one) for one in operands)
        if self._depth and pair and not is_text:
            self._between(node, *operands, *pair)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if self._depth and isinstance(node.op, ast.Not):
            start, end = self._span(node.operand)
            self._add(node, *self._span(node), f"({self.source[start:end].decode()})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not self._depth:
            return
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif isinstance(node.value, int):
            self._replace(node, f"({node.value + 1})")

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg != "strict":  # of zip: lists that are as long as each other by how they were made
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if not node.orelse and all(map(_is_told, node.body)):
            return  # what it decides is what a log says
        start, end = self._span(node.test)
        self._add(node.test, start, end, f"not ({self.source[start:end].decode()})")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if self._depth and isinstance(value, ast.Call) and not _is_told(node):
            self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")  # and what the message says is not looked at

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Texts are no logic."""


def _is_told(node: ast.stmt) -> bool:
    """Whether a statement does no more than log or measure."""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Call) and ast.unparse(value.func).startswith(("log.", "metrics."))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def find_users(modules: dict[str, ast.Module], name: str) -> Iterator[tuple[str, range]]:
    """The functions that use a constant, or one made of it, as file and lines."""
    names, grown = {name}, True
    while grown:
        grown = False
        for module in modules.values():
            for node in module.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    own = node.targets[0].id
                    if own not in names and names & _list_names(node.value):
                        names.add(own)
                        grown = True
    for path, module in modules.items():
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and names & _list_names(node):
                yield path, range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)


def _list_names(node: ast.AST) -> set[str]:
    return {
        one.id if isinstance(one, ast.Name) else one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
    }
