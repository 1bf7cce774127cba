"""What is written to the Lever emulator: effects, answers, refusals, what moves an opportunity and what does not."""

from datetime import timedelta
from typing import Any

import pytest

from testbed.lever_line import LeverLine, LeverRefusal, list_ids, make_lever_form, open_lever, read_lever

NOTHING = "00000000-0000-4000-8000-000000000000"
ALL = {"confidentiality": "all"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> LeverLine:
    return open_lever()


@pytest.fixture
def line(served: LeverLine) -> LeverLine:
    served.reset()
    return served


def find_active(line: LeverLine) -> Row:
    """An opportunity with an application, not archived, of a contact with an e-mail address."""
    rows = line.walk("/opportunities")
    return next(
        row for row in rows if row["applications"] and not row["archived"] and row["emails"] and not row["isAnonymized"]
    )


def find_posting(line: LeverLine) -> Row:
    found: Row = line.get("/postings", state="published", distributionChannel=["public", "internal"])[0]
    return found


# Opportunities


def test_new_opportunity_makes_contact_application_tags_and_source(line: LeverLine) -> None:
    posting = find_posting(line)
    body = {
        "name": "Ada Example", "emails": ["ada@example.com"], "phones": [{"type": "mobile", "value": "1"}],
        "location": "Berlin", "tags": ["Own"], "sources": ["Fair"], "postings": [posting["id"]],
        "stage": "applicant-new",
    }  # fmt: skip
    answer = line.ask_whole("POST", "/opportunities", body, perform_as=line.keys["perform_as"])
    row = answer["data"]
    assert answer["deduped"] is False
    assert row["owner"] == row["sourcedBy"] == line.keys["perform_as"]
    assert {"Own", posting["text"]} <= set(row["tags"])
    assert row["stageChanges"][0]["toStageId"] == "applicant-new"
    assert (row["name"], row["location"], row["updatedAt"] is not None) == ("Ada Example", "Berlin", True)
    application = line.get(f"/opportunities/{row['id']}/applications")[0]
    assert (application["id"], application["posting"], application["type"]) == (
        row["applications"][0], posting["id"], "user",
    )  # fmt: skip
    assert {"text": "Fair", "count": 1} in line.get("/sources")
    assert {"text": "Own", "count": 1} in line.get("/tags")
    again = line.ask_whole(
        "POST", "/opportunities", {"name": "Another", "emails": ["ADA@example.com"]}, perform_as=line.keys["perform_as"]
    )
    assert again["deduped"] is True
    assert (again["data"]["contact"], again["data"]["name"]) == (row["contact"], "Ada Example")
    assert again["data"]["stage"] == "lead-new"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"postings": [NOTHING, NOTHING]}, "/postings"),
        ({"postings": [NOTHING]}, "/postings"),
        ({"contact": NOTHING}, "/contact"),
        ({"createdAt": 9_000_000_000_000}, "/createdAt"),
        ({"archived": {"reason": NOTHING}}, "/archived/reason"),
        ({"emails": "x"}, "/emails"),
        ({"phones": [{"type": "fax", "value": "1"}]}, "/phones/0/type"),
        ({"phones": ["1"]}, "/phones/0"),
        ({"origin": "x"}, "/origin"),
        ({"name": None}, "/name"),
    ],
)
def test_wrong_body_is_refused_with_its_place_and_changes_nothing(line: LeverLine, body: Row, place: str) -> None:
    before = line.control("GET", "streams")
    with pytest.raises(LeverRefusal) as refused:
        line.act("POST", "/opportunities", body)
    assert (refused.value.status, refused.value.code) == (400, "BadRequestError")
    assert refused.value.message.endswith(f" at {place}")
    assert line.control("GET", "streams") == before


