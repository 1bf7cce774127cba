"""Subscriptions to events: made, listed, removed."""

from unihire.errors import ConfigError
from unihire.integration.emulate import Outbox, Receiver, Row
from unihire.integrations.workable.emulator.api.calls import (
    Answer,
    Call,
    Endpoint,
    Refused,
    refuse_field,
    refuse_missing,
)
from unihire.integrations.workable.emulator.api.pages import answer_page, read_window
from unihire.integrations.workable.emulator.rows.values import pick, read_text
from unihire.integrations.workable.emulator.webhooks.messages import EVENTS, OTHERS

SHOWN = ("id", "event", "target", "stage_slug", "job_shortcode")
MOST = 1000
"""Subscriptions an account may have."""


class Hooks:
    """Rows of subscriptions, and the receivers they are: a receiver has the number of its row."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def list_endpoints(self) -> tuple[Endpoint, ...]:
        fields = {"target": "text!", "event": "text!", "args": "object"}
        return (
            Endpoint("GET", "/subscriptions", None, self.list),
            Endpoint("POST", "/subscriptions", None, self.create, fields),
            Endpoint("DELETE", "/subscriptions/{id}", None, self.delete),
        )

    def list(self, call: Call) -> Answer:
        """404 where there are none."""
        if not call.rows.list_all("subscriptions"):
            raise refuse_missing()
        window = read_window(call, "subscriptions")
        rows = call.rows.walk("subscriptions", start=window.start)
        return answer_page(call, "subscriptions", rows, window, lambda row: pick(row, *SHOWN))

    def create(self, call: Call) -> Answer:
        event, target, args = call.body["event"], call.body["target"], call.body.get("args", {})
        if event not in EVENTS + OTHERS:
            raise refuse_field("event", "is invalid")
        if args.get("account_id", call.rows.world.account) != call.rows.world.account:
            raise refuse_field("account_id", "is invalid")
        row: Row = {"event": event, "target": target, "token_id": call.token["id"]}
        for name in ("job_shortcode", "stage_slug"):
            value = args.get(name)
            if value is not None and not isinstance(value, str):
                raise refuse_field(name, "is invalid")
            if value and event not in EVENTS:
                raise refuse_field(name, "is for events of candidates")
            row[name] = value or None
        if row["job_shortcode"] is not None and call.rows.find_job(row["job_shortcode"]) is None:
            raise refuse_field("job_shortcode", "is invalid")
        known = call.rows.list_all("subscriptions")
        if any(all(other.get(name) == value for name, value in row.items()) for other in known):
            raise Refused(409, "Subscription already exists")
        if len(known) >= MOST:
            raise Refused(422, "there are too many subscriptions")
        made = call.rows.create("subscriptions", row)
        secret = read_text(call.token, "signs_with") or read_text(call.token, "token") or ""
        try:
            self._outbox.add_receiver(Receiver(made["id"], "subscription", target, secret, (event,)))
        except ConfigError:
            call.rows.delete("subscriptions", made["id"])
            raise refuse_field("target", "is no address on this machine") from None
        return Answer({"id": made["id"]}, int(call.site.options["created_status"]))

    def delete(self, call: Call) -> Answer:
        row = call.get("subscriptions", call.names["id"])
        self._outbox.remove_receiver(row["id"])
        call.rows.delete("subscriptions", row["id"])
        return Answer({})
