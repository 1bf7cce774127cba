"""Persons and their employments: whom hiring teams name."""

from datetime import date, timedelta

from unihire.integration.emulate import Row
from unihire.integrations.personio.emulator_documented import DOCUMENTED_AT, DOCUMENTED_PERSONS
from unihire.integrations.personio.emulator_times import to_time_text


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
        "status": status,
        "custom_attributes": [
            {"id": "dynamic_305", "type": "string", "label": "Badge number", "value": f"{number:06d}"}
        ],
        "employments": [{"id": str(number * 10 + place)} for place in range(2 if number % 5 == 1 else 1)],
        "created_at": to_time_text(created) + "Z",
        "updated_at": to_time_text(updated) + "Z",
    }


def list_employments(person: Row, department: str) -> list[Row]:
    """A person's employments, the latest first.

    Fields and order are those the public client `personio_client` generated from the vendor's own document.
    """
    hired = date.fromisoformat(person["created_at"][:10])
    common = {"type": "INTERNAL", "weekly_working_hours": 40, "full_time_weekly_working_hours": 40}
    employments = []
    for place, ref in enumerate(person["employments"]):
        begins = hired - timedelta(days=700 * place)
        employment = {
            "id": ref["id"],
            "status": person["status"] if place == 0 else "INACTIVE",
            "employment_start_date": begins.isoformat(),
            "position": {"title": ("Team Lead", "Specialist")[place]},
            "org_units": [{"type": "department", "id": department}],
            "person": {"id": person["id"]},
            "created_at": person["created_at"],
            "updated_at": person["updated_at"],
            **common,
        }
        if employment["status"] == "INACTIVE":
            employment["employment_end_date"] = (begins + timedelta(days=600)).isoformat()
        employments.append(employment)
    return employments
