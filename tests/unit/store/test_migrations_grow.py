"""What a migration may do while a worker of the version before is at work: add. What goes, goes one release later."""

import re
from collections.abc import Iterator

import pytest

from unihire.store.migrate import list_migrations

SINCE = 13
"""Earlier files are older than the promise."""

EXEMPT = {
    ("0013_no_statistics.sql", "changes a type"): "to the type it has: an older server then forgets its statistics",
    ("0021_identities.beside.sql", "makes values unique"): "they are: of a part of these columns already",
    ("0027_filters_owned.sql", "refuses values"): "refuses none: a trigger tells whose an entry of before is",
    ("0029_filters_orphaned.batches.sql", "empties"): "takes what is of no record, or there twice",
    ("0030_filters_identity.beside.sql", "makes values unique"): "they are: no record is found twice by one key",
    ("0032_filters_identity.sql", "wants what was null"): "nobody leaves it null: a trigger tells whose an entry is",
    ("0032_filters_identity.sql", "drops"): "what was made by the versions just before, for these",
    ("0032_filters_identity.sql", "makes values unique"): "they are, by the index that becomes the key",
    ("0032_filters_identity.sql", "renames"): "an index, which no statement names",
    ("0022_identities.sql", "drops"): "keys whose place others take; what programs of before look by has an index",
    ("0022_identities.sql", "makes values unique"): "they are, by the indexes that become these keys",
    ("0022_identities.sql", "refuses values"): "refuses none: a stream's part in a run has the run's connector",
}
"""What may be all the same, by file and kind, and why. What is dropped: the release whose changelog announced it, since
which no program has used it."""

# What the program of before would stumble over, or what would wait for it and let it wait.
TAKES_AWAY = {
    "drops": r"\bDROP (TABLE|COLUMN|FUNCTION|TYPE|VIEW|DEFAULT|CONSTRAINT|SCHEMA|DOMAIN)\b",
    "renames": r"\bRENAME (TO|COLUMN|CONSTRAINT)\b",
    "wants what was null": r"\bSET NOT NULL\b",
    "wants a column of who inserts": r"\bADD COLUMN (?!.*\bDEFAULT\b)(?!.*\bGENERATED\b).*\bNOT NULL\b",
    "makes values unique": r"\bCREATE UNIQUE INDEX\b|\bADD (CONSTRAINT \w+ )?(UNIQUE|PRIMARY KEY|EXCLUDE)\b",
    "refuses values": r"\bADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY)\b",
    "changes a type": r"\bALTER (COLUMN )?\w+ (SET DATA )?TYPE\b",
    "makes an identity of what was given": r"\bADD GENERATED\b",
    "moves": r"\bSET SCHEMA\b",
    "empties": r"\bTRUNCATE\b|\bDELETE FROM\b",
}


UNIQUE = {name for one in list_migrations() for name in re.findall(r"CREATE UNIQUE INDEX (\w+)", one.sql)}


def list_actions(sql: str) -> Iterator[str]:
    """Each statement, and of ALTER TABLE each action by itself, on one line."""
    without_comments = re.sub(r"--[^\n]*", "", sql)
    for statement in without_comments.split(";"):
        text = " ".join(statement.split())
        table = re.match(r"ALTER TABLE (?:ONLY )?\w+ ", text)
        if table is None:
            yield text
        else:  # commas within parentheses are none between actions
            yield from (table[0] + action for action in re.split(r", (?![^(]*\))", text[table.end() :]))


def find_faults(sql: str) -> list[tuple[str, str]]:
    """Each action that takes something away, behind its kind."""
    made = set(re.findall(r"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)", sql))
    faults = list[tuple[str, str]]()
    for action in list_actions(sql):
        on = re.search(r"(?:ALTER TABLE(?: ONLY)?|\bON) (\w+)", action)
        if on is not None and on[1] in made:  # nobody knows a table that is new
            continue
        dropped = re.match(r"DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?(\w+)", action, re.I)
        if dropped is not None and dropped[1] in UNIQUE:
            faults.append(("drops what conflicts are found by", action))
        faults += [(what, action) for what, pattern in TAKES_AWAY.items() if re.search(pattern, action, re.I)]
    return faults


@pytest.mark.parametrize("name", [one.name for one in list_migrations() if one.version >= SINCE])
def test_schema_only_grows(name: str) -> None:
    (migration,) = [one for one in list_migrations() if one.name == name]
    assert [fault for fault in find_faults(migration.sql) if (name, fault[0]) not in EXEMPT] == []


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE stream_run DROP COLUMN expected",
        "ALTER TABLE t ADD COLUMN a int, DROP COLUMN b",
        "DROP TABLE seen",
        "DROP INDEX issue_open; CREATE INDEX issue_open ON issue (connector)",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
        "ALTER TABLE t ADD COLUMN a int NOT NULL",
        "ALTER TABLE t ADD COLUMN a int NOT NULL, ADD COLUMN b int DEFAULT 1",
        "ALTER TABLE t ALTER a TYPE bigint",
        "alter table t\n    alter column a set data type bigint using a::bigint",
        "ALTER TABLE t ALTER COLUMN a DROP DEFAULT",
        "CREATE UNIQUE INDEX one ON t (a)",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a IN ('x', 'y'))",
        "TRUNCATE record",
    ],
)
def test_what_takes_something_away_is_found(sql: str) -> None:
    assert find_faults(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD COLUMN a int",
        "ALTER TABLE t\n ADD COLUMN a numeric(3, 2) NOT NULL DEFAULT 0, -- NOT NULL; DROP COLUMN b\n ADD COLUMN b text",
        "CREATE TABLE new (a int NOT NULL, b text UNIQUE); CREATE UNIQUE INDEX one ON new (a)",
        "ALTER TABLE new ADD CHECK (a > 0); CREATE TABLE new (a int)",
        "CREATE INDEX some ON t (a); DROP INDEX connector_due",
        "ALTER TABLE t ALTER COLUMN a SET STATISTICS 0, ALTER COLUMN b SET STATISTICS 0",
    ],
)
def test_what_only_adds_may_be_done(sql: str) -> None:
    assert find_faults(sql) == []
