"""Operations on rows that are not as documented, over the API: asked of the vendor, and from the store.

A member that is left out, null or of another type is null in the answer where the shape allows that, else it is named.
The rule itself, over every member of every list, is in contract/test_operation_rows.py.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from testbed.creating import Creating, open_creating
from testbed.databases import Databases
from testbed.operation_context import Json
from testbed.spoiled_rows import LEFT_OUT, Path, list_paths, list_spoils, spoil
from unihire.integration.registry import get_integration, list_operations
from unihire.kit.seal import Sealer
from unihire.sync.joining import STORED_WHOLE

STREAMS = {stream.name: stream.path for stream in get_integration("greenhouse").streams}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=7) as opened:
        assert (await opened.tenant.sync()).status == "done"
        yield opened


class Reading:
    """Calls of operations that read; each stream's rows as the vendor has them, and inputs that lead there."""

    def __init__(self, creating: Creating) -> None:
        self.creating = creating
        self.rows: dict[str, list[Json]] = {}
        self.leads: dict[str, tuple[str, Json]] = {}

    async def open(self) -> "Reading":
        switches = {"users": {"show_service_accounts": "true"}, "rejection_reasons": {"include_defaults": "true"}}
        for stream, path in STREAMS.items():
            name = path.rpartition("/")[2]
            self.rows[stream] = self.creating.read(name, **switches.get(name, {}))
        for name, given in self._list_inputs():
            self.creating.line.calls.clear()
            await self.call(name, given)
            for _, path in self.creating.line.calls:
                stream = next(each for each in STREAMS if STREAMS[each] == path)
                self.leads.setdefault(stream, (name, given))
        return self

    def _list_inputs(self) -> Iterator[tuple[str, Json]]:
        """From those that read little to those that read much."""
        yield "list_departments", {}
        yield "list_offices", {}
        yield "list_sources", {}
        yield "list_custom_fields", {"field_type": "candidate"}
        yield "list_users", {"email": self.rows["user_emails"][0]["email"]}
        yield from (("get_offer", {"offer_id": row["id"]}) for row in self.rows["offers"] if row["opening_id"])
        yield "list_jobs", {"results_per_page": 2}
        yield from (("list_job_stages_for_job", {"job_id": row["id"]}) for row in self.rows["jobs"][:3])
        for member in ("referrer_id", "prospect"):
            yield from (
                ("get_application", {"application_id": row["id"]}) for row in self.rows["applications"] if row[member]
            )
        rejected = [row for row in self.rows["applications"] if row["status"] == "rejected"]
        yield from (("get_application", {"application_id": row["id"]}) for row in rejected[:3])
        learned = {row["candidate_id"] for row in self.rows["candidate_educations"]}
        yield from (("get_candidate", {"candidate_id": id}) for id in sorted(learned)[:3])

    async def call(self, name: str, given: Json, **more: Any) -> Json:
        answer = await self.creating.post(name, {**given, **more})
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def check(self, stream: str, path: Path, put: Any, **more: Any) -> bool:
        """Whether the answer is a success; where not, it names the list and the member."""
        name, given = self.leads[stream]
        body = await self.call(name, given, **more)
        if body["outcome"] == "success":
            assert "'None'" not in str(body["output"])
            return True
        words = body["output"]["message"]
        assert words.startswith(stream), (words, path, put)
        assert path[0] in words or path == ("id",), (words, path, put)
        assert body["output"]["code"] == "invalid_response_status_code"
        return False


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reading(creating: Creating) -> Reading:
    return await Reading(creating).open()


def list_cases(rows: list[Json]) -> Iterator[tuple[Path, Any]]:
    """Each member, spoiled in one of the ways."""
    for path, value in list_paths(rows).items():
        spoils = list_spoils(path, value)
        yield path, spoils[len("".join(path)) % len(spoils)]


@pytest.mark.parametrize("stream", [stream for stream in STREAMS if stream not in ("interviewers", "people")])
async def test_spoiled_rows_of_the_vendor_are_null_or_named(reading: Reading, stream: str) -> None:
    if stream not in reading.leads:
        pytest.fail(f"no operation reads {stream}") if stream in LED else None
        return
    line = reading.creating.line
    try:
        for path, put in list_cases(reading.rows[stream]):
            line.spoils[STREAMS[stream]] = lambda rows, path=path, put=put: [spoil(row, path, put) for row in rows]
            await reading.check(stream, path, put)
    finally:
        line.spoils.clear()


LED = {
    "applications", "attachments", "candidates", "candidate_educations", "candidate_employments", "custom_fields",
    "custom_field_options", "departments", "interview_kits", "job_hiring_managers", "job_interview_stages",
    "job_interviews", "job_owners", "jobs", "offers", "offices", "openings", "prospect_details", "referrers",
    "rejection_details", "rejection_reasons", "scorecard_questions", "sources", "user_emails", "users",
}  # fmt: skip
"""What the inputs must lead to."""


