"""The 71 streams, and how a list request finds its rows in them without reading what it does not need."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from unihire.errors import ConfigError
from unihire.integration.emulate import NumberedRows, PartRows, Row, Shape, Tools
from unihire.integrations.greenhouse.emulator.query import Filter, ListQuery, compare, find_seconds
from unihire.integrations.greenhouse.emulator.resources import RESOURCES
from unihire.integrations.greenhouse.emulator.rows.company import CompanyRows
from unihire.integrations.greenhouse.emulator.rows.hiring import HiringRows
from unihire.integrations.greenhouse.emulator.rows.interviews import InterviewRows
from unihire.integrations.greenhouse.emulator.rows.jobs import JobRows
from unihire.integrations.greenhouse.emulator.rows.offers import OfferRows
from unihire.integrations.greenhouse.emulator.rows.people import PeopleRows
from unihire.integrations.greenhouse.emulator.rows.posts import PostRows
from unihire.integrations.greenhouse.emulator.rows.times import from_millis
from unihire.integrations.greenhouse.emulator.rows.typed import Form, conform, learn_form
from unihire.integrations.greenhouse.emulator.rows.world import World

FIRST_ID, ID_STEP = 4_000_000_000, 1000
AFTER_ALL = 2**40
SAMPLED = 40
"""Rows of a part that are looked at to learn what its rows have."""
SEARCHED = 5000
"""Records that are looked through for them: not every record has a row of every part."""
EXTRA_FIELDS = {"applications": ("job_interview_stage_id",)}
"""Stream → what one reader saw on its rows and their schema lacks: harvest_v3.json, undecided."""
CUSTOM_FIELD_STREAMS = {
    "application": "applications",
    "candidate": "candidates",
    "job": "jobs",
    "opening": "openings",
    "offer": "offers",
    "rejection_question": "rejection_details",
    "user_attribute": "users",
}
"""Kind of custom field → the stream whose rows carry it."""

Test = Callable[[Row], bool]
_EMPTY: Row = {}

# A filter whose name is not its field's.
_FIELDS = {
    ("jobs", "office_id"): "office_ids",
    ("users", "interviewer_tag_ids"): "interviewer_tags",
    ("users", "employee_ids"): "employee_id",
    ("tracking_links", "related_post_ids"): "related_post_id",
}


def name_custom_fields(stream: str) -> str:
    """The field with a row's custom fields."""
    return "question_custom_fields" if stream == "rejection_details" else "custom_fields"