def test_who_does_it_is_named_where_documents_say_so(line: LeverLine) -> None:
    row = find_active(line)
    for method, path, body in (
        ("POST", "/opportunities", {}),
        ("POST", f"/opportunities/{row['id']}/panels", {}),
        ("POST", "/postings", {"text": "x"}),
        ("DELETE", f"/opportunities/{row['id']}/feedback/{NOTHING}", None),
    ):
        with pytest.raises(LeverRefusal, match=r"400 .*perform_as"):
            line.ask_whole(method, path, body)
    with pytest.raises(LeverRefusal, match="404 ResourceNotFound: user was not found"):
        line.ask_whole("POST", "/opportunities", {}, perform_as=NOTHING)
    gone = next(one for one in line.walk("/users", includeDeactivated="true") if one["deactivatedAt"])
    with pytest.raises(LeverRefusal, match="400"):
        line.ask_whole("POST", "/opportunities", {}, perform_as=gone["id"])
    assert line.ask_whole("PUT", f"/opportunities/{row['id']}/stage", {"stage": "offer"})["data"]["stage"] == "offer"


def test_move_adds_to_the_stages_it_was_in_and_leaves_an_archived_one_archived(line: LeverLine) -> None:
    row = next(row for row in line.walk("/opportunities") if row["archived"] and row["stage"] != "offer")
    after = line.act("PUT", f"/opportunities/{row['id']}/stage", {"stage": "offer"})
    assert after["archived"] == row["archived"]
    entry = after["stageChanges"][-1]
    assert (entry["toStageId"], entry["toStageIndex"], entry["userId"]) == ("offer", 8, line.keys["perform_as"])
    assert len(after["stageChanges"]) == len(row["stageChanges"]) + 1
    assert after["updatedAt"] == after["lastAdvancedAt"] == entry["updatedAt"]
    again = line.act("PUT", f"/opportunities/{row['id']}/stage", {"stage": "offer"})
    assert again == after
    with pytest.raises(LeverRefusal, match="404 ResourceNotFound: Stage was not found"):
        line.act("PUT", f"/opportunities/{row['id']}/stage", {"stage": NOTHING})


def test_archiving_rejects_hires_and_reopens(line: LeverLine) -> None:
    row, path = find_active(line), f"/opportunities/{find_active(line)['id']}/archived"
    reasons = {one["type"]: one["id"] for one in line.get("/archive_reasons")}
    rejected = line.act("PUT", path, {"reason": reasons["non-hired"]})
    assert rejected["archived"]["reason"] == reasons["non-hired"]
    assert rejected["lastInteractionAt"] == rejected["archived"]["archivedAt"] == rejected["updatedAt"]
    assert line.get(f"/opportunities/{row['id']}/applications")[0]["archived"] == rejected["archived"]
    assert line.act("PUT", path, {"reason": None})["archived"] is None
    requisition = line.get("/requisitions", status="open", **ALL)[0]
    with pytest.raises(LeverRefusal, match="400"):
        line.act("PUT", path, {"reason": reasons["non-hired"], "requisitionId": requisition["id"]})
    for offer in line.get(f"/opportunities/{row['id']}/offers"):
        line.change("offers", offer["id"], status="signed")
    line.act("PUT", path, {"reason": reasons["hired"], "requisitionId": requisition["id"]})
    application = line.get(f"/opportunities/{row['id']}/applications")[0]
    assert application["requisitionForHire"]["id"] == requisition["id"]
    assert line.get(f"/requisitions/{requisition['id']}")["headcountHired"] == requisition["headcountHired"] + 1
    closed = line.control("POST", "rows/requisitions", {"status": "closed"})
    with pytest.raises(LeverRefusal, match="closed"):
        line.act("PUT", path, {"reason": reasons["hired"], "requisitionId": closed["id"]})
    for body in ({}, {"reason": NOTHING}, {"reason": 7}):
        with pytest.raises(LeverRefusal, match="at /reason"):
            line.act("PUT", path, body)


