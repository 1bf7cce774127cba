"""What a company sets up: reasons, sources, tags, departments, locations, plans, forms, custom fields and the like.

None of these lists depends on the size. Each has something archived, so that a reader who forgets to ask for it sees
less.
"""

from collections.abc import Callable, Mapping
from typing import Any

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.ashby.emulator.rows.forms import FEEDBACK_FORMS, OFFER_FORM, REFERRAL_FORM, SURVEY_FORMS
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.world import World

ORGANIZATION = make_id("organizations", 1)
SOURCE_TYPES = (("Inbound", False), ("Outbound", False), ("Referral", False), ("Agency", False), ("Fairs", True))
MORE_SOURCES = (("Sourced", 1, False), ("Applied", 0, False), ("Old job fair", 4, True))
ARCHIVE_REASONS = (
    ("Lacks skills", "RejectedByOrg", False),
    ("Position filled", "RejectedByOrg", False),
    ("Not enough experience", "RejectedByOrg", False),
    ("Withdrew", "RejectedByCandidate", False),
    ("Took another offer", "RejectedByCandidate", False),
    ("Duplicate", "Other", False),
    ("Office closed", "RejectedByOrg", True),
)
CLOSE_REASONS = (("Hired", False), ("Cancelled", False), ("Budget", True))
TAGS = (
    ("Silver medalist", False), ("Relocates", False), ("Alumni", False), ("Speaker", False), ("Top talent", False),
    ("Referral", False), ("Do not contact", False), ("Class of 2019", True),
)  # fmt: skip
TEAMS = (("Platform team", 0), ("Design team", 2), ("Field sales", 3))
COUNTRIES: tuple[tuple[str, tuple[tuple[str, str | None], ...]], ...] = (
    ("Germany", (("Berlin", "Berlin"), ("München", "Bavaria"), ("Hamburg", None), ("Köln", None))),
    ("Austria", (("Wien", None),)),
    ("Switzerland", (("Zürich", None),)),
    ("Spain", (("Madrid", None), ("Barcelona", "Catalonia"))),
    ("Portugal", (("Lisboa", None),)),
    ("Ireland", (("Dublin", None),)),
    ("United Kingdom", (("London", None),)),
    ("Netherlands", (("Amsterdam", None),)),
    ("France", (("Paris", None),)),
    ("Poland", (("Kraków", None),)),
    ("Sweden", (("Malmö", None),)),
)
COUNTRY_OF = {city: (country, region) for country, cities in COUNTRIES for city, region in cities}
CITIES = tuple(COUNTRY_OF)
ROLES = ("Recruiter", "Hiring Manager", "Coordinator", "Sourcer")
STAGE_TYPES = ("Lead", "PreInterviewScreen", "Active", "Offer", "Hired", "Archived")
TEMPLATES = (("Thank you, no", ["email"]), ("Hello", ["email", "inMail"]), ("Connect", ["linkedInConnection"]))
CUSTOM_OBJECTS = ("Candidate", "Application", "Job", "Opening", "Offer", "Employee", "Talent_Project")
CUSTOM_TYPES: tuple[str, ...] = (
    "Boolean", "CompensationRange", "Currency", "Date", "LongText", "MultiValueSelect", "Number", "NumberRange",
    "String", "ValueSelect", "Url", "UUID",
)  # fmt: skip
FULL_OBJECTS = 4
"""Objects with a custom field of every type; the others have one of each of three."""
OPTIONS = tuple(
    {"label": label, "value": label.lower(), "isArchived": label == "Grey"}
    for label in ("Red", "Green", "Blue", "Grey")
)


def list_custom_fields() -> list[Row]:
    """Of each type one; the text field of candidates has a private twin, and one field is archived."""
    found = []
    for place, object_type in enumerate(CUSTOM_OBJECTS):
        types = CUSTOM_TYPES if place < FULL_OBJECTS else ("String", "Number", "ValueSelect")
        for type_ in types:
            found.append(_make_custom_field(object_type, type_, f"{object_type} {type_.lower()}"))
        if place < FULL_OBJECTS:
            found.append(_make_custom_field(object_type, "String", f"{object_type} secret", is_private=True))
            found.append(_make_custom_field(object_type, "String", f"{object_type} relic", is_archived=True))
    return found


