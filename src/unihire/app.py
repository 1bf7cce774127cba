"""The one place that wires everything: settings, store, platform and dialects into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp

from unihire import __version__
from unihire.dialects.bindbee import catalogue, link_routes, write_schema
from unihire.dialects.bindbee import connectors as linked
from unihire.dialects.bindbee.content_routes import ContentRoutes
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.bindbee.write_routes import WriteRoutes
from unihire.dialects.common.admission import TOKEN_HEADER, RequestGate
from unihire.dialects.common.prefix import Prefixed
from unihire.dialects.common.read_schema import describe_reads
from unihire.dialects.common.record_routes import Reads
from unihire.dialects.common.routing import IndexedRouter
from unihire.dialects.common.shared_parts import share_parts
from unihire.dialects.common.telemetry import TelemetryMiddleware, name_fault
from unihire.dialects.tray.connectors import PATH as CALLS_PATH
from unihire.dialects.tray.connectors import Connectors, write_message, write_text
from unihire.dialects.tray.schema import describe_calls
from unihire.dialects.unihire import (
    audit_trail,
    capabilities,
    connector_admin,
    delivery_log,
    delivery_log_schema,
    endpoint_schema,
    endpoints,
    events,
    front,
    hooks,
    issues,
    key_routes,
    link_settings_routes,
    quarantine,
    schedule,
    syncs,
    write_log,
    write_log_schema,
)
from unihire.dialects.unihire.metrics import Metrics
from unihire.dialects.unihire.records import OWN
from unihire.errors import ConfigError
from unihire.events.deliveries.deliverer import Deliverer
from unihire.events.endpoints import Endpoints
from unihire.events.inbox.processing import Processor
from unihire.events.inbox.receiving import DeliveryReceiver
from unihire.kit.logs import get_logger
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy
from unihire.outbound.client import VendorClient
from unihire.pages.consent_page import ConsentPage
from unihire.pages.link_page import LinkPage
from unihire.platform.access import Access
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.limits import RateLimiter
from unihire.platform.linking.link_flow import LinkFlow
from unihire.platform.operations import Operations
from unihire.platform.reads import Reader
from unihire.platform.sealing import get_sealer
from unihire.platform.writing.contents import Contents
from unihire.platform.writing.meta import Meta
from unihire.platform.writing.queue import WriteQueue
from unihire.platform.writing.sent_files import Files
from unihire.platform.writing.unified_writes import UnifiedWrites
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.connections import LOST, UNAVAILABLE
from unihire.store.database import get_address
from unihire.store.retention import Retention
from unihire.sync.fast_runs import read_fast_setting
from unihire.sync.worker import Worker
from unihire.webhook_forms import FORMS

log = get_logger()

PATIENCE_SECONDS = 2.0
"""How long a sync of a worker waits for a vendor before it gives its place to another."""


INBOX_PATIENCE_SECONDS = 10.0
"""How long a reading of what was reported waits for a vendor before it gives its place to another connector's."""


def create_app(settings: Settings, pool: Pool, sealer: Sealer | None = None) -> Starlette:
    """The application that serves the API on an open database.

    `sealer` opens the connectors' credentials; by default the one that is there when it is needed does.
    """

    def open_sealed() -> Sealer:
        return sealer or get_sealer(settings)

    access = Access(pool)
    clients = Clients(lambda connector: open_connector_client(pool, connector, open_sealed(), settings=settings))
    operations = Operations(pool, clients)
    limiter = _make_limiter(settings.rate_limit)
    gate = RequestGate(access, limiter, is_lenient=settings.unknown_parameters == "ignore")
    calls = RequestGate(access, limiter, write_error=write_message)
    reader = Reader(pool)
    fast = read_fast_setting(settings)
    unified = make_writes(settings, pool, clients)
    flow = LinkFlow(pool, open_sealed, settings)
    native, own = Reads(NATIVE, reader, gate), Reads(OWN, reader, gate)

    @contextlib.asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(access.listen()), asyncio.create_task(access.note_uses())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await access.write_uses()
            await clients.close()

    return _Service(
        settings,
        lifespan=live,
        routes=[
            *linked.LinkedConnectors(pool, gate).list_routes(),
            *link_routes.LinkTokens(pool, gate).list_routes(),
            *connector_admin.ConnectorAdmin(pool, gate).list_routes(),
            *catalogue.Catalogue(gate).list_routes(),
            *key_routes.KeyRoutes(pool, gate).list_routes(),
            *audit_trail.AuditTrail(pool, gate).list_routes(),
            *ContentRoutes(pool, gate, Contents(pool, clients, reader, make_policy(settings))).list_routes(),
            *WriteRoutes(pool, gate, unified, Meta(pool, reader)).list_routes(),
            *native.list_routes(),
            Route(f"{NATIVE.path}/{{plural}}", native.refuse_list),
            Route(f"{NATIVE.path}/{{plural}}/{{id}}", native.refuse_list),
            *Connectors(pool, calls, operations).list_routes(),
            *capabilities.CapabilityRoutes(pool, gate).list_routes(),
            *quarantine.Quarantine(pool, gate).list_routes(),
            *syncs.Syncs(pool, gate, fast).list_routes(),
            *schedule.Schedules(pool, gate, fast).list_routes(),
            *issues.Issues(pool, gate).list_routes(),
            *events.Events(pool, gate, reader).list_routes(),
            *hooks.Hooks(DeliveryReceiver(pool, open_sealed), _make_limiter(settings.hook_rate_limit)).list_routes(),
            *delivery_log.DeliveryLogRoutes(pool, gate).list_routes(),
            *endpoints.EndpointRoutes(pool, gate, lambda: open_endpoints(settings, pool, sealer)).list_routes(),
            *write_log.WriteLog(pool, gate, unified).list_routes(),
            *own.list_routes(),
            *_list_service_routes(settings, pool),
            *link_settings_routes.LinkSettingsRoutes(pool, gate, make_policy(settings)).list_routes(),
            *LinkPage(pool, flow, settings.public_url).list_routes(),
            *ConsentPage(pool, flow, settings.public_url).list_routes(),
            *front.list_routes(describe_api),
        ],
        exception_handlers=_list_handlers(),
    )


