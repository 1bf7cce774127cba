"""The Personio emulator's token endpoint keeps to the documented rules and error shapes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from unihire.integration.emulate import Credentials
from unihire.sandbox.runner import RunningSandbox, start_sandbox

JOBS = "/v2/recruiting/jobs"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox("personio", size=100) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.ready.base_url) as connected:
        yield connected


@pytest.fixture
def form(sandbox: RunningSandbox) -> dict[str, str]:
    """A token request that works."""
    ready = sandbox.ready
    return {"grant_type": "client_credentials", "client_id": ready.client_id, "client_secret": ready.client_secret}


def ask_token(client: httpx.Client, form: dict[str, str], **fields: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/v2/auth/token", data={**form, **fields}).raise_for_status().json()
    return answer


def read_jobs(client: httpx.Client, token: str) -> int:
    return client.get(JOBS, headers={"Authorization": f"Bearer {token}"}).status_code


def test_token_has_the_documented_form(client: httpx.Client, form: dict[str, str]) -> None:
    answer = ask_token(client, form)
    assert answer["access_token"].startswith("papi-")
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 86400)
    assert set(answer["scope"].split()) == {
        "personio:recruiting:read",
        "personio:persons:read",
        "personio:documents:read",
    }
    assert "refresh_token" not in answer
    assert form["client_id"].startswith("papi-")
    assert form["client_secret"].startswith("papi-")


def test_token_stays_the_same_for_a_day_while_its_time_runs_out(client: httpx.Client, form: dict[str, str]) -> None:
    first = ask_token(client, form)
    client.post("/_sandbox/clock", json={"advance_seconds": 3600})
    second = ask_token(client, form)
    assert second["access_token"] == first["access_token"]
    assert 82_700 <= second["expires_in"] <= 82_800
    client.post("/_sandbox/clock", json={"advance_seconds": 83_000})
    assert read_jobs(client, first["access_token"]) == 401
    third = ask_token(client, form)
    assert third["access_token"] != first["access_token"]
    assert read_jobs(client, third["access_token"]) == 200


@pytest.mark.parametrize("is_signed", [True, False])
def test_revoked_token_is_worthless(client: httpx.Client, form: dict[str, str], is_signed: bool) -> None:
    token = ask_token(client, form)["access_token"]
    headers = {"Authorization": f"Bearer {token}"} if is_signed else {}
    revoked = client.post("/v2/auth/revoke", data={"token": token}, headers=headers)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert read_jobs(client, token) == 401
    assert ask_token(client, form)["access_token"] != token


def test_token_carries_only_the_scopes_asked_for(client: httpx.Client, form: dict[str, str]) -> None:
    persons = ask_token(client, form, scope="personio:persons:read")
    assert persons["scope"] == "personio:persons:read"
    signed = {"Authorization": f"Bearer {persons['access_token']}"}
    assert client.get("/v2/persons", headers=signed).status_code == 200
    refused = client.get(JOBS, headers=signed)
    assert refused.status_code == 403
    assert set(refused.json()) == {"personio_trace_id", "timestamp", "errors"}
    recruiting = ask_token(client, form, scope="personio:recruiting:read")
    # For persons a missing right was seen to be a 401 (notes.md, Auth).
    assert (
        client.get("/v2/persons", headers={"Authorization": f"Bearer {recruiting['access_token']}"}).status_code == 401
    )


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic cGFwaTpwYXBp", "papi-x"])
def test_bad_authorization_is_a_401_in_the_shape_of_resource_errors(client: httpx.Client, header: str | None) -> None:
    response = client.get(JOBS, headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["detail"] == "Unauthorized Request"


@pytest.mark.parametrize(
    ("change", "error", "link", "meta"),
    [
        (
            {"grant_type": None, "client_secret": None},
            "invalid_request",
            ".required_parameters_missing",
            ["grant_type"],
        ),
        ({"client_id": "papi-00000000-0000-4000-8000-000000000000"}, "invalid_client", "", None),
        ({"client_id": "papi-unknown", "client_secret": None}, "invalid_client", "", None),
        ({"grant_type": "lilu_dallas_multipass"}, "invalid_grant", "", None),
        ({"client_secret": "papi-wrong"}, "unauthorized_client", "", None),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
            "unsupported_grant_type",
            "",
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
        ),
        ({"scope": "personio:everything:write"}, "invalid_scope", "", None),
        ({"client_id": None}, "invalid_request", ".required_parameters_missing", ["client_id"]),
        ({"client_secret": ""}, "invalid_request", ".required_parameters_missing", ["client_secret"]),
    ],
)
def test_documented_token_errors(
    client: httpx.Client, form: dict[str, str], change: dict[str, str | None], error: str, link: str, meta: Any
) -> None:
    fields = {name: value for name, value in {**form, **change}.items() if value is not None}
    response = client.post("/v2/auth/token", data=fields)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["error"] == error
    assert body["error_uri"] == f"https://developer.personio.de/reference/errors#credentials.oauth2.{error}{link}"
    assert body["error_description"]
    assert body["timestamp"].endswith("Z")
    assert datetime.fromisoformat(body["timestamp"])
    assert body["trace_id"]
    assert body.get("meta") == ({"missing_parameters": meta} if isinstance(meta, list) else meta)
    assert "personio_trace_id" not in body


def test_token_request_in_json_is_refused_with_its_own_shape(client: httpx.Client, form: dict[str, str]) -> None:
    response = client.post("/v2/auth/token", json=form)
    assert response.status_code == 400
    body = response.json()
    assert body["error"] == "invalid_request"
    assert body["type"].endswith("credentials.oauth2.invalid_request.invalid_request_content_type")
    assert "error_uri" not in body


def test_token_endpoint_has_a_minute_limit_and_then_one_request_a_second(client: httpx.Client) -> None:
    statuses = [client.post("/v2/auth/token", data={"client_id": "x"}).status_code for _ in range(152)]
    assert statuses == [400] * 150 + [429] * 2
    client.post("/_sandbox/clock", json={"advance_seconds": 1})
    again = [client.post("/v2/auth/token", data={"client_id": "x"}).status_code for _ in range(2)]
    assert again[0] == 400
    client.post("/_sandbox/clock", json={"advance_seconds": 61})
    statuses = [client.post("/v2/auth/token", data={"client_id": "x"}).status_code for _ in range(5)]
    assert statuses == [400] * 5


def test_operator_chooses_the_credentials() -> None:
    chosen = Credentials("papi-mine", "papi-my-secret")
    with start_sandbox("personio", size=100, credentials=chosen) as sandbox:
        form = {"grant_type": "client_credentials", "client_id": "papi-mine", "client_secret": "papi-my-secret"}
        with httpx.Client(base_url=sandbox.ready.base_url) as client:
            assert ask_token(client, form)["access_token"]


def test_authorization_can_be_switched_off() -> None:
    with start_sandbox("personio", size=100, options={"auth": "off"}) as sandbox:
        assert httpx.get(sandbox.ready.base_url + JOBS).status_code == 200
