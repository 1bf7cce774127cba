"""What the Workable emulator's writes do, refuse, and leave as it was."""

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from testbed.workable_line import ORIGIN, RefusedCall, Row, WorkableLine, list_ids, open_workable
from unihire.integration.emulate import EmulatorResponse, Request

ADMIN = "1f0001"
ADA: Row = {"firstname": "Ada", "lastname": "Muster", "email": "ada.muster@example.com"}
DATA = base64.b64encode(b"a made-up file").decode()


@pytest.fixture(scope="module")
def served() -> WorkableLine:
    return open_workable(size=120, seed=4)


@pytest.fixture
def line(served: WorkableLine) -> WorkableLine:
    served.reset()
    return served


@pytest.fixture
def jobs(line: WorkableLine) -> list[str]:
    """Shortcodes of jobs that are open."""
    return [row["shortcode"] for row in line.walk("/jobs", state="published")]


def create(line: WorkableLine, job: str, **fields: Any) -> Row:
    answer = line.post(f"/jobs/{job}/candidates", candidate={**ADA, **fields})
    assert answer["status"] == "created"
    made: Row = answer["candidate"]
    return made


def refuse(line: WorkableLine, method: str, path: str, **body: Any) -> tuple[int, list[str]]:
    with pytest.raises(RefusedCall) as refused:
        line.ask(method, path, body)
    assert isinstance(refused.value.body["error"], str)
    return refused.value.status, refused.value.fields


def download(line: WorkableLine, url: str) -> EmulatorResponse:
    parts = urlsplit(url)
    return line.app.emulator.answer(Request("GET", parts.path, parse_qsl(parts.query), {}, b"", ORIGIN))


def find_actions(line: WorkableLine, id_: str) -> list[str]:
    return [row["action"] for row in line.walk(f"/candidates/{id_}/activities")]


# Candidates made and changed


def test_candidate_is_made_sourced_unless_said_otherwise(line: WorkableLine, jobs: list[str]) -> None:
    made = create(line, jobs[0], headline="Engineer", skills=["Python"], tags=["a", "b"], domain="fair.example.com")
    assert (made["stage"], made["stage_kind"], made["sourced"], made["outlet"]) == ("Sourced", "sourced", True, "SPI")
    assert (made["name"], made["skills"], made["common_source"]) == (
        "Ada Muster",
        [{"name": "Python"}],
        "fair.example.com",
    )
    assert line.candidate(made["id"]) == made
    assert line.walk("/candidates")[-1]["id"] == made["id"]
    assert find_actions(line, made["id"]) == ["sourced"]
    answer = line.post(f"/jobs/{jobs[1]}/candidates", sourced=False, candidate=ADA)
    assert (answer["candidate"]["stage"], answer["candidate"]["sourced"]) == ("Applied", False)
    staged = line.post(f"/jobs/{jobs[2]}/offer/candidates", candidate=ADA)
    assert staged["candidate"]["stage"] == "Offer"
    assert refuse(line, "POST", f"/jobs/{jobs[2]}/nothing/candidates", candidate=ADA)[0] == 404
    pool = line.post("/talent_pool/candidates", candidate=ADA)["candidate"]
    assert "job" not in pool
    assert pool["talent_pool"]["talent_pool_id"]


