"""Reconciling with Lever: counts as its documents say, whatever changes there."""

from collections.abc import AsyncIterator

import pytest_asyncio

from testbed.counting import count, get, numbers
from testbed.databases import Databases
from testbed.lever_link import LeverLink, link_lever
from testbed.small_company import SMALL
from unihire.kit.seal import Sealer
from unihire.model import MODELS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def link(databases: Databases, sealer: Sealer) -> AsyncIterator[LeverLink]:
    async with link_lever(databases, sealer, size=SMALL, seed=7) as link:
        await link.settle()
        yield link


BESIDE = {"activity", "attachment", "offer", "scheduled_interview", "scorecard", "screening_question"}
"""Models whose records are beside the rows of lists, each asked for by a call of its own: they are not compared."""


def expect_counts(link: LeverLink) -> dict[str, int]:
    """By model, from the vendor's documents and not from the mapping: what it has."""
    counted = {model: link.expected[spec.plural] for model, spec in MODELS.items() if model not in BESIDE}
    return {model: len(items) for model, items in counted.items() if items}


async def test_vendor_is_counted_as_its_documents_say_and_differs_until_the_next_complete_read(link: LeverLink) -> None:
    found = await count(link.tenant)
    assert {model: row[0] for model, row in numbers(found).items() if row[0]} == expect_counts(link)
    assert found.is_equal
    assert get(found, "candidate").here == SMALL

    for stream in ("postings", "users", "archive_reasons", "contacts"):
        await link.delete(stream, link.list_rows(stream)[1]["id"])
    body = {"name": "Ada New", "emails": ["ada.new@example.com"]}
    new = link.line.act("POST", "/opportunities", body)
    await link.look()
    found = await count(link.tenant)
    assert {model: row[0] for model, row in numbers(found).items() if row[0]} == expect_counts(link)
    for one in found.models:
        assert one.there == one.here - one.gone + one.missing, one
    assert get(found, "candidate").missing_ids == [new["contact"]]
    assert all(get(found, model).gone for model in ("candidate", "application", "job", "remote_user", "reject_reason"))

    await link.settle()
    found = await count(link.tenant)
    assert found.is_equal
    assert {model: row[1] for model, row in numbers(found).items() if row[1]} == expect_counts(link)