@pytest.mark.parametrize("name", ["tags", "links", "sources"])
def test_labels_are_added_once_and_removed(line: LeverLine, name: str) -> None:
    row = find_active(line)
    path = f"/opportunities/{row['id']}"
    after = line.act("POST", f"{path}/add{name.capitalize()}", {name: ["one", "two", "one"]})
    assert after[name] == [*row[name], "one", "two"]
    assert line.act("POST", f"{path}/add{name.capitalize()}", {name: ["two"]}) == after
    assert line.act("POST", f"{path}/remove{name.capitalize()}", {name: ["one", "x"]})[name] == [*row[name], "two"]
    if name != "links":
        counts = {one["text"]: one["count"] for one in line.get(f"/{name}")}
        assert (counts["one"], counts["two"]) == (0, 1)


def test_contact_is_replaced_whole_and_moves_its_opportunities(line: LeverLine) -> None:
    row = find_active(line)
    answer = line.act("PUT", f"/contacts/{row['contact']}", {"name": "Ada Changed", "location": "Lyon"})
    assert "isAnonymized" not in answer
    assert line.get(f"/contacts/{row['contact']}")["emails"] == []
    after = line.get(f"/opportunities/{row['id']}")
    assert (after["name"], after["location"], after["phones"], after["headline"]) == ("Ada Changed", "Lyon", [], "")
    assert after["updatedAt"] > (row["updatedAt"] or 0)


def test_anonymised_contact_is_not_written_to(line: LeverLine) -> None:
    row = find_active(line)
    line.change("contacts", row["contact"], isAnonymized=True)
    for method, path, body in (
        ("PUT", f"/contacts/{row['contact']}", {"name": "x"}),
        ("POST", "/opportunities", {"contact": row["contact"]}),
        ("POST", f"/opportunities/{row['id']}/addLinks", {"links": ["x"]}),
    ):
        with pytest.raises(LeverRefusal, match=r"400 .*anonymized"):
            line.act(method, path, body)


def test_what_moves_no_opportunity(line: LeverLine) -> None:
    """Notes, feedback, interviews, forms and files have no part in when it was updated."""
    row = find_active(line)
    path = f"/opportunities/{row['id']}"
    line.app.clock.advance(timedelta(hours=1))
    line.act("POST", f"{path}/notes", {"value": "x"})
    template = line.get("/feedback_templates")[0]["id"]
    line.act("POST", f"{path}/feedback", {"baseTemplateId": template})
    line.act("POST", f"{path}/forms", {"baseTemplateId": line.get("/form_templates")[0]["id"]})
    line.act("POST", f"{path}/panels", make_panel(line))
    upload(line, f"{path}/files")
    line.control("POST", "rows/offers", {"opportunityId": row["id"]})
    assert line.get(path)["updatedAt"] == row["updatedAt"]
    moving = open_lever(interaction="moves")
    moving.app.clock.advance(timedelta(hours=1))
    moving.act("POST", f"{path}/notes", {"value": "x"})
    after = moving.get(path)
    assert after["updatedAt"] == after["lastInteractionAt"] > (row["updatedAt"] or 0)


# Notes, feedback, forms


def test_note_is_made_commented_changed_and_deleted(line: LeverLine) -> None:
    row = find_active(line)
    path = f"/opportunities/{row['id']}/notes"
    made = line.ask_whole("POST", path, {"value": "Hello", "secret": True, "score": 3})["data"]
    assert (made["noteId"], made["user"], made["secret"]) == (made["id"], None, True)
    assert made["fields"][0]["value"] == "Hello"
    line.act("POST", path, {"value": "More"}, note_id=made["id"])
    note = line.get(f"{path}/{made['id']}")
    assert [field["value"] for field in note["fields"]] == ["Hello", "More"]
    assert note["fields"][1]["user"] == line.keys["perform_as"]
    assert line.act("PUT", f"{path}/{made['id']}", {"values": [{"value": "New"}]}) == {"noteId": made["id"]}
    assert [field["value"] for field in line.get(f"{path}/{made['id']}")["fields"]] == ["New"]
    assert line.send("DELETE", f"{path}/{made['id']}").status == 204
    assert line.get(f"{path}/{made['id']}")["deletedAt"]
    line.change("notes", made["id"], viaApi=False)
    with pytest.raises(LeverRefusal, match="400"):
        line.act("DELETE", f"{path}/{made['id']}")
    for body in ({}, {"value": 7}, {"value": "x", "score": 5}, {"value": "x", "createdAt": 9_000_000_000_000}):
        with pytest.raises(LeverRefusal, match="400"):
            line.act("POST", path, body)
    assert set(open_lever(note_answer="id").act("POST", path, {"value": "x"})) == {"noteId"}


