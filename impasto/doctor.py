"""`impasto doctor`: whether this machine can do the work, and what to do where it cannot."""

import importlib.metadata
import itertools
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import psutil
from jsonargparse import ArgumentParser, Namespace
from packaging.version import Version
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.catalog import survey
from models.onnx_graph import OnnxGraph
from nst_core.errors import NstError
from serve.profile import profile_names, read_profile
from serve.providers import PROVIDERS, try_here, why_not
from studio.upscale import waifu2x

logger = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  impasto doctor
  impasto doctor --json > machine.json   to send along with a question
  impasto doctor --profile gtx970        whether what is installed is for that card

The exit code is 0 where `impasto optimize` can work, and 2 where something must be mended first.
"""

PACKAGES = ("numpy", "pillow", "onnxruntime", "gradio", "torch", "pytorch-lightning", "onnx")
# Below these nothing useful can be done; what a picture really takes, `impasto optimize` works out itself.
MEMORY_NEEDED_BYTES = 1_000_000_000
DISK_NEEDED_BYTES = 200_000_000


@dataclass(frozen=True)
class Finding:
    """One line of the report: all is well, a thing to know, or a thing to mend before the work can start."""

    subject: str
    verdict: Literal["ok", "note", "fix"]
    detail: str


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        description="Tell whether this machine can do the work, and what to do where it cannot.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.add_argument(
        "--profile", choices=profile_names(), default=None, help="a kind of machine: what would fall short on it"
    )
    return parser


def run(options: Namespace) -> int:
    """Prints the report; gives the exit code."""
    findings = []
    for finding in itertools.chain(examine(), _fit(options.profile) if options.profile else ()):
        findings.append(finding)
        if not options.json:
            _show(finding)
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    return 2 if any(finding.verdict == "fix" for finding in findings) else 0


def _show(finding: Finding) -> None:
    color = {"ok": "green", "note": "yellow", "fix": "bold red"}[finding.verdict]
    row = Table.grid(Column(width=4), Column(width=25), Column(overflow="fold"), padding=(0, 2))
    row.add_row(Text(finding.verdict.upper(), color), Text(finding.subject), Text(finding.detail))
    Console().print(row)


def examine() -> Iterator[Finding]:
    """Looks at everything the work depends on, one finding after another."""
    yield _python()
    yield from _packages()
    yield from _gpu()
    yield from _providers()
    yield _enlarging()
    yield _memory()
    yield _disk()
    yield from _loss_networks()
    yield _styles()


def _python() -> Finding:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        return Finding("Python", "ok", version)
    return Finding("Python", "fix", f"{version}; install 3.11 or 3.12")


def _packages() -> Iterator[Finding]:
    installed = {
        # The build for GPUs is the same package under another name.
        name: _version(name) or (_version("onnxruntime-gpu") if name == "onnxruntime" else None)
        for name in PACKAGES
    }
    yield Finding("Packages", "ok", ", ".join(f"{name} {version}" for name, version in installed.items() if version))
    if missing := [name for name, version in installed.items() if not version]:
        yield Finding(
            "Packages",
            "fix",
            f"no {', '.join(missing)}; in the folder of Impasto, run: pip install '.[train]'",
        )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fit(name: str) -> Iterator[Finding]:
    """Whether what is installed is for a kind of machine; this one may be another."""
    profile = read_profile(name)
    for package, version in profile.too_new.items():
        subject, installed = f"{profile.title}: {package}", _version(package)
        if installed is None:
            yield Finding(subject, "note", "not installed")
        elif Version(installed) < Version(version):
            yield Finding(subject, "ok", f"{installed}, which is for compute capability {profile.compute_capability}")
        else:
            yield Finding(
                subject,
                "fix",
                f"{installed} is too new, take one before {version}: pip install -c constraints/{name}.txt",
            )
    for card in _cards():
        driver = int(card.split("driver ")[1].split(".")[0])
        if driver > profile.newest_driver:
            yield Finding(
                f"{profile.title}: driver", "note", f"{card}; it would need branch {profile.newest_driver} at most"
            )
    too_new = [style.name for style in survey().styles if OnnxGraph.read(style.path).opset > profile.newest_opset]
    if too_new:
        limit = f"opset {profile.newest_opset}"
        yield Finding(f"{profile.title}: styles", "fix", f"{', '.join(too_new)}: over {limit}; export them again")
    else:
        yield Finding(f"{profile.title}: styles", "ok", f"all within opset {profile.newest_opset}")


def _gpu() -> Iterator[Finding]:
    """What the driver says of the card, and whether the torch that is installed carries code for it."""
    cards = _cards()
    if not cards:
        yield Finding("GPU", "note", "no NVIDIA card or no driver; the work is done on the CPU")
        return
    for card in cards:
        yield Finding("GPU", "ok", card)
    try:
        import torch
    except (ImportError, OSError):
        return  # said under Packages or Loss networks
    if not torch.cuda.is_available():
        yield Finding(
            "torch on the GPU",
            "note",
            f"torch {torch.__version__} cannot use it (driver too old, or a CPU build)",
        )
        return
    for index in range(torch.cuda.device_count()):
        capability = torch.cuda.get_device_capability(index)
        dotted = ".".join(map(str, capability))
        if carries_code(torch.cuda.get_arch_list(), capability):
            yield Finding("torch on the GPU", "ok", f"carries code for compute capability {dotted}")
        else:
            yield Finding(
                "torch on the GPU",
                "fix",
                f"torch {torch.__version__} has no code for compute capability {dotted}; install the "
                "versions of constraints/gtx970.txt (or latest.txt, for a card newer than 9.0)",
            )


def _cards() -> list[str]:
    """Name, compute capability, driver and memory of each NVIDIA card."""
    query = [
        "nvidia-smi",
        "--query-gpu=name,compute_cap,driver_version,memory.total",
        "--format=csv,noheader",
    ]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.split(", ") for line in answer.splitlines() if line.count(", ") == 3)
    return [f"{name}, compute capability {cc}, driver {driver}, {memory}" for name, cc, driver, memory in rows]


def carries_code(arch_list: Sequence[str], capability: tuple[int, int]) -> bool:
    """Whether a wheel with these architectures runs on a card of this compute capability.

    Machine code (`sm_XY`) runs on the same major version from its minor version up; intermediate code
    (`compute_XY`) is compiled by the driver for any later card.

    Source: CUDA C++ Programming Guide, 'Binary Compatibility' and 'PTX Compatibility'.
    """
    for arch in arch_list:
        kind, _, digits = arch.rstrip("af").partition("_")
        major, minor = int(digits[:-1]), int(digits[-1])
        if kind == "sm" and major == capability[0] and minor <= capability[1]:
            return True
        if kind == "compute" and (major, minor) <= capability:
            return True
    return False


def _providers() -> Iterator[Finding]:
    """Tries what the networks could be computed with, in the order in which painting takes them."""
    for name in PROVIDERS:
        subject = f"Painting with {name}"
        if reason := why_not(name):
            yield Finding(subject, "note", f"not here, and not needed: {reason}")
            continue
        try:
            try_here(name)
        except Exception as error:  # whatever a provider raises
            logger.info("%s: %s", name, error)
            yield Finding(subject, "fix" if name == "cpu" else "note", f"does not run here ({error}); reinstall it")
        else:
            yield Finding(subject, "ok", "computed a convolution")


def _enlarging() -> Finding:
    """Whether Waifu2x runs, whose package needs libraries that it does not bring."""
    if reason := waifu2x.why_not():
        return Finding("Enlarging by Waifu2x", "note", f"not here, Lanczos does it less well: {reason}")
    return Finding("Enlarging by Waifu2x", "ok", f"enlarged a picture on the {waifu2x.where()}")


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    detail = f"{memory.available / 1e9:.1f} GB free of {memory.total / 1e9:.1f} GB"
    if memory.available >= MEMORY_NEEDED_BYTES:
        return Finding("Memory", "ok", detail)
    return Finding("Memory", "fix", f"{detail}; close other programs until {MEMORY_NEEDED_BYTES / 1e9:.0f} GB are free")


def _disk() -> Finding:
    folder = Path.cwd()
    free_bytes = shutil.disk_usage(folder).free
    detail = f"{free_bytes / 1e9:.1f} GB free"
    if not os.access(folder, os.W_OK):
        return Finding("Disk", "fix", f"{folder} cannot be written to; work in another folder")
    if free_bytes < DISK_NEEDED_BYTES:
        return Finding("Disk", "fix", f"{detail} in {folder}; free some space, or work in another folder")
    return Finding("Disk", "ok", detail)


def _loss_networks() -> Iterator[Finding]:
    if not _version("torch"):
        return  # said under Packages
    try:
        from nst_core.features import load_network
        from nst_core.weights import LOSS_WEIGHTS, find
    except (ImportError, OSError) as error:
        yield Finding("Loss networks", "fix", f"torch does not load ({error}); install it anew")
        return
    try:
        load_network("compact")
        yield Finding("Loss network compact", "ok", "comes with the program")
    except NstError as error:
        yield Finding("Loss network compact", "fix", str(error))
    for name in LOSS_WEIGHTS:
        if path := find(name):
            yield Finding(f"Loss network {name}", "ok", str(path))
        else:
            yield Finding(f"Loss network {name}", "note", f"not here, and not needed; impasto weights get {name}")


def _styles() -> Finding:
    styles = sorted(entry.name for entry in files("checkpoints").iterdir() if entry.name.endswith(".onnx"))
    if styles:
        return Finding("Trained styles", "ok", f"{len(styles)}")
    return Finding("Trained styles", "note", "none yet; `impasto optimize` needs none")
