"""Our own face: the lists and records of the native one with `more`, and the models that only it has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from testbed.effort import pick
from testbed.records import bury, find_ids, id_in, make_whole_row, save
from testbed.tenants import Tenant
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.unihire.records import OWN, STORED_FIELDS, list_more
from unihire.model import MODELS, FieldSpec, ModelSpec

EVERY = pytest.mark.parametrize("spec", OWN.models, ids=lambda spec: spec.name)
OWN_ALONE = [spec for spec in OWN.models if not spec.is_native]
FILTERS = [(spec, param.name) for spec in OWN.models for param in OWN.filters[spec]]
RELATIONS = [(spec, relation.field.name) for spec in OWN.models for relation in OWN.relations[spec]]


async def read(api: httpx.AsyncClient, path: str, face: str = OWN.path, **params: Any) -> Any:
    answer = await api.get(f"{face}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read_all(api: httpx.AsyncClient, plural: str, **params: Any) -> list[dict[str, Any]]:
    """Every record of a list, in small pages."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await read(api, plural, page_size=2, cursor=cursor, **params)
        assert page["page_size"] == len(page["items"])
        items += page["items"]
        cursor = page["cursor"]
    return items


def expect(tenant: Tenant, field: FieldSpec, value: Any) -> Any:
    """What is answered of a row's value: ids of ours for the vendor's, of parts every one."""
    if field.to is not None and value is not None:
        if isinstance(value, list):
            return [id_in(tenant, field.to, one) for one in value]
        return id_in(tenant, field.to, value)
    if field.parts and isinstance(value, list):
        return [{part.name: expect(tenant, part, one.get(part.name)) for part in field.parts} for one in value]
    if field.parts and value is not None:
        return {part.name: expect(tenant, part, value.get(part.name)) for part in field.parts}
    return value


def list_values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@EVERY
async def test_record_has_every_field_of_its_model_and_of_more(
    api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec
) -> None:
    before = datetime.now(UTC)
    row = make_whole_row(spec, 4)
    await save(tenant, spec.name, row)
    (item,) = (await read(api, spec.plural))["items"]
    assert tuple(item) == OWN.list_keys(spec)
    assert item["more"].keys() == {field.name for field in list_more(spec)}
    for field in spec.fields:
        assert item[field.name] == expect(tenant, field, row[field.name]), field.name
    for field in spec.more:
        assert item["more"][field.name] == expect(tenant, field, row[field.name]), field.name
    saved_at = datetime.fromisoformat(item["more"]["first_saved_at"])
    assert before - timedelta(minutes=1) < saved_at < datetime.now(UTC) + timedelta(minutes=1)
    assert item["more"]["vendor_words"] is None
    assert await read(api, f"{spec.plural}/{item['id']}") == item


@EVERY
async def test_what_is_not_stored_is_null(api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec) -> None:
    await save(tenant, spec.name, {"remote_id": "bare"})
    (item,) = (await read(api, spec.plural))["items"]
    stored = {"first_saved_at": item["more"]["first_saved_at"], "vendor_words": None}
    assert item["more"] == {**dict.fromkeys(field.name for field in spec.more), **stored}
    await tenant.pool.execute("UPDATE record SET more = NULL WHERE connector = $1", tenant.connector.number)
    assert (await read(api, spec.plural))["items"] == [item]


@pytest.mark.parametrize("spec", NATIVE.models, ids=lambda spec: spec.name)
async def test_native_answer_is_the_same_without_more(api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec) -> None:
    await save(tenant, spec.name, *(make_whole_row(spec, number) for number in range(3)))
    for params in ({}, {"include_raw_data": True, "include_custom_fields": True}):
        own = (await read(api, spec.plural, **params))["items"]
        native = (await read(api, spec.plural, NATIVE.path, **params))["items"]
        assert [{name: value for name, value in item.items() if name != "more"} for item in own] == native


async def test_words_of_the_vendor_are_told_by_field(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "job", {"remote_id": "1", "status": "OPEN"})
    await tenant.pool.execute("""UPDATE record SET words = '{"status":"live"}' WHERE model = 8""")
    (item,) = (await read(api, "jobs"))["items"]
    assert item["more"]["vendor_words"] == {"status": "live"}