class GreenhouseRows:
    """The streams and what the requests need of them."""

    def __init__(self, tools: Tools, *, extra_fields: bool) -> None:
        self.world = World(tools)
        self._hidden: Mapping[str, tuple[str, ...]] = {} if extra_fields else EXTRA_FIELDS
        parts: dict[str, list[PartRows]] = {}
        # Jobs come before offers: the openings nobody filled are the first part of that stream, as are their approvals.
        for maker in (JobRows, PostRows, HiringRows, InterviewRows, OfferRows, PeopleRows, CompanyRows):
            for name, own in maker(self.world).list_parts().items():
                parts.setdefault(name, []).extend(own)
        self._parts = parts
        self.streams: dict[str, NumberedRows] = {}
        for place, (name, resource) in enumerate(RESOURCES.items()):
            # The last three digits identify the stream: an id of one is never an id of another.
            shape = Shape(self._make_reviser(name), make_varier(name), links=tuple(resource.links))
            self.streams[name] = tools.make_numbered_rows(parts[name], FIRST_ID + 2 + place, ID_STEP, shape)
            self.world.ids[name] = self.streams[name].number
        self._columns: dict[str, Row] = {}
        self._forms: dict[str, Form] = {}
        self.acting_at: int | None = None
        """While a write is under way, its moment in milliseconds: all it touches changes at once."""

    # Changing

    def get_columns(self, stream: str) -> Row:
        """A row's fields, each with nothing in it; from any row of the stream."""
        if stream not in self._columns:
            computed = chain.from_iterable(_sample(part) for part in self._parts[stream])
            row = next(computed, None) or _EMPTY_ROWS[stream]
            self._columns[stream] = {name: _empty(value) for name, value in row.items() if not name.startswith("_")}
        return self._columns[stream]

    def _make_reviser(self, stream: str) -> Callable[[int, Row | None, Row, int], Row]:
        def revise(number: int, before: Row | None, fields: Row, now: int) -> Row:
            moment = from_millis(now if self.acting_at is None else self.acting_at)
            columns = self.get_columns(stream)
            kept = columns if before is None else {name: value for name, value in before.items() if _is_lasting(name)}
            row = {**kept, **fields, "id": number, "updated_at": moment}
            # What begins with an underscore is passed on from a write to what follows it, and then forgotten.
            unknown = [name for name in fields if name not in columns and not name.startswith("_")]
            if unknown or not {"id", "created_at", "updated_at"}.isdisjoint(fields):
                wrong = sorted(unknown) or ["id, created_at and updated_at"]
                raise ConfigError(f"{', '.join(wrong)}: no fields of {stream} that can be set")
            row["created_at"] = moment if before is None else before["created_at"]
            return row

        return revise

    # Finding

    def find(self, stream: str, number: object) -> Row | None:
        """The row with every column of its type: see typed.py."""
        row = self.streams[stream].find(number) if type(number) is int else None
        return None if row is None else self.type_row(stream, row)

    def walk_all(self, stream: str) -> Iterator[tuple[int, Row]]:
        """(id, row) of all rows of a stream, every column of its type."""
        return ((number, self.type_row(stream, row)) for number, row in self.streams[stream].walk_latest())

    def walk_linked(self, stream: str, link: str, value: int | None) -> Iterator[tuple[int, Row]]:
        """(id, row) of all rows with this id in this field, every column of its type."""
        for number, row in self._walk_link(stream, link, [value], None) if type(value) is int else ():
            linked = row.get(link)
            if linked == value or (isinstance(linked, list) and value in linked):
                yield number, self.type_row(stream, row)

    def type_row(self, stream: str, row: Row) -> Row:
        """A row that people changed may contain anything; one that was computed is as it should be."""
        return conform(self._get_form(stream), row) if self.streams[stream].is_touched(row["id"]) else row

    def _get_form(self, stream: str) -> Form:
        if stream not in self._forms:
            rows = [row for part in self._parts[stream] for row in islice(_sample(part), SAMPLED)]
            self._forms[stream] = learn_form(rows or [_EMPTY_ROWS.get(stream) or self.get_columns(stream)])
        return self._forms[stream]

    def walk(self, stream: str, query: ListQuery) -> Iterator[tuple[int, Row]]:
        """(id, row) of what a list request asks for, the greatest id first."""
        tests = [self._make_test(stream, filter_) for filter_ in query.filters]
        tests.extend(self._list_silent_tests(stream, query))
        rows = self._walk_candidates(stream, query)
        if not tests:
            return rows
        typed = ((number, row, self.type_row(stream, row)) for number, row in rows)
        if len(tests) == 1:
            test = tests[0]
            return ((number, row) for number, row, read in typed if test(read))
        return ((number, row) for number, row, read in typed if all(test(read) for test in tests))

    def _walk_candidates(self, stream: str, query: ListQuery) -> Iterator[tuple[int, Row]]:
        """A superset of the rows asked for, by the filter that says most."""
        rows, upto = self.streams[stream], query.upto
        if query.ids is not None:
            numbers = sorted({one for one in query.ids if upto is None or one <= upto}, reverse=True)
            found = ((number, rows.find(number)) for number in numbers)
            return ((number, row) for number, row in found if row is not None)
        for filter_ in query.filters:
            if filter_.kind == "ids" and filter_.name != "employee_ids":
                link = _FIELDS.get((stream, filter_.name), self._name_field(stream, filter_.name))
                if self._find_owners(stream, link, filter_.value) is not None:
                    return self._walk_link(stream, link, filter_.value, upto)
        if stream == "candidates":
            for filter_ in query.filters:
                if filter_.name == "email":
                    return self._walk_email(filter_.value, upto)
        since = [find_seconds(query.filters, name, ("gte", "gt")) for name in ("created_at", "updated_at")]
        until = [find_seconds(query.filters, name, ("lte", "lt")) for name in ("created_at", "updated_at")]
        # created_at ≥ t needs updated_at ≥ t, and updated_at ≤ t needs created_at ≤ t; both are true of a row's record.
        return rows.walk_latest(
            upto=upto,
            since=max((one for one in since if one is not None), default=None),
            until=min((one for one in until if one is not None), default=None),
        )

    def _walk_email(self, email: str, upto: int | None) -> Iterator[tuple[int, Row]]:
        index = self.world.company.find_candidate(email.removeprefix("work."))
        rows = self.streams["candidates"]
        owners = [] if index is None else [index]
        # After the end of all history there are only rows that people changed or made.
        touched = rows.walk_latest(upto=upto, since=AFTER_ALL)
        own = (pair for pair in rows.walk_owned([owners], "", [], upto=upto) if not rows.is_touched(pair[0]))
        return iter(sorted(chain(touched, own), key=lambda pair: -pair[0]))

    def _walk_link(self, stream: str, link: str, values: Sequence[int], upto: int | None) -> Iterator[tuple[int, Row]]:
        owners = self._find_owners(stream, link, values)
        if owners is None:
            return self.streams[stream].walk_latest(upto=upto)
        return self.streams[stream].walk_owned(owners, link, values, upto=upto)

    def _find_owners(self, stream: str, link: str, values: Sequence[int]) -> list[list[int]] | None:
        """For each part of the stream, the records whose rows can have one of these ids; None when any can."""
        target = RESOURCES[stream].links.get(link)
        if target is None:
            return None
        owners: list[list[int]] = []
        for part in self._parts[stream]:
            records: list[int] = []
            for value in values:
                found = self._find_records(part, target, value)
                if found is None:
                    return None
                records.extend(found)
            owners.append(records)
        return owners

    def _find_records(self, part: PartRows, target: str, value: int) -> Sequence[int] | None:
        """The records of this part that can contain an id of the target; None when that is unknown."""
        company = self.world.company
        place = self.streams[target].find_place(value)
        if place is None:
            # Nothing computed has this id, so nothing computed points at it.
            return ()
        owner = self._parts[target][place[0]].timeline
        if part.timeline is owner and owner is not None:
            return (place[1],)
        if part.timeline is company.applications and owner is company.candidates:
            return company.applications_of(place[1])
        if part.timeline is company.applications and owner is company.jobs:
            return company.applications_to(place[1])
        if part.timeline is company.candidates and owner is company.applications:
            return (company.application(place[1]).candidate,)
        if part.timeline is company.jobs and owner is company.applications:
            return (company.application(place[1]).job,)
        return None

    # Testing

    def _name_field(self, stream: str, filter_name: str) -> str:
        """`job_ids` asks the field `job_id`, or `job_ids` where a row has many."""
        return filter_name if filter_name in RESOURCES[stream].links else filter_name.removesuffix("s")

    def _list_silent_tests(self, stream: str, query: ListQuery) -> list[Test]:
        """What a list leaves out unless it is asked for."""
        asked = {filter_.name: filter_.value for filter_ in query.filters}
        if stream == "users" and not asked.get("show_service_accounts"):
            return [lambda row: "_is_service" not in row]
        if stream == "rejection_reasons" and not asked.get("include_defaults"):
            return [lambda row: not row.get("_is_default")]
        if stream == "approval_flows" and "job_ids" in asked:
            return [lambda row: row["approval_type"] != "offer_candidate"]
        return []

    def _make_test(self, stream: str, filter_: Filter) -> Test:
        kind, name, value = filter_
        if name in ("show_service_accounts", "include_defaults"):
            return lambda _row: True
        special = self._make_special_test(stream, name, value)
        if special is not None:
            return special
        if kind == "option":
            return self._make_option_test(stream, value)
        if kind in ("moment", "date"):
            return lambda row: row[name] is not None and all(compare(row[name], bound) for bound in value)
        if kind == "ids":
            wanted = frozenset(value)
            field = _FIELDS.get((stream, name), self._name_field(stream, name))
            return lambda row: _touches(row[field], wanted)
        field = _FIELDS.get((stream, name), name)
        if field.endswith("_ids"):
            return lambda row: _touches(row[field], {value})
        return lambda row: row[field] == value

    def _make_special_test(self, stream: str, name: str, value: object) -> Test | None:
        match (stream, name):
            case ("applications", "status"):
                # "active matches response value in_process": harvest_v3.json, applications.
                wanted = "in_process" if value == "active" else value
                return lambda row: row["status"] == wanted
            case ("candidates", "email"):
                email = str(value).replace(" ", "+").lower()
                return lambda row: any(str(entry["value"]).lower() == email for entry in row["email_addresses"])
            case ("candidates", "tag"):
                return lambda row: value in row["tags"]
            case ("custom_field_options", "custom_field_key"):
                return lambda row: self._get_name_key(row["custom_field_id"]) == value
            case ("users", "external_office_id"):
                return self._make_external_test("offices", "office_ids", value)
            case ("users", "external_department_id"):
                return self._make_external_test("departments", "department_ids", value)
            case ("offers", "current_only"):
                return lambda row: not value or self._is_latest_offer(row)
        return None

    def _get_name_key(self, number: object) -> str | None:
        row = self.find("custom_fields", number)
        return None if row is None else row["name_key"]

    def _make_external_test(self, stream: str, field: str, external_id: object) -> Test:
        rows = self.walk_all(stream)
        wanted = {number for number, row in rows if row["external_id"] == external_id}
        return lambda row: _touches(row[field], wanted)

    def _make_option_test(self, stream: str, number: int) -> Test:
        option = self.find("custom_field_options", number)
        field = None if option is None else self.find("custom_fields", option["custom_field_id"])
        if option is None or field is None or CUSTOM_FIELD_STREAMS.get(field["field_type"]) != stream:
            return lambda _row: False
        member, key, wanted = name_custom_fields(stream), field["name_key"], option["name"]

        def fits(row: Row) -> bool:
            value = row[member].get(key, _EMPTY).get("value")
            return wanted is not None and (value == wanted or (isinstance(value, list) and wanted in value))

        return fits

    def _is_latest_offer(self, row: Row) -> bool:
        if row["application_id"] is None:
            return True
        offers = self.walk_linked("offers", "application_id", row["application_id"])
        return bool((row["version"] or 0) >= max((offer["version"] or 0 for _, offer in offers), default=0))

    # Sending

    def list_fields(self, stream: str) -> set[str]:
        """The fields that rows of this stream are sent with."""
        return self.get_columns(stream).keys() - set(self._hidden.get(stream, ()))

    def send(self, stream: str, row: Row, base_url: str) -> Row:
        """The row as the vendor would send it: without our own notes, links made absolute."""
        hidden = self._hidden.get(stream, ())
        sent = {name: value for name, value in row.items() if not name.startswith("_") and name not in hidden}
        for name in ("url", "public_url"):
            link = sent.get(name)
            if isinstance(link, str) and link.startswith("/"):
                sent[name] = base_url + link
        return sent


