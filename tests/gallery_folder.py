"""A folder of painted pictures for the gallery's tests, drawn by code."""

from pathlib import Path
from typing import Any

import numpy as np

from nst_core.picture import Picture, write_picture
from studio.gallery.store import Store


def settings(photo: str, style: str) -> dict[str, Any]:
    """As `impasto paint` writes them."""
    return {
        "command": "paint",
        "photo": {"file": photo, "sha256": photo[0] * 64},
        "style": {"name": style, "sha256": "0" * 64},
        "options": {"size": 512, "strength": 1.0, "brush_size": 1.0, "weights": [], "color": "painting"},
        "versions": {"impasto": "0.1.0"},
        "seconds": 0.5,
    }


def drawn(seed: int = 0, width: int = 96, height: int = 64, stripe_px: int = 8) -> Picture:
    """Stripes of two colors, others for each seed."""
    colors = np.random.default_rng(seed).integers(0, 256, (2, 3))
    bands = (np.arange(width) // stripe_px) % 2
    return Picture(np.broadcast_to(colors[bands].astype(np.uint8), (height, width, 3)).copy())


def paint(path: Path, picture: Picture | None = None, **said: Any) -> Path:
    """Writes a painted picture; its name says photo and style, as in a sweep; more settings may be told."""
    photo, style = path.stem.split("-")
    write_picture(picture or drawn(), path, settings=settings(f"{photo}.jpg", style) | said)
    return path


def paint_wall(folder: Path, photos: int = 3, styles: int = 4) -> Path:
    """A sweep's folder: a proof of each photo in each style, and one final."""
    for photo in range(photos):
        for style in range(styles):
            picture = drawn(10 * photo + style, stripe_px=4 + 2 * style)
            paint(folder / "proofs" / f"photo{photo}-style{style}.png", picture, promise=photo + style / 10)
    paint(folder / "photo0-style0.png", drawn(width=480, height=320, stripe_px=24))
    return folder


def scanned_wall(folder: Path) -> Store:
    """Of twelve proofs and a final."""
    store = Store(paint_wall(folder))
    store.scan()
    return store


def id_of(store: Store, path: str) -> int:
    return next(render.id for render in store.renders() if render.path == path)