def test_same_address_on_the_same_job_is_refused_and_on_another_is_a_second_candidate(
    line: WorkableLine, jobs: list[str]
) -> None:
    first, second = create(line, jobs[0]), create(line, jobs[1])
    assert first["id"] != second["id"]
    assert list_ids(line.walk("/candidates", email=ADA["email"])) == [first["id"], second["id"]]
    with pytest.raises(RefusedCall) as refused:
        create(line, jobs[0], email="ADA.muster@example.com")
    assert refused.value.status == 422
    assert refused.value.body["validation_errors"] == {"email": ["candidate already exists"]}
    known = next(row for row in line.walk("/candidates") if row["email"] and "job" in row)
    with pytest.raises(RefusedCall, match="already exists"):
        create(line, known["job"]["shortcode"], email=known["email"])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"email": None}, "email"),
        ({"email": "no address"}, "email"),
        ({"firstname": None}, "firstname"),
        ({"lastname": None}, "lastname"),
        ({"headline": 1}, "candidate.headline"),
        ({"tags": "a"}, "candidate.tags"),
        ({"skills": [{"name": "x"}]}, "candidate.skills"),
        ({"education_entries": [{"degree": "x"}]}, "education_entries.school"),
        ({"experience_entries": [{"company": "x"}]}, "experience_entries.title"),
        ({"social_profiles": [{"type": "linkedin"}]}, "social_profiles.url"),
        ({"resume": {"name": "a.pdf", "data": "!"}}, "resume"),
        ({"resume": {"name": "a.pdf", "data": DATA}, "resume_url": "https://example.com/a.pdf"}, "resume"),
        ({"resume_url": "a.pdf"}, "resume_url"),
        ({"answers": [{"question_key": "nothing", "body": "x"}]}, "answers"),
        ({"disqualified": True, "disqualified_at": "soon"}, "disqualified_at"),
    ],
)
def test_candidate_that_is_wrong_is_refused_by_the_field(
    line: WorkableLine, jobs: list[str], fields: Row, wrong: str
) -> None:
    before = line.control("GET", "streams")
    body = {"candidate": {**ADA, **fields}}
    assert refuse(line, "POST", f"/jobs/{jobs[0]}/candidates", **body) == (422, [wrong])
    assert line.control("GET", "streams") == before


def test_answers_are_read_by_the_type_of_their_question(line: WorkableLine) -> None:
    job = next(
        row["shortcode"]
        for row in line.walk("/jobs", state="published")
        if len(line.get(f"/jobs/{row['shortcode']}/questions")["questions"]) > 5
    )
    questions = {row["type"]: row for row in line.get(f"/jobs/{job}/questions")["questions"]}
    choices = questions["multiple_choice"]["choices"]
    given: dict[str, Row] = {
        "free_text": {"body": "x"}, "boolean": {"checked": True}, "date": {"date": "2026-09-01"},
        "numeric": {"number": 3}, "multiple_choice": {"choices": [choice["id"] for choice in choices[:2]]},
    }  # fmt: skip
    answers = [{"question_key": questions[kind]["id"], **answer} for kind, answer in given.items()]
    made = create(line, job, answers=answers)
    shown = {entry["question"]["id"]: entry["answer"] for entry in made["answers"]}
    assert shown[questions["free_text"]["id"]] == {"body": "x"}
    assert shown[questions["multiple_choice"]["id"]] == {"choices": choices[:2]}
    assert shown[questions["boolean"]["id"]] == {"checked": True}
    one = questions["dropdown"]
    for answer in ({"body": "x"}, {"choices": ["x"]}, {"choices": [choice["id"] for choice in one["choices"]]}):
        wrong = {**ADA, "email": "b@example.com", "answers": [{"question_key": one["id"], **answer}]}
        assert refuse(line, "POST", f"/jobs/{job}/candidates", candidate=wrong) == (422, ["answers"])


def test_change_replaces_lists_and_leaves_the_rest(line: WorkableLine, jobs: list[str]) -> None:
    made = create(line, jobs[0], tags=["a"], phone="1", headline="Engineer")
    line.control("POST", "clock", {"advance_seconds": 60})
    fields = {"tags": ["b"], "lastname": "Beispiel", "headline": None}
    changed = line.ask("PATCH", f"/candidates/{made['id']}", {"candidate": fields})["candidate"]
    assert (changed["tags"], changed["phone"], changed["headline"]) == (["b"], "1", None)
    assert (changed["name"], changed["firstname"]) == ("Ada Beispiel", "Ada")
    assert changed["updated_at"] > made["updated_at"]
    assert changed["created_at"] == made["created_at"]
    other = create(line, jobs[0], email="b@example.com")
    body = {"candidate": {"email": ADA["email"]}}
    assert refuse(line, "PATCH", f"/candidates/{other['id']}", **body) == (422, ["email"])
    assert line.ask("PATCH", f"/candidates/{made['id']}", body)["candidate"]["email"] == ADA["email"]
    assert refuse(line, "PATCH", f"/candidates/{made['id']}", candidate="x") == (422, ["candidate"])


