"""A webhook as callers see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from unihire.events.endpoints import name_models
from unihire.store.events.endpoints import Endpoint, EndpointSecret


class WebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """Data about a signing secret; never the secret itself."""

    created_at: datetime
    ends_at: Annotated[datetime | None, Meta(description="Until when it signs; null: it was not replaced.")]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where events are sent."""

    webhook_id: UUID
    name: str
    url: Annotated[str, Meta(description="Where messages are posted.")]
    is_enabled: Annotated[bool, Meta(description="Whether anything is sent.")]
    for_test_connector: Annotated[bool, Meta(description="Whether it belongs to the environment development.")]
    created_at: datetime
    last_triggered_at: Annotated[datetime | None, Meta(description="When something was last sent, to ten seconds.")]
    description: str
    format: Annotated[str, Meta(description="The form of messages: standard or bindbee.")]
    events: Annotated[list[str] | None, Meta(description="Which events it is sent; null: all of its format.")]
    models: Annotated[list[str] | None, Meta(description="Of which models; null: all.")]
    connector_ids: Annotated[list[UUID] | None, Meta(description="Of which connectors; null: all.")]
    include_record: Annotated[bool, Meta(description="Whether messages include the records.")]
    off_reason: Annotated[
        str | None, Meta(description="Why it was switched off; null while it is enabled, and if you paused it.")
    ]
    off_at: datetime | None
    failing_since: Annotated[datetime | None, Meta(description="Since when no message was accepted.")]
    secrets: Annotated[list[WebhookSecret], Meta(description="The secrets that sign, the newest first.")]


def show_webhook(endpoint: Endpoint, secrets: Sequence[EndpointSecret]) -> Webhook:
    return Webhook(
        webhook_id=endpoint.id,
        name=endpoint.name,
        url=endpoint.url,
        is_enabled=endpoint.is_enabled,
        for_test_connector=endpoint.environment == "development",
        created_at=endpoint.created_at,
        last_triggered_at=endpoint.last_sent_at,
        description=endpoint.description,
        format=endpoint.format,
        events=None if endpoint.events is None else list(endpoint.events),
        models=name_models(endpoint),
        connector_ids=None if endpoint.connectors is None else list(endpoint.connectors),
        include_record=endpoint.includes_records,
        off_reason=endpoint.off_reason,
        off_at=endpoint.off_at,
        failing_since=endpoint.failing_since,
        secrets=[WebhookSecret(created_at=one.created_at, ends_at=one.ends_at) for one in secrets],
    )