def _make_custom_field(
    object_type: str, type_: str, title: str, *, is_private: bool = False, is_archived: bool = False
) -> Row:
    field: Row = {
        "isPrivate": is_private,
        "title": title,
        "objectType": object_type,
        "isArchived": is_archived,
        "fieldType": type_,
        "isRequired": False,
    }
    if type_ in ("ValueSelect", "MultiValueSelect"):
        field["selectableValues"] = [dict(option) for option in OPTIONS]
    return field


CUSTOM_FIELDS = list_custom_fields()


_MAKE_VALUE: Mapping[str, Callable[[int], Any]] = {
    "Boolean": lambda bits: bits & 1 == 0,
    "CompensationRange": lambda bits: {
        "type": "compensation-range",
        "minValue": 40_000 + bits % 50 * 1000,
        "maxValue": 60_000 + bits % 50 * 1000,
        "currencyCode": "EUR",
        "interval": "1 YEAR",
    },
    "Currency": lambda bits: {"value": 1000 + bits % 50, "currencyCode": "EUR"},
    "Date": lambda bits: f"2026-{1 + bits % 12:02d}-{1 + bits % 28:02d}T00:00:00.000Z",
    "LongText": lambda bits: f"First line {bits % 50}.\nSecond line.",
    "MultiValueSelect": lambda bits: ["red", "blue"] if bits & 1 else ["green"],
    "Number": lambda bits: bits % 50,
    "NumberRange": lambda bits: {"type": "number-range", "minValue": bits % 50, "maxValue": bits % 50 + 10},
    "String": lambda bits: f"made up {bits % 50}",
    "ValueSelect": lambda bits: ("red", "green", "blue")[bits % 3],
    "Url": lambda bits: f"https://example.com/{bits % 50}",
    "UUID": lambda bits: f"00000000-0000-4000-8000-{bits % 50:012d}",
}
"""Type of a custom field → a believable value by these bits."""

_FIELDS_OF: dict[str, list[tuple[int, str, Callable[[int], Any]]]] = {}
for _place, _field in enumerate(CUSTOM_FIELDS):
    _FIELDS_OF.setdefault(_field["objectType"], []).append(
        (_place, make_id("custom_fields", 1 + _place), _MAKE_VALUE[_field["fieldType"]])
    )


def make_custom_values(object_type: str, bits: int) -> dict[str, Any]:
    """Field id → value, of some of the object's fields: what has no value is left out."""
    return {id_: make(bits >> place % 7) for place, id_, make in _FIELDS_OF[object_type] if not bits >> place % 24 & 3}


