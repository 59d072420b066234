"""Who is let in: by name, by site and by token; and what every answer carries."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from serve.api.guard import COOKIE, HEADERS, Access, Guard

TOKEN = "correct horse battery staple".replace(" ", "-")
HOME = "http://127.0.0.1:7860"


def guarded(access: Access, base_url: str = HOME) -> TestClient:
    app = FastAPI()
    app.add_middleware(Guard, access=access)
    for path in ("/", "/healthz", "/other"):
        app.add_api_route(path, lambda: PlainTextResponse("here"), methods=["GET", "POST"])
    return TestClient(app, base_url=base_url, follow_redirects=False)


def status(access: Access, host: str) -> int:
    return guarded(access).get("/", headers={"Host": host}).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "127.8.9.1", "localhost", "LocalHost:1", "[::1]:7860"])
def test_loopback_is_served(host: str):
    assert status(Access(), host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "192.168.1.5", "localhost.evil.example", "127.0.0.1.evil.example",
     "127.0.0.1@evil.example", "[::1", "", "::", "evil.example/@localhost", "0.0.0.0"],
)  # fmt: skip
def test_other_names_are_refused(host: str):
    answer = guarded(Access()).get("/", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == f"this server is not asked for as {host!r}; if it is to be, add --allow-host NAME"


def test_named_hosts_are_served():
    access = Access(frozenset({"studio.local", "192.168.1.5"}))
    assert [status(access, host) for host in ("Studio.Local:80", "192.168.1.5", "192.168.1.6")] == [200, 200, 403]


def test_any_address_but_no_name_where_all_are_listened_on():
    access = Access(frozenset({"0.0.0.0"}), any_address=True)
    hosts = ("192.168.1.6:7860", "[2001:db8::1]:7860", "0.0.0.0", "evil.example")
    assert [status(access, host) for host in hosts] == [200, 200, 200, 403]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:8000", "http://127.0.0.1", "", "http://["]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_from_other_sites_are_refused(origin: str, method: str):
    answer = guarded(Access()).request(method, "/", headers={"Origin": origin})
    assert (answer.status_code, answer.json()["detail"]) == (403, "requests from other sites are not served")


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": HOME}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_requests_from_programs_and_the_page_itself_are_served(headers: dict[str, str]):
    assert guarded(Access()).post("/", headers=headers).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_but_not_embed_or_post(site: str):
    client = guarded(Access())
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    assert client.post("/", headers=link).status_code == 403
    assert client.get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}).status_code == 403


def test_another_site_is_not_told_that_it_may_read():
    client = guarded(Access())
    answer = client.get("/", headers={"Origin": HOME})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    refused = client.options("/", headers=asked)
    assert refused.status_code == 403 and not [name for name in refused.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN},
     {"Authorization": "Bearer"}, {"Cookie": f"{COOKIE}={TOKEN}"}, {"Cookie": f"{COOKIE}="}, {"Cookie": '"=;'},
     {"Authorization": "Bearer tök€n".encode()}],
)  # fmt: skip
def test_token_is_needed(headers: Any):
    client = guarded(Access(token=TOKEN))
    for path in ("/", "/other", "/?token=wrong", f"/other?token={TOKEN}"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text and "set-cookie" not in answer.headers
    assert client.get("/healthz").status_code == 200


def test_bearer_of_the_token_is_served():
    client = guarded(Access(token=TOKEN))
    for kind in ("Bearer", "bearer"):
        assert client.post("/other", headers={"Authorization": f"{kind} {TOKEN}"}).text == "here"


def test_link_with_the_token_leads_to_the_page_without_it():
    client = guarded(Access(token=TOKEN))
    answer = client.get(f"/?a=1&token={TOKEN}&b=x%26y")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?a=1&b=x%26y")
    assert TOKEN not in str(answer.headers)
    assert re.fullmatch(rf"{COOKIE}=[0-9a-f]{{64}}; HttpOnly; Path=/; SameSite=strict", answer.headers["set-cookie"])
    assert client.get("/other").text == "here"  # the client keeps the cookie
    stranger = guarded(Access(token=TOKEN + "2"))
    stranger.cookies.update(client.cookies)
    assert stranger.get("/other").status_code == 401


def test_link_with_the_token_is_no_way_past_the_other_checks():
    link = f"/?token={TOKEN}"
    assert guarded(Access(token=TOKEN)).get(link, headers={"Host": "evil.example"}).status_code == 403
    assert guarded(Access(token=TOKEN)).get(link, headers={"Origin": "http://evil.example"}).status_code == 403


def test_behind_a_proxy_the_page_is_where_it_is_said_to_be():
    access = Access(frozenset({"studio.example"}), token=TOKEN, public_url="https://studio.example:8443/impasto")
    client = guarded(access, "http://studio.example")  # as a proxy asks that takes TLS, the port and the path off
    entered = client.get(f"/?token={TOKEN}&a=1")
    assert entered.headers["location"] == "/impasto/?a=1"
    cookie = entered.headers["set-cookie"]
    assert re.fullmatch(rf"{COOKIE}=[0-9a-f]{{64}}; HttpOnly; Path=/impasto/; SameSite=strict; Secure", cookie)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    for origin, status in (
        ("https://studio.example:8443", 200),
        ("http://studio.example:8443", 403),
        ("https://studio.example", 200),  # as the Host is
        ("https://studio.example:9443", 403),
        ("https://evil.example", 403),
    ):
        assert client.post("/other", headers={"Origin": origin, **bearer}).status_code == status


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded"])
def test_what_a_request_says_of_where_it_came_is_not_believed(name: str):
    async def told(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.headers.get(name, "nothing"))

    app = FastAPI()
    app.add_middleware(Guard, access=Access())
    app.add_route("/", told)
    client = TestClient(app, base_url=HOME)
    assert client.get("/", headers={name: "evil.example", "Host": "evil.example"}).status_code == 403
    assert client.get("/", headers={name: "evil.example"}).text == "nothing"


def test_every_answer_carries_the_headers_of_safety():
    client = guarded(Access(token=TOKEN))
    for answer in (
        client.get("/healthz"),
        client.get("/"),
        client.get(f"/?token={TOKEN}"),
        client.get("/", headers={"Host": "evil.example"}),
    ):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_websocket_of_another_site_is_refused():
    client = guarded(Access())
    with pytest.raises(Exception) as closed, client.websocket_connect("/", headers={"Origin": "http://evil.example"}):
        pass
    assert getattr(closed.value, "code", None) == 1008
