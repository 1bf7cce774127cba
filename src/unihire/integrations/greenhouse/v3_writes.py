"""Things made over Harvest v3: what is sent, and how each is known again where the answer was lost."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from unihire.errors import PermissionMissing, VendorChanged
from unihire.integration.declare import Data, list_values
from unihire.integration.operate import Look, WritingDesk
from unihire.integration.vendor_row import VendorRow
from unihire.integrations.greenhouse.v1_filters import Window
from unihire.integrations.greenhouse.v1_inputs import NewAttachment, NewEducation, NewEmployment, NewNote
from unihire.integrations.greenhouse.v1_values import list_ids

VISIBILITIES = {
    "admin_only": "admin_only_visible",
    "private": "privately_visible",
    "public": "publicly_visible",
}
"""A note's visibility as v3 shows it, by the word with which it is written, which is v1's."""

NOTE = "NOTE"
ADMIN_ONLY = "admin_only"

IsIt = Callable[[VendorRow], bool]


class Writer:
    """Makes the things of one call, each once, as one user.

    A thing is known again by what was sent for it, and by being newer than the sending; one that this call has made
    under another step is another.
    """

    def __init__(self, desk: WritingDesk, user_id: int) -> None:
        self.desk = desk
        self.user_id = user_id
        self._made: dict[str, set[int]] = defaultdict(set)

    async def make_candidate(self, body: Data) -> VendorRow:
        """The candidate, with the application in the body; the row may show that as `application`."""
        emails = _list_values(body, "email_addresses")

        def is_it(row: VendorRow) -> bool:
            names = ("first_name", "last_name")
            return _is_same(row, body, *names) and _list_values(row.data, "email_addresses") == emails

        return await self._make("candidate", "candidates", body, {}, is_it)

    async def make_application(self, step: str, body: Data) -> VendorRow:
        among = {"candidate_ids": str(body["candidate_id"]), "job_ids": str(body["job_id"])}
        row = await self._make(step, "applications", body, among, lambda row: not row.find_flag("prospect"))
        self.note_application(row)
        return row

    async def find_first_application(self, person: VendorRow) -> int:
        """The id of the one that came with the candidate: the answer of v3 shows it perhaps, and perhaps does not.

        Raises VendorChanged where there is none.
        """
        shown = person.find_part("application")
        if shown is not None and shown.find_number("id") is not None:
            rows = [VendorRow("applications", shown.data)]
        else:
            rows = await self.desk.find("applications", "candidate_id", [person.get_number("id")])
        if not rows:
            raise VendorChanged("POST /v3/candidates: the candidate is there, and its application is not")
        first = min(rows, key=lambda row: row.get_number("id"))
        self.note_application(first)
        if first.find_flag("prospect"):
            with suppress(PermissionMissing):  # then no sync reads them either
                rows = await self.desk.find("prospect_details", "application_id", list_ids([first]))
                self.desk.touch("prospect_details", list_ids(rows))
        return first.get_number("id")

    def note_application(self, row: VendorRow) -> None:
        """Remember an application that is there already, or came with its candidate."""
        self._made["applications"].add(row.get_number("id"))
        self.desk.touch("applications", list_ids([row]))
        self.desk.touch("application_stages", list_ids([row], "stage_id"))

    async def make_attachment(self, step: str, application_id: int, file: NewAttachment) -> VendorRow:
        """The file; v1's type `admin_only` is a visibility in v3."""
        is_hidden = file.type2 == ADMIN_ONLY
        body = leave_out_nones(
            application_id=application_id,
            filename=file.filename,
            type="other" if is_hidden else file.type2,
            visibility=ADMIN_ONLY if is_hidden else None,
            content=file.content or None,
            url=None if file.content else file.url,
        )
        among = {"application_ids": str(application_id)}
        return await self._make(step, "attachments", body, among, lambda row: _is_same(row, body, "filename", "type"))

    async def make_note(self, step: str, candidate_id: int, note: NewNote) -> VendorRow:
        """The note, by its author."""
        body = {
            "candidate_id": candidate_id,
            "body": note.body,
            "note_type": NOTE,
            "visibility": note.visibility,
        }

        def is_it(row: VendorRow) -> bool:
            is_theirs = row.find_number("user_id") == note.user_id or not self.desk.can_act
            is_shown = row.find_text("visibility") == VISIBILITIES[note.visibility]
            return is_theirs and is_shown and _is_same(row, body, "body")

        among = {"candidate_ids": str(candidate_id), "type": NOTE}
        return await self._make(step, "notes", body, among, is_it, acting_as=note.user_id)

    async def make_education(self, step: str, candidate_id: int, education: NewEducation) -> VendorRow:
        body = leave_out_nones(
            candidate_id=candidate_id,
            school_name_custom_field_option_id=education.school_id,
            degree_custom_field_option_id=education.degree_id,
            discipline_custom_field_option_id=education.discipline_id,
            start_date=education.start_day(),
            end_date=education.end_day(),
        )
        options = [f"{name}_custom_field_option_id" for name in ("school_name", "degree", "discipline")]

        def is_it(row: VendorRow) -> bool:
            are_same = [_cut(row.find_text(f"{at}_at")) == _cut(body.get(f"{at}_date")) for at in ("start", "end")]
            return all(are_same) and _is_same(row, body, *options)

        among = {"candidate_ids": str(candidate_id)}
        return await self._make(step, "candidate_educations", body, among, is_it)

    async def make_employment(self, step: str, candidate_id: int, employment: NewEmployment) -> VendorRow:
        body = {
            "candidate_id": candidate_id,
            "company_name": employment.company_name,
            "title": employment.title,
            "start_date": employment.start_day(),
            "end_date": employment.end_day(),
        }

        def is_it(row: VendorRow) -> bool:
            return _is_same(row, body, "company_name", "title", "start_date", "end_date")

        among = {"candidate_ids": str(candidate_id)}
        return await self._make(step, "candidate_employments", body, among, is_it)

    async def _make(
        self, step: str, stream: str, body: Data, among: Mapping[str, str], is_it: IsIt, acting_as: int | None = None
    ) -> VendorRow:
        row = await self.desk.create(
            step,
            f"/v3/{stream}",
            body,
            stream=stream,
            look=self._look_for(stream, among, is_it),
            acting_as=self.user_id if acting_as is None else acting_as,
        )
        self._made[stream].add(row.get_number("id"))
        return row

    def _look_for(self, stream: str, among: Mapping[str, str], is_it: IsIt) -> Look:
        async def look(since: datetime) -> VendorRow | None:
            rows = await self.desk.all(stream, {**among, "created_at": Window(after=since).write()})
            made = self._made[stream]
            return next((row for row in rows if row.find_number("id") not in made and is_it(row)), None)

        return look


def leave_out_nones(**members: Any) -> Data:
    return {name: value for name, value in members.items() if value is not None}


def _is_same(row: VendorRow, body: Data, *members: str) -> bool:
    return all(_trim(row.find_value(member)) == _trim(body.get(member)) for member in members)


def _trim(value: Any) -> Any:
    """A value as it compares: vendors cut off the blanks around texts."""
    return value.strip() if isinstance(value, str) else value


def _cut(day: str | None) -> str:
    """The month of a day: of an education the vendor shows no more than that."""
    return (day or "")[:7]


def _list_values(row: Data, member: str) -> list[str]:
    """The addresses of a kind as they compare."""
    return sorted(value.strip().lower() for value in list_values(row, f"{member}.value"))