def test_feedback_is_given_changed_and_deleted(line: LeverLine) -> None:
    row = find_active(line)
    path, template = f"/opportunities/{row['id']}/feedback", line.get("/feedback_templates")[0]
    rating = next(field for field in template["fields"] if field["type"] == "score-system")
    values = [{"id": rating["id"], "value": "3 - Hire"}]
    made = line.act("POST", path, {"baseTemplateId": template["id"], "fieldValues": values})
    assert made["user"] == line.keys["perform_as"]
    assert next(field["value"] for field in made["fields"] if field["id"] == rating["id"]) == "3 - Hire"
    values = [{"id": rating["id"], "value": "1 - Strong No Hire"}]
    echo = line.act("PUT", f"{path}/{made['id']}", {"fieldValues": values, "completedAt": 5})
    assert (echo["profileId"], echo["completedAt"], echo["isCompleted"]) == (row["id"], 5, True)
    assert "score-system" not in [field["type"] for field in echo["fields"]]
    assert line.get(f"{path}/{made['id']}")["fields"][0]["value"] == "1 - Strong No Hire"
    line.act("DELETE", f"{path}/{made['id']}")
    assert line.get(f"{path}/{made['id']}")["deletedAt"]
    for wrong in (
        {"baseTemplateId": NOTHING},
        {"baseTemplateId": template["id"], "panel": NOTHING},
        {"baseTemplateId": template["id"], "fieldValues": [{"id": NOTHING, "value": 1}]},
        {"baseTemplateId": template["id"], "fieldValues": [{"id": rating["id"], "value": "x"}]},
    ):
        with pytest.raises(LeverRefusal, match="400"):
            line.act("POST", path, wrong)


@pytest.mark.parametrize("stream", ["feedback_templates", "form_templates"])
def test_templates_are_made_replaced_and_deleted_unless_the_product_made_them(line: LeverLine, stream: str) -> None:
    fields = [{"type": "score-system", "text": "Overall", "options": [{"text": "4 - Yes"}]}]
    made = line.act("POST", f"/{stream}", {"text": "Own", "fields": fields})
    assert line.get(f"/{stream}/{made['id']}") == made
    assert made["fields"][0]["id"]
    after = line.act("PUT", f"/{stream}/{made['id']}", {"text": "Other", "fields": fields})
    assert after["text"] == "Other"
    assert line.send("DELETE", f"/{stream}/{made['id']}").status == 204
    assert made["id"] not in list_ids(line.get(f"/{stream}"))
    with pytest.raises(LeverRefusal, match="400"):
        line.act("DELETE", f"/{stream}/{line.get(f'/{stream}')[0]['id']}")
    if stream == "feedback_templates":
        for wrong in ([], fields * 2):
            with pytest.raises(LeverRefusal, match="at /fields"):
                line.act("POST", f"/{stream}", {"text": "x", "fields": wrong})


# Panels and interviews


def make_interview(line: LeverLine, **others: Any) -> Row:
    return {"interviewers": [{"id": line.keys["perform_as"]}], "date": 1_800_000_000_000, "duration": 30, **others}


def make_panel(line: LeverLine, **others: Any) -> Row:
    return {"timezone": "Europe/Berlin", "interviews": [make_interview(line)], **others}


