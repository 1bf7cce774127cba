"""The content of attachments, streamed from the vendor's file store within bounds."""

import mimetypes
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
import msgspec

from unihire.errors import AddressRefused, NotFound, NotNow
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration
from unihire.kit.logs import get_logger
from unihire.model import MODELS
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.read_back import read_back
from unihire.platform.reads import Reader, RecordView
from unihire.platform.writing.sent_files import CHUNK, TYPES, UNKNOWN_TYPE
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.reading import find_of_stream

log = get_logger()

MOST_CONTENT = 100 * 1024 * 1024
"""Bytes of a file that is handed through; a longer one is cut off, which the reader sees by its length."""

FETCH_TIMEOUT = aiohttp.ClientTimeout(total=600, connect=10, sock_read=30)


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file that is being fetched. `size` is None where the store does not say; the stream must be read or closed."""

    name: str
    content_type: str
    size: int | None
    stream: AsyncGenerator[bytes, None]


class _Attachment(msgspec.Struct):
    remote_id: str
    file_name: str | None = None
    file_url: str | None = None
    candidate: str | None = None
    application: str | None = None


class Contents:
    """Opens the content of attachments. `policy` says where addresses may lead."""

    def __init__(self, pool: Pool, clients: Clients, reader: Reader, policy: AddressPolicy) -> None:
        self._pool = pool
        self._clients = clients
        self._reader = reader
        self._policy = policy

    async def open(self, connector: Connector, scope: Scope, id: str) -> FileContent:
        """The content of an attachment. Raises NotFound where there is none, NotNow where it cannot be had now."""
        attachment = await self._find(scope, id)
        integration = get_integration(connector.integration)
        # What is fetched with the key has no link that ends.
        touched = {} if integration.signs_files else await self._find_rows(connector, integration, id, attachment)
        async with self._clients.use(connector) as client:  # links of vendors end: a new one
            await read_back(self._pool, connector, client, touched)
            attachment = await self._find(scope, id)
            if not attachment.file_url:
                raise NotFound("The vendor gives no link to this file")
            headers = client.sign_file(attachment.file_url) if integration.signs_files else {}
        return await self._fetch(connector, attachment, headers)

    async def _find_rows(
        self, connector: Connector, integration: Integration, id: str, attachment: _Attachment
    ) -> Mapping[str, Sequence[str]]:
        """The row that the attachment is, or is a part of: ids by stream."""
        numbers = {spec.record: spec.number for spec in MODELS.values()}
        whole = {
            (numbers[mapping.model], stream.name)
            for stream in integration.streams
            for mapping in stream.mappings
            if mapping.is_whole
        }
        ids = [one for one in (id, attachment.candidate, attachment.application) if one is not None]
        found = await find_of_stream(self._pool, connector.number, id, ids)
        return {stream: [remote_id] for model, stream, remote_id in found if (model, stream) in whole}

    async def _find(self, scope: Scope, id: str) -> _Attachment:
        body = await self._reader.find_record(scope, MODELS["attachment"], id, RecordView())
        if body is None:
            raise NotFound("There is no attachment with this id")
        return msgspec.json.decode(body, type=_Attachment)

    async def _fetch(self, connector: Connector, attachment: _Attachment, headers: Mapping[str, str]) -> FileContent:
        policy, url = self._policy, str(attachment.file_url)
        if connector.is_base_url_trusted and connector.base_url:
            policy = policy.allow_origin(connector.base_url)
        async with AsyncExitStack() as opening:
            try:
                session = await opening.enter_async_context(
                    aiohttp.ClientSession(
                        connector=make_connector(policy, limit=1),
                        timeout=FETCH_TIMEOUT,
                        cookie_jar=aiohttp.DummyCookieJar(),
                    )
                )
                answer = await opening.enter_async_context(session.get(url, headers=headers, allow_redirects=False))
            except AddressRefused as error:
                raise NotFound(f"The vendor's link to this file leads where nothing may connect to: {error}") from error
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                log.warning("a file could not be fetched", kind=type(error).__name__)
                raise NotNow(f"The vendor's file store does not answer ({type(error).__name__})") from error
            if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN):
                raise NotFound(f"The vendor's file store has no such file ({answer.status})")
            if answer.status != HTTPStatus.OK:
                raise NotNow(f"The vendor's file store answers {answer.status}")
            if answer.content_length is not None and answer.content_length > MOST_CONTENT:
                raise NotFound(f"The file is larger than {MOST_CONTENT // 1024 // 1024} MiB")
            name = attachment.file_name or "file"
            kind = mimetypes.guess_type(name)[0] or answer.content_type
            size = answer.content_length if "Content-Encoding" not in answer.headers else None
            return FileContent(
                name, kind if kind in TYPES else UNKNOWN_TYPE, size, _hand_through(opening.pop_all(), answer)
            )


async def _hand_through(opened: AsyncExitStack, answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    async with opened:
        left = MOST_CONTENT
        async for chunk in answer.content.iter_chunked(CHUNK):
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return
