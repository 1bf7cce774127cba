"""Things made and changed over Harvest v3: what is sent, and how each is known again where the answer was lost."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from unihire.errors import PermissionMissing, VendorChanged
from unihire.integration.declare import Data
from unihire.integration.operate import Trace, VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integrations.greenhouse.comparing import agree, shows, shows_custom_values, shows_person
from unihire.integrations.greenhouse.filters import write_bounds

VISIBILITIES = {
    "admin_only": "admin_only_visible",
    "private": "privately_visible",
    "public": "publicly_visible",
}
"""A note's visibility as v3 shows it, by the word with which it is written."""

NOTE = "NOTE"

TAGS_BEFORE = timedelta(minutes=1)
"""How long before a person their tags may have been made."""

SHOWN_OF_APPLICATIONS = (
    "candidate_id", "job_id", "source_id", "referrer_id", "recruiter_id", "coordinator_id", "prospective_job_ids",
)  # fmt: skip

PROSPECT_DETAILS = {
    "prospect_pool_id": "pool_id",
    "prospect_pool_stage_id": "pool_stage_id",
    "prospect_owner_id": "prospect_owner_id",
}
"""What a prospect's details show, by the name under which it is sent."""

IsIt = Callable[[VendorRow], bool]

NO_FIELDS: Mapping[int, str] = {}


def scope_to(verb: str, stream: str) -> str:
    """The scope of a write: `harvest:candidates:create`; harvest_v3.json, endpoints."""
    return f"harvest:{stream}:{verb}"