@pytest.mark.parametrize("stream", sorted(LED))
async def test_spoiled_rows_of_the_store_are_null_or_named(reading: Reading, stream: str) -> None:
    pool, number = reading.creating.tenant.pool, reading.creating.tenant.connector.number
    tables = {
        "record": ("raw", "stream = $2 AND connector = $1"),
        "joined": ("data", f"origin = $2 AND stream = $2 AND name = '{STORED_WHOLE}' AND connector = $1"),
    }
    for table, (column, where) in tables.items():
        held = await pool.fetch(f"SELECT {column} AS data FROM {table} WHERE {where}", number, stream)
        if not held:
            continue
        write = f"""
            UPDATE {table} SET {column} = sent.new FROM unnest($1::bytea[], $2::bytea[]) AS sent (new, old)
            WHERE {table}.{column} = sent.old AND connector = $3
        """
        before = [bytes(row["data"]) for row in held]
        rows = [msgspec.json.decode(each) for each in before]
        for path, put in list_cases(rows):
            if path == ("id",):  # a row whose id cannot be read is quarantined, and so is not here
                continue
            after = [msgspec.json.encode(spoil(row, path, put)) for row in rows]
            changed = [(new, old) for new, old in zip(after, before, strict=True) if new != old]
            await pool.execute(write, [new for new, _ in changed], [old for _, old in changed], number)
            try:
                await reading.check(stream, path, put, source="synced")
            finally:
                await pool.execute(write, [old for _, old in changed], [new for new, _ in changed], number)


# The rows that were met


async def spoil_and_call(reading: Reading, stream: str, path: Path, put: Any, name: str, given: Json) -> Json:
    line = reading.creating.line
    line.spoils[STREAMS[stream]] = lambda rows: [spoil(row, path, put) for row in rows]
    try:
        return await reading.call(name, given)
    finally:
        line.spoils.clear()


async def test_rows_that_were_met_are_answered_as_the_rule_says(reading: Reading) -> None:
    offer, job = reading.rows["offers"][0]["id"], reading.rows["jobs"][0]["id"]
    application, person = reading.rows["applications"][0]["id"], reading.rows["candidates"][0]["id"]
    refused = [
        ("offers", ("status",), None, "get_offer", {"offer_id": offer}, f"offers {offer}: `status` is null"),
        ("applications", ("status",), LEFT_OUT, "get_application", {"application_id": application},
         f"applications {application}: `status` is missing"),
        ("jobs", ("name",), LEFT_OUT, "get_job", {"job_id": job}, f"jobs {job}: `name` is missing"),
        ("candidates", ("email_addresses",), ["a@x"], "get_candidate", {"candidate_id": person},
         f"candidates {person}: `email_addresses` has something else than objects"),
    ]  # fmt: skip
    for stream, path, put, name, given, words in refused:
        body = await spoil_and_call(reading, stream, path, put, name, given)
        assert (body["outcome"], body["output"]["message"].startswith(words)) == ("error", True), body
    body = await spoil_and_call(reading, "job_owners", ("user_id",), LEFT_OUT, "list_jobs", {"results_per_page": 30})
    assert body["output"]["message"].startswith("job_owners ")
    assert "`user_id` is missing, and the answer needs a whole number there" in body["output"]["message"]
    for member in ("first_name", "title", "created_at"):
        for put in (None, LEFT_OUT, 5):
            body = await spoil_and_call(
                reading, "candidates", (member,), put, "get_candidate", {"candidate_id": person}
            )
            assert (body["outcome"], body["output"]["body"][member]) == ("success", None)
    for written, shown in (
        ("2026-05-01 12:00:00 UTC", "2026-05-01T12:00:00.000Z"),
        ("2026-05-01T24:00:00Z", "2026-05-02T00:00:00.000Z"),
        ("2026-05-01T12:00:60Z", "2026-05-01T12:01:00.000Z"),
        ("soon", None),
    ):
        body = await spoil_and_call(reading, "offers", ("created_at",), written, "get_offer", {"offer_id": offer})
        assert body["output"]["body"]["created_at"] == shown
    window = {"created_after": "2026-04-30T00:00:00Z", "updated_after": "2000-01-01T00:00:00Z"}
    body = await spoil_and_call(reading, "jobs", ("created_at",), "2026-05-01 12:00:00 UTC", "list_jobs", window)
    assert body["outcome"] == "success"


async def test_row_of_another_id_is_no_answer(reading: Reading) -> None:
    for name, member, stream in (("get_job", "job_id", "jobs"), ("get_candidate", "candidate_id", "candidates")):
        first, second = reading.rows[stream][:2]
        line = reading.creating.line
        line.spoils[STREAMS[stream]] = lambda rows, second=second: [second]
        try:
            body = await reading.call(name, {member: first["id"]})
        finally:
            line.spoils.clear()
        assert list(body["output"].values()) == [False, None]


