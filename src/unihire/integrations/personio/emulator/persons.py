"""Persons and their employments: whom hiring teams name."""

from datetime import date, timedelta

from unihire.integration.emulate import Row
from unihire.integrations.personio.emulator.documented import DOCUMENTED_AT, DOCUMENTED_PERSONS
from unihire.integrations.personio.emulator.times import to_time_text


def document_persons() -> dict[int, tuple[int, Row]]:
    return {
        number: (
            DOCUMENTED_AT,
            make_person(number, names, "UNSPECIFIED", "ACTIVE", DOCUMENTED_AT, DOCUMENTED_AT),
        )
        for number, names in DOCUMENTED_PERSONS.items()
    }


def make_person(number: int, names: tuple[str, str, str], gender: str, status: str, created: int, updated: int) -> Row:
    first_name, last_name, email = names
    return {
        "id": str(number),
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "preferred_name": first_name,
        "gender": gender,
        "profile_picture": {"url": f"https://pictures.example.com/persons/{number}.png"},
        "status": status,
        "custom_attributes": [
            {
                "id": "dynamic_305",
                "type": "string",
                "global_id": "badge_number",
                "label": "Badge number",
                "value": f"{number:06d}",
            }
        ],
        "employments": [{"id": str(number * 10 + place)} for place in range(2 if number % 5 == 1 else 1)],
        "created_at": to_time_text(created) + "Z",
        "updated_at": to_time_text(updated) + "Z",
    }


def _list_refs(person: Row) -> list[Row]:
    """The references to employments, of whatever people made of them."""
    refs = person.get("employments")
    return [ref for ref in refs if isinstance(ref, dict) and "id" in ref] if isinstance(refs, list) else []


def list_employments(person: Row, department: str) -> list[Row]:
    """A person's employments, the latest first.

    Fields and order are those the public client `personio_client` generated from the vendor's own document. All of
    them are sent, for some clients made from it take no employment without a termination or an end of probation.
    """
    hired = date.fromisoformat(person["created_at"][:10])
    common = {
        "type": "INTERNAL",
        "weekly_working_hours": 40,
        "full_time_weekly_working_hours": 40,
        "supervisor": {"id": str(min(DOCUMENTED_PERSONS))},
        "office": {"id": "71"},
        "cost_centers": [{"id": "81", "weight": 100.0}],
        "legal_entity": {"id": "91"},
        "sub_company": {"id": "91"},
        "job": {"id": "61"},
    }
    employments = []
    for place, ref in enumerate(_list_refs(person)):
        begins = hired - timedelta(days=700 * place)
        employment = {
            "id": ref["id"],
            "status": person["status"] if place == 0 else "INACTIVE",
            "probation_end_date": (begins + timedelta(days=183)).isoformat(),
            "employment_start_date": begins.isoformat(),
            "position": {"title": ("Team Lead", "Specialist", "Trainee")[min(place, 2)]},
            "org_units": [{"type": "department", "id": department}],
            "person": {"id": person["id"]},
            "created_at": person["created_at"],
            "updated_at": person["updated_at"],
            "termination": {"type": "UNSPECIFIED"},
            **common,
        }
        if employment["status"] == "INACTIVE":
            end = begins + timedelta(days=600)
            employment["employment_end_date"] = employment["contract_end_date"] = end.isoformat()
            employment["termination"] = {
                "termination_date": end.isoformat(),
                "last_working_day": end.isoformat(),
                "terminated_at": (end - timedelta(days=90)).isoformat(),
                "type": "CONTRACT_EXPIRED",
                "reason": "The contract ended",
            }
        employments.append(employment)
    return employments
