"""What the tests of `impasto sweep` share: a folder with photos and styles, and what a sweep has made of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from random_pictures import random_picture
from toy_style import toy_card, write_toy_style

from models.catalog import find_style
from nst_core.ledger import Ledger
from nst_core.picture import read_picture, read_settings
from serve.paint_options import PaintOptions
from studio.sweep.job import SweepJob
from studio.sweep.plan import LEDGER, photo_files, plan_proofs, style_files

STYLES = ["sun", "moon", "sea"]


def make_studio(folder: Path, photos: int = 2, styles: int = 2) -> Path:
    """A folder with `photos/` of 96x64 px and, as the user's own, `styles/`."""
    for number in range(photos):
        write_photo(folder / "photos" / f"photo{number}.png", number)
    for number, name in enumerate(STYLES[:styles]):
        write_style(folder / "styles" / f"{name}.onnx", number)
    return folder


def write_style(path: Path, seed: int) -> None:
    """Learned at a proof's size, so that a proof is painted at once; styles of different seeds are different files."""
    write_toy_style(path, card=toy_card(path.stem, seed=seed, size_px=512))


def write_photo(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(random_picture(64, 96, seed).pixels).save(path)


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(folder / "styles"))


def painted(folder: Path) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Pixels and settings, but for time and versions (a commit may come in between), of each picture of a sweep."""
    found = {}
    for path in sorted([*folder.glob("[!.]*.png"), *folder.glob("proofs/[!.]*.png")]):
        settings = json.loads(json.dumps(read_settings(path).settings))
        del settings["seconds"], settings["versions"]
        found[path.relative_to(folder).as_posix()] = read_picture(path).pixels.tobytes(), settings
    return found


def names(folder: Path) -> list[str]:
    return list(painted(folder))


def planned(folder: Path, *options: PaintOptions) -> list[SweepJob]:
    """The proofs of all photos in two styles, for the ledger in a folder."""
    photos = [photo for photo in photo_files(sorted(Path("photos").glob("*.png"))) if not isinstance(photo, str)]
    styles = style_files([find_style("sun"), find_style("moon"), find_style("sun")])
    return list(plan_proofs(photos, styles, options or [PaintOptions(64)], Ledger(folder / LEDGER)))
