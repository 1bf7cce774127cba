"""Single things: accounts, a job with its form, a candidate with its offer, an event, a requisition."""

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.calls import Answer, Call, Endpoint, refuse_missing
from unihire.integrations.workable.emulator.reads.lists import list_job_questions
from unihire.integrations.workable.emulator.rows.ids import find_number
from unihire.integrations.workable.emulator.rows.values import list_texts

ACCOUNT_ID = "b4e8e"


def list_single_reads() -> tuple[Endpoint, ...]:
    return (
        Endpoint("GET", "/accounts", None, list_accounts),
        Endpoint("GET", "/accounts/{subdomain}", None, get_account),
        Endpoint("GET", "/jobs/{shortcode}", "r_jobs", get_job),
        Endpoint("GET", "/jobs/{shortcode}/application_form", "r_jobs", get_form),
        Endpoint("GET", "/candidates/{id}", "r_candidates", get_candidate),
        Endpoint("GET", "/jobs/{shortcode}/candidates/{id}", "r_candidates", get_candidate),
        Endpoint("GET", "/candidates/{id}/offer", "r_candidates", get_candidate_offer),
        Endpoint("GET", "/offers/{id}", "r_offers", get_offer, user_only=True),
        Endpoint("GET", "/events/{id}", "r_candidates", get_event),
        Endpoint("GET", "/requisitions/{code}", "r_requisitions", get_requisition),
    )


def _show_account(call: Call) -> Row:
    company = call.rows.world.company
    return {
        "id": ACCOUNT_ID,
        "name": company.name,
        "subdomain": call.rows.world.account,
        "description": None,
        "summary": None,
        "website_url": f"https://{call.rows.world.account}.example.com",
    }


def list_accounts(call: Call) -> Answer:
    return Answer({"accounts": [_show_account(call)]})


def get_account(call: Call) -> Answer:
    if call.names["subdomain"] != call.rows.world.account:
        raise refuse_missing()
    return Answer(_show_account(call))


def get_job(call: Call) -> Answer:
    return Answer(call.site.show.job(call.get_job(), is_detail=True))


def get_form(call: Call) -> Answer:
    questions = [call.site.show.question(row) for row in list_job_questions(call)]
    return Answer({"form_fields": FORM_FIELDS, "questions": questions})


def get_candidate(call: Call) -> Answer:
    return Answer({"candidate": call.show_candidate(call.get_candidate())})


def find_offer(call: Call, candidate: Row) -> Row | None:
    """The latest."""
    rows = call.rows.list_linked("offers", "_candidate", find_number("candidates", candidate["id"]) or 0)
    return rows[-1][1] if rows else None


def _show_offer(call: Call, candidate: Row, row: Row | None) -> Row:
    names = [] if row is None else list_texts(row, "document_names")
    links = {name: call.link_file("offers", (row or {}).get("id"), name) for name in names}
    return call.site.show.offer(candidate, row, links)


def get_candidate_offer(call: Call) -> Answer:
    candidate = call.get_candidate()
    return Answer(_show_offer(call, candidate, find_offer(call, candidate)))


def get_offer(call: Call) -> Answer:
    row = call.get("offers", call.names["id"])
    candidate = call.get("candidates", row.get("candidate_id"))
    return Answer({"id": row["id"], **_show_offer(call, candidate, row)})


def get_event(call: Call) -> Answer:
    return Answer(call.site.show.event(call.get("events", call.names["id"])))


def get_requisition(call: Call) -> Answer:
    row = call.rows.find_requisition(call.names["code"])
    if row is None:
        raise refuse_missing()
    return Answer(call.site.show.requisition(row))


def _field(key: str, label: str, type_: str, *, required: bool = False, **others: object) -> Row:
    return {"key": key, "label": label, "type": type_, "required": required, **others}


FORM_FIELDS = [
    _field("headline", "Headline", "string", max_length=255),
    _field("phone", "Phone", "string", max_length=255),
    _field("address", "Address", "string", max_length=255),
    _field(
        "education",
        "Education",
        "complex",
        multiple=True,
        fields=[
            _field("school", "School", "string", required=True, max_length=255),
            _field("field_of_study", "Field of study", "string", max_length=255),
            _field("degree", "Degree", "string", max_length=255),
            _field("start_date", "Start date", "date"),
            _field("end_date", "End date", "date"),
        ],
    ),
    _field(
        "experience",
        "Experience",
        "complex",
        multiple=True,
        fields=[
            _field("title", "Title", "string", required=True, max_length=255),
            _field("company", "Company", "string", max_length=255),
            _field("summary", "Summary", "free_text"),
            _field("current", "I work here now", "boolean"),
        ],
    ),
    _field("summary", "Summary", "free_text"),
    _field(
        "resume",
        "Resume",
        "file",
        required=True,
        supported_file_types=["pdf", "doc", "docx", "odt", "rtf"],
        max_file_size=5_242_880,
    ),
    _field("cover_letter", "Cover letter", "free_text"),
]
