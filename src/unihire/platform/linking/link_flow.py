"""The steps of a link: a system picked, credentials or consent proven, and what was proven connected.

Nothing of a step is trusted to be there in the next but what the session stores: two pages may be at it at once, in two
browsers, and a day may lie between.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from unihire.errors import (
    AddressRefused,
    ConfigError,
    CredentialsRefused,
    LinkRefused,
    OtherAccount,
    ReauthorizeNeeded,
    VendorError,
)
from unihire.integration.declare import Integration
from unihire.integration.registry import find_webhooks, get_integration, list_integrations, list_writing
from unihire.integration.scopes import find_access, list_scopes
from unihire.kit.files import find_fault
from unihire.kit.ids import hash_token, new_token
from unihire.kit.seal import Sealer
from unihire.outbound.auth import AuthorizationCode, Grant, MemoryGrants
from unihire.platform.accounts import check_account
from unihire.platform.connectors import Claim, Reserved, create_connector, reconnect_connector
from unihire.platform.linking.link_tokens import (
    LINK_TOKEN_BYTES,
    LONGEST_TOKEN,
    MOST_TEMPORARY,
    TEMPORARY_LASTS,
    TEMPORARY_TOKEN_BYTES,
)
from unihire.platform.linking.trial_calls import LinkTarget, MissingList, TrialResult, explain_failure, try_credentials
from unihire.platform.sealing import make_partner_context, make_pending_context
from unihire.settings import Settings
from unihire.store import Connection, Pool
from unihire.store.accounts import link_sessions
from unihire.store.accounts.link_sessions import LinkSession
from unihire.store.accounts.link_settings import list_link_integrations
from unihire.store.accounts.tenancy import Connector, get_connector
from unihire.store.audit import ActingAs, Actor

CONSENT_LASTS = timedelta(minutes=30)
"""How long a customer may take at the vendor."""

MOST_ATTEMPTS, ATTEMPTS_WITHIN = 20, timedelta(hours=1)
"""Of one session: calls of the vendor with other credentials or codes."""

MOST_HANDED = 5
"""Links that customers may hand on, of one session."""

LONGEST_CREDENTIAL = 20_000
"""A private key of 16,384 bits is shorter."""

CUSTOMER = Actor(None, "link")
"""Who acts, in the audit trail: whoever has the link."""

_STATE = "link."
"""How the state of a consent begins that a link asked for; others are a command's."""


class _Pending(msgspec.Struct, frozen=True):
    """What was proven and waits to be confirmed, as it is sealed. The grant is a partner's."""

    credentials: dict[str, str]
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class LinkView:
    """A session with what its page must know beside it."""

    session: LinkSession
    integration: Integration | None
    missing: Sequence[MissingList] = ()
    can_consent: bool = False
    can_enter: bool = True
    is_gone: bool = False
    """Whether the connector that was to be linked anew is no longer there, or the system is not offered any more."""
    partner_sealed: bytes | None = field(default=None, repr=False)