def test_panel_is_made_replaced_and_deleted_with_its_interviews(line: LeverLine) -> None:
    row = find_active(line)
    path = f"/opportunities/{row['id']}"
    before = list_ids(line.get(f"{path}/interviews"))
    made = line.act("POST", f"{path}/panels", make_panel(line, note="x"))
    assert (made["externallyManaged"], made["applications"], made["user"]) == (
        True, row["applications"], line.keys["perform_as"],
    )  # fmt: skip
    assert made["end"] - made["start"] == 30 * 60_000
    first = made["interviews"][0]["id"]
    two = [make_interview(line, id=first, duration=45), make_interview(line, subject="second")]
    after = line.act("PUT", f"{path}/panels/{made['id']}", make_panel(line, interviews=two))
    assert (after["note"], len(after["interviews"])) == (None, 2)
    assert {one["id"]: one["duration"] for one in after["interviews"]}[first] == 45
    line.act("PUT", f"{path}/panels/{made['id']}", make_panel(line))
    assert line.send("GET", f"{path}/interviews/{first}").status == 404
    line.act("DELETE", f"{path}/panels/{made['id']}")
    assert list_ids(line.get(f"{path}/interviews")) == before
    wrongs: tuple[Row, ...] = (
        {"applications": []}, {"applications": [NOTHING]}, {"interviews": []}, {"timezone": None},
        {"interviews": [make_interview(line, interviewers=[])]}, {"interviews": [make_interview(line, duration=0)]},
        {"interviews": [make_interview(line, interviewers=[{"id": NOTHING}])]},
        {"interviews": [make_interview(line, feedbackTemplate=NOTHING)]},
    )  # fmt: skip
    for wrong in wrongs:
        count = line.control("GET", "streams")["panels"]["rows"]
        with pytest.raises(LeverRefusal, match="400"):
            line.act("POST", f"{path}/panels", make_panel(line, **wrong))
        assert line.control("GET", "streams")["panels"]["rows"] == count


def test_interview_is_of_a_panel_of_the_api_which_goes_with_its_last(line: LeverLine) -> None:
    row = find_active(line)
    path = f"/opportunities/{row['id']}"
    panel = line.act("POST", f"{path}/panels", make_panel(line))
    made = line.act("POST", f"{path}/interviews", make_interview(line, panel=panel["id"], location="Room 9"))
    assert (made["location"], made["timezone"], made["opportunityId"]) == ("Room 9", "Europe/Berlin", row["id"])
    after = line.act("PUT", f"{path}/interviews/{made['id']}", make_interview(line, panel=panel["id"]))
    assert after["location"] is None
    for one in (made["id"], panel["interviews"][0]["id"]):
        line.act("DELETE", f"{path}/interviews/{one}")
    assert line.send("GET", f"{path}/panels/{panel['id']}").status == 404
    own = line.control("POST", "rows/panels", {"opportunityId": row["id"], "externallyManaged": False})
    with pytest.raises(LeverRefusal, match="400"):
        line.act("POST", f"{path}/interviews", make_interview(line, panel=own["id"]))


# Postings and requisitions


def test_posting_is_made_and_changed_in_parts(line: LeverLine) -> None:
    content = {"descriptionHtml": "<p>Hello</p>", "closingPostingHtml": "<b>Bye</b>"}
    made = line.act("POST", "/postings", {"text": "Cook", "content": content, "categories": {"location": "Berlin"}})
    assert (made["state"], made["distributionChannels"], made["urls"]) == ("draft", None, None)
    assert (made["content"]["description"], made["content"]["closing"]) == ("Hello", "Bye")
    assert made["categories"]["allLocations"] == ["Berlin"]
    after = line.act("POST", f"/postings/{made['id']}", {"state": "published", "categories": {"team": "Kitchen"}})
    assert (after["text"], after["categories"]["location"]) == ("Cook", "Berlin")
    assert after["distributionChannels"] == ["public", "internal"]
    assert after["updatedAt"] >= made["updatedAt"]
    for wrong in ({"workplaceType": "unspecified"}, {"salaryRange": {"min": 1}}, {"owner": NOTHING}, {"state": "x"}):
        with pytest.raises(LeverRefusal, match="400"):
            line.act("POST", f"/postings/{made['id']}", wrong)


def pick_answer(field: Row) -> str:
    answer: str = field["options"][0]["text"] if "options" in field else "x"
    return answer


