"""A test message, sent at once, to see whether it arrives and its signature verifies."""

from datetime import UTC, datetime

from unihire.events.deliveries.message_sender import MessageSender, SendOutcome
from unihire.events.deliveries.messages import Message
from unihire.events.endpoints import Endpoints
from unihire.store.events.endpoints import Endpoint


async def send_test(endpoints: Endpoints, endpoint: Endpoint) -> tuple[Message, SendOutcome]:
    """Send a test message once; returns it and the outcome. The endpoint need not be enabled.

    Raises ConfigError where the endpoint's secrets do not open.
    """
    secrets = (await endpoints.list_secrets([endpoint])).get(endpoint.id, [])
    form = endpoints.forms[endpoint.format]
    message = form.write_test(endpoint)
    signed = form.sign(message, [endpoints.open_secret(secret) for secret in secrets], datetime.now(UTC))
    async with MessageSender(endpoints.policy) as sender:
        return message, await sender.send(endpoint, message.body, signed)