class Writer:
    """Makes the things of one call, each once, as one user.

    A thing whose answer was lost is known again by all that was sent for it. `within` says in which thing of this call
    one is made, by its step.
    """

    def __init__(self, context: WriteContext, user_id: int | str | None) -> None:
        """`user_id` is the vendor's id of who acts; None: the user of the token."""
        self.context = context
        self.acting_as = None if user_id is None else str(user_id)
        self._came_along: set[int] = set()

    async def make_candidate(self, body: Data, field_keys: Mapping[int, str]) -> VendorRow:
        """The candidate, with the application where the body has one; the row may show that as `application`."""

        def is_it(row: VendorRow) -> bool:
            return shows_person(row, body, field_keys)

        async def confirm(row: VendorRow) -> bool:
            try:
                applications = await self.context.find("applications", "candidate_id", list_ids([row]))
            except PermissionMissing:
                return True
            if "application" not in body:
                return not applications
            return any([await self._is_as_sent(each, body["application"]) for each in applications])

        return await self._make("candidate", "candidates", body, {}, is_it, confirm=confirm)

    async def make_application(
        self, step: str, body: Data, *, within: str | None = None, field_keys: Mapping[int, str] = NO_FIELDS
    ) -> VendorRow:
        def is_it(row: VendorRow) -> bool:
            is_other = row.find_flag("prospect") or row.find_number("id") in self._came_along
            is_same = shows(row, body, *_list_shown(body))
            return not is_other and is_same and shows_custom_values(row, body.get("custom_fields") or (), field_keys)

        async def confirm(row: VendorRow) -> bool:
            return await self._is_as_sent(row, body)

        among = {"candidate_ids": str(body["candidate_id"]), "job_ids": str(body["job_id"])}
        row = await self._make(step, "applications", body, among, is_it, within=within, confirm=confirm)
        self._touch_application(row)
        return row

    async def _is_as_sent(self, row: VendorRow, body: Data) -> bool:
        """Whether an application is as sent, also in what other lists show of it: its stage, and a prospect's pool."""
        sent = {"prospective_job_ids" if name == "job_ids" else name: value for name, value in body.items()}
        if bool(row.find_flag("prospect")) != bool(body.get("prospect")) or not shows(row, sent, *_list_shown(sent)):
            return False
        stage, pool = body.get("initial_stage_id"), [name for name in PROSPECT_DETAILS if name in body]
        with suppress(PermissionMissing):  # what may not be seen speaks for nothing
            if stage is not None:
                passed = await self.context.find("application_stages", "id", list_ids([row], "stage_id"))
                if passed and not all(agree(one.find_value("job_interview_stage_id"), stage) for one in passed):
                    return False
            if pool:
                details = await self.context.find("prospect_details", "application_id", list_ids([row]))
                asked = {PROSPECT_DETAILS[name]: body[name] for name in pool}
                return not details or any(shows(one, asked, *asked) for one in details)
        return True

    async def find_first_application(self, person: VendorRow) -> int:
        """The id of the one that came with the candidate: the answer of v3 shows it perhaps, and perhaps does not.

        Raises VendorChanged where there is none.
        """
        shown = person.find_part("application")
        if shown is not None and shown.find_number("id") is not None:
            rows = [VendorRow("applications", shown.data)]
        else:
            rows = await self.context.find("applications", "candidate_id", [person.get_number("id")])
        if not rows:
            raise VendorChanged("POST /v3/candidates: the candidate is there, and its application is not")
        first = min(rows, key=lambda row: row.get_number("id"))
        self._came_along.add(first.get_number("id"))
        self._touch_application(first)
        if first.find_flag("prospect"):
            with suppress(PermissionMissing):  # then no sync reads them either
                rows = await self.context.find("prospect_details", "application_id", list_ids([first]))
                self.context.touch("prospect_details", list_ids(rows))
        return first.get_number("id")

    def _touch_application(self, row: VendorRow) -> None:
        self.context.touch("applications", list_ids([row]))
        self.context.touch("application_stages", list_ids([row], "stage_id"))

    async def touch_new_tags(self, person: VendorRow, tags: Iterable[str] | None) -> None:
        """Have the tags read that were made with a person. Where they may not be listed, the next run that may sees."""
        made_at = person.find_moment("created_at")
        if not tags or made_at is None:
            return
        since = write_bounds(gte=made_at - TAGS_BEFORE)
        with suppress(PermissionMissing):
            rows = await self.context.all("candidate_tags", {"created_at": since})
            self.context.touch("candidate_tags", list_ids(rows))
        await self.touch_found("applied_candidate_tags", "candidate_id", list_ids([person]))

    async def touch_found(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        """Have the rows read whose `member` is one of these; none where they may not be seen, as no sync reads them."""
        with suppress(PermissionMissing):
            rows = await self.context.find(stream, member, values)
            self.context.touch(stream, list_ids(rows))
            return rows
        return []

    async def make_attachment(self, step: str, body: Data, *, within: str | None = None) -> VendorRow:
        def is_it(row: VendorRow) -> bool:  # the vendor keeps the file at an address of its own
            return shows(row, body, *(name for name in body if name not in ("content", "url")))

        among = {"application_ids": str(body["application_id"])}
        return await self._make(step, "attachments", body, among, is_it, within=within)

    async def make_note(
        self, step: str, body: Data, *, author: int | str | None, within: str | None = None, kind: str = NOTE
    ) -> VendorRow:
        """The note, or another activity, by its author, who acts; without one by who acts otherwise."""
        body = {**body, "note_type": kind}
        writer = self.acting_as if author is None else str(author)
        members = [name for name in ("candidate_id", "application_id", "body", "subject") if name in body]

        def is_it(row: VendorRow) -> bool:
            is_theirs = writer is None or str(row.find_value("user_id")) == writer or not self.context.can_act
            is_shown = row.find_text("visibility") == VISIBILITIES[body["visibility"]]
            return is_theirs and is_shown and shows(row, {**body, "type": kind}, "type", *members)

        among = {"candidate_ids": str(body["candidate_id"]), "type": kind}
        return await self._make(step, "notes", body, among, is_it, acting_as=writer, within=within)

    async def make_education(self, step: str, body: Data, *, within: str) -> VendorRow:
        options = [f"{name}_custom_field_option_id" for name in ("school_name", "degree", "discipline")]

        def is_it(row: VendorRow) -> bool:
            are_same = [_cut(row.find_text(f"{at}_at")) == _cut(body.get(f"{at}_date")) for at in ("start", "end")]
            return all(are_same) and shows(row, body, "candidate_id", *options)

        among = {"candidate_ids": str(body["candidate_id"])}
        return await self._make(step, "candidate_educations", body, among, is_it, within=within)

    async def make_employment(self, step: str, body: Data, *, within: str) -> VendorRow:
        def is_it(row: VendorRow) -> bool:
            days = {name: (row.find_text(name) or "")[:10] for name in ("start_date", "end_date")}
            are_same = all(day == (body[name] or "") for name, day in days.items())
            return are_same and shows(row, body, "candidate_id", "company_name", "title")

        among = {"candidate_ids": str(body["candidate_id"])}
        return await self._make(step, "candidate_employments", body, among, is_it, within=within)

    async def make_plain(
        self,
        step: str,
        stream: str,
        body: Data,
        *,
        among: Mapping[str, str] | None = None,
        shown: Data | None = None,
        field_keys: Mapping[int, str] = NO_FIELDS,
        within: str | None = None,
    ) -> VendorRow:
        """A thing whose row shows all that was sent; `shown` are the members where the row names them otherwise."""
        asked = {name: value for name, value in body.items() if name != "custom_fields"} if shown is None else shown

        def is_it(row: VendorRow) -> bool:
            return shows(row, asked, *asked) and shows_custom_values(row, body.get("custom_fields") or (), field_keys)

        return await self._make(step, stream, body, among or {}, is_it, within=within)

    async def change(
        self,
        step: str,
        call: VendorCall,
        *,
        stream: str,
        id: str,
        holds: Callable[[], Awaitable[bool]],
    ) -> None:
        """Bring a row into a state, as the user of this writer."""
        call = replace(call, acting_as=self.acting_as)
        await self.context.change(step, call, stream=stream, id=id, holds=holds)

    async def _make(
        self,
        step: str,
        stream: str,
        body: Data,
        among: Mapping[str, str],
        is_it: IsIt,
        *,
        confirm: Callable[[VendorRow], Awaitable[bool]] | None = None,
        acting_as: str | None = None,
        within: str | None = None,
    ) -> VendorRow:
        async def look(since: datetime) -> list[VendorRow]:
            rows = await self.context.all(stream, {**among, "created_at": write_bounds(gte=since)})
            return [row for row in rows if is_it(row)]

        return await self.context.create(
            step,
            VendorCall(path=f"/v3/{stream}", body=body, acting_as=acting_as or self.acting_as),
            stream=stream,
            trace=Trace(look=look, confirm=confirm, within=within),
        )


def _list_shown(body: Data) -> list[str]:
    """The members of an application that its row shows as they were sent."""
    return [name for name in SHOWN_OF_APPLICATIONS if name in body]


def leave_out_nones(**members: Any) -> Data:
    return {name: value for name, value in members.items() if value is not None}


def _cut(day: str | None) -> str:
    """The month of a day: of an education the vendor shows no more than that."""
    return (day or "")[:7]
