"""Webhooks: registered, changed, removed."""

from unihire.errors import ConfigError
from unihire.integration.emulate import Outbox, Receiver, Row
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input
from unihire.integrations.ashby.emulator.rows.ids import find_number
from unihire.integrations.ashby.emulator.rows.values import pick, read_flag, read_text
from unihire.integrations.ashby.emulator.webhooks.messages import CREATABLE
from unihire.integrations.ashby.emulator.writes.declaring import Write

RECEIVERS_FIRST = 1_000_000
"""Numbers of receivers that the API registered begin here, above those of the control plane."""


class Hooks:
    """Rows of webhooks, and the receivers they are."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def list_writes(self) -> tuple[Write, ...]:
        return (
            Write(
                "webhook.create",
                "apiKeysWrite",
                f"webhookType:{'|'.join(CREATABLE)}! requestUrl:text! secretToken:text!",
                self.create,
            ),
            Write(
                "webhook.update",
                "apiKeysWrite",
                "webhookId:uuid! enabled:bool requestUrl:text secretToken:text",
                self.update,
            ),
            Write("webhook.delete", "apiKeysWrite", "webhookId:uuid!", self.delete),
            Write("webhook.info", "apiKeysRead", "webhookId:uuid!", self.info),
        )

    def create(self, call: Call) -> Answer:
        fields = pick(call.body, "webhookType", "requestUrl", "secretToken")
        row = call.rows.create("webhooks", {**fields, "enabled": True})
        try:
            self._register(row)
        except ConfigError as error:
            call.rows.delete("webhooks", row["id"])
            raise refuse_input(str(error), "requestUrl") from None
        return Answer(self._show(row, with_secret=True))

    def update(self, call: Call) -> Answer:
        """An edit pings again."""
        row = call.get_named("webhooks", "webhookId")
        fields = pick(call.body, "enabled", "requestUrl", "secretToken")
        after = {**row, **fields}
        self._outbox.remove_receiver(_find_receiver(row))
        if after["enabled"]:
            try:
                self._register(after)
            except ConfigError as error:
                self._register(row)
                raise refuse_input(str(error), "requestUrl") from None
        row = call.rows.change("webhooks", row["id"], fields)
        return Answer(self._show(row, with_secret=True))

    def delete(self, call: Call) -> Answer:
        row = call.get_named("webhooks", "webhookId")
        self._outbox.remove_receiver(_find_receiver(row))
        call.rows.delete("webhooks", row["id"])
        return Answer({"webhookId": row["id"]})

    def info(self, call: Call) -> Answer:
        return Answer(self._show(call.get_named("webhooks", "webhookId"), with_secret=False))

    def _register(self, row: Row) -> None:
        kind = read_text(row, "webhookType") or ""
        secret, url = read_text(row, "secretToken") or "", read_text(row, "requestUrl") or ""
        self._outbox.add_pinged(Receiver(_find_receiver(row), kind, url, secret, (kind,)))

    def _show(self, row: Row, *, with_secret: bool) -> Row:
        """Whether it is enabled goes by its ping."""
        is_on = self._outbox.find_enabled(_find_receiver(row))
        found = {"id": row["id"], "enabled": read_flag(row, "enabled") and is_on is not False}
        names = ("requestUrl", "webhookType", "secretToken") if with_secret else ("requestUrl", "webhookType")
        return {**found, **{name: row.get(name) for name in names}}


def _find_receiver(row: Row) -> int:
    return RECEIVERS_FIRST + (find_number("webhooks", row["id"]) or 0)
