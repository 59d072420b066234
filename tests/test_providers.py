"""Which provider computes: the first that runs, and why the others do not."""

import importlib.util
import subprocess
import sys

import numpy as np
import onnx
import onnx.reference
import pytest

from nst_core.errors import ConfigError
from serve import providers
from serve.providers import ComputeOptions, Failure, OutOfMemory, choose_provider, convolution_model, try_here


@pytest.fixture
def only_the_cpu() -> None:
    """All of them, here."""


ONES = {"x": np.ones((1, 3, 8, 8), np.float32), "w": np.ones((4, 3, 3, 3), np.float32)}


def test_convolution_model_is_what_onnx_takes_it_for():
    model = onnx.load_from_string(convolution_model())
    onnx.checker.check_model(model)
    (y,) = onnx.reference.ReferenceEvaluator(model).run(None, ONES)
    assert isinstance(y, np.ndarray)
    assert y.shape == (1, 4, 6, 6) and np.all(y == 27.0)


def test_the_first_that_runs_is_taken(monkeypatch: pytest.MonkeyPatch):
    reasons = {"cuda": "no card", "directml": "not Windows", "openvino": "not installed", "cpu": ""}
    monkeypatch.setattr(providers, "why_not", reasons.__getitem__)
    chosen = choose_provider()
    assert chosen.name == "cpu" and not chosen.on_card
    assert chosen.skipped == {name: reasons[name] for name in ("cuda", "directml", "openvino")}
    reasons["cuda"] = ""
    chosen = choose_provider()
    assert chosen.name == "cuda" and chosen.on_card and not chosen.skipped


def test_one_that_is_asked_for_and_does_not_run_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(providers, "why_not", lambda name: "there is no NVIDIA card, or no driver")
    with pytest.raises(
        ConfigError, match="cuda cannot be used: there is no NVIDIA card, or no driver; leave it to auto"
    ):
        choose_provider(ComputeOptions("cuda"))


def test_a_provider_that_takes_its_process_with_it_is_only_skipped(monkeypatch: pytest.MonkeyPatch):
    fallen = subprocess.CompletedProcess([], -11, "", "")
    providers._tried_apart.cache_clear()
    monkeypatch.setattr(subprocess, "run", lambda *args, **more: fallen)
    assert providers._tried_apart("cuda") == "its trial ended with exit code -11"
    providers._tried_apart.cache_clear()


def test_trial_in_a_process_of_its_own_says_what_is_wrong():
    for name, code, said in (("cpu", 0, ""), ("quantum", 1, "there is no provider quantum\n")):
        trial = subprocess.run([sys.executable, "-m", "serve.providers", name], capture_output=True, text=True)
        assert (trial.returncode, trial.stdout) == (code, said)


@pytest.mark.parametrize("name", ["cpu", "openvino"])
def test_a_network_computes(name: providers.ProviderName):
    if name == "openvino" and not importlib.util.find_spec("openvino"):
        pytest.skip("openvino is not installed")
    try_here(name)
    network = choose_provider(ComputeOptions(name, threads=1)).open(convolution_model())
    for scale in (1, 2):
        (y,) = network(["y"], {"x": ONES["x"] * scale, "w": ONES["w"]})
        assert np.all(y == 27.0 * scale)


def test_failures_have_one_base(monkeypatch: pytest.MonkeyPatch):
    provider = choose_provider(ComputeOptions("cpu"))
    with pytest.raises(Failure):
        provider.open(b"no model")
    with pytest.raises(Failure, match="input"):
        provider.open(convolution_model())(["y"], {"z": ONES["x"]})
    for error in (
        RuntimeError("Failed to allocate memory for requested buffer"),
        MemoryError(),
        RuntimeError("bad_alloc"),
    ):

        def network(wanted: object, feeds: object, error: Exception = error) -> list[np.ndarray]:
            raise error

        monkeypatch.setitem(providers._OPENERS, "cpu", lambda options, model, network=network: network)
        with pytest.raises(OutOfMemory):
            provider.open(b"")(["y"], {})
