"""Metrics and the OpenAPI document; what a closed server says."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from serving import api_with, post, problem

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")


def test_closed_server_takes_no_work_on(api: TestClient):
    api.app.state.service.admission.close()  # type: ignore[attr-defined]
    for answer in (post(api), post(api, "inspect")):
        assert problem(answer) == (503, "the server is shutting down; try again in a while")
        assert answer.headers["retry-after"] == "30"


def figures_of(api: TestClient) -> dict[str, float]:
    """What /metrics tells."""
    lines = (line.rsplit(" ", 1) for line in api.get("/metrics").text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_metrics_count_what_was_asked(api: TestClient):
    post(api)
    post(api, "paint/stream", style=["waves", "six"])
    post(api, strength="9")
    api.get("/nowhere/at/all")
    figures = figures_of(api)
    requests = {name: value for name, value in figures.items() if name.startswith("impasto_requests_total")}
    assert requests == {
        'impasto_requests_total{method="POST",route="/api/v1/paint",status="200"}': 1,
        'impasto_requests_total{method="POST",route="/api/v1/paint",status="422"}': 1,
        'impasto_requests_total{method="POST",route="/api/v1/paint/stream",status="200"}': 1,
        'impasto_requests_total{method="GET",route="other",status="404"}': 1,
    }
    assert figures['impasto_pictures_total{style="waves"}'] == 2
    assert figures['impasto_pictures_total{style="six"}'] == 1
    assert figures['impasto_request_seconds_count{route="/api/v1/paint"}'] == 2
    assert figures["impasto_requests_waiting"] == figures["impasto_requests_running"] == 0
    assert 1e7 < figures["impasto_resident_bytes"] < 1e11


def test_metrics_tell_how_the_server_is(api: TestClient, styles: Path):
    (styles / "half.onnx").write_bytes(b"half")
    figures = figures_of(api)
    assert (figures["impasto_ready"], figures["impasto_styles"], figures["impasto_styles_broken"]) == (1, 2, 1)
    assert (figures["impasto_requests_present"], figures["impasto_requests_capacity"]) == (0, 34)
    held = [style.stat().st_size * 25 for style in (styles / "six.onnx", styles / "waves.onnx")]
    assert figures["impasto_networks_bytes"] == held[0]  # opened to see whether it can be
    post(api)
    assert figures_of(api)["impasto_networks_bytes"] == sum(held)
    (build,) = (name for name in figures if name.startswith("impasto_build_info"))
    assert f'version="{version("impasto")}"' in build and 'provider="cpu"' in build and figures[build] == 1
    api.app.state.service.admission.leave()  # type: ignore[attr-defined]
    assert figures_of(api)["impasto_ready"] == 0


def test_figures_of_two_apps_are_their_own(api: TestClient):
    post(api)
    assert 'route="/api/v1/paint"' not in api_with().get("/metrics").text


def test_document_describes_fields_and_problems(api: TestClient):
    document = api.get("/openapi.json").json()
    paths = document["paths"]
    assert paths.keys() == {
        "/healthz", "/readyz", "/metrics", "/api/v1/styles", "/api/v1/styles/{name}/thumbnail", "/api/v1/paint",
        "/api/v1/paint/stream", "/api/v1/inspect",
    }  # fmt: skip
    answers = paths["/api/v1/paint"]["post"]["responses"]
    assert set(answers) == {"200", "400", "401", "403", "404", "408", "413", "415", "422", "429", "503"}
    assert all("application/problem+json" in answer["content"] for status, answer in answers.items() if status != "200")
    assert set(answers["200"]["content"]) == {"image/png", "image/jpeg", "image/webp", "image/tiff"}
    (body,) = (
        schema for name, schema in document["components"]["schemas"].items() if name == "Body_paint_api_v1_paint_post"
    )
    fields = body["properties"]
    assert set(body["required"]) == {"image", "style"} and all("description" in field for field in fields.values())
    assert (fields["strength"]["minimum"], fields["strength"]["maximum"]) == (0, 1.5)
    assert (fields["brush_size"]["minimum"], fields["brush_size"]["maximum"]) == (0.25, 4)
    stream = paths["/api/v1/paint/stream"]["post"]["responses"]["200"]["content"]
    assert stream.keys() == {"application/x-ndjson"}


def test_nothing_is_fetched_from_elsewhere_for_the_documents(api: TestClient):
    assert [api.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_api_needs_neither_torch_nor_gradio():
    code = "import sys, serve.api.app, serve.api.server; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0 and "fastapi" in result.stdout.split()
    assert not {"torch", "torchvision", "gradio", "train", "impasto"} & set(result.stdout.split())
