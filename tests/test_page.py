"""The page without a browser: what the server has of it, and what its tabs are."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from impasto import page
from impasto.page import build_page, mount_page
from serve.api.app import build_app
from serve.api.guard import Access
from serve.engine import Engine
from serve.page import EXAMPLES, FILES, PREFIX


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(mount_page(build_app(Engine())), "http://127.0.0.1")


def test_the_page_is_at_the_root_and_names_itself(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "Impasto" in answer.text


def test_all_files_of_the_tab_are_served_and_asked_about_again_each_time(client: TestClient) -> None:
    for path in FILES.iterdir():
        answer = client.get(f"/{PREFIX}/{path.name}")
        assert answer.content == path.read_bytes()
        assert answer.headers["cache-control"] == "no-cache"
        again = client.get(f"/{PREFIX}/{path.name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_what_the_scripts_import_is_served(client: TestClient) -> None:
    imported = {name for path in FILES.glob("*.js") for name in re.findall(r'from "\./(.+?)"', path.read_text())}
    assert len(imported) > 5
    assert imported <= {path.name for path in FILES.iterdir()}


def test_example_photos_are_whole(client: TestClient, tmp_path: Path) -> None:
    for name in EXAMPLES:
        answer = client.get(f"/{PREFIX}/examples/{Path(name).stem}")
        assert answer.headers["content-type"] in ("image/png", "image/jpeg")
        (tmp_path / name).write_bytes(answer.content)
        with Image.open(tmp_path / name) as image:
            image.load()
            assert min(image.size) >= 300


@pytest.mark.parametrize("name", ["camera", "__init__.py", "..%2f__init__.py", "%2e%2e%2fpage.py", "astronaut.png"])
def test_nothing_else_is_served_as_an_example(client: TestClient, name: str) -> None:
    assert client.get(f"/{PREFIX}/examples/{name}").status_code == 404


@pytest.mark.parametrize("name", ["../page.py", "..%2fpage.py", "%2e%2e/engine.py", "/etc/passwd"])
def test_nothing_beside_the_files_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/{PREFIX}/{name}").status_code == 404


def test_nothing_leads_to_another_host(client: TestClient) -> None:
    for path in FILES.iterdir():
        assert not re.search(r"https?://", path.read_text("utf-8")), path.name
    theme = client.get("/theme.css")
    assert theme.status_code == 200
    assert not re.search(r"url\(.?(https?:)?//|@import|@font-face", theme.text)


def test_templates_hold_nothing_that_gradio_would_fill_in() -> None:
    """It reads them as Handlebars, and then as JavaScript's template literals."""
    for name in ("paint.html", "paint.css"):
        assert not re.search(r"\{\{|\$\{|`|\\", (FILES / name).read_text("utf-8")), name


def test_tabs_that_need_torch_tell_what_to_do_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "find_spec", lambda name: None if name == "torch" else pytest.fail(name))
    config = build_page(Engine()).get_config_file()
    labels = [each["props"]["label"] for each in config["components"] if each["type"] == "tabitem"]
    texts = [each["props"]["value"] for each in config["components"] if each["type"] == "markdown"]
    assert labels == ["Paint", "Train", "Compare", "Gallery", "Layers"]
    assert sum("pip install '.[train]'" in text for text in texts) == 2


def test_nothing_is_told_to_anybody() -> None:
    assert build_page(Engine()).analytics_enabled is False


def test_paint_alone_leaves_out_all_that_keeps_something():
    page = TestClient(mount_page(build_app(Engine()), None), "http://127.0.0.1")
    tabs = [part["props"]["label"] for part in page.get("/config").json()["components"] if part["type"] == "tabitem"]
    assert tabs == ["Paint"]
    assert [page.get(path).status_code for path in ("/paint_tab/paint.js", "/api/v1/styles", "/readyz")] == [200] * 3
    assert page.get("/gallery/renders").status_code == page.post("/api/v1/layers/preview").status_code == 404


def test_page_knows_where_a_proxy_has_it():
    address = "https://studio.example/impasto"
    app = mount_page(
        build_app(Engine(), access=Access(frozenset({"studio.example"}), public_url=address)), None, address
    )
    page = TestClient(app, "http://studio.example")
    evil = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert page.get("/config", headers=evil).json()["root"] == address
    own = TestClient(mount_page(build_app(Engine()), None), "http://127.0.0.1")
    assert own.get("/config", headers=evil).json()["root"] == "http://127.0.0.1"
