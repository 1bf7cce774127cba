"""Job postings as the vendor sends them: short in lists, and whole."""

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.rows.find import AshbyRows
from unihire.integrations.ashby.emulator.rows.values import (
    list_objects,
    list_texts,
    pick,
    read_flag,
    read_object,
    read_text,
)

MOST_ABOVE = 10
"""Departments above a team that are looked for."""
PARTS = ("descriptionOpening", "descriptionBody", "descriptionClosing")


def show_summary(rows: AshbyRows, row: Row) -> Row:
    """What a list has of a posting, but for its own members."""
    job = rows.find("jobs", row.get("jobId")) or {}
    team = rows.find("departments", job.get("departmentId"))
    department = team
    for _ in range(MOST_ABOVE):
        above = None if department is None else rows.find("departments", department.get("parentId"))
        department = department if above is None else above
    location = rows.find("locations", row.get("locationId")) or {}
    tiers = [text for tier in list_objects(job, "compensationTiers") if (text := read_text(tier, "tierSummary"))]
    return {
        **({"compensationTierSummary": tiers[0]} if tiers else {}),
        "departmentName": None if department is None else department.get("name"),
        "teamName": None if team is None else team.get("name"),
        "locationName": location.get("name"),
        "locationExternalName": location.get("externalName") or location.get("name"),
        "locationIds": {
            "primaryLocationId": row.get("locationId"),
            "secondaryLocationIds": list_texts(row, "secondaryLocationIds"),
        },
    }


def show_posting(rows: AshbyRows, row: Row) -> Row:
    """What is shown of a posting that was asked for by its id, but for its own members and its surveys."""
    job = rows.find("jobs", row.get("jobId")) or {}
    description = read_object(row, "description")
    parts = {name: read_object(description, name) for name in PARTS if read_object(description, name)}
    shown = [
        part
        for name, part in parts.items()
        if not (name == "descriptionOpening" and read_flag(row, "suppressDescriptionOpening"))
        and not (name == "descriptionClosing" and read_flag(row, "suppressDescriptionClosing"))
    ]
    html = "".join(read_text(part, "html") or "" for part in shown)
    plain = "".join(read_text(part, "plain") or "" for part in shown)
    location = rows.find("locations", row.get("locationId")) or {}
    found = show_summary(rows, row)
    summary = found.pop("compensationTierSummary", None)
    del found["locationExternalName"]
    found |= {
        "descriptionHtml": html,
        "descriptionPlain": plain,
        "descriptionSocial": plain[:200],
        "descriptionParts": parts,
        "teamNameHierarchy": [name for name in (found["departmentName"], found["teamName"]) if name is not None],
        "linkedData": {
            "@context": "https://schema.org/",
            "@type": "JobPosting",
            "title": row.get("title"),
            "description": html,
            "datePosted": row.get("publishedDate"),
            "hiringOrganization": {"@type": "Organization", "name": rows.world.company.name},
            "employmentType": row.get("employmentType"),
        },
        "isRemote": read_flag(location, "isRemote"),
        "applicationFormDefinition": row.get("applicationFormDefinition"),
        "compensation": {
            "compensationTiers": list_objects(job, "compensationTiers"),
            "summaryComponents": [
                {name: value for name, value in component.items() if name != "id"}
                for tier in list_objects(job, "compensationTiers")
                for component in list_objects(tier, "components")
            ],
            **({} if summary is None else {"compensationTierSummary": summary}),
            "shouldDisplayCompensationOnJobBoard": read_flag(row, "shouldDisplayCompensationOnJobBoard"),
        },
        **pick(location, "address"),
        **pick(row, "suppressDescriptionOpening", "suppressDescriptionClosing"),
    }
    return found