def make_application(line: LeverLine, posting: str, **others: Any) -> Row:
    form = line.get(f"/postings/{posting}/apply")
    answers = [
        {"id": one["id"], "fields": [{"value": pick_answer(field)} for field in one["fields"]]}
        for one in form["customQuestions"]
    ]  # fmt: skip
    personal = [{"name": "fullName", "value": "Ada Example"}, {"name": "email", "value": "ada@example.com"}]
    return {"personalInformation": personal, "customQuestions": answers, **others}


def test_application_is_posted_with_its_answers_a_file_and_consent(line: LeverLine) -> None:
    posting = next(
        row
        for row in line.walk("/postings", state="published", **ALL)
        if line.get(f"/postings/{row['id']}/apply")["customQuestions"]
    )
    body = make_application(
        line, posting["id"], source="Fair", eeoResponses={"gender": "Female"}, consent={"store": True}
    )
    raw, kind = make_lever_form(("file", "cv.pdf", b"my life"))
    uri = read_lever(line.send("POST", "/uploads", raw, content_type=kind))["data"]["uri"]
    body["personalInformation"].append({"name": "resume", "value": uri})
    id_ = line.ask_whole("POST", f"/postings/{posting['id']}/apply", body)["data"]["applicationId"]
    row = line.get("/opportunities", email="ada@example.com", **ALL)[0]
    assert (row["applications"], row["stage"], row["origin"]) == ([id_], "applicant-new", "applied")
    application = line.get(f"/opportunities/{row['id']}/applications/{id_}")
    assert application["type"] == "posting"
    assert application["customQuestions"][0]["fields"][0]["value"] == body["customQuestions"][0]["fields"][0]["value"]
    assert row["dataProtection"]["store"]["allowed"] is True
    assert line.get("/eeo/responses/pii")[0]["applicationId"] == id_
    resume = line.get(f"/opportunities/{row['id']}/resumes")[0]
    assert line.send("GET", f"/opportunities/{row['id']}/resumes/{resume['id']}/download").body == b"my life"
    again = line.ask_whole("POST", f"/postings/{posting['id']}/apply", body)["data"]["applicationId"]
    assert again != id_
    assert len(line.get("/opportunities", contact_id=row["contact"], **ALL)) == 2
    line.app.clock.advance(timedelta(hours=25))
    wrong: tuple[Row, ...] = (
        body, {**body, "personalInformation": []}, make_application(line, posting["id"], customQuestions=[]),
        make_application(line, posting["id"], eeoResponses={"gender": "x"}),
    )  # fmt: skip
    for one in wrong:
        with pytest.raises(LeverRefusal, match="400"):
            line.ask_whole("POST", f"/postings/{posting['id']}/apply", one)
    line.change("postings", posting["id"], state="closed")
    with pytest.raises(LeverRefusal, match="takes no applications"):
        line.ask_whole("POST", f"/postings/{posting['id']}/apply", make_application(line, posting["id"]))


def test_applications_have_a_limit_of_their_own() -> None:
    line = open_lever(apply_limit="2")
    posting = find_posting(line)["id"]
    body = make_application(line, posting)
    statuses = []
    for _ in range(12):
        try:
            line.ask_whole("POST", f"/postings/{posting}/apply", body)
            statuses.append(201)
        except LeverRefusal as refused:
            statuses.append(refused.status)
    assert statuses[:2] == [201, 201]
    assert 429 in statuses
    assert line.get("/stages")


def test_requisition_is_echoed_in_another_shape_and_replaced_whole(line: LeverLine) -> None:
    posting = find_posting(line)["id"]
    body = {
        "requisitionCode": "NEW-1",
        "name": "Cook",
        "headcountTotal": "unlimited",
        "postingIds": [posting],
        "team": "Kitchen",
    }
    echo = line.act("POST", "/requisitions", body)
    assert echo["postingIds"] == [posting]
    row = line.get("/requisitions", requisition_code="NEW-1")[0]
    assert (row["headcountTotal"], row["headcountInfinite"], row["postings"]) == ("unlimited", True, [posting])
    line.act("PUT", f"/requisitions/{row['id']}", {"requisitionCode": "NEW-1", "name": "Chef", "headcountTotal": 2})
    after = line.get(f"/requisitions/{row['id']}")
    assert (after["name"], after["team"], after["postings"]) == ("Chef", None, [posting])
    assert after["updatedAt"] >= row["updatedAt"]
    with pytest.raises(LeverRefusal, match="at /requisitionCode"):
        line.act("POST", "/requisitions", body)
    line.act("DELETE", f"/requisitions/{row['id']}")
    assert line.send("GET", f"/requisitions/{row['id']}").status == 404


