"""What `make mutate` breaks."""

import ast

import pytest
from mutate.mutations import find_mutations, find_users

PYTHON = """
LIMIT = 3

def choose(a, b):
    \"\"\"Not this.\"\"\"
    if a < b and not a:
        save(a)
        raise ValueError(f"{a} and {b}")
    while True:
        break
    return a + 1
"""

SQL = '''
FIND = """
    SELECT id FROM record
    WHERE connector = $1 AND seq > $2 AND deleted_at IS NULL
    ORDER BY seq FOR UPDATE
"""
FIND_ALL = FIND + " LIMIT $3"

async def find(pool):
    return await pool.fetch(FIND_ALL)
'''


def mutate(source: str) -> list[str]:
    return [one.apply(source.encode()).decode() for one in find_mutations("it.py", source.encode())]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if a < b and not a:", "if not (a < b and not a):"),
        ("a < b and", "a < b or"),
        ("a < b", "a <= b"),
        ("not a", "(a)"),
        ("save(a)", "pass"),
        ('raise ValueError(f"{a} and {b}")', "pass"),
        ("while True", "while False"),
        ("break", "continue"),
        ("a + 1", "a - 1"),
        ("a + 1", "a + (2)"),
    ],
)
def test_each_kind_of_mutation_of_python_is_found_once_and_is_python(before: str, after: str) -> None:
    found = mutate(PYTHON)
    assert found.count(PYTHON.replace(before, after)) == 1
    assert len(found) == 10  # and nothing in texts, docstrings and constants
    for one in found:
        ast.parse(one)


ALIKE = """
def choose(a, b):
    if a > 3:
        log.info("many", count=a)
    for one, other in zip(a, b, strict=True):
        pass
"""


def test_what_only_a_log_would_show_and_the_strictness_of_zip_are_not_mutated() -> None:
    assert mutate(ALIKE) == []
    assert mutate(ALIKE.replace("log.info", "save")) != []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (" AND seq > $2", " "),
        (" AND deleted_at IS NULL", " "),
        ("seq > $2", "seq >= $2"),
        ("IS NULL", "IS NOT NULL"),
        (" FOR UPDATE", ""),
    ],
)
def test_each_kind_of_mutation_of_sql_is_found_once(before: str, after: str) -> None:
    found = mutate(SQL)
    assert found.count(SQL.replace(before, after)) == 1
    assert len(found) == 5
    assert {one.statement for one in find_mutations("it.py", SQL.encode())} == {"FIND"}


def test_only_changed_lines_are_mutated_where_they_are_given() -> None:
    found = find_mutations("it.py", PYTHON.encode(), {7})
    assert [one.text for one in found] == ["pass"]


def test_users_of_a_statement_are_those_of_what_is_made_of_it_too() -> None:
    users = list(find_users({"it.py": ast.parse(SQL)}, "FIND"))
    assert users == [("it.py", range(10, 11))]
