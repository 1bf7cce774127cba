"""What the company set up: stages, archive reasons, tags, sources, templates, fields of requisitions, users."""

from functools import lru_cache

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.lever.emulator.rows.forms import FEEDBACK_FIELDS, FORM_FIELDS
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import to_millis
from unihire.integrations.lever.emulator.rows.world import FIRST_OWN, MORE_SOURCES, STAGES, TAGS, World

ARCHIVE_REASONS = (
    ("Hired", "hired", "active"),
    ("Underqualified", "non-hired", "active"),
    ("Unresponsive", "non-hired", "active"),
    ("Position closed", "non-hired", "active"),
    ("Withdrew", "non-hired", "active"),
    ("Offer declined", "non-hired", "active"),
    ("Reason of earlier years", "non-hired", "inactive"),
)
REJECTED, WITHDRAWN = (2, 3, 4, 7), (5, 6)
"""Numbers of archive reasons."""
HIRED = 1
ROLES = ("super admin", "admin", "team member", "limited team member", "interviewer")
DEACTIVATED_EVERY = 9
REQUISITION_FIELDS: tuple[Row, ...] = (
    {"id": "cost_centre", "text": "Cost centre", "type": "text", "isRequired": False},
    {"id": "start_by", "text": "To start by", "type": "date", "isRequired": False},
    {
        "id": "grade",
        "text": "Grade",
        "type": "dropdown",
        "isRequired": True,
        "options": [{"id": "grade_1", "text": "Junior"}, {"id": "grade_2", "text": "Senior"}],
    },
    {
        "id": "budget",
        "text": "Budget",
        "type": "object",
        "isRequired": False,
        "subfields": [{"id": "year", "text": "Year", "type": "number"}],
    },
)


class Catalog:
    """The parts of these streams."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        world, company = self._world, self._world.company
        table, start = world.make_table, world.start
        reasons = [{"text": text, "status": status, "type": type_} for text, type_, status in ARCHIVE_REASONS]
        stages = [
            {"text": text, "pipeline": pipeline, "rank": rank, "hasInterview": has_interview}
            for text, pipeline, rank, has_interview in STAGES
        ]
        return {
            "stages": [table("stages", stages)],
            "archive_reasons": [table("archive_reasons", reasons)],
            "tags": [self._make_counted("tags", TAGS)],
            "sources": [self._make_counted("sources", (*company.channels, *MORE_SOURCES))],
            "feedback_templates": [
                table("feedback_templates", [self._make_template(*one, start) for one in enumerate(FEEDBACK_FIELDS)])
            ],
            "form_templates": [
                table(
                    "form_templates",
                    [
                        {
                            "text": text,
                            "instructions": "",
                            "group": None,
                            "secretByDefault": place == 1,
                            "fields": fields,
                            "createdAt": start,
                            "updatedAt": start,
                        }
                        for place, (text, fields) in enumerate(FORM_FIELDS)
                    ],
                )
            ],
            "requisition_fields": [
                table(
                    "requisition_fields", [{"key": field.pop("id"), **field} for field in map(dict, REQUISITION_FIELDS)]
                )
            ],
            "users": [
                PartRows(company.employees.count, 1, lru_cache(1024)(self._make_user), timeline=company.employees)
            ],
        }

    @staticmethod
    def _make_template(place: int, form: tuple[str, list[Row]], start: int) -> Row:
        text, fields = form
        stage = FIRST_OWN + place * 2
        return {
            "text": text,
            "instructions": "Say what you saw.",
            "group": {"id": make_id("groups", 1), "name": "Interviews"} if place else None,
            "fields": fields,
            "stage": {"id": make_id("stages", 1 + stage), "text": STAGES[stage][0]},
            "createdAt": start,
            "updatedAt": start,
        }

    def _make_counted(self, stream: str, texts: tuple[str, ...]) -> PartRows:
        """How often each is used is counted when somebody asks."""

        def make(index: int, _place: int) -> Row:
            count = self._world.uses.get(texts[index], 0)
            return {"id": make_id(stream, 1 + index), "text": texts[index], "count": count}

        return PartRows(len(texts), 1, make)

    def _make_user(self, index: int, _place: int) -> Row:
        person = self._world.company.employee(index)
        created = self._world.company.employees.created_at(index)
        is_gone = index % DEACTIVATED_EVERY == DEACTIVATED_EVERY - 1
        return {
            "id": make_id("users", 1 + index),
            "name": f"{person.first_name} {person.last_name}",
            "username": person.email.partition("@")[0],
            "email": person.email,
            "accessRole": ROLES[0] if index == 0 else ROLES[person.bits % len(ROLES)],
            "photo": None,
            "createdAt": to_millis(created),
            "deactivatedAt": to_millis(self._world.company.employees.updated_at(index)) if is_gone else None,
            "externalDirectoryId": f"dir-{index}" if person.bits & 1 else None,
            "linkedContactIds": None,
            "jobTitle": self._world.company.roles[index % len(self._world.company.roles)],
            "managerId": None if index == 0 else make_id("users", 1 + index // 4),
        }
