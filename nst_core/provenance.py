"""Where a result came from: what every saved thing says about the software that made it."""

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path

PACKAGES = ("impasto", "torch", "onnxruntime", "onnxruntime-gpu", "numpy", "pillow")


@functools.cache
def provenance() -> dict[str, str | None]:
    """Versions of this program, of Python and of what computes; the kind of machine; the git commit, if known.

    A package that is not installed is left out. Nothing is imported.
    """
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "commit": _commit(Path(__file__).resolve().parents[1]),
    }


def _commit(folder: Path) -> str | None:
    """The commit that `folder` is a checkout of, `+` appended where its files differ; None if it is none."""
    if not (folder / ".git").exists():
        return None
    git = ["git", "-C", str(folder)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], capture_output=True, timeout=10).returncode
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.stdout.strip() + ("+" if changed else "")
