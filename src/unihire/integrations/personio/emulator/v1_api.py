"""v1's recruiting paths: files are uploaded, then applications are submitted. They have a key and limits of their own.

Nothing that is written is shown here: there is no reading in v1. It is seen in v2, and whole in the control plane's
streams `submissions` (by the application's id), `uploads` and `tags`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC

import msgspec

from unihire.integration.emulate import Credentials, EmulatorResponse, Request, Row, Rows, Shape, Tools
from unihire.integrations.personio.emulator.auth import RECRUITING_API_KEY, is_same
from unihire.integrations.personio.emulator.changes import merge
from unihire.integrations.personio.emulator.documented import GENDERS, SYSTEM_STAGES
from unihire.integrations.personio.emulator.documented_v1 import (
    ALREADY_APPLIED,
    API_DISABLED,
    BAD_FILE_TYPE,
    FILE_TOO_BIG,
    MIMETYPES,
    MOST_BODY_BYTES,
    MOST_FILE_BYTES,
    NO_CHANNEL,
    NO_FILE,
    NO_POSTING,
    NOT_PUBLISHED,
    REQUIRED,
    SYSTEM_PHASES,
)
from unihire.integrations.personio.emulator.files import NoRoom, PersonioFiles
from unihire.integrations.personio.emulator.limits import WindowLimit
from unihire.integrations.personio.emulator.rows import FIRST_CHANNEL_ID, PersonioRows
from unihire.integrations.personio.emulator.submission import Submission, read_submission
from unihire.integrations.personio.emulator.v1_answers import JSON, V1Refusal, explain
from unihire.kit.posted_forms import read_form

APPLICATIONS = "/v1/recruiting/applications"
DOCUMENTS = "/v1/recruiting/applications/documents"

_CANDIDATE_ATTRIBUTES = ("birthday", "location", "phone", "available_from")


class RecruitingV1:
    """The two paths. An answer is computed at once, so of two equal submissions one comes first."""

    def __init__(
        self,
        tools: Tools,
        rows: PersonioRows,
        files: PersonioFiles,
        credentials: Credentials,
        make_id: Callable[[], str],
    ) -> None:
        self._tools, self._rows, self._files = tools, rows, files
        self._key = credentials.others[RECRUITING_API_KEY]
        self._company_id = credentials.others["company_id"]
        self._make_id = make_id
        self._unpublished = frozenset(tools.options["unpublished_jobs"].split(","))
        self._answers: dict[str, Callable[[Request], EmulatorResponse]] = {
            APPLICATIONS: self._create_application,
            DOCUMENTS: self._upload_document,
        }
        self._submissions = tools.make_rows(None, {}, Shape(_revise_submission, lambda bits: {"message": str(bits)}))
        self._tags = tools.make_rows(
            None, {}, Shape(_revise_tag, lambda bits: {"name": f"tag {bits % 1000}"}, lambda row: str(row["name"]))
        )
        self.streams: Mapping[str, Rows] = {
            "documents": files.documents, "uploads": files.uploads, "submissions": self._submissions, "tags": self._tags
        }  # fmt: skip
        self.reset()

    def reset(self) -> None:
        """Forget the spent budgets and the bytes of files; the rows are put back by the sandbox."""
        options, clock = self._tools.options, self._tools.clock
        self._limits = {
            APPLICATIONS: WindowLimit(int(options["v1_application_requests"]), clock),
            DOCUMENTS: WindowLimit(int(options["v1_document_requests"]), clock),
        }
        self._files.reset()

    def has(self, path: str) -> bool:
        return path in self._answers

    def answer(self, request: Request) -> EmulatorResponse:
        try:
            self._pass_gate(request)
            answer = self._answers[request.path](request)
        except V1Refusal as refusal:
            answer = explain(refusal, self._make_id)
            if refusal.status == 405:
                answer = msgspec.structs.replace(answer, headers=[("allow", "POST")])
        return msgspec.structs.replace(answer, route=request.path)

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        detail = API_DISABLED if status == 403 else ""
        return msgspec.structs.replace(explain(V1Refusal(status, None, detail), self._make_id), route=request.path)

    def _pass_gate(self, request: Request) -> None:
        if request.method != "POST":
            raise V1Refusal(405, detail="This endpoint does not support the request method.")
        if self._tools.options["auth"] == "required":
            scheme, _, key = request.headers.get("authorization", "").partition(" ")
            company_id = request.headers.get("x-company-id", "").strip()
            if scheme.lower() != "bearer" or not is_same(key.strip(), self._key) or company_id != self._company_id:
                raise V1Refusal(401)
        if not self._limits[request.path].take():
            raise V1Refusal(429)

    # Files

    def _upload_document(self, request: Request) -> EmulatorResponse:
        # The parts around the file are small; a larger body cannot have a file that fits.
        if len(request.body) > MOST_FILE_BYTES + MOST_BODY_BYTES:
            raise V1Refusal(413, {"file": [FILE_TOO_BIG]})
        try:
            parts = read_form(request.headers.get("content-type", ""), request.body, until="file")
        except ValueError:
            raise V1Refusal(422, detail="The request body must be multipart/form-data.") from None
        file = next((part for part in parts if part.name == "file"), None)
        if file is None or not file.filename:
            raise V1Refusal(422, {"file": [REQUIRED]})
        if len(file.content) > MOST_FILE_BYTES:
            raise V1Refusal(413, {"file": [FILE_TOO_BIG]})
        extension = file.filename.rpartition(".")[2].lower()
        if "." not in file.filename or extension not in MIMETYPES:
            raise V1Refusal(422, {"file": [BAD_FILE_TYPE]})
        try:
            row = self._files.add_upload(file.filename, file.content, extension)
        except NoRoom:
            detail = "The sandbox holds as many files as it can; POST /_sandbox/reset forgets them."
            raise V1Refusal(500, detail=detail) from None
        shown = {name: row[name] for name in ("uuid", "size", "mimetype", "original_filename", "extension")}
        return EmulatorResponse(200, msgspec.json.encode(shown), JSON)

    # Applications

    def _create_application(self, request: Request) -> EmulatorResponse:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise V1Refusal(400, detail=f"The content type of the request must be {JSON}.")
        if len(request.body) > MOST_BODY_BYTES:
            raise V1Refusal(413, detail="The request body is too large.")
        submission = read_submission(request.body, self._tools.clock.now().astimezone(UTC).date())
        channel, uploads = self._check(submission)
        self._save(submission, channel, uploads)
        return EmulatorResponse(201)

    def _check(self, submission: Submission) -> tuple[int | None, list[int]]:
        """The channel and the uploads' numbers. Raises V1Refusal for what does not fit the company's rows."""
        reasons: dict[str, list[str]] = {}
        job = str(submission.job_position_id)
        if job in self._unpublished or self._rows.jobs.find(submission.job_position_id) is None:
            reasons["job_position_id"] = [NOT_PUBLISHED]
        channel = submission.recruiting_channel_id
        if channel is not None and self._name_channel(channel) is None:
            reasons["recruiting_channel_id"] = [NO_CHANNEL]
        posting = submission.external_posting_id
        if posting is not None:
            # Which postings there are is made up: one of each channel for each job, with both ids in its own.
            named, _, posted = posting.partition("-")
            is_number = named.isascii() and named.isdecimal() and len(named) < 16
            found = int(named) if is_number and self._name_channel(int(named)) is not None else None
            if found is None or posted != job or channel not in (None, found):
                reasons["external_posting_id"] = [NO_POSTING]
            channel = found
        uploads = []
        for place, file in enumerate(submission.files):
            upload = self._files.find_unused(file.uuid.lower())
            if upload is None or upload in uploads:
                reasons[f"files[{place}].uuid"] = [NO_FILE]
            else:
                uploads.append(upload)
        if not reasons and self._has_applied(submission.email, job):
            reasons["email"] = [ALREADY_APPLIED]
        if reasons:
            raise V1Refusal(400, reasons)
        return channel, uploads

    def _name_channel(self, id_: int) -> str | None:
        place, names = id_ - FIRST_CHANNEL_ID, self._rows.company.channels
        return names[place] if 0 <= place < len(names) else None

    def _has_applied(self, email: str, job: str) -> bool:
        applications = self._rows.applications
        found = (applications.find(number) for number in self._rows.find_applications_by_email(email))
        return any(row is not None and row["job"]["id"] == job for row in found)

    def _save(self, submission: Submission, channel: int | None, uploads: list[int]) -> None:
        rows = self._rows
        known = rows.find_candidates_by_email(submission.email)
        # A person is known by the e-mail address, and stays as they were (both guesses).
        candidate = max(known) if known else rows.candidates.create(_make_candidate(submission))
        fields: Row = {
            "candidate": {"id": str(candidate)},
            "job": {"id": str(submission.job_position_id)},
            "current_stage": self._choose_stage(submission),
        }
        if submission.application_date is not None:
            fields["application_date"] = submission.application_date
        if channel is not None:
            fields["channel"] = {"id": str(channel), "name": self._name_channel(channel)}
        number = rows.applications.create(fields)
        for upload, file in zip(uploads, submission.files, strict=True):
            self._files.add_document(upload, file.original_filename, file.category, str(number))
        for tag in submission.tags:
            if not self._tags.find_touched(tag):
                self._tags.create({"name": tag})
        self._submissions.create({**submission.list_written(), "candidate_id": str(candidate)}, number)

    def _choose_stage(self, submission: Submission) -> Row:
        stages = self._rows.list_stages(submission.job_position_id)
        unassigned = SYSTEM_STAGES["new"]
        if submission.phase is None:
            return stages[0] if stages else unassigned
        type_, id_ = submission.phase
        if type_ == "system":
            wanted = SYSTEM_STAGES[SYSTEM_PHASES[str(id_)]]
            return wanted if wanted in stages else unassigned
        # Quoted or not, the number is the same.
        return next((stage for stage in stages if stage.get("id") == str(id_)), unassigned)


def _make_candidate(submission: Submission) -> Row:
    """What v2 shows of a candidate; the other attributes it does not show."""
    attributes = dict(submission.attributes)
    row: Row = {name: getattr(submission, name) for name in ("first_name", "last_name", "email")}
    row |= {name: attributes[name] for name in _CANDIDATE_ATTRIBUTES if name in attributes}
    gender = GENDERS.get(attributes.get("gender", ""))
    return row if gender is None else {**row, "gender": gender}


def _revise_submission(number: int, before: Row | None, fields: Row, _now: int) -> Row:
    return merge(number, before, fields, ())


def _revise_tag(number: int, before: Row | None, fields: Row, _now: int) -> Row:
    return merge(number, before, fields, ("name",))
