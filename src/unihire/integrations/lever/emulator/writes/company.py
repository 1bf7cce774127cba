"""Users and webhooks."""

import hashlib

from unihire.errors import ConfigError
from unihire.integration.emulate import Receiver, Row
from unihire.integrations.lever.emulator.api.answers import DELETED, Answer, Refused, refuse_input, refuse_missing
from unihire.integrations.lever.emulator.api.bodies import check_body, check_entries
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint
from unihire.integrations.lever.emulator.rows.ids import find_number
from unihire.integrations.lever.emulator.rows.values import list_texts, pick, read_object, read_text
from unihire.integrations.lever.emulator.webhooks.messages import EVENTS, ORIGINS
from unihire.integrations.lever.emulator.writes.persons import refuse_anonymized

RECEIVERS_FIRST = 1_000_000
"""Numbers of receivers that the API registered begin here, above those of the control plane."""

# Users


def _read_user(call: Call, id_: str | None) -> Row:
    """Whatever is left out is emptied. Raises Refused."""
    body = call.body
    if "@" not in body["email"]:
        raise refuse_input("Expected an e-mail address", "email")
    same = call.rows.find_by_email("users", body["email"])
    if same is not None and same["id"] != id_:
        raise refuse_input("A user already exists with that email address.", "email")
    call.get_named("users", "managerId")
    for contact in body.get("linkedContactIds") or ():
        row = call.rows.find("contacts", contact)
        if row is None:
            raise refuse_input(f"contacts {contact[:100]} was not found", "linkedContactIds")
        refuse_anonymized(row)
    optional = dict.fromkeys(("externalDirectoryId", "jobTitle", "managerId", "photo", "linkedContactIds"))
    return {**optional, "accessRole": "interviewer", **body, "username": body["email"].partition("@")[0]}


def create_user(call: Call) -> Answer:
    return call.answer("users", call.rows.create("users", _read_user(call, None)), 201)


def update_user(call: Call) -> Answer:
    row = call.get("users", call.ids[0])
    return call.answer("users", call.rows.change("users", row["id"], _read_user(call, row["id"])))


def deactivate(call: Call) -> Answer:
    row = call.get("users", call.ids[0])
    if row.get("deactivatedAt") is None:
        call.rows.change("users", row["id"], {"deactivatedAt": call.rows.now()})
    return call.answer("users", row)


def reactivate(call: Call) -> Answer:
    row = call.get("users", call.ids[0])
    return call.answer("users", call.rows.change("users", row["id"], {"deactivatedAt": None}))


# Webhooks


def _read_origins(configuration: Row, where: str) -> list[str]:
    """Those asked for; none means all. Raises Refused."""
    conditions = check_body("conditions:object", configuration, f"{where}.").get("conditions", {})
    origins: list[str] = check_body("origins:texts", conditions, f"{where}.conditions.").get("origins", list(ORIGINS))
    if not set(origins) <= set(ORIGINS):
        raise refuse_input(f"Expected one of {', '.join(ORIGINS)}", f"{where}.conditions.origins")
    return origins


def _find_receiver(row: Row) -> int:
    return RECEIVERS_FIRST + (find_number("webhooks", row["id"]) or 0)


def _register(call: Call, row: Row) -> None:
    """Raises Refused for an address that is not on this machine."""
    configuration = read_object(row, "configuration")
    secret = read_text(configuration, "signatureToken") or ""
    origins = ",".join(list_texts(read_object(configuration, "conditions"), "origins"))
    event, url = read_text(row, "event") or "", read_text(row, "url") or ""
    try:
        call.site.outbox.add_receiver(Receiver(_find_receiver(row), origins, url, secret, (event,)))
    except (ConfigError, ValueError) as error:
        raise refuse_input(str(error)[:200], "url") from None


def create_webhook(call: Call) -> Answer:
    """The token of its signatures is in this answer alone."""
    origins = _read_origins(call.body.get("configuration", {}), "configuration")
    row = call.rows.create("webhooks", {**pick(call.body, "url", "event")})
    token = hashlib.blake2b(f"token {call.rows.world.seed} {row['id']}".encode(), digest_size=24).hexdigest()
    configuration = {"conditions": {"origins": origins}, "signatureToken": token}
    try:
        _register(call, {**row, "configuration": configuration})
    except Refused:
        call.rows.delete("webhooks", row["id"])
        raise
    after = call.rows.change("webhooks", row["id"], {"configuration": configuration})
    return Answer({**call.site.show.row("webhooks", after), "configuration": configuration}, 201)


def update_webhooks(call: Call) -> Answer:
    """Several at once; all are checked before any is changed."""
    text = f"id:text! url:text event:{'|'.join(EVENTS)} configuration:object"
    changes: list[tuple[Row, Row]] = []
    for place, entry in enumerate(check_entries(text, call.body["data"], "data")):
        row = call.rows.find("webhooks", entry["id"])
        if row is None:
            raise refuse_missing("webhooks", entry["id"])
        fields = pick(entry, "url", "event")
        if "configuration" in entry:
            origins = _read_origins(entry["configuration"], f"data.{place}.configuration")
            own = read_object(row, "configuration")
            fields["configuration"] = {**own, "conditions": {"origins": origins}}
        changes.append((row, fields))
    try:
        for row, fields in changes:
            _register(call, {**row, **fields})
    except Refused:
        for row, _ in changes:
            _register(call, row)
        raise
    done = [call.rows.change("webhooks", row["id"], fields) for row, fields in changes]
    return Answer([call.site.show.row("webhooks", row) for row in done])


def delete_webhook(call: Call) -> Answer:
    row = call.rows.find("webhooks", call.ids[0])
    if row is None:
        raise refuse_missing("webhooks", call.ids[0])
    call.site.outbox.remove_receiver(_find_receiver(row))
    call.rows.delete("webhooks", row["id"])
    return DELETED


_USERS, _HOOKS = "users:write:admin", "webhooks:write:admin"
_USER = "name:text! email:text! accessRole:text externalDirectoryId:text? jobTitle:text? managerId:text?"
WRITES = (
    Endpoint("POST", "/users", _USERS, create_user, _USER),
    Endpoint("PUT", "/users/{}", _USERS, update_user, f"{_USER} photo:text? linkedContactIds:texts?"),
    Endpoint("POST", "/users/{}/deactivate", _USERS, deactivate),
    Endpoint("POST", "/users/{}/reactivate", _USERS, reactivate),
    Endpoint("POST", "/webhooks", _HOOKS, create_webhook, f"url:text! event:{'|'.join(EVENTS)}! configuration:object"),
    Endpoint("PUT", "/webhooks", _HOOKS, update_webhooks, "data:list!"),
    Endpoint("DELETE", "/webhooks/{}", _HOOKS, delete_webhook),
)
