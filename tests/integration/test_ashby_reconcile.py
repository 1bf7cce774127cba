"""Reconciling with Ashby: counts as its documents say, whatever changes there."""

from collections.abc import AsyncIterator

import pytest_asyncio

from testbed.ashby_link import AshbyLink, link_ashby
from testbed.counting import count, get, numbers
from testbed.databases import Databases
from testbed.small_company import SMALL
from unihire.kit.seal import Sealer
from unihire.model import MODELS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def link(databases: Databases, sealer: Sealer) -> AsyncIterator[AshbyLink]:
    async with link_ashby(databases, sealer, size=SMALL, seed=7) as link:
        await link.settle()
        yield link


BESIDE = {"activity", "application_transition", "job_interview_stage", "screening_question"}
"""Models whose records are beside the rows of lists, each asked for by a call of its own: they are not compared."""


def expect_counts(link: AshbyLink) -> dict[str, int]:
    """By model, from the vendor's documents and not from the mapping: what it has."""
    counted = {model: link.expected[spec.plural] for model, spec in MODELS.items() if model not in BESIDE}
    return {model: len(items) for model, items in counted.items() if items}


async def test_vendor_is_counted_as_its_documents_say_and_differs_until_the_next_complete_read(link: AshbyLink) -> None:
    found = await count(link.tenant)
    assert {model: row[0] for model, row in numbers(found).items() if row[0]} == expect_counts(link)
    assert found.is_equal
    assert get(found, "candidate").here == SMALL

    streams = ("candidates", "jobs", "applications", "users", "offers", "interview_plans", "sources", "candidate_tags")
    for stream in streams:
        await link.delete(stream, link.list_rows(stream)[0]["id"])
    new = (await link.create("candidates", name="Ada New"))["id"]
    await link.look()
    found = await count(link.tenant)
    assert {model: row[0] for model, row in numbers(found).items() if row[0]} == expect_counts(link)
    for one in found.models:
        assert one.there == one.here - one.gone + one.missing, one
        assert len(one.gone_ids) == min(one.gone, 5)
    assert get(found, "candidate").missing_ids == [new]
    changed = ("candidate", "job", "application", "remote_user", "offer", "attachment", "source", "tag")
    assert all(get(found, model).gone for model in changed)

    await link.settle()
    found = await count(link.tenant)
    assert found.is_equal
    assert {model: row[1] for model, row in numbers(found).items() if row[1]} == expect_counts(link)


async def test_rows_changing_while_they_are_counted_are_not_taken_for_gone(link: AshbyLink) -> None:
    (await link.control.put("faults", json=[{"word": "update-row"}])).raise_for_status()
    found = await count(link.tenant)
    (await link.control.delete("faults")).raise_for_status()
    assert found.is_equal
