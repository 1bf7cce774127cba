"""Lists that only writes ask for, and one that is stored so that forms can offer what is in it."""

from unihire.integration.declare import CallById, Data, Stream
from unihire.integrations.workable.mapping.values import get_id
from unihire.integrations.workable.paging import paged
from unihire.outbound.paging import WholeList

PROFILES = "profiles"
"""A candidate by the id, with what lists leave out: tags, profiles, files."""
JOB_STAGES = "job_stages"
"""The stages of a job, `job`."""
TIMELINE = "timeline"
"""What happened around a candidate, `candidate`."""
FILES = "files"
"""The files of a candidate, `candidate`."""
CUSTOM_ATTRIBUTES = "custom_attributes"


def get_slug(row: Data) -> str:
    return get_id(row, "slug")


def get_name(row: Data) -> str:
    return get_id(row, "name")


LOOKUPS = (
    Stream(
        name=PROFILES,
        path="/candidates",
        paging=paged("candidates"),
        id_of=get_id,
        by_id=CallById(path="/candidates/{id}", item="candidate"),
    ),
    Stream(name=JOB_STAGES, path="/jobs/{job}/stages", paging=WholeList(items="stages"), id_of=get_slug),
    Stream(name=TIMELINE, path="/candidates/{candidate}/activities", paging=paged("activities"), id_of=get_id),
    Stream(name=FILES, path="/candidates/{candidate}/files", paging=WholeList(items="files"), id_of=get_name),
)


def declare_stored(permission: str) -> tuple[Stream, ...]:
    """The customer's own fields. The permission is in the words of the vendor's settings page."""
    return (
        Stream(
            name=CUSTOM_ATTRIBUTES,
            path="/custom_attributes",
            paging=WholeList(items="custom_attributes"),
            id_of=get_id,
            permission=permission,
            is_stored=True,
            is_optional=True,
        ),
    )
