"""Writes in the capability matrix and on the pages: what is taken, who acts, and why the rest is not."""

from testbed.made_up_writes import declare_writes, pretend, take_everything
from testbed.vendor import ACME
from unihire.dialects.common.markup import to_markdown
from unihire.dialects.unihire.capabilities_page import describe_one
from unihire.dialects.unihire.matrix import describe_integration
from unihire.dialects.unihire.write_matrix import LOST, list_write_capabilities
from unihire.dialects.unihire.writes_page import describe_system
from unihire.integration.write import Params, Write
from unihire.model import INPUTS


class TagParams(Params):
    """Of the vendor's own."""

    group: str
    colour: str = "red"


TAG = Write(
    model="tag", verb="create", run=pretend, stream="jobs", takes=("name",), params=TagParams, lost_answer="unknown",
    no_actor="The key is the company's.", scopes=("tags:create",), more_scopes=("groups:create",),
    credential="write_key", note="Letter case does not count.",
)  # fmt: skip
JOB = take_everything(
    INPUTS["job", "create"], requires=("name",), needs_actor=True, words={"status": ("OPEN", "DRAFT")}
)
CANNOT = {"offer.create": "Offers are made on paper."}


def test_every_write_of_the_vocabulary_is_there_whether_it_can_be_done_or_not() -> None:
    with declare_writes([TAG, JOB], CANNOT):
        found = {(one.model, one.verb): one for one in list_write_capabilities("acme")}
        assert describe_integration(ACME).writes == [*found.values()]
    assert list(found) == list(INPUTS)
    assert {pair for pair, one in found.items() if one.is_possible} == {("tag", "create"), ("job", "create")}
    assert all(one.reason for one in found.values() if not one.is_possible)
    assert found["offer", "create"].reason == "Offers are made on paper."
    tag, job = found["tag", "create"], found["job", "create"]
    assert (tag.fields, tag.required, tag.params, tag.required_params) == (
        ["name"], ["name"], ["group", "colour"], ["group"],
    )  # fmt: skip
    assert (tag.acting_user, tag.acting_user_reason) == ("no", "The key is the company's.")
    assert (tag.scopes, tag.more_scopes, tag.credential) == (["tags:create"], ["groups:create"], "write_key")
    assert (job.acting_user, job.required, job.reason, job.note) == ("required", ["name"], None, None)
    assert job.fields == [field.name for field in INPUTS["job", "create"].fields]


def test_pages_say_what_the_matrix_says() -> None:
    with declare_writes([TAG, JOB], CANNOT):
        page = to_markdown(list(describe_one(describe_integration(ACME))))
        part = to_markdown(list(describe_system(ACME)))
    row = (
        "| `tag.create` | required: `name` | required: `group`; `colour` | nobody: The key is the company's. | "
        f"{LOST['unknown']} | `tags:create`; for some fields `groups:create` | "
        "Needs the credential `write_key`. Letter case does not count. |"
    )
    for text in (page, part):
        assert row in text
        assert "| `offer.create` | Offers are made on paper. |" in text
        assert "| `candidate.untag` |" in text
    assert "No operation writes; the unified API does." in page
    assert "| `status` | OPEN, DRAFT |" in part
    assert "| `group` | string | yes |  |" in part
    assert "| `colour` | string |  |  |" in part


def test_vendor_that_declares_nothing_takes_nothing() -> None:
    with declare_writes([]):
        assert not [one for one in list_write_capabilities("acme") if one.is_possible]
        assert "Nothing can be written." in to_markdown(list(describe_one(describe_integration(ACME))))