def test_tags_and_custom_attributes_are_set(line: WorkableLine) -> None:
    id_ = line.walk("/candidates")[3]["id"]
    assert line.ask("PUT", f"/candidates/{id_}/tags", {"tags": ["x", "y", "x"]}) == {"tags": ["x", "y"]}
    assert line.candidate(id_)["tags"] == ["x", "y"]
    assert line.ask("PUT", f"/candidates/{id_}/tags", {"tags": []}) == {"tags": []}
    path = f"/candidates/{id_}/update_custom_attribute_value"
    assert line.ask("PATCH", path, {"custom_attribute_key": "remarks", "value": "x"}) == {}
    assert line.row("candidates", id_)["custom_attributes"] == {"remarks": "x"}
    assert refuse(line, "PATCH", path, custom_attribute_key="nothing", value="x") == (404, [])
    assert refuse(line, "PATCH", path, custom_attribute_key="remarks") == (422, ["value"])


# Who acts


def test_member_must_be_active_and_have_rights_on_the_job(line: WorkableLine) -> None:
    row = next(row for row in line.walk("/candidates") if not row["disqualified"])
    path, team = f"/candidates/{row['id']}/comments", line.get(f"/jobs/{row['job']['shortcode']}/members")["members"]
    comment = {"body": "A note"}
    named = list_ids(team)
    members = line.walk("/members", status="all")
    stranger = next(one for one in members if one["active"] and one["id"] not in named and one["role"] != "admin")
    gone = next(one for one in members if not one["active"])
    assert line.post(path, member_id=ADMIN, comment=comment)["id"]
    line.change("jobs", row["job"]["shortcode"], team=[{"member_id": stranger["id"], "role": "reviewer"}])
    assert line.post(path, member_id=stranger["id"], comment=comment)["id"]
    line.change("jobs", row["job"]["shortcode"], team=[])
    for who in (stranger["id"], gone["id"], "1fffff", "x"):
        assert refuse(line, "POST", path, member_id=who, comment=comment)[0] == 403, who
    assert refuse(line, "POST", path, comment=comment) == (422, ["member_id"])
    user = line.with_token(line.tokens["user_token"])
    assert user.post(path, comment=comment)["id"]
    assert line.walk(f"/candidates/{row['id']}/activities")[-1]["member"]["id"] == ADMIN
    strict = open_workable(100, member_refusal="422")
    one = strict.walk("/candidates")[0]["id"]
    assert refuse(strict, "POST", f"/candidates/{one}/comments", member_id="x", comment=comment) == (422, ["member_id"])


# Comments and ratings


def test_comment_is_an_activity_and_its_attachment_a_file(line: WorkableLine) -> None:
    row = line.walk("/candidates")[3]
    path = f"/candidates/{row['id']}"
    attachment = {"name": "sample.txt", "data": DATA}
    made = line.post(
        f"{path}/comments", member_id=ADMIN, comment={"body": "A note", "policy": ["admin"], "attachment": attachment}
    )
    last = line.walk(f"{path}/activities")[-1]
    assert (last["id"], last["action"], last["body"], last["visibility_roles"]) == (
        made["id"],
        "comment",
        "A note",
        ["admin"],
    )
    assert last["member"]["id"] == ADMIN
    file = line.get(f"{path}/files")["files"][-1]
    assert (file["name"], file["kind"], file["source"]) == ("sample.txt", "other", "comment")
    assert download(line, file["preview_url"]).body == b"a made-up file"
    assert line.candidate(row["id"])["updated_at"] == row["updated_at"]
    for comment in ({}, {"body": "x", "policy": ["everybody"]}, {"attachment": {"name": "x"}}, {"body": 1}):
        assert refuse(line, "POST", f"{path}/comments", member_id=ADMIN, comment=comment)[0] == 422, comment


