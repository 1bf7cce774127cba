"""Bodies drawn from meta alone are taken by the vendor; spoiled ones are refused here, each naming the member."""

import os
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed import ashby_writing, harvest_writing, lever_writing, personio_writing, workable_writing
from testbed.databases import Databases
from testbed.form_filling import FormFiller, spoil
from testbed.writing import WriteCase, Writing, open_writing
from unihire.dialects.bindbee.write_routes import WRITE_PATHS, WritePath
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform.writing import meta

COUNT = int(os.environ.get("FORMS", "4"))
"""Bodies of each write that are sent, and that are spoiled."""


@pytest.fixture(autouse=True)
def forget_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta, "FRESH_SECONDS", 0.0)


def find_path(case: WriteCase) -> WritePath:
    return next(
        path for path in WRITE_PATHS if (path.model, path.verb, path.within) == (case.model, case.verb, case.within)
    )


async def read_meta(writing: Writing, path: WritePath, application: str | None = None) -> dict[str, Any]:
    params = {"application": application} if application is not None and path.narrows else {}
    answer = await writing.api.get(f"/api/ats/v1/{path.meta}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def send(writing: Writing, path: WritePath, body: Any, target: str | None) -> Any:
    url = f"/api/ats/v1/{path.path.format(id=target)}"
    return await writing.api.request(path.method, url, json=body)


CASES = [case for case in harvest_writing.list_cases() if case.verb != "untag"]
"""What is taken from a candidate is in the path."""

ASHBY_CASES = [case for case in ashby_writing.list_cases() if case.verb != "untag"]

WORKABLE_CASES = [case for case in workable_writing.list_cases() if case.verb != "untag"]

PERSONIO_CASES = personio_writing.list_cases()

LEVER_CASES = [case for case in lever_writing.list_cases() if case.verb != "untag"]

FORMS_OF_CUSTOMERS = ("offer", "scorecard", "eeoc")
"""What is filled in there is in no form of ours."""

NOT_KNOWN = (
    "current_stage", "job_interview_stage", "parent", "integration_params", "activity_type", "subject", "template_id",
)  # fmt: skip
"""What a form offers whether it fits the job or not, or does not list, or asks for together with parameters."""


OF_ONE_JOB = ("remote_user_id", "user", "interviewer", "job", "application", "start_date")
"""What fits a candidate of one job alone, and a day that goes with parameters."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ashby(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "ashby") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workable(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "workable") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lever(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with lever_writing.open_lever_writing(databases, sealer) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def personio(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "personio") as opened:
        yield opened


async def test_fields_of_users_and_of_amounts_say_what_they_take(writing: Writing) -> None:
    form = await read_meta(writing, next(path for path in WRITE_PATHS if path.path == "candidates"))
    fields = form["properties"]["custom_fields"]["properties"].values()
    by_title = {field["title"]: field for field in fields}
    users = by_title["Known by"]["oneOf"]
    assert len(users) > 3
    assert all(one["const"].isdecimal() and one["title"] for one in users)
    assert set(by_title["Salary range"]["properties"]) == {"min_value", "max_value", "unit"}
    assert by_title["Weekly hours"]["required"] == ["min_value", "max_value"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_body_drawn_from_meta_is_taken(writing: Writing, case: WriteCase) -> None:
    await send_drawn(writing, case)


@pytest.mark.parametrize(
    "case", [case for case in ASHBY_CASES if case.model not in FORMS_OF_CUSTOMERS], ids=lambda case: case.name
)
async def test_body_drawn_from_meta_is_taken_by_a_vendor_with_shared_plans(ashby: Writing, case: WriteCase) -> None:
    await send_drawn(ashby, case, left_out=NOT_KNOWN)


@pytest.mark.parametrize("case", WORKABLE_CASES, ids=lambda case: case.name)
async def test_body_drawn_from_meta_is_taken_by_a_vendor_that_acts_for_members(
    workable: Writing, case: WriteCase
) -> None:
    await send_drawn(workable, case, left_out=(*NOT_KNOWN, *OF_ONE_JOB))


@pytest.mark.parametrize(
    "case", [case for case in LEVER_CASES if case.model != "scorecard"], ids=lambda case: case.name
)
async def test_body_drawn_from_meta_is_taken_by_a_vendor_where_somebody_acts(lever: Writing, case: WriteCase) -> None:
    await send_drawn(lever, case, left_out=(*NOT_KNOWN, "remote_user_id", "application"))


@pytest.mark.parametrize("case", PERSONIO_CASES, ids=lambda case: case.name)
async def test_body_drawn_from_meta_is_taken_by_a_vendor_that_gives_no_id_back(
    personio: Writing, case: WriteCase
) -> None:
    await send_drawn(personio, case, left_out=(*NOT_KNOWN, "job"))


async def send_drawn(writing: Writing, case: WriteCase, left_out: tuple[str, ...] = ()) -> None:
    path, filler = find_path(case), FormFiller(17)
    for _ in range(COUNT):
        made, target = await case.make(writing)
        application = made.get("application") or (target if case.model == "application" else None)
        form = await read_meta(writing, path, application)
        body = filler.fill(form)
        for name in ("file_url", "file_content", "content_type", "attachments"):
            body.pop(name, None)  # a form has a button for files
        for name in left_out:
            body.pop(name, None)
            if name in made:
                body[name] = made[name]
        if left_out:  # such a vendor has fields whose values are objects
            drawn = form["properties"].get("custom_fields", {}).get("properties", {})
            if body.get("custom_fields"):
                known = {name for name, one in drawn.items() if one.keys() & {"type", "oneOf"}}
                body["custom_fields"] = {name: one for name, one in body["custom_fields"].items() if name in known}
        if case.model == "attachment" and "application" in made:
            body |= {"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "application": made["application"]}
            body.pop("candidate", None)
        if case.model == "attachment" and "candidate" in made:
            body |= {"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ=", "candidate": made["candidate"]}
            body.pop("application", None)
        for name in ("application", "candidate"):  # somebody chooses one that is still in process
            if name in made and name in body:
                body[name] = made[name]
        if "start_at" in body:  # a form has a calendar, in which nothing ends before it begins
            body["end_at"] = body["start_at"].replace(":00:00Z", ":30:00Z")
        answer = await send(writing, path, body, target)
        assert answer.status_code in (200, 201), (body, answer.text)
        assert answer.json()["outcome"] == "done", (body, answer.text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_spoiled_body_is_refused_before_any_call(
    writing: Writing, case: WriteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_spoiled(writing, case, monkeypatch)


@pytest.mark.parametrize("case", ASHBY_CASES, ids=lambda case: case.name)
async def test_spoiled_body_is_refused_by_a_vendor_with_shared_plans(
    ashby: Writing, case: WriteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_spoiled(ashby, case, monkeypatch)


@pytest.mark.parametrize("case", WORKABLE_CASES, ids=lambda case: case.name)
async def test_spoiled_body_is_refused_by_a_vendor_that_acts_for_members(
    workable: Writing, case: WriteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_spoiled(workable, case, monkeypatch)


@pytest.mark.parametrize("case", LEVER_CASES, ids=lambda case: case.name)
async def test_spoiled_body_is_refused_by_a_vendor_where_somebody_acts(
    lever: Writing, case: WriteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_spoiled(lever, case, monkeypatch)


@pytest.mark.parametrize("case", PERSONIO_CASES, ids=lambda case: case.name)
async def test_spoiled_body_is_refused_by_a_vendor_that_gives_no_id_back(
    personio: Writing, case: WriteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_spoiled(personio, case, monkeypatch)


async def send_spoiled(writing: Writing, case: WriteCase, monkeypatch: pytest.MonkeyPatch) -> None:
    path, filler, at = find_path(case), FormFiller(18), random.Random(19)
    _, target = await case.make(writing)
    form = await read_meta(writing, path)

    async def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the vendor was called")

    monkeypatch.setattr(VendorClient, "send", refuse)
    monkeypatch.setattr(VendorClient, "read", refuse)
    for _ in range(COUNT * 10):
        body, name = spoil(form, filler.fill(form), at)
        answer = await send(writing, path, body, target)
        assert answer.status_code == 422, (name, body, answer.text)
        assert name in {problem["loc"][1] for problem in answer.json()["detail"] if len(problem["loc"]) > 1}, (
            answer.text
        )
