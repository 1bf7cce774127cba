"""Which errors say that the database is away, of whichever library."""

import asyncpg
import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from unihire.store.outages import is_disk_full, is_outage


@pytest.mark.parametrize(
    "error", [asyncpg.DeadlockDetectedError(), OSError(), psycopg.OperationalError(), ConnectorException()], ids=repr
)
def test_database_that_is_away_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize("error", [ValueError(), asyncpg.UniqueViolationError()], ids=repr)
def test_fault_of_ours_is_none(error: Exception) -> None:
    assert not is_outage(error)


@pytest.mark.parametrize("full", [asyncpg.DiskFullError(), psycopg.errors.DiskFull()], ids=repr)
def test_full_disk_is_found_behind_the_error_it_caused(full: Exception) -> None:
    error = RuntimeError()
    error.__cause__ = full
    assert is_disk_full(error)
    assert not is_disk_full(RuntimeError())
