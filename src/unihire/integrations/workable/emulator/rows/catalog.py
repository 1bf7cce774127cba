"""Short tables: departments, reasons, recruiters, custom attributes; questions and the stages of pipelines."""

from typing import Any

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.workable.emulator.rows.ids import RANGES, make_id
from unihire.integrations.workable.emulator.rows.world import World

REASONS = (
    ("Doesn't have required experience", False), ("Underqualified", False), ("Overqualified", False),
    ("Missing qualifications", False), ("Location", False), ("Salary expectations", False), ("Not responding", False),
    ("Position filled", False), ("Duplicate", False), ("Failed assessment", False),
    ("Accepted another offer", True), ("Salary too low", True), ("Personal reasons", True), ("Relocation", True),
    ("Lost interest", True),
)  # fmt: skip
"""Texts, and whether the candidate withdrew."""
REJECTING = [text for text, withdrew in REASONS if not withdrew]
WITHDRAWING = [text for text, withdrew in REASONS if withdrew]

SUBDEPARTMENTS = ((0, "Platform"), (3, "Field Sales"))
"""(place of the parent, name)"""

QUESTIONS: tuple[Row, ...] = (
    {"body": "Why would you like to work here?", "type": "free_text", "required": True, "max_length": 5000},
    {"body": "When could you start?", "type": "date", "required": False},
    {"body": "Do you have a work permit?", "type": "boolean", "required": True},
    {"body": "How many years of experience do you have?", "type": "numeric", "required": False},
    {
        "body": "Which languages do you speak?",
        "type": "multiple_choice",
        "required": False,
        "single_answer": False,
        "choices": ["English", "German", "Spanish"],
    },
    {
        "body": "How did you hear about us?",
        "type": "dropdown",
        "required": False,
        "single_answer": True,
        "choices": ["A friend", "A job board", "A fair"],
    },
    {"body": "What is your notice period?", "type": "short_text", "required": False, "max_length": 127},
    {
        "body": "A work sample",
        "type": "file",
        "required": False,
        "supported_file_types": ["pdf", "doc", "docx"],
        "max_file_size": 5_242_880,
    },
)
CHOICES_EACH = 8
"""So many ids of choices are reserved for each question."""

ATTRIBUTES: tuple[Row, ...] = (
    {"key": "salary_expectation", "type": "numeric", "label": "Salary expectation"},
    {"key": "has_driving_licence", "type": "boolean", "label": "Driving licence"},
    {"key": "earliest_start", "type": "date", "label": "Earliest start"},
    {"key": "shift", "type": "dropdown", "label": "Shift", "single_answer": True, "choices": ["Day", "Night"]},
    {"key": "remarks", "type": "free_text", "label": "Remarks"},
)


def make_choices(question: int, texts: list[str]) -> list[Row]:
    """Choices of the question of this number; their ids lie above those of questions."""
    first = RANGES["questions"][0] + RANGES["questions"][1] + question * CHOICES_EACH
    return [{"id": f"{first + place:x}", "body": text} for place, text in enumerate(texts)]


def make_attributes() -> list[Row]:
    found = []
    for number, row in enumerate(ATTRIBUTES, 1):
        choices = {"choices": make_choices(-number, row["choices"])} if "choices" in row else {}
        found.append({"enabled": True, "hint": None, **row, **choices})
    return found


class Catalog:
    """The parts of streams that do not grow with the company, and the questions of its jobs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        names = self._world.company.departments
        departments: list[Row] = [{"name": name, "parent_id": None, "sample": False} for name in names]
        for parent, name in SUBDEPARTMENTS:
            departments.append({"name": name, "parent_id": make_id("departments", 1 + parent), "sample": False})
        reasons: list[Row] = [
            {"description": text, "candidate_withdrew": withdrew, "position": place}
            for place, (text, withdrew) in enumerate(REASONS, 1)
        ]
        recruiters: list[Row] = [
            {"name": f"Agency Recruiter {number}", "email": f"recruiter.{number}@agency.example.com"}
            for number in (1, 2, 3)
        ]
        stages = [
            {
                "id": stage.number,
                "identifier": f"{stage.number:x}",
                "slug": stage.slug,
                "name": stage.name,
                "kind": stage.kind,
                "position": stage.position,
                "pipeline": place,
            }
            for place, pipeline in enumerate(self._world.pipelines)
            for stage in pipeline
        ]
        return {
            "departments": [make_table("departments", departments)],
            "disqualification_reasons": [make_table("disqualification_reasons", reasons)],
            "recruiters": [make_table("recruiters", recruiters)],
            "custom_attributes": [make_table("custom_attributes", make_attributes())],
            "stages": [PartRows(len(stages), 1, lambda index, _place: stages[index])],
            "questions": [
                PartRows(self._world.company.jobs.count, len(QUESTIONS), self._make_question, self._count_questions)
            ],
        }

    def _count_questions(self, job: int) -> int:
        """Some jobs ask nothing."""
        return count_questions(job)

    def _make_question(self, job: int, place: int) -> Row:
        number = 1 + job * len(QUESTIONS) + place
        row: dict[str, Any] = {"id": make_id("questions", number), **QUESTIONS[place], "job_number": 1 + job}
        if "choices" in row:
            row["choices"] = make_choices(number, row["choices"])
        return row


def count_questions(job: int) -> int:
    return 0 if job % 7 == 3 else 3 + job % (len(QUESTIONS) - 2)


def make_table(stream: str, rows: list[Row]) -> PartRows:
    """The rows get their id here."""
    made = [{"id": make_id(stream, 1 + index), **row} for index, row in enumerate(rows)]
    return PartRows(len(rows), 1, lambda index, _place: made[index])
