"""Hiring teams: their roles are texts of the customer's."""

from typing import Any

from unihire.integration.declare import Data
from unihire.integrations.ashby.mapping.values import list_objects, to_id, to_text
from unihire.model import TeamMember

ROLES = {
    "hiring manager": "HIRING_MANAGER",
    "coordinator": "COORDINATOR",
    "recruiting coordinator": "COORDINATOR",
    "sourcer": "SOURCER",
    "interviewer": "INTERVIEWER",
}
"""Titles of roles, in small letters. Three of them are there in a new account, and a customer may add others."""

RECRUITER = "recruiter"
"""In small letters, what every title of a recruiter has in it: `Lead Recruiter`."""


def list_team(members: Any) -> list[TeamMember] | None:
    """Null where the row does not have a team at all."""
    if members is None:
        return None
    return [
        TeamMember(
            user=to_id(member.get("userId")), role=to_role(member.get("role")), role_name=to_text(member.get("role"))
        )
        for member in list_objects(members)
    ]


def to_role(title: Any) -> str | None:
    """The role in our vocabulary; None for one that has only its title."""
    if title is None:
        return None
    said = title.strip().casefold()
    return ROLES.get(said, "RECRUITER" if RECRUITER in said else None)


def name_of(user: Data) -> Any:
    """First and last name of a user as one text."""
    parts = (to_text(user.get("firstName")), to_text(user.get("lastName")))
    return to_text(" ".join(part for part in parts if part is not None))