def test_comments_move_the_candidate_where_that_is_chosen() -> None:
    line = open_workable(100, comments_touch="yes")
    row = line.walk("/candidates")[3]
    line.post(f"/candidates/{row['id']}/comments", member_id=ADMIN, comment={"body": "x"})
    assert line.candidate(row["id"])["updated_at"] > row["updated_at"]


def test_rating_has_a_scale_and_a_grade(line: WorkableLine) -> None:
    id_ = next(row["id"] for row in line.walk("/candidates") if row["stage"] == "Applied")
    path = f"/candidates/{id_}/ratings"
    ratings: tuple[tuple[Row, Row], ...] = (
        ({"grade": 2}, {"score": "definite", "scale": "thumbs", "grade": 2}),
        ({"grade": 0, "scale": "stars"}, {"score": "negative", "scale": "stars", "grade": 0}),
        ({"grade": 5, "scale": "numbers"}, {"score": "positive", "scale": "numbers", "grade": 5}),
        ({"grade": 0, "score": "definite"}, {"score": "definite", "scale": "thumbs", "grade": 2}),
    )
    for body, rating in ratings:
        answer = line.send("POST", path, {"member_id": ADMIN, "comment": "Good", **body})
        assert (answer.status, answer.body) == (200, b"")
        assert line.walk(f"/candidates/{id_}/activities")[-1]["rating"] == rating
    count = len(line.walk(f"/candidates/{id_}/activities"))
    line.ask("PUT", path, {"member_id": ADMIN, "comment": "Better", "grade": 1})
    rows = line.walk(f"/candidates/{id_}/activities")
    assert (len(rows), rows[-1]["body"], rows[-1]["rating"]["grade"]) == (count, "Better", 1)
    assert refuse(line, "PUT", path, member_id="1f0002", comment="x", grade=1) == (404, [])
    wrongs: tuple[tuple[Row, str], ...] = (
        ({}, "grade"), ({"grade": 3}, "grade"), ({"grade": -1}, "grade"), ({"scale": "x", "grade": 1}, "scale"),
        ({"grade": True}, "grade"), ({"score": "best"}, "score"),
    )  # fmt: skip
    for body, wrong in wrongs:
        assert refuse(line, "POST", path, member_id=ADMIN, comment="x", **body) == (422, [wrong]), body


# Moves


def test_move_goes_to_a_stage_by_its_slug_or_to_the_next_one(line: WorkableLine) -> None:
    row = next(row for row in line.walk("/candidates") if row["stage"] == "Applied" and not row["disqualified"])
    path, stages = f"/candidates/{row['id']}", line.get(f"/jobs/{row['job']['shortcode']}/stages")["stages"]
    answer = line.send("POST", f"{path}/move", {"member_id": ADMIN})
    assert (answer.status, answer.body) == (200, b"")
    assert line.candidate(row["id"])["stage"] == stages[2]["name"]
    line.post(f"{path}/move", member_id=ADMIN, target_stage="offer")
    assert line.candidate(row["id"])["moved_to_offer_at"] is not None
    line.post(f"{path}/move", member_id=ADMIN, target_stage="hired")
    moved = line.candidate(row["id"])
    assert (moved["stage_kind"], moved["updated_at"] > row["updated_at"]) == ("hired", True)
    assert moved["hired_at"] is not None
    assert refuse(line, "POST", f"{path}/move", member_id=ADMIN) == (422, ["target_stage"])
    assert refuse(line, "POST", f"{path}/move", member_id=ADMIN, target_stage="Offer") == (422, ["target_stage"])
    last = line.walk(f"{path}/activities")[-1]
    assert (last["action"], last["action_stage"]["slug"], last["target_stage"]["slug"]) == ("hired", "offer", "hired")
    before = line.walk(f"{path}/activities")
    line.post(f"{path}/move", member_id=ADMIN, target_stage="hired")
    assert line.walk(f"{path}/activities") == before
    line.post(f"{path}/move", member_id=ADMIN, target_stage="applied")
    assert line.candidate(row["id"])["hired_at"] is None