@pytest.mark.parametrize(
    ("value", "words"),
    [(b"[" * 5_000 + b"]" * 5_000, "nested too deeply"), (b'"\xff"', "not UTF-8"), (b"1e400", "a number out of range")],
)
async def test_row_that_cannot_be_decoded_is_named(reading: Reading, value: bytes, words: str) -> None:
    job, line = reading.rows["jobs"][0]["id"], reading.creating.line
    line.spoils[STREAMS["jobs"]] = lambda rows: b'[{"id":%d,"name":"x","notes":%b}]' % (job, value)
    try:
        body = await reading.call("get_job", {"job_id": job})
    finally:
        line.spoils.clear()
    assert body["output"]["message"] == f"jobs {job}: the row cannot be decoded: {words}"


async def test_tree_in_a_circle_is_named(reading: Reading) -> None:
    one = next(row for row in reading.rows["departments"] if row["external_id"])
    line = reading.creating.line
    line.spoils[STREAMS["departments"]] = lambda rows: [
        {**row, "parent_id": one["id"] if row["id"] == one["id"] else None} for row in rows
    ]
    try:
        body = await reading.call("list_departments", {"render_as": "tree", "external_id": one["external_id"]})
    finally:
        line.spoils.clear()
    assert body["output"]["message"].startswith(f"departments {one['id']}: it is below itself")


DAMAGED = {"not JSON": b'{"id": ', "deep": b'{"id": 1, "x": ' + b"[" * 200 + b"]" * 200 + b"}", "bytes": b"\xff"}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize(
    ("stream", "operation", "given", "member"),
    [
        ("jobs", "list_jobs", {}, "results"),
        ("jobs", "list_jobs", {"created_after": "2000-01-01T00:00:00Z"}, "results"),
        ("candidates", "list_candidates_ddl", {}, "result"),
        ("departments", "list_departments", {}, "results"),
        ("custom_fields", "list_custom_fields", {}, "results"),
        ("custom_fields", "list_custom_fields", {"field_type": "candidate"}, "results"),
    ],
)
async def test_stored_row_that_cannot_be_decoded_costs_that_row(
    reading: Reading, stream: str, operation: str, given: Json, member: str, damage: bytes
) -> None:
    tenant, synced = reading.creating.tenant, {**given, "source": "synced"}
    before = (await reading.call(operation, synced))["output"][member]
    lost = before[1].get("id", before[1].get("value"))
    for table, column, id, more in (
        ("record", "raw", "remote_id", ""),
        ("joined", "data", "row_id", f" AND stream = $2 AND name = '{STORED_WHOLE}'"),
    ):
        where = f"connector = $1 AND {'stream' if table == 'record' else 'origin'} = $2 AND {id} = $3{more}"
        raw = await tenant.pool.fetchval(
            f"SELECT {column} FROM {table} WHERE {where}", tenant.connector.number, stream, str(lost)
        )
        if raw is not None:
            write = f"UPDATE {table} SET {column} = $4 WHERE {where}"
            break
    await tenant.pool.execute(write, tenant.connector.number, stream, str(lost), damage)
    try:
        after = await reading.call(operation, synced)
    finally:
        await tenant.pool.execute(write, tenant.connector.number, stream, str(lost), raw)
    assert after["outcome"] == "success", after
    shown = [row.get("id", row.get("value")) for row in after["output"][member]]
    assert shown == [row.get("id", row.get("value")) for row in before if row is not before[1]]


def test_every_list_an_operation_reads_is_led_to() -> None:
    assert STREAMS.keys() >= LED
    assert len(list_operations("greenhouse")) == 31


REFUSED = {"errors": [{"message": "The filter is not known"}]}


@pytest.mark.parametrize(
    ("operation", "given", "path"),
    [
        ("list_jobs", {}, "/v3/jobs"),
        ("get_candidate", {"candidate_id": 4000000001}, "/v3/candidates"),
        ("list_departments", {}, "/v3/departments"),
    ],
)
async def test_refusal_in_a_2xx_answer_to_a_read_is_given_at_once_in_the_vendor_s_words(
    creating: Creating, operation: str, given: Json, path: str
) -> None:
    creating.line.calls.clear()
    creating.line.spoils[path] = lambda _: REFUSED
    try:
        answer = (await creating.post(operation, given)).json()
    finally:
        creating.line.spoils.clear()
    assert answer["outcome"] == "error"
    assert answer["output"]["response"] == {"statusCode": 200, "body": REFUSED}
    assert creating.line.calls.count(("GET", path)) == 1
    assert (await creating.post(operation, given)).json()["outcome"] == "success"


async def test_other_answer_without_rows_to_a_read_is_asked_for_again(creating: Creating) -> None:
    creating.line.calls.clear()
    answers = iter([{"errors": []}, {"message": "Soon"}])
    creating.line.spoils["/v3/jobs"] = lambda rows: next(answers, rows)
    try:
        answer = (await creating.post("list_jobs", {})).json()
    finally:
        creating.line.spoils.clear()
    assert answer["outcome"] == "success"
    assert creating.line.calls.count(("GET", "/v3/jobs")) == 3