async def test_raw_data_and_custom_fields_are_put_in_where_they_are_asked_for(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(tenant, "source", {"remote_id": "1", "name": "Fair"})
    (bare,) = (await read(api, "sources"))["items"]
    assert (bare["raw_data"], bare["custom_fields"]) == (None, None)
    (item,) = (await read(api, "sources", include_raw_data=True, include_custom_fields=True))["items"]
    assert (item["raw_data"], item["custom_fields"]) == ({"remote_id": "1", "name": "Fair"}, {})


@pytest.mark.parametrize(("spec", "name"), pick(FILTERS, 12), ids=lambda value: getattr(value, "name", value))
async def test_filters_find_what_they_find_on_the_native_face(
    api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec, name: str
) -> None:
    field = next(param.field for param in OWN.filters[spec] if param.name == name)
    rows = [make_whole_row(spec, number) for number in range(3)]
    if field.name == "email":
        rows = [row | {"email": f"{row['remote_id']}@example.com"} for row in rows]
    await save(tenant, spec.name, *rows)
    one = list_values(rows[1][field.name])[0]
    asked = {name: id_in(tenant, field.to, one) if field.to else one}
    found = find_ids(await read_all(api, spec.plural, **asked))
    assert "1" in found
    assert found == [
        row["remote_id"] for row in rows if one in (row[field.name] if field.type == "array" else [row[field.name]])
    ]
    if spec.is_native:
        assert find_ids((await read(api, spec.plural, NATIVE.path, **asked))["items"]) == found


@pytest.mark.parametrize("spec", OWN_ALONE, ids=lambda spec: spec.name)
async def test_new_models_are_listed_followed_and_deleted_like_the_others(
    api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec
) -> None:
    await save(tenant, spec.name, *(make_whole_row(spec, number) for number in range(5)))
    items = await read_all(api, spec.plural)
    assert find_ids(items) == list("01234")
    assert find_ids(await read_all(api, spec.plural, modified_after=items[2]["modified_at"])) == ["3", "4"]
    assert find_ids(await read_all(api, spec.plural, remote_id="3")) == ["3"]
    assert find_ids(await read_all(api, spec.plural, ids=f"{items[4]['id']},{items[1]['id']}")) == ["1", "4"]
    await bury(tenant, spec.name, "2")
    assert find_ids(await read_all(api, spec.plural)) == list("0134")
    assert (await api.get(f"{OWN.path}/{spec.plural}/{items[2]['id']}")).status_code == 404
    *living, gone = await read_all(api, spec.plural, include_deleted=True)
    assert find_ids(living) == list("0134")
    deleted = {"id": items[2]["id"], "remote_id": "2", "modified_at": gone["modified_at"], "deleted": True}
    assert gone == deleted
    assert await read(api, f"{spec.plural}/{items[2]['id']}", include_deleted=True) == deleted


@pytest.mark.parametrize("spec", OWN_ALONE, ids=lambda spec: spec.name)
async def test_native_face_does_not_have_the_new_models(
    api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec
) -> None:
    await save(tenant, spec.name, make_whole_row(spec, 1))
    (item,) = (await read(api, spec.plural))["items"]
    for path in (spec.plural, f"{spec.plural}/{item['id']}"):
        assert (await api.get(f"{NATIVE.path}/{path}")).status_code == 404


@pytest.mark.parametrize(("spec", "name"), pick(RELATIONS, 12), ids=lambda value: getattr(value, "name", value))
async def test_every_direct_relation_expands_where_it_stands(
    api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec, name: str
) -> None:
    relation = next(relation for relation in OWN.relations[spec] if relation.field.name == name)
    target = MODELS[relation.field.to or ""]
    await save(tenant, spec.name, make_whole_row(spec, 5))
    if target is not spec:
        await save(tenant, target.name, make_whole_row(target, 5))
    (plain,) = (await read(api, spec.plural, ids=id_in(tenant, spec.name, "5")))["items"]
    (item,) = (await read(api, spec.plural, ids=plain["id"], expand=name))["items"]
    related = await read(api, f"{target.plural}/{id_in(tenant, target.name, '5')}")
    *outer, last = relation.place
    expected, holder = plain, plain
    for member in outer:
        holder = holder[member]
    array = relation.field.type == "array"
    holder[last] = [related, id_in(tenant, target.name, "6")] if array else related
    assert item == expected
    narrowed = await read(api, f"{spec.plural}/{plain['id']}", expand=f"{name}[remote_id,more]")
    for member in outer:
        narrowed = narrowed[member]
    few = {"remote_id": "5", "more": related["more"]}
    assert narrowed[last] == ([few, id_in(tenant, target.name, "6")] if array else few)


async def test_relation_inside_the_parts_of_a_field_is_not_expanded(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await api.get(f"{OWN.path}/jobs", params={"expand": "hiring_team"})
    assert answer.status_code == 422
    assert "job has no relation 'hiring_team'; possible: departments, offices" in answer.json()["detail"][0]["msg"]


async def test_other_paths_of_the_face_are_as_they_were(api: httpx.AsyncClient) -> None:
    assert (await api.get(f"{OWN.path}/syncs/pause")).json() == {"detail": "There is no sync run with this id"}
    assert (await api.get(f"{OWN.path}/nothing")).status_code == 404
    assert (await api.post(f"{OWN.path}/candidates")).status_code == 405
    assert (await read(api, "quarantine"))["items"] == []
    assert (await api.get(f"{OWN.path}/candidates", params={"colour": "red"})).status_code == 422


def test_members_of_more_have_the_names_of_no_others() -> None:
    for spec in OWN.models:
        names = [field.name for field in (*spec.fields, *list_more(spec))]
        assert len(names) == len(set(names)), spec.name
    assert [field.name for field in STORED_FIELDS] == ["first_saved_at", "vendor_words"]
