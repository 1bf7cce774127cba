"""The Greenhouse emulator's sign-in: the documented grants, lifetimes and refusals."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from testbed.harvest import ask_for_token, serve_harvest
from unihire.integration.emulate import Credentials
from unihire.sandbox.runner import RunningSandbox

BACK = "https://partner.example.com/back?here=1"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=100) as running:
        yield running


def list_jobs(sandbox: RunningSandbox, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{sandbox.ready.base_url}/v3/jobs", headers=headers).status_code


def authorize(sandbox: RunningSandbox, **query: str) -> httpx.Response:
    asked = {"response_type": "code", "client_id": sandbox.ready.client_id, "redirect_uri": BACK, **query}
    return httpx.get(f"{sandbox.ready.base_url}/authorize", params=asked)


def get_code(sandbox: RunningSandbox, **query: str) -> str:
    answer = authorize(sandbox, **query)
    assert answer.status_code == 302
    return str(httpx.URL(answer.headers["location"]).params["code"])


def test_token_comes_with_both_spellings_of_its_end(sandbox: RunningSandbox) -> None:
    answer = ask_for_token(sandbox.ready)
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"token_type", "access_token", "expires_at", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    ends = datetime.fromisoformat(body["expires_at"])
    assert timedelta(minutes=59) < ends - sandbox.app.clock.now() <= timedelta(hours=1)
    assert body["access_token"].count(".") == 2
    assert list_jobs(sandbox, body["access_token"]) == 200


def test_token_ends_after_an_hour_of_the_sandbox_s_clock(sandbox: RunningSandbox) -> None:
    token = ask_for_token(sandbox.ready).json()["access_token"]
    sandbox.app.clock.advance(timedelta(minutes=59))
    assert list_jobs(sandbox, token) == 200
    sandbox.app.clock.advance(timedelta(minutes=2))
    assert list_jobs(sandbox, token) == 401


def test_token_acts_for_the_user_it_names(sandbox: RunningSandbox) -> None:
    assert ask_for_token(sandbox.ready, sub="12").status_code == 400
    user = sandbox.app.emulator.streams["users"]
    number = next(number for number, row in user.walk_latest() if row["site_admin"])
    assert ask_for_token(sandbox.ready, sub=str(number)).status_code == 200


@pytest.mark.parametrize(
    ("auth", "form", "status", "body"),
    [
        (None, {"grant_type": "client_credentials"}, 401, {"message": "Unauthorized", "errorId": "err-"}),
        (
            ("nonsense", "x"),
            {"grant_type": "client_credentials"},
            400,
            {"message": "client_id=nonsense does not contain a valid client ID suffix", "errorId": "err-"},
        ),
        (("other-custom", "x"), {"grant_type": "client_credentials"}, 401, {"error": "invalid_client"}),
        ("wrong secret", {"grant_type": "client_credentials"}, 401, {"error": "invalid_client"}),
        ("own", {}, 400, {"message": "Must include `grant_type` parameter in /token request"}),
        ("own", {"grant_type": "refresh_token", "refresh_token": "x"}, 400, {"error": "invalid_grant"}),
        ("own", {"grant_type": "authorization_code", "code": "x"}, 400, {"error": "invalid_grant"}),
        ("own", {"grant_type": "client_credentials", "scope": "harvest:all"}, 400, {"error": "invalid_scope"}),
    ],
)
def test_refusals_of_the_token_endpoint(
    sandbox: RunningSandbox, auth: Any, form: dict[str, str], status: int, body: dict[str, str]
) -> None:
    ready = sandbox.ready
    own = {"own": (ready.client_id, ready.client_secret), "wrong secret": (ready.client_id, "x")}
    auth = own.get(auth, auth) if isinstance(auth, str) else auth
    answer = httpx.post(f"{ready.base_url}/token", data=form, auth=auth)
    assert answer.status_code == status
    said = {name: "err-" if name == "errorId" else text for name, text in answer.json().items()}
    assert said == body


def test_unknown_grant_is_answered_with_the_known_ones(sandbox: RunningSandbox) -> None:
    answer = ask_for_token(sandbox.ready, grant_type="password")
    assert answer.status_code == 400
    for grant in ("authorization_code", "refresh_token", "client_credentials", "token-exchange"):
        assert grant in answer.json()["message"]


def test_customer_lets_a_partner_in_and_the_code_works_once(sandbox: RunningSandbox) -> None:
    answer = authorize(sandbox, state="abc")
    location = httpx.URL(answer.headers["location"])
    assert location.host == "partner.example.com"
    assert location.params["state"] == "abc"
    assert location.params["here"] == "1"
    form = {"grant_type": "authorization_code", "code": location.params["code"], "redirect_uri": BACK}
    body = ask_for_token(sandbox.ready, **form).json()
    assert list_jobs(sandbox, body["access_token"]) == 200
    assert body["refresh_token"]
    assert ask_for_token(sandbox.ready, **form).json() == {"error": "invalid_grant"}


def test_code_is_bound_to_its_address_and_ends_after_a_minute(sandbox: RunningSandbox) -> None:
    form = {"grant_type": "authorization_code", "code": get_code(sandbox), "redirect_uri": "https://else.example.com"}
    assert ask_for_token(sandbox.ready, **form).status_code == 400
    form = {"grant_type": "authorization_code", "code": get_code(sandbox), "redirect_uri": BACK}
    sandbox.app.clock.advance(timedelta(seconds=61))
    assert ask_for_token(sandbox.ready, **form).json() == {"error": "invalid_grant"}


def test_partner_may_send_the_parameters_in_the_query(sandbox: RunningSandbox) -> None:
    ready = sandbox.ready
    asked = {"grant_type": "authorization_code", "code": get_code(sandbox)}
    answer = httpx.post(f"{ready.base_url}/token", params=asked, auth=(ready.client_id, ready.client_secret))
    assert list_jobs(sandbox, answer.json()["access_token"]) == 200


def test_refresh_tokens_rotate_and_work_once(sandbox: RunningSandbox) -> None:
    form = {"grant_type": "authorization_code", "code": get_code(sandbox), "redirect_uri": BACK}
    first = ask_for_token(sandbox.ready, **form).json()
    sandbox.app.clock.advance(timedelta(hours=2))
    assert list_jobs(sandbox, first["access_token"]) == 401
    renew = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = ask_for_token(sandbox.ready, **renew).json()
    assert list_jobs(sandbox, second["access_token"]) == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert ask_for_token(sandbox.ready, **renew).json() == {"error": "invalid_grant"}
    sandbox.app.clock.advance(timedelta(hours=25))
    late = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    assert ask_for_token(sandbox.ready, **late).json() == {"error": "invalid_grant"}


def test_scopes_asked_for_at_the_door_bound_the_token(sandbox: RunningSandbox) -> None:
    code = get_code(sandbox, scope="harvest:offers:list")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    assert list_jobs(sandbox, ask_for_token(sandbox.ready, **form).json()["access_token"]) == 403
    assert "error" in httpx.URL(authorize(sandbox, scope="nonsense").headers["location"]).params
    assert authorize(sandbox, client_id="x").status_code == 400
    assert authorize(sandbox, response_type="token").status_code == 400


def test_token_can_be_exchanged_for_another(sandbox: RunningSandbox) -> None:
    token = ask_for_token(sandbox.ready).json()["access_token"]
    grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    other = ask_for_token(sandbox.ready, grant_type=grant, subject_token=token).json()["access_token"]
    assert other != token
    assert list_jobs(sandbox, other) == 200


def test_token_endpoint_has_a_window_of_its_own() -> None:
    with serve_harvest(size=100, options={"token_rate_limit": "2"}) as sandbox:
        seconds = sandbox.app.clock.now().second
        sandbox.app.clock.advance(timedelta(seconds=(65 - seconds) % 60))
        statuses = [ask_for_token(sandbox.ready) for _ in range(3)]
        assert [answer.status_code for answer in statuses] == [200, 200, 429]
        wait = int(statuses[-1].headers["retry-after"])
        sandbox.app.clock.advance(timedelta(seconds=wait))
        assert ask_for_token(sandbox.ready).status_code == 200


def test_credentials_can_be_chosen() -> None:
    with serve_harvest(size=100, credentials=Credentials("mine", "secret")) as sandbox:
        assert (sandbox.ready.client_id, sandbox.ready.client_secret) == ("mine", "secret")
        assert ask_for_token(sandbox.ready).status_code == 200


def test_partner_tokens_open_webhooks_and_count_apart(sandbox: RunningSandbox) -> None:
    custom = ask_for_token(sandbox.ready).json()["access_token"]
    form = {"grant_type": "authorization_code", "code": get_code(sandbox), "redirect_uri": BACK}
    partner = ask_for_token(sandbox.ready, **form).json()["access_token"]
    url = f"{sandbox.ready.base_url}/v3/webhooks"
    assert httpx.get(url, headers={"Authorization": f"Bearer {custom}"}).status_code == 403
    assert httpx.get(url, headers={"Authorization": f"Bearer {partner}"}).json() == []
