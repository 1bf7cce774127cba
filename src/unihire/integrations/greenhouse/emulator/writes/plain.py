"""The 89 writes: what each takes, and what the plain ones do. Verbs such as `move` are in actions.py.

Bodies and answers are those that were seen or documented; for the few resources without either (job posts, custom
field departments and offices, webhooks) the body follows the columns of the row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from unihire.integration.emulate import Row
from unihire.integrations.greenhouse.emulator.query import Invalid
from unihire.integrations.greenhouse.emulator.rows.find import CUSTOM_FIELD_STREAMS, GreenhouseRows, name_custom_fields
from unihire.integrations.greenhouse.emulator.writes.bodies import (
    BodyField,
    declare_body,
    read_body,
    read_custom_fields,
)

_PERSON = (
    "first_name last_name preferred_name company title private:bool can_email:bool time_zone phone_numbers:list"
    " addresses:list email_addresses:list website_addresses:list social_media_addresses:list tags:list"
    " custom_fields:custom"
)
_PROSPECT = (
    " prospect:bool job_ids>prospective_job_ids:jobs* prospect_pool_id:prospect_pools"
    " prospect_pool_stage_id:prospect_pool_stages prospect_owner_id:users"
)
_APPLICATION = (
    "source_id:sources referrer_id:referrers recruiter_id:users coordinator_id:users job_post_id:job_posts"
    " location_address custom_fields:custom"
)
APPLICATION_BODY = declare_body(
    f"job_id:jobs initial_stage_id:job_interview_stages {_APPLICATION}{_PROSPECT} candidate_id:candidates"
)
_JOB = (
    "department_id:departments office_ids:offices* requisition_id notes team_and_responsibilities"
    " how_to_sell_this_job custom_fields:custom"
)
_OPENING = "job_id:jobs opening_id target_start_on:date custom_fields:custom"
_POST = (
    "title content internal_content job_application_status=draft|live internal:bool featured:bool language"
    " job_board_id:job_boards"
)
_NOTE = "visibility=private|admin_only|public body"
_INTERVIEW = (
    "interviewers:list starts_at:moment ends_at:moment external_event_id location video_conferencing_url"
    " all_day_start_on:date all_day_end_on:date organizer_id:users"
)
_OFFICE = "parent_id:offices location external_id primary_in_house_contact_user_id:users"
_FIELD = "private:bool required:bool description placeholder active:bool generate_email_token:bool api_only:bool"
_USER = (
    "first_name last_name job_title employee_id office_ids:offices* department_ids:departments* custom_fields:custom"
    " send_email_invite:bool"
)


class Writes(NamedTuple):
    """What can be done with the rows of a resource; a missing body means that it cannot be done."""

    create: str | None = None
    update: str | None = None
    destroys: bool = False
    bulk: tuple[str, ...] = ()


WRITES: Mapping[str, Writes] = {
    "candidates": Writes(f"{_PERSON} application:object", _PERSON, True),
    "applications": Writes(
        f"candidate_id!:candidates job_id:jobs initial_stage_id:job_interview_stages {_APPLICATION}{_PROSPECT}",
        _APPLICATION,
        True,
    ),
    "rejection_details": Writes(
        None, "rejection_reason_id:rejection_reasons custom_fields>question_custom_fields:custom"
    ),
    "attachments": Writes(
        "application_id!:applications filename! type!=resume|cover_letter|take_home_test|offer_packet|offer_letter"
        "|signed_offer_letter|other|form_attachment|midfunnel_agreement|automated_agreement content url"
        " visibility=admin_only|public|private",
        None,
        True,
    ),
    "notes": Writes(
        "candidate_id!:candidates application_id:applications body! note_type>type=NOTE|ACTIVITY|EMAIL"
        " visibility=private|admin_only|public subject email_to:list email_from:list email_cc:list"
    ),
    "candidate_educations": Writes(
        "candidate_id!:candidates school_name_custom_field_option_id:custom_field_options"
        " degree_custom_field_option_id:custom_field_options discipline_custom_field_option_id:custom_field_options"
        " start_date:date end_date:date",
        None,
        True,
    ),
    "candidate_employments": Writes(
        "candidate_id!:candidates company_name! title! start_date!:date end_date:date", None, True
    ),
    "candidate_tags": Writes("name!", None, True),
    "applied_candidate_tags": Writes("candidate_id!:candidates candidate_tag_id!:candidate_tags", None, True),
    "jobs": Writes(
        f"template_job_id!:jobs number_of_openings:int job_post_name job_name opening_ids:list {_JOB}",
        f"name {_JOB}",
        bulk=("PATCH",),
    ),
    "openings": Writes(
        _OPENING.replace("job_id", "job_id!"),
        f"{_OPENING} status=open|closed close_reason_id:close_reasons",
        True,
        ("POST", "PATCH", "DELETE"),
    ),
    "job_posts": Writes(f"job_id!:jobs {_POST}", _POST),
    "job_post_locations": Writes("job_post_id!:job_posts type!=free_text|office|custom_list value!", None, True),
    "job_owners": Writes(
        "job_id!:jobs user_id!:users type!=sourcer|recruiter|coordinator"
        " candidate_responsibility=active|inactive|future|all",
        None,
        True,
    ),
    "job_hiring_managers": Writes("job_id!:jobs user_id!:users", None, True),
    "job_notes": Writes(f"job_id!:jobs {_NOTE}", f"job_id:jobs {_NOTE}", True),
    "offers": Writes(
        "application_id!:applications starts_on:date sent_on:date opening_id:openings custom_fields:custom",
        "starts_on:date sent_on:date opening_id:openings custom_fields:custom",
    ),
    "interviews": Writes(
        f"application_id!:applications job_interview_id!:job_interviews {_INTERVIEW}", _INTERVIEW, True
    ),
    "departments": Writes(
        "name! parent_id:departments external_id", "name parent_id:departments external_id", bulk=("PATCH",)
    ),
    "offices": Writes(f"name! {_OFFICE}", f"name {_OFFICE}", bulk=("PATCH",)),
    "custom_fields": Writes(
        "name! field_type!=job|opening|offer|candidate|application|rejection_question|user_attribute|referral_question"
        "|agency_question|form value_type!=short_text|long_text|yes_no|single_select|multi_select|currency|number|date"
        f"|url|currency_range|number_range|user|rich_text|attachment name_key custom_field_options:list {_FIELD}",
        f"name {_FIELD}",
        True,
    ),
    "custom_field_options": Writes(
        "custom_field_id!:custom_fields name! sort_order:int external_id active:bool",
        "custom_field_id:custom_fields name sort_order:int external_id active:bool",
        True,
        ("POST", "PATCH", "DELETE"),
    ),
    "custom_field_departments": Writes("custom_field_id!:custom_fields department_id!:departments", None, True),
    "custom_field_offices": Writes("custom_field_id!:custom_fields office_id!:offices", None, True),
    "approval_flows": Writes(
        "job_id:jobs offer_id:offers approval_type!=open_job|offer_job|offer_candidate sequential:bool"
        " approver_groups:list",
        "sequential:bool",
    ),
    "users": Writes(f"primary_email! {_USER}", f"primary_email {_USER}"),
    "user_emails": Writes("user_id!:users email! send_verification:bool"),
    "user_job_permissions": Writes("user_id!:users job_id!:jobs role_id!:user_roles", None, True),
    "future_job_permissions": Writes(
        "user_id!:users role_id!:user_roles office_id:offices department_id:departments", None, True
    ),
    "blocked_spam_sources": Writes("source_type!=ip|cidr|email|domain value!", None, True),
    "webhooks": Writes("name! url! event! secret", "name url event secret disabled:bool", True),
}

# Columns that the schema of the rows does not call nullable (harvest_v3.json, models): a change to null is refused.
NEVER_NULL: Mapping[str, frozenset[str]] = {
    stream: frozenset(columns.split())
    for stream, columns in {
        "candidates": "can_email phone_numbers addresses email_addresses website_addresses social_media_addresses tags",
        "jobs": "name",
        "openings": "job_id",
        "job_posts": "title internal featured job_board_id",
        "job_notes": "job_id",
        "departments": "name",
        "offices": "name",
        "custom_fields": "name private required",
        "custom_field_options": "custom_field_id name sort_order active",
        "approval_flows": "sequential",
        "users": "primary_email office_ids department_ids",
        "webhooks": "name url event disabled",
    }.items()
}

# A row that is deleted takes along the rows that are its own: child, and the field that names the parent.
OWNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "candidates": (
        ("applications", "candidate_id"),
        ("applied_candidate_tags", "candidate_id"),
        ("candidate_educations", "candidate_id"),
        ("candidate_employments", "candidate_id"),
        ("notes", "candidate_id"),
    ),
    "applications": tuple(
        (child, "application_id")
        for child in (
            "application_stages",
            "attachments",
            "rejection_details",
            "prospect_details",
            "notes",
            "interviews",
            "scorecards",
            "offers",
            "eeoc",
            "demographic_answers",
        )
    ),
    "interviews": (("interviewers", "interview_id"),),
    "scorecards": (("scorecard_question_answers", "scorecard_id"), ("scorecard_candidate_attributes", "scorecard_id")),
    "scorecard_question_answers": (("scorecard_question_answer_options", "scorecard_question_answer_id"),),
    "offers": (("approval_flows", "offer_id"),),
    "approval_flows": (("approver_groups", "approval_flow_id"),),
    "approver_groups": (("approvers", "approver_group_id"),),
    "candidate_tags": (("applied_candidate_tags", "candidate_tag_id"),),
    "custom_fields": tuple(
        (child, "custom_field_id")
        for child in ("custom_field_options", "custom_field_departments", "custom_field_offices")
    ),
}

# A row that is deleted is forgotten where it was only mentioned.
MENTIONED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "applications": (("openings", "application_id"),),
    "scorecards": (("interviewers", "scorecard_id"),),
    "notes": (("rejection_details", "rejection_note_id"),),
    "openings": (("offers", "opening_id"),),
}


@dataclass(frozen=True)
class Act:
    """A write that is under way: who acts, on what, with which body."""

    stream: str
    user: int
    """Who acts: the user a token names, or the integration service user."""
    now: str
    is_strict: bool


Hook = Callable[["Writer", Act, Row, Row | None], Row]
"""(writer, act, columns that are set, row before or None) → columns to store."""
After = Callable[["Writer", Act, Row, Row | None], None]
"""(writer, act, row after, row before or None): what else happens."""


class Writer:
    """Creates, changes and deletes rows, and sends the events."""

    def __init__(self, rows: GreenhouseRows, publish: Callable[..., None]) -> None:
        self.rows = rows
        self.publish = publish
        self.before: dict[tuple[str, bool], Hook] = {}
        self.after: dict[tuple[str, str], After] = {}
        self._bodies: dict[tuple[str, bool], tuple[BodyField, ...]] = {}
        for stream, writes in WRITES.items():
            for is_new, text in ((True, writes.create), (False, writes.update)):
                if text is not None:
                    self._bodies[stream, is_new] = declare_body(text)

    def get(self, stream: str, number: int) -> Row:
        """Raises Invalid for a row that is not there: what a row points at may have been deleted since."""
        row = self.rows.find(stream, number)
        if row is None:
            raise Invalid(f"There is no row {number} in {stream}.")
        return row

    def add(self, stream: str, **columns: Any) -> Row:
        """A new row without more ado."""
        return self.get(stream, self.rows.streams[stream].create(columns))

    def set(self, stream: str, number: int, **columns: Any) -> Row:
        self.rows.streams[stream].change(number, columns)
        return self.get(stream, number)

    def list_linked(self, stream: str, link: str, value: int) -> list[Row]:
        return [row for _, row in self.rows.walk_linked(stream, link, value)]

    # The plain writes

    def create(self, act: Act, given: Row) -> Row:
        columns = self._read(act, given, None)
        row = self.add(act.stream, **columns)
        self._finish(act, "create", row, None)
        return self.get(act.stream, row["id"])

    def update(self, act: Act, number: int, given: Row) -> Row:
        before = self.get(act.stream, number)
        row = self.set(act.stream, number, **self._read(act, given, before))
        self._finish(act, "update", row, before)
        return self.get(act.stream, number)

    def destroy(self, act: Act, number: int) -> None:
        before = self.get(act.stream, number)
        self._finish(act, "destroy", before, before)
        self.remove(act.stream, number)

    def remove(self, stream: str, number: int) -> None:
        """Delete a row with its own rows."""
        for child, link in OWNED.get(stream, ()):
            for row in self.list_linked(child, link, number):
                self.remove(child, row["id"])
        for child, link in MENTIONED.get(stream, ()):
            for row in self.list_linked(child, link, number):
                self.set(child, row["id"], **{link: None})
        self.rows.streams[stream].delete(number)

    def _finish(self, act: Act, verb: str, row: Row, before: Row | None) -> None:
        after = self.after.get((act.stream, verb))
        if after is not None:
            after(self, act, row, before)

    def _read(self, act: Act, given: Row, before: Row | None) -> Row:
        stream, is_new = act.stream, before is None
        body = self._bodies[stream, is_new]
        columns = read_body(
            self.rows,
            body,
            given,
            lets_unknown=not act.is_strict,
            is_new=is_new,
            never_null=NEVER_NULL.get(stream, frozenset()),
        )
        self.read_custom(stream, columns)
        hook = self.before.get((stream, is_new))
        return columns if hook is None else hook(self, act, columns, before)

    def read_custom(self, stream: str, columns: Row) -> None:
        """Put the custom fields of a body into the form they are read in."""
        member = name_custom_fields(stream)
        kinds = {name: kind for kind, name in CUSTOM_FIELD_STREAMS.items()}
        if stream in kinds and columns.get(member) is not None:
            columns[member] = read_custom_fields(self.rows, kinds[stream], columns[member])

    # Many at once

    def run_bulk(self, act: Act, method: str, given: Row) -> Row:
        """Do a bulk request at once and store its report. Raises Invalid when there is nothing to do."""
        data = given.get("data")
        if not isinstance(data, list) or not data:
            raise Invalid({"data": "must be a list with at least one entry"})
        failed = sum(not self._run_one(act, method, entry) for entry in data)
        place = self.rows.streams["bulk_requests"].count()["created"] + 1
        row = self.add(
            "bulk_requests",
            bulk_action_uuid=str(uuid5(NAMESPACE_URL, f"bulk request {place}")),
            requested_by_user_id=act.user,
            status="failed" if failed == len(data) else "completed",
            record_count=len(data),
            success_count=len(data) - failed,
            failure_count=failed,
            callback_url=given.get("callback_url"),
            completed_at=act.now,
            requested_at=act.now,
            api_endpoint=f"{method} /v3/{act.stream}/bulk",
        )
        return {"bulk_action_uuid": row["bulk_action_uuid"], "status": row["status"]}

    def _run_one(self, act: Act, method: str, entry: Any) -> bool:
        number: Any = entry.get("id") if isinstance(entry, dict) else entry
        if method != "POST" and (type(number) is not int or self.rows.find(act.stream, number) is None):
            return False
        try:
            if method == "DELETE":
                self.destroy(act, number)
            elif not isinstance(entry, dict):
                return False
            elif method == "POST":
                self.create(act, entry)
            else:
                self.update(act, number, {name: value for name, value in entry.items() if name != "id"})
        except Invalid:
            return False
        return True