def test_fields_of_requisitions_and_their_options(line: LeverLine) -> None:
    field = {"id": "own_field", "text": "Own", "type": "dropdown", "options": [{"text": "A"}]}
    made = line.act("POST", "/requisition_fields", field)
    assert made["options"][0]["text"] == "A"
    path = "/requisition_fields/own_field"
    added = line.act("POST", f"{path}/options", {"values": [{"text": "B"}]})
    line.act("PUT", f"{path}/options", {"values": [{"id": added[0]["id"], "text": "C"}]})
    assert [one["text"] for one in line.get(path)["options"]] == ["A", "C"]
    line.act("DELETE", f"{path}/options", {"values": [added[0]["id"]]})
    assert [one["text"] for one in line.get(path)["options"]] == ["A"]
    line.act("PUT", path, {**field, "text": "Other"})
    assert line.get(path)["text"] == "Other"
    line.act("DELETE", path)
    assert line.send("GET", path).status == 404
    with pytest.raises(LeverRefusal, match="at /id"):
        line.act("POST", "/requisition_fields", {**field, "id": "Not Snake"})


# Users and files


def test_user_is_made_replaced_deactivated_and_reactivated(line: LeverLine) -> None:
    made = line.act("POST", "/users", {"name": "Ada Example", "email": "ada@staff.example.com"})
    assert (made["accessRole"], made["username"]) == ("interviewer", "ada")
    with pytest.raises(LeverRefusal, match=r"A user already exists with that email address\. at /email"):
        line.act("POST", "/users", {"name": "x", "email": "ADA@staff.example.com"})
    body = {"name": "Ada Other", "email": "ada@staff.example.com", "jobTitle": "Cook"}
    assert line.act("PUT", f"/users/{made['id']}", body)["jobTitle"] == "Cook"
    assert line.act("POST", f"/users/{made['id']}/deactivate")["deactivatedAt"]
    assert made["id"] not in list_ids(line.walk("/users"))
    assert line.act("POST", f"/users/{made['id']}/reactivate")["deactivatedAt"] is None


def upload(line: LeverLine, path: str, content: bytes = b"abc") -> Row:
    raw, kind = make_lever_form(("file", "letter.pdf", content))
    query = {"perform_as": line.keys["perform_as"]}
    found: Row = read_lever(line.send("POST", path, raw, query, content_type=kind))["data"]
    return found


def test_file_is_uploaded_read_and_deleted(line: LeverLine) -> None:
    row = find_active(line)
    path = f"/opportunities/{row['id']}"
    made = upload(line, f"{path}/files")
    assert (made["name"], made["ext"], made["size"]) == ("letter.pdf", ".pdf", 3)
    assert made["downloadUrl"].endswith(f"/v1{path}/files/{made['id']}/download")
    assert line.send("GET", f"{path}/files/{made['id']}/download").body == b"abc"
    assert list_ids(line.get(f"{path}/files", uploaded_at_start=made["uploadedAt"])) == [made["id"]]
    assert line.act("DELETE", f"{path}/files/{made['id']}") is None
    assert line.send("GET", f"{path}/files/{made['id']}/download").status == 404
    actions = line.get(f"{path}/file_actions", occurred_at_start=made["uploadedAt"])
    assert [one["type"] for one in actions] == ["file-remove", "file-added"]
    raw, kind = make_lever_form(("other", None, b"x"))
    assert (
        line.send("POST", f"{path}/files", raw, {"perform_as": line.keys["perform_as"]}, content_type=kind).status
        == 400
    )
    with pytest.raises(LeverRefusal, match="413"):
        upload(line, f"{path}/files", b"x" * (30 * 1024 * 1024 + 1))


