"""Rows of the account itself: short lists that do not grow with the number of candidates."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, Row
from unihire.integrations.greenhouse.emulator.rows import catalog
from unihire.integrations.greenhouse.emulator.rows.world import World

_CITIES = (
    "Berlin, Germany",
    "München, Germany",
    "Hamburg, Germany",
    "Köln, Germany",
    "Wien, Austria",
    "Zürich, Switzerland",
    "Madrid, Spain",
    "Barcelona, Spain",
    "Lisboa, Portugal",
    "Dublin, Ireland",
    "London, United Kingdom",
    "Amsterdam, Netherlands",
    "Paris, France",
    "Kraków, Poland",
    "Malmö, Sweden",
    "Remote",
)
_REGIONS = ("Germany", "Iberia")


class CompanyRows:
    """Lists the rows; references between them are by place."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        # The numbers of other streams are known only when a row is asked for, so a list is made then.
        make = self._world.make_table
        names = {
            "close_reasons": catalog.CLOSE_REASONS,
            "candidate_tags": catalog.CANDIDATE_TAGS,
            "interviewer_tags": catalog.INTERVIEWER_TAGS,
        }
        tables: dict[str, list[Row]] = {stream: [{"name": name} for name in texts] for stream, texts in names.items()}
        tables |= {
            "sources": [
                {"name": name, "type": {"id": kind + 1, "name": catalog.SOURCE_TYPES[kind]}}
                for name, kind in catalog.SOURCES
            ],
            "rejection_reasons": [
                {
                    "name": name,
                    "type": dict(zip(("id", "key", "name"), catalog.REJECTION_TYPES[kind], strict=True)),
                    "_is_default": place in catalog.DEFAULT_REASONS,
                }
                for place, (name, kind) in enumerate(catalog.REJECTION_REASONS)
            ],
            "user_roles": [{"role_type": kind, "name": name} for kind, name in catalog.USER_ROLES],
            "job_boards": [
                {
                    "company_name": self._world.company.name,
                    "url_token": token,
                    "internal": internal,
                    "status": status,
                    "about": "<p>A made-up company.</p>",
                    "intro": None,
                    "conclusion": None,
                }
                for token, internal, status in catalog.JOB_BOARDS
            ],
            "blocked_spam_sources": [{"source_type": kind, "value": value} for kind, value in catalog.SPAM_SOURCES],
            "email_templates": [
                {
                    "name": name,
                    "description": None,
                    "type": kind,
                    "default": place == 0,
                    "from": "recruiting@staff.example.com",
                    "cc": [],
                    "body": "Hello {{CANDIDATE_FIRST_NAME}}",
                    "html_body": "<p>Hello {{CANDIDATE_FIRST_NAME}}</p>",
                    "user_id": None,
                }
                for place, (name, kind) in enumerate(catalog.EMAIL_TEMPLATES)
            ],
            "demographic_question_sets": [
                {"title": "About you", "description": "Answering is up to you.", "active": True, "enabled": True}
            ],
            "custom_fields": [self._describe_field(place, field) for place, field in enumerate(catalog.CUSTOM_FIELDS)],
            "webhooks": [],
            "bulk_requests": [],
        }
        parts = {stream: [make(stream, rows)] for stream, rows in tables.items()}
        linked = {
            "departments": self._list_departments(),
            "offices": self._list_offices(),
            "custom_field_options": [
                {
                    "custom_field_id": ("custom_fields", field),
                    "name": name,
                    "external_id": None,
                    "sort_order": order,
                    "active": True,
                }
                for field, name, order in catalog.list_options()
            ],
            "custom_field_departments": [
                {"custom_field_id": ("custom_fields", place), "department_id": ("departments", place % 10)}
                for place in range(3, 9)
            ],
            "custom_field_offices": [
                {"custom_field_id": ("custom_fields", place), "office_id": ("offices", place)} for place in range(3, 7)
            ],
            "demographic_questions": [
                {
                    "sort_order": place,
                    "active": True,
                    "name": name,
                    "demographic_question_set_id": ("demographic_question_sets", 0),
                    "required": required,
                    "answer_type": kind,
                }
                for place, (name, kind, required) in enumerate(catalog.DEMOGRAPHIC_QUESTIONS)
            ],
            "demographic_answer_options": [
                {
                    "demographic_question_id": ("demographic_questions", place),
                    "sort_order": order,
                    "active": True,
                    "free_form": place == 0 and order == catalog.FREE_FORM_OPTION,
                    "name": name,
                    "decline_to_answer": order == len(names) - 1,
                }
                for place, names in enumerate(catalog.DEMOGRAPHIC_OPTIONS)
                for order, name in enumerate(names)
            ],
            "job_board_custom_locations": [
                {"value": value, "active": place != 2, "greenhouse_job_board_id": ("job_boards", 0)}
                for place, value in enumerate(catalog.CUSTOM_LOCATIONS)
            ],
            "prospect_pools": [
                {
                    "name": name,
                    "active": active,
                    "description": None if place else "People to keep in touch with.",
                    "department_ids": [("departments", place)],
                    "office_ids": [("offices", place)] if place else [],
                    "job_ids": [("jobs", place)],
                }
                for place, (name, active) in enumerate(catalog.POOLS)
            ],
            "prospect_pool_stages": [
                {"prospect_pool_id": ("prospect_pools", pool), "name": name, "sort_order": order}
                for pool in range(len(catalog.POOLS))
                for order, name in enumerate(catalog.POOL_STAGES)
            ],
            "pay_inputs": [
                {
                    "title": title,
                    "blurb": blurb,
                    "priority": place,
                    "linked_custom_field_id": None if place else ("custom_fields", self._find_field("Budget")),
                    "locked": False,
                }
                for place, (title, blurb) in enumerate(catalog.PAY_INPUTS)
            ],
        }
        return parts | {stream: [self._make_linked(stream, rows)] for stream, rows in linked.items()}

    def _make_linked(self, stream: str, rows: list[Row]) -> PartRows:
        """A table whose (stream, place) values become ids when a row is asked for."""
        world = self._world

        def shape(index: int, _place: int) -> Row:
            row = {name: self._resolve(value) for name, value in rows[index].items()}
            return {"id": world.ids[stream](index), "created_at": world.start, "updated_at": world.start, **row}

        return PartRows(len(rows), 1, shape)

    def _resolve(self, value: object) -> object:
        if isinstance(value, tuple):
            stream, place = value
            return self._world.ids[stream](place)
        return [self._resolve(one) for one in value] if isinstance(value, list) else value

    @staticmethod
    def _find_field(name: str) -> int:
        return next(place for place, field in enumerate(catalog.CUSTOM_FIELDS) if field.name == name)

    def _list_departments(self) -> list[Row]:
        tops = self._world.company.departments
        rows: list[Row] = [
            {"name": name, "parent_id": None, "external_id": f"dep-{place}" if place % 3 else None}
            for place, name in enumerate(tops)
        ]
        for place in range(0, len(tops), 2):
            rows.append({"name": f"{tops[place]}: Team A", "parent_id": ("departments", place), "external_id": None})
        return rows

    def _list_offices(self) -> list[Row]:
        rows: list[Row] = []
        for place, location in enumerate(_CITIES):
            parent = 16 if "Germany" in location else 17 if place in (6, 7, 8) else None
            rows.append(
                {
                    "name": location.partition(",")[0],
                    "parent_id": None if parent is None else ("offices", parent),
                    "external_id": f"office-{place}" if place % 2 else None,
                    "location": location,
                    "primary_in_house_contact_user_id": ("users", place) if place % 4 == 0 else None,
                }
            )
        for name in _REGIONS:
            rows.append(
                {
                    "name": name,
                    "parent_id": None,
                    "external_id": None,
                    "location": None,
                    "primary_in_house_contact_user_id": None,
                }
            )
        return rows

    @staticmethod
    def _describe_field(place: int, field: catalog.FieldFacts) -> Row:
        return {
            "field_type": field.field_type,
            "sort_order": place,
            "name": field.name,
            "value_type": field.value_type,
            "private": field.name == "Desired salary",
            "required": False,
            "require_approval": field.field_type == "offer",
            "trigger_new_version": field.name == "Salary",
            "active": field.active,
            "updated_by_id": None,
            "internal_type": field.internal_type,
            "expose_in_job_board_api": field.field_type == "job",
            "placeholder": None,
            "name_key": field.name_key,
            "description": "",
            "application_type": "all_applications" if field.field_type == "application" else None,
            "api_only": False,
            "use_for_job_approvals": False,
            "use_for_offer_approvals": False,
            "template_token_string": f"{{{{{field.name_key.upper()}}}}}" if field.field_type == "offer" else None,
            "default_value": None,
        }
