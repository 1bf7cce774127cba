"""What the page of the capability matrix says."""

import re
from html import unescape

import msgspec

from testbed.vendor import ACME
from unihire.dialects.common.markup import Table, to_html, to_markdown, to_plain
from unihire.dialects.unihire.capabilities_page import describe_all, describe_one, describe_overview
from unihire.dialects.unihire.matrix import Capabilities, OperationCapability, describe_integration
from unihire.model import MODELS


def describe() -> Capabilities:
    return Capabilities(integrations=[describe_integration(ACME)])


def test_every_link_inside_the_page_leads_to_one_heading() -> None:
    blocks = describe_all(describe())
    page = to_html("page", blocks)
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) == 4
    assert set(links) <= set(anchors)


def test_overview_counts_fields_and_tells_what_can_be_written() -> None:
    told = describe()
    (acme,) = told.integrations
    models = [msgspec.structs.replace(model, can_write=model.name == "job") for model in acme.models]
    (table,) = describe_overview(Capabilities(integrations=[msgspec.structs.replace(acme, models=models)]))
    assert isinstance(table, Table)
    rows = {to_plain(row[0]): to_plain(row[1]) for row in table.rows}
    assert len(rows) == len(MODELS)
    more = {name: len(spec.more) for name, spec in MODELS.items()}
    assert (rows["offer"], rows["candidate"]) == (
        "no",
        f"18 of 18 fields, {more['candidate']} of {more['candidate']} of more",
    )
    assert rows["job"] == f"13 of 13 fields, {more['job']} of {more['job']} of more, can be written"


def test_page_of_no_integration_is_a_page() -> None:
    assert to_markdown(describe_all(Capabilities(integrations=[]))).startswith("# ")


def test_page_names_every_stream_model_field_and_reason() -> None:
    page = unescape(to_html("page", describe_all(describe())).replace("<wbr>", ""))
    (acme,) = describe().integrations
    expected = [acme.name, acme.website, *(stream.name for stream in acme.streams)]
    expected += [model.name for model in acme.models]
    given = [field for model in acme.models if model.is_given for field in model.fields]
    expected += [f"more.{field.name}" if field.is_more else field.name for field in given]
    assert [text for text in expected if text not in page] == []


def test_field_that_is_not_given_says_why_and_its_filter_finds_nothing() -> None:
    (acme,) = describe().integrations
    (job,) = (model for model in acme.models if model.name == "job")
    fields = [
        msgspec.structs.replace(field, is_given=False, reason="There is no code.") if field.name == "code" else field
        for field in job.fields
    ]
    filters = [msgspec.structs.replace(known, is_given=known.param != "code") for known in job.filters]
    job = msgspec.structs.replace(job, fields=fields, filters=filters)
    (table, *_) = (
        block
        for block in describe_one(msgspec.structs.replace(acme, models=[job]))
        if isinstance(block, Table) and block.columns[0] == "field"
    )
    rows = {to_plain(cells[0]): [to_plain(cell) for cell in cells[1:]] for cells in table.rows}
    assert rows["code"] == ["no: There is no code.", "code finds nothing", "", "no"]
    assert rows["status"] == ["yes", "status: exact, its words only", "", "no"]
    assert rows["offices"] == ["yes", "offices: ids of ours, several by comma", "", "no"]


def test_what_writes_is_told_with_the_integration_and_with_the_model() -> None:
    (acme,) = describe().integrations
    assert "Nothing can be written." in to_markdown(list(describe_one(acme)))
    operations = [
        OperationCapability(
            name="make_job", title="Make a job", kind="public", is_write=True, scopes=["jobs:create"], more_scopes=[]
        ),
        OperationCapability(name="jobs_ddl", title="Jobs", kind="ddl", is_write=False, scopes=[], more_scopes=[]),
    ]
    models = [
        msgspec.structs.replace(model, written_by=["make_job"] if model.name == "job" else [], can_write=True)
        for model in acme.models
    ]
    page = to_markdown(list(describe_one(msgspec.structs.replace(acme, models=models, operations=operations))))
    assert "What is written goes through `make_job`." in page
    assert page.count(" Written by `make_job`.") == 1
    assert "| `make_job` | Make a job |  | yes |" in page
    assert "| `jobs_ddl` | Jobs | choices for an input | no |" in page
