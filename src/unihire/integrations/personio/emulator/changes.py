"""What may be changed in the emulator's rows, and what else changes with it."""

from typing import Any

from unihire.errors import ConfigError
from unihire.integration.emulate import Row
from unihire.integrations.personio.emulator.documented import COMPANY_ID, SYSTEM_STAGES
from unihire.integrations.personio.emulator.persons import make_person
from unihire.integrations.personio.emulator.times import to_day, to_moment, to_time_text

_NEW_ROW: Row = {"company": {"id": COMPANY_ID}}


def merge(number: int, before: Row | None, fields: Row, texts: tuple[str, ...]) -> Row:
    """The row with the fields laid over it; null takes a key away. `texts` must be there and be text."""
    for name in fields:
        if name in ("id", "created_at", "updated_at", "_meta") or name.startswith("_"):
            raise ConfigError(f"{name} is set by the sandbox; leave it out")
    row = {**(before or {}), "id": str(number), **fields}
    row = {name: value for name, value in row.items() if value is not None}
    for name in texts:
        if not isinstance(row.get(name), str):
            raise ConfigError(f"{name} must be text")
    return row


def _is_number(id_: Any) -> bool:
    text = str(id_) if isinstance(id_, str | int) else ""
    return text.isascii() and text.isdecimal() and len(text) < 16


def stamp(row: Row, before: Row | None, moment: Any) -> Row:
    row = {**row, "updated_at": moment}
    row["created_at"] = moment if before is None else before["created_at"]
    return row


def revise_person(number: int, before: Row | None, fields: Row, now: int) -> Row:
    new = make_person(number, ("", "", ""), "UNSPECIFIED", "ACTIVE", now, now)
    row = merge(number, before or new, fields, ("first_name", "last_name", "email", "status"))
    return {**row, "updated_at": to_time_text(now) + "Z"}


def revise_job(number: int, before: Row | None, fields: Row, now: int) -> Row:
    row = merge(number, before or _NEW_ROW, fields, ("name",))
    team = row.get("hiring_team", [])
    if not isinstance(team, list) or not all(
        isinstance(member, dict) and isinstance(member.get("person"), dict) and "id" in member["person"]
        for member in team
    ):
        raise ConfigError('hiring_team must be a list of {"person": {"id": …}, "role": {"name": …}}')
    return stamp(row, before, to_moment(now))


def revise_application(number: int, before: Row | None, fields: Row, now: int) -> Row:
    row = merge(number, before, fields, ())
    for name in ("candidate", "job"):
        ref = row.get(name)
        if not isinstance(ref, dict) or not _is_number(ref.get("id")):
            raise ConfigError(f'{name} must be an object such as {{"id": "495039"}}')
        row[name] = {**ref, "id": str(ref["id"])}
    row = stamp(row, before, to_moment(now))
    row.setdefault("application_date", to_day(now // 86400))
    row.setdefault("is_anonymized", False)
    stage = row.setdefault("current_stage", SYSTEM_STAGES["new"])
    if before is None or stage != before["current_stage"]:
        row["_moves"] = [{"stage": stage, "entered_at": to_moment(now)}, *row.get("_moves", ())]
    return row


def revise_category(number: int, before: Row | None, fields: Row, now: int) -> Row:
    row = merge(number, before or _NEW_ROW, fields, ("name",))
    row.setdefault("stages", [])
    return row


def vary_job(bits: int) -> Row:
    return {"name": f"Software Developer, team {bits % 1000}"}


def vary_candidate(bits: int) -> Row:
    return {"phone": f"+49 30 23125 {bits % 1000:03d}"}


def vary_application(bits: int) -> Row:
    words = [word for word in SYSTEM_STAGES if word != "new"]
    return {"current_stage": SYSTEM_STAGES[words[bits % len(words)]]}


def vary_category(bits: int) -> Row:
    return {"name": f"Category {bits % 1000}"}


def vary_person(bits: int) -> Row:
    return {"preferred_name": f"Colleague {bits % 1000}"}
