"""A face with a shape and words of its own: what tells it from others is all it says."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from testbed.records import bury, id_in, save
from testbed.tenants import Tenant
from unihire.dialects.common.admission import RequestGate
from unihire.dialects.common.faces import Face, Relation
from unihire.dialects.common.filters import FilterParam, Grammar
from unihire.dialects.common.record_routes import Reads
from unihire.model import MODELS, ModelSpec
from unihire.platform.access import Access
from unihire.platform.reads import Projection, Reader
from unihire.store.bodies import Stored

CANDIDATE, APPLICATION = MODELS["candidate"], MODELS["application"]


class Terse(Projection):
    """Records as they have it: the id and who or what it is, in an object of its own."""

    def show(self, model: ModelSpec, record: Stored) -> bytes:
        members = msgspec.json.decode(record.members + b"}")
        said = {"family": members["last_name"]} if model is CANDIDATE else {"person": members["candidate"]}
        return msgspec.json.encode({"key": members["remote_id"], "said": said, "since": record.first_saved_at.year})

    def show_deleted(self, model: ModelSpec, tombstone: bytes) -> bytes:
        return msgspec.json.encode({"key": msgspec.json.decode(tombstone)["remote_id"], "gone": True})


def find_filters(spec: ModelSpec) -> tuple[FilterParam, ...]:
    return tuple(FilterParam(field, Grammar(name="family")) for field in spec.filters if field.name == "last_name")


def find_relations(spec: ModelSpec) -> tuple[Relation, ...]:
    return tuple(
        Relation(field, ("said", "person"))
        for field in spec.relations
        if (spec, field.name) == (APPLICATION, "candidate")
    )


TERSE = Face(
    path="/terse",
    models=(CANDIDATE, APPLICATION),
    find_filters=find_filters,
    find_relations=find_relations,
    projection=Terse(),
)


@pytest.fixture
async def terse(tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    gate = RequestGate(Access(tenant.pool), None, token_header="x-account")
    app = Starlette(routes=[*Reads(TERSE, Reader(tenant.pool), gate).list_routes()])
    headers = {"Authorization": f"Bearer {tenant.key}", "X-Account": tenant.token}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def read(api: httpx.AsyncClient, plural: str, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get(f"{TERSE.path}/{plural}", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_records_and_tombstones_are_shown_in_the_shape_of_the_face(
    tenant: Tenant, terse: httpx.AsyncClient
) -> None:
    await save(tenant, "candidate", {"remote_id": "1", "last_name": "Doe"}, {"remote_id": "2", "last_name": "Roe"})
    doe, roe = await read(terse, "candidates")
    assert doe == {"key": "1", "said": {"family": "Doe"}, "since": doe["since"]}
    assert await read(terse, "candidates", family="ROE") == [roe]
    await bury(tenant, "candidate", "1")
    assert await read(terse, "candidates") == [roe]
    assert await read(terse, "candidates", include_deleted=True) == [roe, {"key": "1", "gone": True}]


async def test_relation_is_expanded_where_the_face_has_it_and_in_its_shape(
    tenant: Tenant, terse: httpx.AsyncClient
) -> None:
    await save(tenant, "candidate", {"remote_id": "1", "last_name": "Doe"})
    await save(tenant, "application", {"remote_id": "a", "candidate": "1"}, {"remote_id": "b", "candidate": "9"})
    known, unknown = await read(terse, "applications", expand="candidate")
    (doe,) = await read(terse, "candidates")
    assert known["said"] == {"person": doe}
    assert unknown["said"] == {"person": id_in(tenant, "candidate", "9")}


async def test_call_that_does_not_name_its_connector_is_told_by_which_header(terse: httpx.AsyncClient) -> None:
    del terse.headers["X-Account"]
    answer = await terse.get(f"{TERSE.path}/candidates", headers={"X-Connector-Token": "any"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["header", "x-account"])
