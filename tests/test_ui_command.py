"""`impasto ui`: what it refuses, what it hands on, and the whole of it in a process of its own."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from serving import CAT, HOST, PATIENCE_S, is_painted, post, use_styles

from impasto import ui
from impasto.main import main
from impasto.ui_access import page_address, read_access
from serve.api.guard import COOKIE, HEADERS, Access
from serve.api.limits import Limits
from serve.api.server import Server

TOKEN = "0123456789abcdef"
START_S = 90
needs_page = pytest.mark.skipif(find_spec("gradio") is None, reason="the page needs gradio, which is not installed")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a file that holds a token."""
    use_styles(tmp_path, monkeypatch)
    monkeypatch.delenv("IMPASTO_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("token.txt").write_text(f"{TOKEN}\n")
    Path("short.txt").write_text("0123456789abcde")
    Path("two.txt").write_text(f"{TOKEN} {TOKEN}")
    return tmp_path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """The servers that would have run; their page is left out."""
    found: list[Server] = []
    monkeypatch.setattr(ui, "_mount_page", lambda app, gallery, options: None)
    monkeypatch.setattr(ui, "run_server", lambda server, listener: found.append(server))
    return found


def access(*words: str) -> Access:
    return read_access(ui.build_parser().parse_args(list(words)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 serves other machines too, which needs a token: set IMPASTO_TOKEN or "),
        (["--host", "studio.local"], "--host studio.local serves other machines too, which needs a token"),
        (["--token-file", "none.txt"], "--token-file none.txt cannot be read: No such file or directory"),
        (
            ["--token-file", "short.txt"],
            "--token-file short.txt: a token is 16 or more letters, digits and signs; make ",
        ),
        (["--token-file", "two.txt"], "--token-file two.txt: a token is 16 or more letters"),
        (["--port", "65536"], "--port must be a whole number from 0 to 65535, not 65536"),
        (["--max-upload", "lots"], "--max-upload must be a size like 200MB or 1GB, not lots"),
        (["--max-megapixels", "0"], "--max-megapixels must be a number from 0.001 to 1e+06, not 0"),
        (["--queue", "-1"], "--queue must be a whole number from 0 to 10000, not -1"),
        (["--gallery", "nowhere"], "--gallery nowhere is no folder; name one with pictures that Impasto painted"),
        (
            ["--gallery", ".", "--paint-only"],
            "--paint-only serves no Gallery tab; leave out --gallery, or --paint-only",
        ),
        (["--drain", "-1"], "--drain must be a number from 0 to 3600, not -1"),
        (["--public-url", "https://studio.example"], "--public-url https://studio.example serves other machines too, "),
        *[
            (["--public-url", url], f"--public-url must be an address like https://studio.example/impasto, not {url}")
            for url in (
                "studio.example",
                "ftp://a.b",
                "https://",
                "https://u:p@a.b",
                "https://a.b/?c",
                "https://a.b:x",
                "https://a.b/c d",
                "https://a.b/../c#",
                "https://a.b//c",
                "https://a.b:99999",
            )
        ],
        (["--gallery", "token.txt"], "--gallery token.txt is no folder"),
        (["--timeout", "0"], "--timeout must be a number from 1 to 86400, not 0"),
        (
            ["--insecure", "--host", "no.such.host"],
            "--host no.such.host: there is no such address (Name or service not",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], message: str, served: list[Server], capsys):
    assert main(["ui", "--port", "0", *words]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert message in last and not served


def test_port_that_is_taken_is_said(served: list[Server], capsys):
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        assert main(["ui", "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"impasto: --port {port} is taken; stop what runs there, or take another, like --port 0 for any that is free\n"
    )


def test_limits_are_handed_on(served: list[Server]):
    words = ["--max-upload", "3MB", "--max-megapixels", "1.5", "--queue", "7", "--timeout", "9"]
    assert main(["ui", "--port", "0"]) == main(["ui", "--port", "0", *words]) == 0
    limits = [server.config.app.state.service.limits for server in served]  # type: ignore[union-attr]
    assert limits == [Limits(), Limits(upload_bytes=3_000_000, pixels=1_500_000, waiting=7, timeout_s=9)]


def test_who_is_served():
    assert access() == Access(frozenset({"127.0.0.1"}))
    assert access("--token-file", "token.txt").token == TOKEN
    everywhere = access("--host", "0.0.0.0", "--token-file", "token.txt", "--allow-host", "Studio.local")
    assert everywhere == Access(frozenset({"0.0.0.0", "studio.local"}), any_address=True, token=TOKEN)
    assert not access("--host", "192.168.1.5", "--token-file", "token.txt").any_address


def test_public_address_is_served_and_said():
    words = ["--public-url", "https://Studio.example:8443/impasto/", "--token-file", "token.txt"]
    assert access(*words) == Access(
        frozenset({"127.0.0.1", "studio.example"}), token=TOKEN, public_url="https://Studio.example:8443/impasto"
    )
    assert page_address(ui.build_parser().parse_args(words), 80) == "https://Studio.example:8443/impasto/"
    assert access("--public-url", "http://localhost:8080").token is None  # a proxy on this machine, for this machine


def test_token_of_the_environment_yields_to_that_of_the_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMPASTO_TOKEN", TOKEN[::-1])
    assert access("--host", "::").token == TOKEN[::-1]
    assert access("--host", "::", "--token-file", "token.txt").token == TOKEN


def test_insecure_is_said_out_loud(capsys):
    assert access("--host", "0.0.0.0", "--insecure").token is None
    assert capsys.readouterr().err == (
        "impasto: --insecure: whoever reaches 0.0.0.0 can paint here and use up this machine\n"
    )
    access("--host", "localhost", "--insecure")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:80/"), ("0.0.0.0", "http://127.0.0.1:80/"), ("::1", "http://[::1]:80/"),
     ("localhost", "http://localhost:80/")],
)  # fmt: skip
def test_address_is_one_for_a_browser(host: str, address: str):
    assert page_address(ui.build_parser().parse_args(["--host", host]), 80) == address


class Started:
    """`impasto ui` in a process of its own, on a free port."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "impasto.main", "ui", "--port", "0", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        found = re.search(r"http://[\d.:]+", self.said)
        assert found, self.process.communicate(timeout=START_S)
        self.client = httpx.Client(base_url=found[0], timeout=PATIENCE_S, trust_env=False)

    def end(self, number: int) -> tuple[int, str, str]:
        """Exit code, and what was said on stdout and stderr after the first line."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


@pytest.fixture
def started() -> Iterator[list[Started]]:
    found: list[Started] = []
    yield found
    for each in found:
        each.process.kill()
        each.process.wait()


@needs_page
def test_page_and_api_are_served_until_terminated(started: list[Started]):
    started.append(ui := Started())
    assert re.fullmatch(r"Impasto is at http://127\.0\.0\.1:\d+/; Ctrl-C ends it\n", ui.said)
    page = ui.client.get("/")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert {name: page.headers[name] for name in HEADERS} == HEADERS
    assert is_painted(post(ui.client).content)
    for path in ("/", "/config", "/gradio_api/info", "/api/v1/styles"):
        assert ui.client.get(path).status_code == 200
        assert ui.client.get(path, headers={"Host": "evil.example"}).status_code == 403
        assert ui.client.get(path, headers={"Origin": "http://evil.example"}).status_code == 403
    evil = {"Origin": "http://evil.example"}
    assert ui.client.post("/gradio_api/upload", files={"files": CAT}, headers=evil).status_code == 403
    assert ui.end(signal.SIGTERM) == (0, "", "")


@needs_page
def test_token_opens_the_page_and_ctrl_c_ends_it_though_a_page_is_open(started: list[Started]):
    started.append(ui := Started("--token-file", "token.txt"))
    assert ui.said.endswith("/ (in a browser, once with ?token= and the token); Ctrl-C ends it\n")
    assert ui.client.get("/").status_code == ui.client.get("/gradio_api/info").status_code == 401
    entered = ui.client.get("/", params={"token": TOKEN})
    assert (entered.status_code, entered.headers["location"]) == (303, "/") and COOKIE in ui.client.cookies
    assert ui.client.get("/").status_code == post(ui.client).status_code == 200
    with ui.client.stream("GET", "/gradio_api/heartbeat/page") as heartbeat:
        assert next(heartbeat.iter_lines()).startswith("data:")
        code, out, err = ui.end(signal.SIGINT)
    assert (code, out, err) == (130, "", "impasto: stopped\n") and TOKEN not in ui.said