def test_hire_fills_a_requisition(line: WorkableLine) -> None:
    row = line.walk("/candidates")[0]
    body: Row = {"member_id": ADMIN, "target_stage": "hired", "requisition": {"code": "REQ-00001"}}
    wrong = {**body, "requisition": {"code": "nothing"}}
    assert refuse(line, "POST", f"/candidates/{row['id']}/move", **wrong) == (422, ["requisition"])
    line.post(f"/candidates/{row['id']}/move", **body)
    filled = line.get("/requisitions/REQ-00001")
    assert (filled["candidate_id"], filled["state"]) == (row["id"], "filled")


def test_disqualification_keeps_the_stage_and_can_be_undone(line: WorkableLine) -> None:
    row = next(row for row in line.walk("/candidates") if not row["disqualified"])
    path, reason = f"/candidates/{row['id']}", line.get("/disqualification_reasons")[2]
    answer = line.send(
        "POST",
        f"{path}/disqualify",
        {"member_id": ADMIN, "disqualify_reason_id": reason["id"], "disqualify_note": "Sorry"},
    )
    assert (answer.status, answer.body) == (200, b"")
    lost = line.candidate(row["id"])
    assert (lost["disqualified"], lost["withdrew"], lost["stage"]) == (True, False, row["stage"])
    assert lost["disqualification_reason"] == reason["description"]
    assert len(lost["disqualified_at"]) == len("2026-07-23T20:45:16.476Z")
    assert line.walk(f"{path}/activities")[-1]["body"] == "Sorry"
    assert refuse(line, "POST", f"{path}/disqualify", member_id=ADMIN)[0] == 422
    assert line.send("POST", f"{path}/revert", {"member_id": ADMIN}).body == b""
    back = line.candidate(row["id"])
    assert (back["disqualified"], back["disqualified_at"], back["disqualification_reason"]) == (False, None, None)
    assert refuse(line, "POST", f"{path}/revert", member_id=ADMIN)[0] == 422
    assert find_actions(line, row["id"])[-2:] == ["disqualified", "reverted"]
    line.post(f"{path}/disqualify", member_id=ADMIN, withdrew=True)
    assert line.candidate(row["id"])["withdrew"] is True
    line.post(f"{path}/revert", member_id=ADMIN)
    for body, wrong in (
        ({"disqualify_reason_id": "x"}, "disqualify_reason_id"), ({"disqualify_note": "x" * 257}, "disqualify_note"),
    ):  # fmt: skip
        assert refuse(line, "POST", f"{path}/disqualify", member_id=ADMIN, **body) == (422, [wrong])


