"""Looks the webhooks of a vendor's folder over: declared whole, and every event read as its fixture says.

`fixtures/webhooks/<kind>.json` contains a delivery, `{"headers": {…}, "body": …}`, and `<kind>.out.json` beside it the
touches it is read as, members that are as by default left out.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from unihire.integration.declare import IdFilter, Integration
from unihire.integration.webhooks import Delivery, Touch, WebhookEvent, Webhooks

FIXTURES = "webhooks"
"""The folder among the fixtures that is of no stream."""

OUT = ".out.json"


class GivenDelivery(msgspec.Struct, forbid_unknown_fields=True):
    """A delivery, its body as JSON."""

    body: msgspec.Raw
    headers: dict[str, str] = msgspec.field(default_factory=dict)


def inspect_webhooks(integration: Integration, webhooks: Webhooks | None, fixtures: Path) -> Iterator[str]:
    """Everything that is wrong with the webhooks, in words."""
    folder = fixtures / FIXTURES
    if webhooks is None:
        if folder.exists():
            yield f"there are fixtures of {FIXTURES}, and no webhooks.py"
        return
    yield from _inspect_declaration(webhooks)
    cases = {path.stem: path for path in sorted(folder.glob("*.json")) if not path.name.endswith(OUT)}
    for kind in sorted(webhooks.events.keys() - cases.keys()):
        yield f"webhooks: no fixture shows the event {kind}"
    for kind in sorted(cases.keys() - webhooks.events.keys()):
        yield f"webhooks: the fixture {kind} is of an event that is not declared"
    for kind, path in cases.items():
        yield from (f"webhooks: {kind}: {fault}" for fault in _inspect_case(integration, webhooks, path))


def _inspect_declaration(webhooks: Webhooks) -> Iterator[str]:
    if not webhooks.events:
        yield "webhooks: no event is declared"
    if not webhooks.steps or not all(step.endswith(".") for step in webhooks.steps):
        yield "webhooks: the steps for the customer are no sentences"
    if (webhooks.verify is None) != (webhooks.secret is None):
        yield "webhooks: what verifies deliveries and the secret are declared together, or neither is"
    if not 200 <= webhooks.accepted < 300:
        yield f"webhooks: {webhooks.accepted} accepts nothing"


def _inspect_case(integration: Integration, webhooks: Webhooks, path: Path) -> Iterator[str]:
    out = path.with_name(path.stem + OUT)
    if not out.is_file():
        yield f"it has no {out.name} beside it"
        return
    try:
        event = read_case(webhooks, path)
    except (ValueError, KeyError, TypeError) as error:
        yield f"it cannot be read: {type(error).__name__}: {error}"
        return
    if event.kind != path.stem:
        yield f"it is read as {event.kind}"
    if show_touches(event) != msgspec.json.decode(out.read_bytes()):
        yield f"it touches something else than {out.name} says"
    for touch in event.touches:
        yield from _inspect_touch(integration, touch)


def read_case(webhooks: Webhooks, path: Path) -> WebhookEvent:
    """What a fixture is read as. Raises what `Webhooks.read` does, and ValueError for a file that is none."""
    given = msgspec.json.decode(path.read_bytes(), type=GivenDelivery)
    headers = {name.lower(): value for name, value in given.headers.items()}
    return webhooks.read(Delivery(headers, bytes(given.body), datetime(2026, 1, 31, tzinfo=UTC)))


def show_touches(event: WebhookEvent) -> list[dict[str, Any]]:
    """The touches as fixtures have them."""
    shown = []
    for touch in event.touches:
        flags = {name: True for name in ("is_gone", "is_wide") if getattr(touch, name)}
        by = {} if touch.by is None else {"by": touch.by}
        shown.append({"stream": touch.stream, "id": touch.id, **by, **flags})
    return shown


def _inspect_touch(integration: Integration, touch: Touch) -> Iterator[str]:
    try:
        stream = integration.get_stream(touch.stream)
    except KeyError:
        yield f"it touches {touch.stream}, which is no stream"
        return
    if touch.by in stream.listed_by:
        return
    if stream.by_id is None:
        yield f"it touches {touch.stream}, whose rows cannot be asked for by id"
    if touch.by is not None and not (isinstance(stream.by_id, IdFilter) and stream.by_id.by is not None):
        yield f"it touches {touch.stream} by {touch.by}, by which its rows cannot be asked for"