def _make_limiter(limit: int) -> RateLimiter | None:
    return RateLimiter(limit) if limit else None


def create_metrics_app(settings: Settings, pool: Pool) -> Starlette:
    """The application that serves the health and the metrics of a process which has no other server."""
    return _Service(settings, routes=_list_service_routes(settings, pool), exception_handlers=_list_handlers())


def _list_handlers() -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """What answers an exception: of every application, in the shape of every other error."""
    return {
        HTTPException: _answer_http_error,
        Exception: _answer_fault,
        **dict.fromkeys(UNAVAILABLE, _answer_unavailable),
        ConfigError: _answer_unusable,
    }


def _list_service_routes(settings: Settings, pool: Pool) -> list[Route]:
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    return [Route("/health", _answer_health(pool)), *Metrics(pool, token).list_routes()]


class _Service(Starlette):
    """Watched from outside of everything else, the answer to a fault of ours included; behind a proxy's prefix."""

    def __init__(
        self, settings: Settings, *, routes: Sequence[BaseRoute], lifespan: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.router = IndexedRouter(routes, lifespan=lifespan)
        self._prefix = settings.root_path
        self._trusted = settings.list_trusted_proxies()

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = TelemetryMiddleware(super().build_middleware_stack())
        return Prefixed(app, self._prefix, self._trusted) if self._prefix or self._trusted else app


def open_endpoints(settings: Settings, pool: Pool, sealer: Sealer | None = None) -> Endpoints:
    """The rules of webhook endpoints on an open database. Raises ConfigError where there is no key to seal with."""
    return Endpoints(pool, sealer or get_sealer(settings), FORMS, make_policy(settings))


def make_policy(settings: Settings) -> AddressPolicy:
    """Where addresses may lead that did not come from the terminal."""
    return AddressPolicy(tuple(settings.list_allowed_networks()))


def make_deliverer(settings: Settings, pool: Pool, sealer: Sealer | None = None) -> Deliverer:
    """A deliverer on an open database, to run beside a worker."""
    slots, policy = settings.delivery_slots, make_policy(settings)
    return Deliverer(pool, sealer or get_sealer(settings), FORMS, policy, slots=slots)


def make_writes(settings: Settings, pool: Pool, clients: Clients) -> UnifiedWrites:
    """What does writes through the unified API on an open database."""
    files = Files(make_policy(settings))
    return UnifiedWrites(pool, clients, Reader(pool), files, keeps_bodies=settings.write_bodies)


def make_write_queue(settings: Settings, pool: Pool, sealer: Sealer | None = None) -> WriteQueue:
    """What does the writes that callers let be done later, to run beside a worker."""
    opens = sealer or get_sealer(settings)
    clients = Clients(lambda connector: open_connector_client(pool, connector, opens, settings=settings))
    return WriteQueue(pool, make_writes(settings, pool, clients), clients)


def make_worker(settings: Settings, pool: Pool, sealer: Sealer | None = None) -> Worker:
    """A worker on an open database, to run beside an application or alone."""
    opens = sealer or get_sealer(settings)

    def open_client(connector: Connector) -> VendorClient:
        return open_connector_client(
            pool, connector, opens, settings=settings, is_background=True, patience=PATIENCE_SECONDS
        )

    days = settings.deleted_days
    retention = Retention(
        history=timedelta(days=settings.history_days),
        calls=timedelta(days=settings.calls_days),
        writes=timedelta(days=settings.writes_days),
        events=timedelta(days=settings.events_days),
        deliveries=timedelta(days=settings.deliveries_days),
        audit=timedelta(days=settings.audit_days),
        deleted=timedelta(days=days) if days else None,
    )
    fast = read_fast_setting(settings)
    return Worker(pool, get_address(pool), open_client, slots=settings.worker_slots, retention=retention, fast=fast)


def make_processor(settings: Settings, pool: Pool, sealer: Sealer | None = None) -> Processor:
    """What reads the rows again that vendors say have changed, to run beside a worker."""
    opens = sealer or get_sealer(settings)

    def open_client(connector: Connector) -> VendorClient:
        return open_connector_client(pool, connector, opens, settings=settings, patience=INBOX_PATIENCE_SECONDS)

    return Processor(pool, open_client, slots=settings.inbox_slots)


def describe_api() -> dict[str, Any]:
    """The OpenAPI document of everything we serve."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for describe in (
        partial(describe_reads, NATIVE),
        write_schema.describe_writes,
        linked.describe_routes,
        link_routes.describe_routes,
        lambda: connector_admin.describe_routes(syncs.describe_routes()[0], schedule.describe_route()[0]),
        catalogue.describe_routes,
        key_routes.describe_routes,
        audit_trail.describe_route,
        capabilities.describe_route,
        quarantine.describe_route,
        syncs.describe_routes,
        schedule.describe_route,
        issues.describe_route,
        events.describe_route,
        hooks.describe_route,
        partial(endpoint_schema.describe_routes, FORMS),
        delivery_log_schema.describe_routes,
        write_log_schema.describe_routes,
        link_settings_routes.describe_routes,
        partial(describe_reads, OWN),
        describe_calls,
    ):
        more_paths, more_schemas = describe()
        for path, item in more_paths.items():
            paths[path] = {**paths.get(path, {}), **item}
        schemas |= more_schemas
    for schema in schemas.values():  # those of docstrings, which Python 3.13 strips and others do not
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Unihire",
            "version": __version__,
            "description": "One API for every applicant tracking system. Every call for data carries an API key, and "
            "the token of the connector it reads from.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            **paths,
            "/health": {
                "get": {
                    "operationId": "get_health",
                    "tags": ["service"],
                    "summary": "Whether the service can answer",
                    "responses": {
                        "200": {"description": "It can.", "content": _HEALTH},
                        "503": {"description": "The database does not answer.", "content": _HEALTH},
                    },
                }
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "ApiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key with the scope that the call needs: `read` for records, lists and logs, "
                    "`write` for writes, what can be written and their log, `manage` for changing syncs, webhooks, "
                    "keys and connectors and for the audit trail, `operations` for calls of operations. Without it the "
                    "answer is a 403 that names it.",
                },
                "ConnectorToken": {
                    "type": "apiKey",
                    "in": "header",
                    "name": TOKEN_HEADER,
                    "description": "The token of the connector to read from.",
                },
            },
        },
    }
    return share_parts(document)


_HEALTH = {
    "application/json": {
        "schema": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
    }
}


def _answer_health(pool: Pool) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            async with asyncio.timeout(2):
                await pool.fetchval("SELECT 1")
        except (asyncpg.PostgresError, *LOST):  # TimeoutError is an OSError
            return JSONResponse({"status": "the database does not answer"}, 503)
        return JSONResponse({"status": "ok"})

    return answer


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """An unknown path or a wrong method, in the shape of every other error; OPTIONS gets the methods that exist."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(sorted({*_list_methods(request), "OPTIONS"}))}
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
        return JSONResponse({"detail": error.detail}, error.status_code, headers)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


def _list_methods(request: Request) -> set[str]:
    """The methods of every route that is at the path: one path may have several."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


async def _answer_fault(request: Request, error: Exception) -> Response:
    """A fault of ours, which the server logs with its traceback."""
    return JSONResponse({"detail": name_fault("Internal Server Error")}, 500)


async def _answer_unusable(request: Request, error: Exception) -> Response:
    """Nothing the caller can fix; the cause concerns the operator and is in the log alone."""
    log.error("a call could not be served", reason=str(error))
    return JSONResponse(_write_error(request, "This cannot be served as the service is set up; its log says why"), 503)


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    log.error("the database does not answer", kind=type(error).__name__)
    found = _write_error(request, "The database does not answer; try again")
    return JSONResponse(found, 503, {"Retry-After": "5"})


def _write_error(request: Request, detail: str) -> dict[str, Any]:
    """What cannot be served now, as the face of the path writes its errors."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return write_text(detail) if path.startswith(CALLS_PATH) else {"detail": detail}
