"""The HTTP API under whatever comes: what its document allows, what it forbids, and bytes that are neither."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from serving import CAT, ONE_THREAD, api_with, events, is_painted, post, problem, use_styles

from serve.api.app import build_app
from serve.api.guard import Access
from serve.api.limits import Limits
from serve.engine import Engine

UNTIMED = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)
MEGAPIXEL = 1_000_000
API = api_with(pixels=MEGAPIXEL)
WITHOUT_INPUT = ("GET /healthz", "GET /readyz", "GET /metrics", "GET /api/v1/styles")
WITH_INPUT = (
    "GET /api/v1/styles/{name}/thumbnail",
    "POST /api/v1/paint",
    "POST /api/v1/paint/stream",
    "POST /api/v1/inspect",
)
CASES = [(operation, GenerationMode.POSITIVE) for operation in (*WITHOUT_INPUT, *WITH_INPUT)] + [
    (operation, GenerationMode.NEGATIVE) for operation in WITH_INPUT
]
FIELDS = (
    "style",
    "strength",
    "brush_size",
    "weights",
    "color",
    "size",
    "format",
    "bits",
    "quality",
    "preview",
    "other",
)


@pytest.fixture(autouse=True)
def all_is_well_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_styles(tmp_path, monkeypatch)
    yield
    assert events(post(API, "paint/stream"))[-1] == {"event": "end"}
    assert API.app.state.service.admission.present == 0  # type: ignore[attr-defined]


@pytest.fixture
def document() -> Any:
    access = Access(frozenset({"testserver"}))  # as schemathesis calls it
    app = build_app(Engine(ONE_THREAD), Limits(pixels=MEGAPIXEL), access)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_answers_are_those_that_the_document_promises(document: Any, operation: str, mode: GenerationMode):
    method, path = operation.split()

    @given(case=document[path][method].as_strategy(generation_mode=mode))
    @UNTIMED
    def holds(case: schemathesis.Case) -> None:
        excluded = [positive_data_acceptance]
        body: Any = case.body
        if mode is GenerationMode.POSITIVE and isinstance(body, dict):
            # Noise is no photo, and no style's name; but what is put in its place passes for a fault.
            excluded.append(negative_data_rejection)
            body["image"] = CAT
            if "style" in body:
                body["style"] = ["waves", "six"] if path.endswith("stream") else "waves"
        assert case.call_and_validate(excluded_checks=excluded).status_code < 500

    holds()


@given(body=st.binary(max_size=2000), boundary=st.sampled_from(["x", "", "x; charset=nonsense", "é", '"']))
@settings(UNTIMED, max_examples=100)
def test_any_bytes_as_a_form(body: bytes, boundary: str):
    for path in ("paint", "paint/stream", "inspect"):
        kind = f"multipart/form-data; boundary={boundary}".encode("latin-1")
        answer = API.post(f"/api/v1/{path}", content=body, headers={b"Content-Type": kind})
        assert problem(answer)[0] in (400, 422)


@given(
    parts=st.lists(
        st.tuples(st.sampled_from(("image", *FIELDS)), st.sampled_from(("", '; filename="a.png"', "; filename")),
                  st.binary(max_size=60) | st.sampled_from([CAT, b"waves", b"six", b"1"])),
        max_size=12,
    ),
    cut=st.integers(0, 40),
)  # fmt: skip
@settings(UNTIMED, max_examples=150)
def test_any_parts_in_a_form(parts: list[tuple[str, str, bytes]], cut: int):
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"
        for name, file, data in parts
    )
    body = (body + b"--x--\r\n")[: len(body) + 7 - cut]
    for path in ("paint", "paint/stream", "inspect"):
        answer = API.post(f"/api/v1/{path}", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert answer.status_code in (200, 400, 404, 413, 415, 422)
        assert answer.status_code == 200 or problem(answer)


@given(at=st.integers(8, len(CAT) - 1), what=st.binary(min_size=1, max_size=8), cut=st.integers(0, 200))
@settings(UNTIMED, max_examples=150)
def test_any_damage_to_a_photo(at: int, what: bytes, cut: int):
    photo = (CAT[:at] + what + CAT[at + len(what) :])[: len(CAT) - cut]
    answer = post(API, image=photo)
    assert answer.status_code == 200 or problem(answer)[0] in (413, 415, 422)
    assert post(API, "inspect", photo, preview=20).status_code in (200, 413, 415)


@given(name=st.text(max_size=40), style=st.text(max_size=40))
@settings(UNTIMED, max_examples=100)
def test_any_names(name: str, style: str):
    sound = name.encode("utf-8", "ignore").decode() or "x"
    answer = post(API, name=sound)
    assert answer.status_code in (200, 400) and (answer.status_code == 400 or is_painted(answer.content))
    assert problem(post(API, style=style.encode("utf-8", "ignore").decode()))[0] in (400, 404, 422)