def test_file_that_could_not_be_processed_is_422(line: LeverLine) -> None:
    row = find_active(line)
    made = upload(line, f"/opportunities/{row['id']}/files")
    line.change("files", made["id"], status="error")
    assert line.send("GET", f"/opportunities/{row['id']}/files/{made['id']}/download").status == 422


def test_form_makes_an_opportunity_with_resume_and_files(line: LeverLine) -> None:
    reason = line.get("/archive_reasons", type="non-hired")[0]["id"]
    raw, kind = make_lever_form(
        ("emails[]", None, b"ada@example.com"), ("archived[reason]", None, reason.encode()),
        ("phones[][type]", None, b"mobile"), ("phones[][value]", None, b"123"),
        ("resumeFile", "Ada Parsed.pdf", b"cv"), ("files[]", "one.txt", b"1"), ("files[]", "two.txt", b"2"),
    )  # fmt: skip
    query = {"perform_as": line.keys["perform_as"], "parse": "true"}
    row = read_lever(line.send("POST", "/opportunities", raw, query, content_type=kind))["data"]
    assert (row["name"], row["emails"], row["archived"]["reason"]) == ("Ada Parsed", ["ada@example.com"], reason)
    assert row["phones"] == [{"type": "mobile", "value": "123"}]
    resume = line.get(f"/opportunities/{row['id']}/resumes")[0]
    assert line.send("GET", f"/opportunities/{row['id']}/resumes/{resume['id']}/download").body == b"cv"
    assert {one["name"] for one in line.get(f"/opportunities/{row['id']}/files")} == {"one.txt", "two.txt"}


def test_form_whose_names_do_not_fit_together_is_no_error_of_ours(line: LeverLine) -> None:
    query = {"perform_as": line.keys["perform_as"]}
    for names in (
        ("emails[]", "emails[][x]"), ("emails", "emails[]"), ("emails[x]", "emails[]"), ("phones[][type]", "phones[]"),
        ("archived", "archived[reason]"), ("archived[]", "archived[reason]"), ("[]", "x[[]]"), ("phones[0][type]",),
    ):  # fmt: skip
        raw, kind = make_lever_form(*((name, None, b"x") for name in names))
        assert line.send("POST", "/opportunities", raw, query, content_type=kind).status in (201, 400), names
    for raw, kind in ((b"x", "multipart/form-data; boundary=x"), (b"--x", "multipart/form-data")):
        assert line.send("POST", "/opportunities", raw, query, content_type=kind).status == 400
    raw, kind = make_lever_form(("name", None, b"x"))
    assert line.send("PUT", f"/contacts/{NOTHING}", raw, query, content_type=kind).status == 415


@pytest.mark.parametrize("raw", [b"[]", b"{", b"7", b"\xff", b"[" * 500])
def test_body_that_is_no_object_is_refused(line: LeverLine, raw: bytes) -> None:
    query = {"perform_as": line.keys["perform_as"]}
    assert line.send("POST", "/opportunities", raw, query).status == 400
    assert line.send("POST", "/opportunities", raw, query, content_type="text/plain").status == 415


def test_offer_is_downloaded_as_sent_and_as_signed(line: LeverLine) -> None:
    rows = [row for _, row in line.app.emulator.streams["offers"].walk_latest()]  # type: ignore[attr-defined]
    signed = next(row for row in rows if row["status"] == "signed")
    path = f"/opportunities/{signed['opportunityId']}/offers/{signed['id']}/download"
    assert line.send("GET", path).body == line.send("GET", path, query={"status": "signed"}).body
    assert line.send("GET", path).body != line.send("GET", path, query={"status": "sent"}).body
    line.change("offers", signed["id"], sentDocument=None, signedDocument=None)
    assert line.send("GET", path).status == 404