class Catalog:
    """The parts of the catalog's streams."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> dict[str, list[PartRows]]:
        tables = {
            "source_types": self._list_titled(SOURCE_TYPES),
            "sources": self._list_sources(),
            "archive_reasons": [
                {"text": text, "reasonType": type_, "isArchived": archived, **self._world.times()}
                for text, type_, archived in ARCHIVE_REASONS
            ],
            "close_reasons": [{"reasonText": text, "isArchived": archived} for text, archived in CLOSE_REASONS],
            "candidate_tags": self._list_titled(TAGS),
            "departments": self._list_departments(),
            "locations": self._list_locations(),
            "custom_fields": [dict(field) for field in CUSTOM_FIELDS],
            "interview_plans": self._list_plans(),
            "interview_stages": self._list_stages(),
            "interview_stage_groups": [
                {"title": f"{type_} stages", "order": place, "stageType": type_}
                for place, type_ in enumerate(STAGE_TYPES)
            ],
            "interviews": self._list_interviews(),
            "feedback_forms": [
                {**_begin_form(title, archived, place == 0), "formDefinition": form}
                for place, (title, archived, form) in enumerate(FEEDBACK_FORMS)
            ],
            "survey_forms": [
                {**_begin_form(title, archived, not archived), "formDefinition": form, "surveyType": type_}
                for type_, title, archived, form in SURVEY_FORMS
            ],
            "offer_forms": [{**_begin_form("Offer", False, True), "formDefinition": OFFER_FORM}],
            "referral_forms": [{**_begin_form("Referral", False, True), "formDefinition": REFERRAL_FORM}],
            "hiring_roles": [{"title": title} for title in ROLES],
            "communication_templates": [
                {**self._world.times(), "title": title, "intendedTypes": types} for title, types in TEMPLATES
            ],
            "brands": [{"name": self._world.company.name, "hostedJobsPageSlug": "example"}],
            "job_boards": [
                {"title": "Careers", "isInternal": False},
                {"title": "Internal", "isInternal": True},
            ],
            "job_templates": self._list_templates(),
            "projects": self._list_projects(),
            "interviewer_pools": self._list_pools(),
            "tracking_links": [
                {
                    "code": f"code{place}",
                    "enabled": place != 1,
                    "sourceId": make_id("sources", 1 + place),
                    "link": f"https://jobs.example.com/?utm_source=code{place}",
                }
                for place in range(3)
            ],
        }
        return {stream: [self._world.make_table(stream, rows)] for stream, rows in tables.items()}

    @staticmethod
    def _list_titled(pairs: tuple[tuple[str, bool], ...]) -> list[Row]:
        return [{"title": title, "isArchived": archived} for title, archived in pairs]

    def _list_sources(self) -> list[Row]:
        kinds = {"Referral": 2, "Agency": 3, "LinkedIn": 1}
        rows = [(title, kinds.get(title, 0), False) for title in self._world.company.channels]
        return [
            {"title": title, "isArchived": archived, "sourceTypeId": make_id("source_types", 1 + kind)}
            for title, kind, archived in (*rows, *MORE_SOURCES)
        ]

    def _list_departments(self) -> list[Row]:
        times = self._world.times()
        rows = [
            {"name": name, "externalName": None, "isArchived": False, "parentId": None, **times, "extraData": None}
            for name in self._world.company.departments
        ]
        for name, parent in TEAMS:
            rows.append({**rows[0], "name": name, "parentId": make_id("departments", 1 + parent)})
        rows.append({**rows[0], "name": "Old department", "isArchived": True})
        return rows

    @staticmethod
    def _list_locations() -> list[Row]:
        rows: list[Row] = []
        hierarchy = 1 + len(CITIES) + 2
        for place, city in enumerate(CITIES):
            country, region = COUNTRY_OF[city]
            address = {"addressCountry": country, "addressLocality": city}
            if region is not None:
                address["addressRegion"] = region
            rows.append(
                {
                    "name": city,
                    "isArchived": False,
                    "address": {"postalAddress": address},
                    "isRemote": False,
                    "workplaceType": ("OnSite", "Hybrid")[place & 1],
                    "parentLocationId": make_id(
                        "locations", hierarchy + 1 + [name for name, _ in COUNTRIES].index(country)
                    ),
                    "type": "Location",
                }
            )
        rows.append(
            {"name": "Remote", "isArchived": False, "isRemote": True, "workplaceType": "Remote", "type": "Location"}
        )
        rows.append({"name": "Old office", "isArchived": True, "isRemote": False, "type": "Location"})
        top = make_id("locations", hierarchy)
        rows.append({"name": "Europe", "isArchived": False, "isRemote": False, "type": "LocationHierarchy"})
        for country, _ in COUNTRIES:
            rows.append(
                {
                    "name": country,
                    "isArchived": False,
                    "isRemote": False,
                    "parentLocationId": top,
                    "type": "LocationHierarchy",
                }
            )
        return rows

    def _list_plans(self) -> list[Row]:
        names = [(f"{category.name} plan", False) for category in self._world.company.categories]
        return [
            {"title": title, "isArchived": archived, **self._world.times()}
            for title, archived in (*names, ("Old plan", True))
        ]

    def _list_stages(self) -> list[Row]:
        """Plan by plan, in the order of each."""
        rows = []
        plans = [category.stages for category in self._world.company.categories]
        for plan, own in enumerate((*plans, ("Old interview",))):
            stages = [("New Lead", 0), ("Application Review", 1)]
            stages += [(title, 2) for title in own]
            stages += [("Offer", 3), ("Hired", 4), ("Archived", 5)]
            for place, (title, type_) in enumerate(stages):
                rows.append(
                    {
                        "title": title,
                        "type": STAGE_TYPES[type_],
                        "orderInInterviewPlan": place,
                        "interviewStageGroupId": make_id("interview_stage_groups", 1 + type_) if place else None,
                        "interviewPlanId": make_id("interview_plans", 1 + plan),
                    }
                )
        return rows

    def _list_interviews(self) -> list[Row]:
        """Two of each plan that jobs share; then some of single jobs, and an archived one."""
        rows = []
        for plan, category in enumerate(self._world.company.categories):
            for place in range(2):
                rows.append(_make_interview(category.stages[place], (plan + place) % 3, has_text=place == 0))
        for job in range(6):
            rows.append({**_make_interview("Debrief", 2, has_text=False), "jobId": make_id("jobs", 1 + job)})
            rows[-1]["isDebrief"] = True
        rows.append({**_make_interview("Old interview", 3, has_text=False), "isArchived": True})
        return rows

    def _list_templates(self) -> list[Row]:
        return [
            {
                "title": f"Template {place}",
                "status": ("Active", "Inactive")[place],
                "locationId": make_id("locations", 1),
                "departmentId": make_id("departments", 1),
                "defaultInterviewPlanId": make_id("interview_plans", 1),
                "interviewPlanIds": [make_id("interview_plans", 1)],
                **self._world.times(),
            }
            for place in range(2)
        ]

    def _list_projects(self) -> list[Row]:
        return [
            {
                "title": title,
                "description": f"Made-up project {title.lower()}.",
                "isArchived": place == 3,
                "confidential": place == 2,
                "authorId": self._world.pick_user(place),
                "createdAt": self._world.start,
                "customFieldEntries": [],
            }
            for place, title in enumerate(("Pipeline", "University", "Executives", "Old project"))
        ]

    def _list_pools(self) -> list[Row]:
        rows = []
        for place, title in enumerate(("Coding", "Culture", "Old pool")):
            stages = [
                {
                    "id": make_id("training_stages", 1 + place),
                    "interviewerRole": "Shadow",
                    "interviewsRequired": 2,
                    "approvalRequired": False,
                    "approvers": [],
                }
            ]
            rows.append(
                {
                    "title": title,
                    "isArchived": place == 2,
                    "trainingPath": {
                        "id": make_id("training_paths", 1 + place),
                        "enabled": place == 0,
                        "trainingStages": stages if place == 0 else [],
                    },
                    "memberIds": [self._world.pick_user(place * 3), self._world.pick_user(place * 3 + 1)],
                    "traineeIds": [self._world.pick_user(place * 3 + 2)] if place == 0 else [],
                }
            )
        return rows


def _begin_form(title: str, is_archived: bool, is_default: bool) -> Row:
    return {"organizationId": ORGANIZATION, "title": title, "isArchived": is_archived, "isDefaultForm": is_default}


def _make_interview(title: str, form: int, *, has_text: bool) -> Row:
    return {
        "title": title,
        "externalTitle": f"{title} with us",
        "isArchived": False,
        "isDebrief": False,
        "instructionsHtml": "<p>Be kind.</p>" if has_text else None,
        "instructionsPlain": "Be kind." if has_text else None,
        "feedbackFormDefinitionId": make_id("feedback_forms", 1 + form),
        "isFeedbackRequired": True,
        "isFeedbackRequested": True,
    }
