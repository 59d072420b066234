"""What paints with finished styles runs where there is no torch, and torch gets along with other programs."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

WITHOUT_TORCH = [
    "serve",
    "serve.api.app",
    "serve.api.server",
    "serve.page",
    "impasto.doctor",
    "impasto.photobash_work",
    "impasto.results",
    "impasto.train",
    "models.card",
    "models.catalog",
    "models.onnx_metadata",
    "nst_core.color",
    "nst_core.color_transfer",
    "nst_core.files",
    "nst_core.ledger",
    "nst_core.mask",
    "nst_core.picture",
    "nst_core.tiling",
    "train.night.child",
    "train.night.queue",
    "train.night.report",
    "train.page.tab",
    "train.page.trainings",
    "train.photos.pack",
    "train.style.job",
]

NEEDED = {"serve.api.app": ["fastapi"], "serve.api.server": ["fastapi"], "serve.page": ["fastapi", "gradio"]}
"""Packages that a machine for training may be without."""


IMPORT_EACH = """
import os, sys, traceback
for package in ("numpy", "PIL.Image", "fastapi", "gradio"):  # which many need, once for all
    try:
        __import__(package)
    except ModuleNotFoundError:
        pass
for module in sys.argv[1:]:
    if os.fork() == 0:
        try:
            __import__(module)
            print(module, *{name.partition(".")[0] for name in sys.modules}, flush=True)
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """What is there after importing each module, and it alone."""
    modules = [module for module in WITHOUT_TORCH if all(map(find_spec, NEEDED.get(module, ())))]
    result = subprocess.run([sys.executable, "-c", IMPORT_EACH, *modules], capture_output=True, text=True)
    found = {module: set(names) for module, *names in map(str.split, result.stdout.splitlines())}
    assert list(found) == modules, result.stderr
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each import is tried in a copy of a process")
@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_import_leaves_torch_out(module: str, imported: dict[str, set[str]]):
    for package in NEEDED.get(module, ()):
        pytest.importorskip(package)
    assert module.partition(".")[0] in imported[module]
    assert not {"torch", "torchvision", "pytorch_lightning", "onnx"} & imported[module]


@pytest.mark.parametrize(("given", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_told_otherwise(given: str | None, used: str):
    others = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = "from nst_core.losses import gram_matrix; import os; print(os.environ['OMP_WAIT_POLICY'])"
    environment = others | ({"OMP_WAIT_POLICY": given} if given else {})
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stdout) == (0, f"{used}\n"), result.stderr
