"""The doctor: what it finds is so, and its exit code tells whether the main job can run."""

import json
import os
from pathlib import Path

import psutil
import pytest

import nst_core.features
from impasto import doctor
from impasto.main import main
from nst_core.errors import WeightsError


@pytest.fixture(autouse=True)
def all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test does not take away is there; the providers have tests of their own."""
    monkeypatch.setattr(nst_core.features, "load_network", lambda name: None)
    monkeypatch.setattr(doctor, "try_here", lambda provider: None)


def report(capsys) -> tuple[int, dict[str, tuple[str, str]]]:
    code = main(["doctor", "--json"])
    return code, {row["subject"]: (row["verdict"], row["detail"]) for row in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize(
    ("arch_list", "capability", "carried"),
    [
        # what the wheels of torch 2.7.1 (CUDA 12.6) and 2.8.0 (CUDA 12.8) are built for
        (["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"], (5, 2), True),
        (["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"], (5, 2), False),
        (["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"], (8, 9), True),
        (["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"], (12, 0), False),
        (["sm_80", "sm_90", "compute_90"], (12, 0), True),
        (["sm_86"], (8, 0), False),
        (["sm_100", "sm_120"], (10, 0), True),
        ([], (5, 2), False),
    ],
)
def test_carries_code(arch_list: list[str], capability: tuple[int, int], carried: bool):
    assert doctor.carries_code(arch_list, capability) is carried


@pytest.mark.parametrize(("provider", "verdict"), [("cpu", "fix"), ("openvino", "note")])
def test_only_the_cpu_must_run(provider: str, verdict: str, capsys, monkeypatch):
    def fail(name: str) -> None:
        raise RuntimeError("no such library")

    monkeypatch.setattr(doctor, "PROVIDERS", (provider,))
    monkeypatch.setattr(doctor, "try_here", fail)
    code, findings = report(capsys)
    assert code == (2 if verdict == "fix" else 0)
    assert findings[f"Painting with {provider}"] == (verdict, "does not run here (no such library); reinstall it")


def test_provider_that_is_not_there_is_no_fault(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "why_not", lambda name: "" if name == "cpu" else "there is no card")
    code, findings = report(capsys)
    assert code == 0
    assert findings["Painting with cuda"] == ("note", "not here, and not needed: there is no card")


def test_all_well_is_exit_code_0(capsys):
    code, findings = report(capsys)
    assert code == 0
    assert findings["Painting with cpu"] == ("ok", "computed a convolution")
    assert findings["Loss network compact"][0] == "ok"
    assert findings["Loss network vgg19"] == ("note", "not here, and not needed; impasto weights get vgg19")


def test_table_has_the_same_lines(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "OK    Painting with cpu          computed a convolution" in [line.rstrip() for line in lines]


def test_missing_loss_network_is_exit_code_2(capsys, monkeypatch):
    def missing(name: str) -> None:
        raise WeightsError(f"{name} is missing")

    monkeypatch.setattr(nst_core.features, "load_network", missing)
    code, findings = report(capsys)
    assert code == 2
    assert findings["Loss network compact"] == ("fix", "compact is missing")


def test_too_little_memory_and_disk_are_exit_code_2(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "MEMORY_NEEDED_BYTES", psutil.virtual_memory().total * 2)
    monkeypatch.setattr(doctor, "DISK_NEEDED_BYTES", 1 << 80)
    code, findings = report(capsys)
    assert code == 2
    assert findings["Memory"][0] == findings["Disk"][0] == "fix"
    assert "close other programs" in findings["Memory"][1]


def test_missing_package_is_exit_code_2(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    code = main(["doctor", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert code == 2
    assert {
        "subject": "Packages",
        "verdict": "fix",
        "detail": "no no-such-package; in the folder of Impasto, run: pip install '.[train]'",
    } in rows


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for the driver's tool is a shell script")
def test_card_that_the_driver_tells_of(tmp_path: Path, capsys, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA GeForce GTX 970, 5.2, 580.95.05, 4096 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    _, findings = report(capsys)
    assert findings["GPU"] == (
        "ok",
        "NVIDIA GeForce GTX 970, compute capability 5.2, driver 580.95.05, 4096 MiB",
    )


def test_wheel_without_code_for_the_card_is_exit_code_2(capsys, monkeypatch):
    import torch

    monkeypatch.setattr(doctor, "_cards", lambda: ["NVIDIA GeForce GTX 970"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (5, 2))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_70", "sm_90"])
    code, findings = report(capsys)
    assert code == 2
    assert findings["torch on the GPU"][0] == "fix"
    assert "constraints/gtx970.txt" in findings["torch on the GPU"][1]

    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_50", "sm_90"])
    code, findings = report(capsys)
    assert code == 0
    assert findings["torch on the GPU"] == ("ok", "carries code for compute capability 5.2")


def test_profile_says_what_is_too_new_for_the_card(capsys, monkeypatch):
    versions = {"torch": "2.7.1", "onnxruntime-gpu": "1.31.1", "nvidia-cudnn-cu12": None}
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: versions[name] if name in versions else real(name))
    code = main(["doctor", "--json", "--profile", "gtx970"])
    found = {row["subject"]: (row["verdict"], row["detail"]) for row in json.loads(capsys.readouterr().out)}
    assert code == 2
    assert found["GeForce GTX 970: torch"] == ("ok", "2.7.1, which is for compute capability 5.2")
    assert found["GeForce GTX 970: onnxruntime-gpu"] == (
        "fix",
        "1.31.1 is too new, take one before 1.20: pip install -c constraints/gtx970.txt",
    )
    assert found["GeForce GTX 970: nvidia-cudnn-cu12"] == ("note", "not installed")
    assert found["GeForce GTX 970: styles"] == ("ok", "all within opset 18")
