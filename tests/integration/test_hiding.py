"""Fields that a key or a connector hides: null in every answer, and of no use to find records by."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from testbed.records import PLURALS, bury, make_row, make_whole_row, save
from testbed.tenants import Tenant
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.admission import RequestGate
from unihire.dialects.common.record_routes import Reads
from unihire.dialects.unihire.records import OWN
from unihire.model import MODELS, derive_native
from unihire.model.deriving import DERIVED_FROM
from unihire.platform.access import Access, Caller, Scope
from unihire.platform.hiding import Hidden
from unihire.platform.reads import Reader

HIDDEN = {
    "candidate": frozenset(("email_addresses", "tags", "applications", "custom_fields")),
    "application": frozenset(("source", "candidate")),
}


class HidingAccess(Access):
    """Access by a key and a connector that hide fields."""

    of_key: Mapping[str, frozenset[str]] | None = None
    of_connector: Mapping[str, frozenset[str]] | None = None

    async def check_key(self, authorization: str | None) -> Caller:
        caller = await super().check_key(authorization)
        return caller if self.of_key is None else replace(caller, hidden=Hidden(self.of_key))

    async def _find_token(self, token: str) -> Any:
        found = await super()._find_token(token)
        if found is None or self.of_connector is None:
            return found
        opened, lasts = found
        return replace(opened, scope=replace(opened.scope, hidden=Hidden(self.of_connector))), lasts


@pytest.fixture
def access(tenant: Tenant) -> HidingAccess:
    found = HidingAccess(tenant.pool)
    found.of_connector = HIDDEN
    return found


@pytest.fixture
async def hiding(tenant: Tenant, access: HidingAccess) -> AsyncIterator[httpx.AsyncClient]:
    """Both faces, where fields are hidden."""
    reader, gate = Reader(tenant.pool), RequestGate(access, None)
    app = Starlette(routes=[route for face in (NATIVE, OWN) for route in Reads(face, reader, gate).list_routes()])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=tenant.headers) as client:
        yield client


@pytest.fixture
async def rows(tenant: Tenant) -> None:
    for model in ("candidate", "application", "job"):
        await save(tenant, model, make_row(PLURALS[f"{model}s"], 1), make_row(PLURALS[f"{model}s"], 2))


async def read(api: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await api.get(f"/api/ats/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("rows")
async def test_hidden_fields_are_null_and_all_others_are_as_they_were(
    api: httpx.AsyncClient, hiding: httpx.AsyncClient
) -> None:
    for plural, names in (("candidates", HIDDEN["candidate"]), ("applications", HIDDEN["application"]), ("jobs", ())):
        asked = {"include_custom_fields": True}
        shown = await read(api, plural, **asked)
        expected = [{**item, **dict.fromkeys(names)} for item in shown["items"]]
        found = await read(hiding, plural, **asked)
        assert found["items"] == expected
        assert [list(item) for item in found["items"]] == [list(item) for item in shown["items"]]
        assert [await read(hiding, f"{plural}/{item['id']}", **asked) for item in found["items"]] == expected


@pytest.mark.usefixtures("rows")
async def test_raw_data_is_hidden_with_any_field_of_its_model(hiding: httpx.AsyncClient) -> None:
    (candidate, _) = (await read(hiding, "candidates", include_raw_data=True))["items"]
    (job, _) = (await read(hiding, "jobs", include_raw_data=True))["items"]
    assert candidate["raw_data"] is None
    assert job["raw_data"]["name"] == job["name"]


async def test_expanded_record_hides_what_its_model_hides(tenant: Tenant, hiding: httpx.AsyncClient) -> None:
    await save(tenant, "candidate", make_row(PLURALS["candidates"], 1))
    await save(tenant, "attachment", make_row(PLURALS["attachments"], 1))
    asked = {"expand": "candidate", "include_raw_data": True, "include_custom_fields": True}
    (attachment,) = (await read(hiding, "attachments", **asked))["items"]
    shown = attachment["candidate"]
    assert shown["first_name"] == "first_name 1"
    assert [shown[name] for name in (*HIDDEN["candidate"], "raw_data")] == [None] * 5
    assert attachment["raw_data"]["candidate"] == "1"


async def test_own_face_hides_them_too_in_more_and_in_the_vendors_words(
    tenant: Tenant, access: HidingAccess, hiding: httpx.AsyncClient
) -> None:
    access.of_connector = {"candidate": frozenset(("email_addresses", "places")), "job": frozenset(("status",))}
    await save(tenant, "candidate", make_whole_row(MODELS["candidate"], 1))
    await save(tenant, "job", {"remote_id": "1", "status": "OPEN", "name": "Engineer"})
    await tenant.pool.execute("""UPDATE record SET words = '{"status":"live","name":"x"}' WHERE model = 8""")
    asked = {"include_raw_data": True}
    (candidate,) = (await hiding.get(f"{OWN.path}/candidates", params=asked)).json()["items"]
    more = candidate["more"]
    assert (candidate["email_addresses"], more["emails"], more["places"], candidate["raw_data"]) == (None,) * 4
    assert (candidate["first_name"], more["sources"]) == ("first_name 1", ["sources 1", "sources 1 again"])
    assert tuple(candidate) == OWN.list_keys(MODELS["candidate"])
    (job,) = (await hiding.get(f"{OWN.path}/jobs", params=asked)).json()["items"]
    assert (job["status"], job["more"]["vendor_words"]) == (None, {"name": "x"})
    refused = await hiding.get(f"{OWN.path}/jobs", params={"status": "OPEN"})
    assert (refused.status_code, refused.json()["detail"][:10]) == (403, "job.status")


@pytest.mark.parametrize(
    ("path", "params", "named"),
    [
        ("candidates", {"tag": "JUNIOR"}, "candidate.tags"),
        ("candidates", {"email_addresses": "jane@example.com"}, "candidate.email_addresses"),
        ("applications", {"source": "x", "job": "y"}, "application.source"),
        ("candidates", {"expand": "attachments,applications"}, "candidate.applications"),
        ("applications", {"expand": "candidate"}, "application.candidate"),
        ("attachments", {"expand": "candidate[id,tags]"}, "candidate.tags"),
        ("applications/5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11", {"expand": "candidate"}, "application.candidate"),
    ],
)
async def test_what_looks_at_a_hidden_field_is_refused_by_its_name(
    hiding: httpx.AsyncClient, path: str, params: dict[str, str], named: str
) -> None:
    answer = await hiding.get(f"/api/ats/v1/{path}", params=params)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith(f"{named} is hidden from this key or connector")


async def test_range_of_a_hidden_moment_is_refused(access: HidingAccess, hiding: httpx.AsyncClient) -> None:
    access.of_key = {"job": frozenset(("remote_created_at",)), "tag": frozenset(("remote_updated_at",))}
    for path, refused, taken in (("jobs", "created", "updated"), ("tags", "updated", "created")):
        answer = await hiding.get(f"{OWN.path}/{path}", params={f"remote_{refused}_before": "2026-01-31"})
        assert answer.status_code == 403
        assert f"remote_{refused}_at is hidden from this key or connector" in answer.json()["detail"]
        answer = await hiding.get(f"{OWN.path}/{path}", params={f"remote_{taken}_before": "2026-01-31"})
        assert answer.status_code == 200


@pytest.mark.usefixtures("rows")
async def test_other_filters_and_expansions_work_as_ever(hiding: httpx.AsyncClient) -> None:
    assert len((await read(hiding, "candidates", first_name="first_name 1"))["items"]) == 1
    (application, _) = (await read(hiding, "applications", expand="job[name,code]"))["items"]
    assert set(application["job"]) == {"name", "code"}


@pytest.mark.usefixtures("rows")
async def test_key_hides_besides_what_the_connector_hides(access: HidingAccess, hiding: httpx.AsyncClient) -> None:
    access.of_key = {"candidate": frozenset(("first_name",)), "job": frozenset(("code",))}
    (candidate, _) = (await read(hiding, "candidates"))["items"]
    assert (candidate["first_name"], candidate["tags"], candidate["last_name"]) == (None, None, "last_name 1")
    (job, _) = (await read(hiding, "jobs"))["items"]
    assert (job["code"], job["name"]) == (None, "name 1")


@pytest.mark.usefixtures("rows")
async def test_tombstones_are_shown_as_they_are(tenant: Tenant, hiding: httpx.AsyncClient) -> None:
    await bury(tenant, "candidate", "1")
    living, gone = (await read(hiding, "candidates", include_deleted=True))["items"]
    assert (living["remote_id"], living["tags"]) == ("2", None)
    assert gone == {"id": gone["id"], "remote_id": "1", "modified_at": gone["modified_at"], "deleted": True}


@pytest.mark.parametrize(
    ("model", "named", "hidden"),
    [
        ("candidate", "emails", {"emails", "email_addresses"}),
        ("candidate", "phone_numbers", {"phones", "phone_numbers"}),
        ("job", "recruiters", {"recruiters", "hiring_team", "hiring_managers"}),
        ("job", "name", {"name"}),
    ],
)
def test_what_says_the_same_as_a_hidden_field_is_hidden_with_it(model: str, named: str, hidden: set[str]) -> None:
    assert Hidden({model: frozenset((named,))}).names(MODELS[model]) == hidden
    assert Hidden({model: frozenset((named,))}).names(MODELS["offer"]) == set()


def test_every_field_that_is_derived_is_known_to_be() -> None:
    for spec in MODELS.values():
        record = msgspec.convert(make_whole_row(spec, 1), spec.record)
        names = [field.name for field in spec.fields if field.type == "array"]
        for name in names:
            setattr(record, name, None)
        derive_native(record)
        derived = {name for name in names if getattr(record, name)}
        assert derived == {name for model, name in DERIVED_FROM if model == spec.name}


async def test_nothing_is_hidden_of_itself(tenant: Tenant) -> None:
    access = Access(tenant.pool)
    caller = await access.check_key(tenant.headers["Authorization"])
    scope: Scope = await access.check_token(caller, tenant.token, "ATS")
    assert (caller.hidden, scope.hidden) == (None, None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nobody": frozenset(("name",))}, "there is no model 'nobody'"),
        ({"job": frozenset(("colour",))}, "job has no field colour that could be hidden"),
        ({"job": frozenset(("remote_id",))}, "job has no field remote_id that could be hidden"),
    ],
)
def test_only_fields_there_are_can_be_hidden(fields: dict[str, frozenset[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hidden(fields)