class LinkFlow:
    """Does the steps on an open database. `open_sealed` gives what credentials are sealed with."""

    def __init__(self, pool: Pool, open_sealed: Callable[[], Sealer], settings: Settings) -> None:
        self._pool = pool
        self._open_sealed = open_sealed
        self._settings = settings

    async def find(self, token: str) -> LinkView | None:
        """The session that a token opens, also one that is over; None for a token that is none."""
        if not token.isascii() or len(token) > LONGEST_TOKEN:
            return None
        session = await link_sessions.find_session(self._pool, hash_token(token))
        return None if session is None else await self._view(session)

    async def _view(self, session: LinkSession) -> LinkView:
        integration = None if session.integration is None else _find_integration(session.integration)
        if integration is None:
            return LinkView(session, None, is_gone=session.integration is not None)
        relinked = await get_connector(self._pool, session.connector_id) if session.is_relink else None
        said = (await list_link_integrations(self._pool, session.organisation, session.environment)).get(
            integration.slug
        )
        missing = msgspec.json.decode(session.missing, type=tuple[MissingList, ...]) if session.missing else ()
        has_partner = said is not None and said.partner is not None and integration.partner_auth is not None
        return LinkView(
            session,
            integration,
            missing,
            can_consent=has_partner and (relinked is None or relinked.is_partner),
            can_enter=relinked is None or not relinked.is_partner,
            is_gone=session.is_relink and relinked is None,
            partner_sealed=said.partner if has_partner and said is not None else None,
        )

    async def pick(self, view: LinkView, slug: str | None) -> None:
        """Choose the system, or none yet. Raises LinkRefused for one that is not offered."""
        if slug is not None and _find_integration(slug) is None:
            raise LinkRefused("no_system")
        await self._pool.fetchval(link_sessions.PICK_INTEGRATION, view.session.id, slug)

    async def enter(self, view: LinkView, given: Mapping[str, str]) -> None:
        """Try the customer's credentials at the vendor, and store those it accepts, sealed, until they are confirmed.

        Raises LinkRefused, with the field that is wrong where one is.
        """
        session, integration = view.session, view.integration
        if integration is None or not view.can_enter:
            raise LinkRefused("no_system")
        credentials = read_credentials(integration, given)
        await self._take_attempt(session)
        target = await self._locate(view)
        tried = await try_credentials(target, credentials)
        await self._check_same_account(view, target, credentials, None)
        await self._save_pending(view, credentials, None, tried)

    async def ask_consent(self, view: LinkView, redirect_uri: str) -> str:
        """The vendor's address at which the customer agrees, and is sent on to `redirect_uri`.

        The state in it is good once, for this session and for a while; a later one replaces it.
        """
        session, integration = view.session, view.integration
        if integration is None or view.partner_sealed is None or not view.can_consent:
            raise LinkRefused("set_up")
        auth = integration.partner_auth
        assert isinstance(auth, AuthorizationCode)
        await self._take_attempt(session)
        relinked = await get_connector(self._pool, session.connector_id) if session.is_relink else None
        writing = list_writing(integration.slug)
        access = "read" if relinked is None else find_access(writing, relinked.scopes)
        scopes = list_scopes(auth, writing, access, find_webhooks(integration.slug))
        state, verifier = _STATE + new_token(32), new_token(48) if auth.takes_pkce else None
        client = (await self._locate(view)).open(await self._open_partner(view), is_partner=True)
        url = client.write_authorize_url(redirect_uri, state, scopes, verifier)
        asked = await link_sessions.ask_consent(
            self._pool, session.id, state_hash=hash_token(state), verifier=verifier, scopes=scopes, lasts=CONSENT_LASTS
        )
        if not asked:
            raise LinkRefused("over")
        return url

    async def find_consenting(self, state: str) -> LinkView | None:
        """The session whose consent has this state; None where it is not, or no more, one of a link."""
        if not is_of_link(state):
            return None
        session = await link_sessions.find_consenting(self._pool, hash_token(state))
        return None if session is None else await self._view(session)

    async def receive_consent(self, view: LinkView, state: str, code: str | None, redirect_uri: str) -> None:
        """What the customer came back with: the grant is stored under the session, whose page waits for it.

        Raises LinkRefused where it comes to nothing; the page is told the same.
        """
        session = view.session
        if not await self._pool.fetchval(link_sessions.SPEND_CONSENT, session.id, hash_token(state)):
            raise LinkRefused("consent_late")
        try:
            if not code:
                raise LinkRefused("consent_denied")
            credentials = await self._open_partner(view)
            target = await self._locate(view)
            try:
                async with target.open(credentials, is_partner=True) as client:
                    grant = await client.redeem(code, redirect_uri, session.consent_scopes or (), session.verifier)
            except (ReauthorizeNeeded, CredentialsRefused):
                raise LinkRefused("consent_late") from None
            except (VendorError, AddressRefused) as error:
                raise explain_failure(error) from None
            tried = await try_credentials(target, credentials, grant=grant)
            await self._check_same_account(view, target, credentials, tried.grant)
            await self._save_pending(view, credentials, tried.grant, tried)
        except LinkRefused as refused:
            await self._pool.execute(link_sessions.NOTE_REFUSAL, session.id, refused.reason)
            raise

    async def check_again(self, view: LinkView) -> None:
        """Try once more what was accepted: permissions may have been granted meanwhile. Raises LinkRefused."""
        pending = await self._open_pending(view)
        await self._take_attempt(view.session)
        tried = await try_credentials(await self._locate(view), pending.credentials, grant=pending.grant)
        await self._save_pending(view, pending.credentials, tried.grant, tried)

    async def begin_again(self, view: LinkView) -> None:
        """Other credentials are to be entered than those that were accepted."""
        await self._pool.fetchval(link_sessions.DROP_PENDING, view.session.id)

    async def confirm(self, view: LinkView, version: int) -> None:
        """Connect what was proven, as the page of that version showed it; the first sync is asked for with it.

        Raises LinkRefused where the session is another by now, done or over.
        """
        session, integration = view.session, view.integration
        if integration is None:
            raise LinkRefused("changed")
        pending = await self._open_pending(view)

        async def claim(connection: Connection, token_hash: bytes | None) -> None:
            done = await connection.fetchval(link_sessions.FINISH_SESSION, session.id, version, token_hash)
            if not done:
                raise LinkRefused("changed")

        target = await self._locate(view)
        try:
            with ActingAs(CUSTOMER):
                await self._connect(session, target, pending, claim)
        except ConfigError as error:
            raise explain_failure(error) from None

    async def _connect(self, session: LinkSession, target: LinkTarget, pending: _Pending, claim: Claim) -> None:
        sealer = self._open_sealed()
        if session.is_relink:
            connector = await self._get_relinked(session)
            await reconnect_connector(
                self._pool, sealer, connector, target.integration, pending.credentials, grant=pending.grant, claim=claim
            )
            return
        assert session.connector_number is not None
        await create_connector(
            self._pool,
            sealer,
            organisation=session.organisation,
            environment=session.environment,
            integration=target.integration,
            end_user=session.end_user,
            credentials=pending.credentials,
            origin_id=session.origin_id,
            base_url=target.base_url,
            is_base_url_trusted=target.is_base_url_trusted,
            grant=pending.grant,
            reserved=Reserved(session.connector_id, session.connector_number),
            claim=claim,
            starts_sync=True,
        )

    async def _open_pending(self, view: LinkView) -> _Pending:
        session = view.session
        if session.pending is None:
            raise LinkRefused("changed")
        try:
            opened = self._open_sealed().open(session.pending, make_pending_context(session.id))
            return msgspec.json.decode(opened, type=_Pending)
        except (ConfigError, msgspec.DecodeError):  # sealed under a key that is gone
            await self.begin_again(view)
            raise LinkRefused("again") from None

    async def hand_on(self, view: LinkView) -> str:
        """A link token of its own to the same unfinished session. Raises LinkRefused where there are too many."""
        token = new_token(LINK_TOKEN_BYTES)
        if not await link_sessions.hand_on(self._pool, view.session.id, hash_token(token), most=MOST_HANDED):
            raise LinkRefused("handed_often")
        return token

    async def make_temporary_token(self, view: LinkView) -> str | None:
        """What the page gives whoever framed it; None where it was exchanged already, or was given too often."""
        token = new_token(TEMPORARY_TOKEN_BYTES)
        made = await link_sessions.add_exchange(
            self._pool, view.session.id, hash_token(token), lasts=TEMPORARY_LASTS, most=MOST_TEMPORARY
        )
        return token if made else None

    async def _take_attempt(self, session: LinkSession) -> None:
        taken = await self._pool.fetchval(link_sessions.TAKE_ATTEMPT, session.id, MOST_ATTEMPTS, ATTEMPTS_WITHIN)
        if not taken:
            raise LinkRefused("too_often")

    async def _locate(self, view: LinkView) -> LinkTarget:
        """Where the link calls: at a relinked connector's own address, else at the one the operator gave."""
        session, integration = view.session, view.integration
        assert integration is not None
        networks, keeps = self._settings.list_allowed_networks(), self._settings.documented_rates
        if session.is_relink:
            connector = await self._get_relinked(session)
            return LinkTarget(integration, connector.base_url, connector.is_base_url_trusted, networks, keeps)
        said = await list_link_integrations(self._pool, session.organisation, session.environment)
        base_url = said[integration.slug].base_url if integration.slug in said else None
        return LinkTarget(integration, base_url, base_url is not None, networks, keeps)

    async def _get_relinked(self, session: LinkSession) -> Connector:
        connector = await get_connector(self._pool, session.connector_id)
        if connector is None:
            raise LinkRefused("gone")
        return connector

    async def _open_partner(self, view: LinkView) -> dict[str, str]:
        session = view.session
        said = (await list_link_integrations(self._pool, session.organisation, session.environment)).get(
            session.integration or ""
        )
        if said is None or said.partner is None:
            raise LinkRefused("set_up")
        try:
            opened = self._open_sealed().open(said.partner, make_partner_context(said.id))
        except ConfigError as error:
            raise explain_failure(error) from None
        return msgspec.json.decode(opened, type=dict[str, str])

    async def _check_same_account(
        self, view: LinkView, target: LinkTarget, credentials: Mapping[str, str], grant: Grant | None
    ) -> None:
        """Of a connector that is linked anew: records of two accounts would else be mixed."""
        if not view.session.is_relink:
            return
        connector = await self._get_relinked(view.session)
        client = target.open(credentials, is_partner=grant is not None, grants=MemoryGrants(grant))
        try:
            await check_account(self._pool, connector, target.integration, client)
        except OtherAccount:
            raise LinkRefused("other_account") from None
        except (VendorError, ConfigError) as error:
            raise explain_failure(error) from None

    async def _save_pending(
        self, view: LinkView, credentials: Mapping[str, str], grant: Grant | None, tried: TrialResult
    ) -> None:
        if not tried.reached and tried.missing:
            raise LinkRefused("nothing_readable", detail="; ".join(dict.fromkeys(o.permission for o in tried.missing)))
        session = view.session
        pending = _Pending(dict(credentials), grant)
        sealed = self._open_sealed().seal(msgspec.json.encode(pending), make_pending_context(session.id))
        missing = msgspec.json.encode(tried.missing).decode()
        saved = await self._pool.fetchval(link_sessions.SAVE_PENDING, session.id, session.integration, sealed, missing)
        if not saved:
            raise LinkRefused("changed")


