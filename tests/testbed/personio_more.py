"""What only richer faces show of Personio's rows, said a second time from the vendor's documents and vocabulary.

As in testbed/personio.py the mapping's own code is not used: everything is computed from the emulator's answers.
"""

from typing import Any
from uuid import UUID, uuid5

from testbed.personio import Json, Raw, read_moment

MARKED = {
    "application": (
        "status", "ended_by", "hired_at", "withdrawn_at", "stage_entered_at", "source_record", "hiring_team",
        "is_anonymized", "remote_created_at", "remote_updated_at",
    ),
    "attachment": ("application", "content_type", "size"),
    "candidate": ("phones", "emails", "is_anonymized", "available_from"),
    "job": ("hiring_team", "category", "seniority", "employment_type", "places"),
    "job_interview_stage": ("jobs", "pipeline", "stage_type"),
    "office": ("place",),
}  # fmt: skip
"""Fields that the vendor is said to have, itself or in part, by model."""

NEW = {
    "source": ("remote_id", "name"),
    "application_transition": ("remote_id", "application", "from_stage", "to_stage", "entered_at", "left_at"),
}
"""Models that the native face does not have, with the fields that are filled."""

ROLES = {"Hiring manager": "HIRING_MANAGER", "Recruiter": "RECRUITER", "Interviewer": "INTERVIEWER", "HR manager": None}
STATUSES = {"ACCEPTED": "HIRED", "REJECTED": "REJECTED", "WITHDRAWN": "WITHDRAWN"}


def expect_more(raw: Raw, connector: UUID) -> dict[str, dict[str, Json]]:
    """By model and vendor id: what is told of each record in fields of `MARKED`, and of the models in `NEW`."""
    found: dict[str, dict[str, Json]] = {
        name: {} for name in ("application", "candidate", "job", "job_interview_stage", *NEW)
    }

    def ours(model: str, remote_id: str | None) -> str | None:
        return None if remote_id is None else str(uuid5(connector, f"{model}:{remote_id}"))

    def read_team(row: Json) -> list[Json] | None:
        if "hiring_team" not in row:
            return None
        return [
            {
                "user": ours("remote_user", member["person"]["id"]),
                "role": ROLES[member["role"]["name"]],
                "role_name": member["role"]["name"],
            }
            for member in row["hiring_team"]
        ]

    for job in raw.rows["jobs"]:
        category = job.get("category")
        found["job"][job["id"]] = {"hiring_team": read_team(job), "category": category["name"] if category else None}
    for category in raw.rows["categories"]:
        jobs = sorted(
            (job["id"] for job in raw.rows["jobs"] if job.get("category", {}).get("id") == category["id"]), key=int
        )
        for stage in category["stages"]:
            if stage["id"] is not None:
                found["job_interview_stage"][stage["id"]] = {
                    "jobs": [ours("job", job) for job in jobs],
                    "pipeline": category["id"],
                    "stage_type": "OTHER" if stage["type"] == "CUSTOM" else "unforeseen",
                }
    flags: dict[str, list[bool]] = {}
    for row in raw.rows["applications"]:
        flags.setdefault(row["candidate"]["id"], []).append(row["is_anonymized"])
        steps = raw.history[row["id"]]
        name = row["channel"]["name"] if "channel" in row else None
        if name is not None:
            found["source"][name] = {"remote_id": name, "name": name}
        found["application"][row["id"]] = {
            **_tell_standing(row["current_stage"], steps),
            "source_record": ours("source", name),
            "hiring_team": read_team(row),
            "is_anonymized": row["is_anonymized"],
            "remote_created_at": read_moment(row["created_at"]),
            "remote_updated_at": read_moment(row["updated_at"]),
        }
        for place, step in enumerate(steps):
            entered_at, stage = read_moment(step["entered_at"]), step["stage"]
            remote_id = f"{row['id']}:{entered_at}:{stage['id'] or stage['type']}"
            came_from = steps[place + 1]["stage"]["id"] if place + 1 < len(steps) else None
            found["application_transition"][remote_id] = {
                "remote_id": remote_id,
                "application": ours("application", row["id"]),
                "from_stage": ours("job_interview_stage", came_from),
                "to_stage": ours("job_interview_stage", stage["id"]),
                "entered_at": entered_at,
                "left_at": read_moment(steps[place - 1]["entered_at"]) if place else None,
            }
    for person in raw.rows["candidates"]:
        said = flags.get(person["id"], [])
        found["candidate"][person["id"]] = {
            "phones": _contact(person.get("phone")),
            "emails": _contact(person["email"]),
            "is_anonymized": False not in said if said else None,
            "available_from": person.get("available_from"),
        }
    return found


def _tell_standing(stage: Json, steps: list[Json]) -> Json:
    """What an application's stage and its history say of where it stands."""
    kind = stage["type"]
    same = [step for step in steps if step["stage"] == stage]
    there = [step for step in steps if step["stage"]["id"] is not None] if kind in ("REJECTED", "WITHDRAWN") else same
    over_at = read_moment(same[0]["entered_at"]) if same else None
    return {
        "status": STATUSES.get(kind, "ACTIVE"),
        "ended_by": {"REJECTED": "COMPANY", "WITHDRAWN": "CANDIDATE"}.get(kind),
        "hired_at": over_at if kind == "ACCEPTED" else None,
        "withdrawn_at": over_at if kind == "WITHDRAWN" else None,
        "stage_entered_at": read_moment(there[0]["entered_at"]) if there else None,
    }


def _contact(value: Any) -> list[Json] | None:
    return [{"value": value, "type": None, "is_primary": None}] if value else None


def count_filled(told: dict[str, dict[str, Json]]) -> dict[str, int]:
    """By `model.field`: how many records say something there."""
    counts: dict[str, int] = {}
    for model, records in told.items():
        for fields in records.values():
            for name, value in fields.items():
                counts[f"{model}.{name}"] = counts.get(f"{model}.{name}", 0) + (value is not None)
    return counts
