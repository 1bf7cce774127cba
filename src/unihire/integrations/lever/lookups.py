"""Lists that only writes ask for: what belongs to one opportunity, `opportunity`; and forms, stored to be offered."""

from unihire.integration.declare import Stream
from unihire.integrations.lever.mapping.values import get_id
from unihire.integrations.lever.paging import LIST

NOTES, FILES, PANELS, FEEDBACK = "notes", "files", "panels", "feedback"

FEEDBACK_TEMPLATES = "feedback_templates"

LOOKUPS = tuple(
    Stream(name=name, path=f"/opportunities/{{opportunity}}/{name}", paging=LIST, id_of=get_id)
    for name in (NOTES, FILES, PANELS, FEEDBACK)
)


def declare_stored(permission: str) -> tuple[Stream, ...]:
    """The forms that scorecards are filled in by; the permission is in the words of the vendor's settings page."""
    return (
        Stream(
            name=FEEDBACK_TEMPLATES, path="/feedback_templates", paging=LIST, id_of=get_id, permission=permission,
            is_stored=True, is_optional=True,
        ),
    )  # fmt: skip