def test_copy_is_a_second_candidate_and_relocation_takes_the_first_ones_place(
    line: WorkableLine, jobs: list[str]
) -> None:
    row = create(line, jobs[0], resume={"name": "cv.pdf", "data": DATA})
    path = f"/candidates/{row['id']}"
    link = line.post(f"{path}/copy", member_id=ADMIN, target_job_shortcode=jobs[1], target_stage="offer")["candidate"]
    copy = line.candidate(link["id"])
    assert link["url"].endswith(f"/spi/v3/candidates/{copy['id']}")
    assert (copy["job"]["shortcode"], copy["stage"]) == (jobs[1], "Offer")
    assert (copy["originating_candidate_id"], copy["name"]) == (row["id"], row["name"])
    assert download(line, copy["resume_url"]).body == b"a made-up file"
    assert find_actions(line, row["id"]) == ["sourced", "copied"]
    where = {"member_id": ADMIN, "target_job_shortcode": jobs[1]}
    assert refuse(line, "POST", f"{path}/copy", **where) == (422, ["email"])
    assert refuse(line, "POST", f"{path}/copy", member_id=ADMIN, target_job_shortcode="x") == (
        422,
        ["target_job_shortcode"],
    )
    where = {"member_id": ADMIN, "target_job_shortcode": jobs[2]}
    assert refuse(line, "POST", f"{path}/relocate", **where) == (422, ["target_stage"])
    new = line.post(f"{path}/relocate", **where, target_stage="applied")["candidate"]["id"]
    assert line.candidate(new)["originating_candidate_id"] == row["id"]
    assert line.send("GET", path).status == 404
    assert line.send("POST", f"{path}/move", {"member_id": ADMIN}).status == 404


# Files


def test_resume_is_behind_a_link_that_lives_for_a_while(line: WorkableLine, jobs: list[str]) -> None:
    made = create(line, jobs[0], resume={"name": "cv é.pdf", "data": DATA})
    metadata = line.walk("/candidates")[-1]["resume_metadata"]
    assert (metadata["filename"], metadata["filetype"]) == ("cv é.pdf", "pdf")
    answer = download(line, made["resume_url"])
    assert (answer.status, answer.content_type, answer.body) == (200, "application/pdf", b"a made-up file")
    files = line.get(f"/candidates/{made['id']}/files")["files"]
    assert [(file["name"], file["kind"]) for file in files] == [("cv é.pdf", "resume")]
    assert download(line, files[0]["preview_url"]).body == b"a made-up file"
    assert download(line, made["resume_url"].replace("resumes", "files")).status == 403
    assert download(line, f"{ORIGIN}/files/x").status == 404
    line.control("POST", "clock", {"advance_seconds": 60_001})
    assert download(line, made["resume_url"]).status == 403
    assert download(line, line.candidate(made["id"])["resume_url"]).status == 200
    linked = create(line, jobs[1], resume_url="https://example.com/files/other.docx?x=1")
    assert urlsplit(linked["resume_url"]).path.endswith("/other.docx")
    again = {"candidate": {"resume": {"name": "new.pdf", "data": DATA}}}
    line.ask("PATCH", f"/candidates/{made['id']}", again)
    assert [one["name"] for one in line.get(f"/candidates/{made['id']}/files")["files"]] == ["new.pdf"]


def test_files_that_are_made_up_are_there(line: WorkableLine) -> None:
    whole = [line.candidate(row["id"]) for row in line.walk("/candidates")[:30]]
    links = [row["resume_url"] for row in whole if row["resume_url"]]
    for row in whole:
        links += [file["preview_url"] for file in line.get(f"/candidates/{row['id']}/files")["files"]]
        documents = line.get(f"/candidates/{row['id']}/offer").get("documents", [])
        links += [document["preview_url"] for document in documents]
    assert len(links) > 30
    for link in links:
        answer = download(line, link)
        assert (answer.status, answer.body.startswith(b"%PDF")) == (200, True), link


# The account