def is_of_link(state: str) -> bool:
    """Whether the state of a consent is one that a link asked with."""
    return state.startswith(_STATE) and len(state) <= LONGEST_TOKEN and state.isascii()


def list_offered() -> tuple[Integration, ...]:
    """The systems that a customer may pick, by their names."""
    return tuple(sorted(list_integrations(), key=lambda one: one.name.casefold()))


def read_credentials(integration: Integration, given: Mapping[str, str]) -> dict[str, str]:
    """What was entered for each credential, fit to be sent. Raises LinkRefused with the field that is wrong."""
    found: dict[str, str] = {}
    for one in integration.list_credentials():
        value = given.get(one.name, "").strip()
        if not value:
            if not one.is_optional:
                raise LinkRefused("field_missing", field=one.name)
            continue
        if find_fault(value, limit=LONGEST_CREDENTIAL) is not None:
            raise LinkRefused("field_odd", field=one.name)
        fault = one.find_fault(value)
        if fault is not None:
            raise LinkRefused("field_wrong", field=one.name, detail=re.sub("^is ", "", fault))
        found[one.name] = value
    if integration.write_key is not None and integration.write_key.find_gap(found) is not None:
        missing = next(one.name for one in integration.write_key.list_missing(found))
        raise LinkRefused("field_together", field=missing)
    return found


def _find_integration(slug: str) -> Integration | None:
    """None for one that is gone from this installation."""
    try:
        return get_integration(slug)
    except ConfigError:
        return None
