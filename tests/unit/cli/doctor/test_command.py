from dataclasses import replace

import pytest

from unihire.cli.doctor.command import examine_machine, find_declaration_faults
from unihire.integration.declare import Integration, Join, RecordMapping, Stream
from unihire.integration.registry import list_integrations
from unihire.model import Job
from unihire.outbound.auth import ClientCredentials, Credential
from unihire.outbound.paging import WholeList
from unihire.settings import Settings

JOBS = Stream(
    name="jobs",
    path="/jobs",
    paging=WholeList(items="items"),
    id_of=lambda row: str(row["id"]),
    mappings=(RecordMapping(Job, lambda source: Job()),),
)
ACMEHIRE = Integration(
    slug="acmehire",
    name="AcmeHire",
    website="https://acmehire.example",
    base_url="https://api.acmehire.example",
    auth=ClientCredentials(token_path="/token", credentials=(Credential("api_key", "API key", ""),)),
    streams=(JOBS,),
    cannot={"offer": "No offers.", "job.code": "No codes."},
)


def test_every_integration_there_is_declares_what_can_be() -> None:
    for integration in (*list_integrations(), ACMEHIRE):
        assert not list(find_declaration_faults(integration))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"base_url": "http://api.acmehire.example"}, "not https"),
        ({"auth": ClientCredentials(token_path="/token", credentials=())}, "no credentials"),
        ({"streams": (JOBS, JOBS)}, "the same name"),
        ({"streams": (replace(JOBS, mappings=()),)}, "nothing becomes of the stream jobs"),
        ({"cannot": {"offers": "x"}}, "cannot give offers, which nothing is called"),
        ({"cannot": {"job.colour": "x"}}, "cannot give job.colour, which nothing is called"),
        ({"cannot": {"job": "x"}}, "cannot give job, and gives it"),
    ],
)
def test_what_cannot_be_is_found(change: dict, fault: str) -> None:
    (found,) = find_declaration_faults(replace(ACMEHIRE, **change))
    assert fault in found


def test_field_that_richer_faces_alone_show_can_be_declared() -> None:
    assert not list(find_declaration_faults(replace(ACMEHIRE, cannot={"job.hiring_team": "It names nobody."})))


def test_rows_that_only_joins_show_are_not_nothing() -> None:
    sources = replace(JOBS, name="sources", mappings=())
    kept = replace(JOBS, name="openings", mappings=(), is_stored=True)
    join = Join(name="sources", stream="sources", on="id", key="source_id")
    joining = replace(ACMEHIRE, streams=(sources, kept, replace(JOBS, joins=(join,))))
    assert not list(find_declaration_faults(joining))


def test_a_home_that_cannot_be_written_fails(tmp_path) -> None:
    (tmp_path / "file").touch()
    for home, status in ((tmp_path / "nothing" / "yet", "ok"), (tmp_path / "file" / "below", "failed")):
        settings = Settings(_env_file=None, home=home, port=0)
        found = {finding.name: finding.status for finding in examine_machine(settings)}
        assert (found["home"], found["address"]) == (status, "ok")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