def test_members_are_invited_changed_and_switched_off(line: WorkableLine) -> None:
    made = line.post("/members/invite", member_id=ADMIN, email="new.member@example.com", roles=["ats.simple"])
    assert set(made) == {"id", "email", "role", "hris_role", "roles", "collaboration_rules"}
    assert (made["role"], made["roles"]) == ("simple", ["ats.simple"])
    assert line.ask("PUT", "/members", {"id": made["id"], "roles": ["ats.admin"]})["role"] == "admin"
    assert line.send("DELETE", f"/members/{made['id']}").status == 204
    assert made["id"] not in list_ids(line.walk("/members"))
    assert line.post(f"/members/{made['id']}/enable")["active"] is True
    who: Row = {"member_id": ADMIN, "email": "new.member@example.com", "roles": ["ats.simple"]}
    assert refuse(line, "POST", "/members/invite", **who) == (422, ["email"])
    assert refuse(line, "POST", "/members/invite", **{**who, "roles": ["king"]})[0] == 422
    simple = next(row for row in line.walk("/members") if row["role"] == "simple")
    other = {**who, "member_id": simple["id"], "email": "x@example.com"}
    assert refuse(line, "POST", "/members/invite", **other)[0] == 403


def test_departments_are_made_changed_and_removed(line: WorkableLine) -> None:
    made = line.post("/departments", name="Made up", parent_id="92b01")
    assert line.get("/departments")[-1] == made == {**made, "parent_id": "92b01", "sample": False}
    assert line.ask("PUT", "/departments", {"id": made["id"], "name": "Renamed"})["name"] == "Renamed"
    assert refuse(line, "POST", "/departments", name="x", parent_id="x") == (422, ["parent_id"])
    assert refuse(line, "DELETE", "/departments/92b01")[0] == 422
    assert line.send("DELETE", "/departments/92b01?force=DELETE").status == 204
    left = {row["id"]: row for row in line.get("/departments")}
    assert "92b01" not in left
    assert left[made["id"]]["parent_id"] is None


def test_requisitions_are_made_changed_and_decided(line: WorkableLine) -> None:
    job = line.get("/jobs", limit=1)["jobs"][0]
    made = line.post("/requisitions", code="NEW-1", job_id=job["id"], department_id="92b01", plan_date="2026-09")
    assert (made["code"], made["state"], made["job"]) == ("NEW-1", "pending", {"id": job["id"], "title": job["title"]})
    assert line.get("/requisitions/NEW-1") == made
    assert line.ask("PATCH", "/requisitions/NEW-1", {"reason": "Growth"})["reason"] == "Growth"
    assert line.ask("PATCH", "/requisitions", {"code": "NEW-1", "reason": "Other"})["reason"] == "Other"
    assert line.post("/requisitions/NEW-1/approve")["state"] == "approved"
    assert refuse(line, "POST", "/requisitions/NEW-1/reject")[0] == 422
    assert refuse(line, "POST", "/requisitions", code="NEW-1") == (422, ["code"])
    assert refuse(line, "POST", "/requisitions", code="NEW-2", job_id="x") == (422, ["job_id"])
    assert line.walk("/requisitions", job_id=job["id"], state="approved")[-1]["code"] == "NEW-1"
    assert "NEW-1" in [
        row["code"] for row in line.walk("/requisitions", plan_date_from="2026-09", plan_date_to="2026-09")
    ]


def test_offers_are_decided_with_tokens_of_members_only(line: WorkableLine) -> None:
    row = next(row for row in line.walk("/candidates") if row["stage_kind"] in ("offer", "hired"))
    number = int(row["id"], 16) - 0x27000000
    id_ = f"{0x60000000 + number:x}"
    line.change("offers", id_, state="pending")
    assert refuse(line, "POST", f"/offers/{id_}/approve")[0] == 403
    assert line.send("GET", f"/offers/{id_}").status == 403
    user = line.with_token(line.tokens["user_token"])
    assert user.get(f"/offers/{id_}")["candidate"]["id"] == row["id"]
    assert user.post(f"/offers/{id_}/approve")["state"] == "approved"
    assert refuse(user, "POST", f"/offers/{id_}/reject")[0] == 422
    assert line.get(f"/candidates/{row['id']}/offer")["state"] == "approved"
    assert refuse(user, "POST", f"/offers/{id_}/forget")[0] == 404
