"""What every test shares: no network, no weights of this machine, the same examples each time."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from PIL import Image

from nst_core import features
from nst_core.cluster import ONE_MACHINE
from nst_core.compact import CompactNetwork, CompactOptions, save_compact
from serve import providers

# One thread, here and in what tests start: with a process a core, torch's threads would mostly wait for each other.
os.environ |= {"OMP_NUM_THREADS": "1"}
torch.set_num_threads(1)

# Ray, which reads these as it is imported, would listen everywhere and leave a token in the home folder.
os.environ |= {ONE_MACHINE: "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}

# Where the tests were started with & by a script, they and all that they start would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("impasto", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("impasto")


API_TESTS = [
    "test_api_*.py",
    "test_admission.py",
    "test_guard.py",
    "test_ui_command.py",
    "test_deploy.py",
    "test_storage_api.py",
    "test_*_routes.py",
]
OF_TABS = ("train", "report", "compare", "gallery", "layers")
BROWSER_TESTS = ["test_page_*.py", *(f"test_{what}_browser*.py" for what in OF_TABS)]
NEEDED = {
    "fastapi": [*API_TESTS, *BROWSER_TESTS, "test_page.py"],
    "prometheus_client": [*API_TESTS, *BROWSER_TESTS, "test_page.py"],
    "httpx": API_TESTS,
    "schemathesis": ["test_api_fuzz.py"],
    "gradio": [*BROWSER_TESTS, "test_page.py", "test_layers_*routes.py"],
    "playwright": BROWSER_TESTS,
    "moto": ["test_shared_styles.py", "test_storage*.py"],
    "ray": ["test_cluster.py", "test_sweep_ray.py", "test_train_ray.py"],
}
"""Packages that a machine for training may be without, and the tests that need them."""
MISSING = [package for package in NEEDED if find_spec(package) is None]

collect_ignore_glob = [pattern for package in MISSING for pattern in NEEDED[package]]


LONGEST = (
    "test_train_ray.py",
    "test_train_nodes.py",
    "test_style_run.py",
    "test_sweep_ray.py",
    "test_train_command.py",
)
"""Modules that would be waited for if they came last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_report_header() -> list[str]:
    return [f"without {package}, left out: {', '.join(NEEDED[package])}" for package in MISSING]


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up any host but our own fails, as on a machine without network."""
    look_up = socket.getaddrinfo

    def refuse(host, *args, **kwargs):
        if host not in ("127.0.0.1", "localhost", "::1", None):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def only_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Styles are painted by what every machine has, so that pictures can be compared to the last level."""
    monkeypatch.setattr(providers, "PROVIDERS", ("cpu",))


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, and an empty torch hub cache beside it."""
    folder = tmp_path / "weights"
    monkeypatch.setenv("IMPASTO_WEIGHTS_DIR", str(folder))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return folder


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for what can be made again."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("IMPASTO_CACHE_DIR", str(folder))
    return folder


class FileServer:
    """A web server on this machine for one file, with the faults that real ones have."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.cut_after_bytes: int | None = None
        self.knows_ranges = True
        self.ranges_asked: list[str | None] = []
        self.url = ""


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A `FileServer` of 300,000 bytes, running."""
    served = FileServer(bytes(range(250)) * 1200)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.ranges_asked.append(asked)
            if self.path != "/file.bin":
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.knows_ranges else 0
            if start >= len(served.content):
                self.send_error(416)
                return
            body = served.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cut_after_bytes])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/file.bin"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def network_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "compact.safetensors"
    torch.manual_seed(0)
    save_compact(CompactNetwork(CompactOptions(widths=(3,) * 13)), path, {})
    return path


@pytest.fixture
def painting_folder(network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: two photos, two paintings, a mask of the right half, and files that are none of these."""
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    random = np.random.default_rng(0)
    for name in ("cat.png", "dog.png", "waves.png", "night.png"):
        coarse = Image.fromarray(random.integers(0, 256, (8, 12, 3), np.uint8))
        coarse.resize((96, 64), Image.Resampling.BICUBIC).save(name)
    half = np.zeros((64, 96), np.uint8)
    half[:, 48:] = 255
    Image.fromarray(half).save("right.png")
    Path("empty.png").touch()
    Path("text.png").write_text("no picture")
    Path("small.yaml").write_text("size: 31")
    return work