def _sample(part: PartRows) -> Iterator[Row]:
    """Some rows, from all over the part; the same each time."""
    records = random.Random(0).sample(range(part.records), min(part.records, SEARCHED))  # noqa: S311 - no secret
    for record in records:
        for place in range(part.places if part.used is None else part.used(record)):
            yield part.shape(record, place)


def _is_lasting(name: str) -> bool:
    return not name.startswith("_") or name.startswith("_is_")


def _touches(linked: object, wanted: frozenset[int] | set[int]) -> bool:
    if isinstance(linked, list):
        return any((one["id"] if isinstance(one, dict) else one) in wanted for one in linked)
    return linked in wanted


def _empty(value: object) -> object:
    """What a new row has where nothing was said."""
    if isinstance(value, bool):
        return False
    return [] if isinstance(value, list) else {} if isinstance(value, dict) else None


def make_varier(stream: str) -> Callable[[int], Row]:
    """A believable change of one field, for rows that are changed by chance."""

    def vary(bits: int) -> Row:
        change = _VARIED.get(stream)
        return {} if change is None else change(bits)

    return vary


_TEXTS = {
    "name": "candidate_tags close_reasons departments offices sources user_roles rejection_reasons interviewer_tags"
    " job_interview_stages job_interviews custom_field_options custom_fields prospect_pools prospect_pool_stages"
    " scorecard_question_options job_candidate_attributes candidate_attribute_types referrers email_templates"
    " demographic_questions demographic_answer_options jobs",
    "title": "job_posts pay_inputs demographic_question_sets candidates",
    "body": "notes job_notes",
    "location": "interviews job_post_searchable_locations",
    "location_address": "applications",
    "filename": "attachments",
    "note": "scorecard_candidate_attributes",
    "notes": "scorecards",
    "answer": "scorecard_question_answers",
    "question": "scorecard_questions",
    "job_title": "users",
    "opening_id": "openings",
    "company_name": "candidate_employments job_boards",
    "value": "job_board_custom_locations",
    "exercises": "interview_kits",
    "token": "tracking_links",
    "plain_text_location": "job_post_locations",
    "free_form_text": "demographic_answers",
}
_VARIED: Mapping[str, Callable[[int], Row]] = {
    stream: (lambda bits, field=field: {field: f"Changed {bits % 10000}"})
    for field, streams in _TEXTS.items()
    for stream in streams.split()
} | {
    "offers": lambda bits: {"starts_on": f"2027-{1 + bits % 12:02d}-{1 + bits % 28:02d}"},
    "interviewers": lambda bits: {"response_status": ("accepted", "declined", "tentative")[bits % 3]},
    "pay_input_ranges": lambda bits: {"max_cents": 8_000_000 + bits % 1000 * 100},
    "candidate_educations": lambda bits: {"start_date_month": 1 + bits % 12},
    "application_stages": lambda bits: {"days_in_stage": bits % 100},
    "approvers": lambda bits: {"reminders_sent": 1 + bits % 5},
}

_EMPTY_ROWS: Mapping[str, Row] = {
    "webhooks": {
        "id": 0,
        "created_at": "",
        "updated_at": "",
        "name": None,
        "url": None,
        "event": None,
        "disabled": False,
    },
    "bulk_requests": {
        "id": 0,
        "created_at": "",
        "updated_at": "",
        "bulk_action_uuid": None,
        "requested_by_user_id": None,
        "status": None,
        "record_count": None,
        "success_count": None,
        "failure_count": None,
        "callback_url": None,
        "callback_response": None,
        "completed_at": None,
        "expires_at": None,
        "api_endpoint": None,
        "requested_at": None,
    },
}
