"""What a photobash says about how it was made."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from nst_core.picture import Picture
from nst_core.picture_samples import to_bits
from nst_core.provenance import provenance
from studio.photobash.parts import Part, PhotobashOptions


def photobash_settings(
    photo: Picture, parts: Sequence[Part], options: PhotobashOptions, seconds: float, **more: Any
) -> dict[str, Any]:
    """The settings that are kept inside the picture.

    Args:
        photo: as it was read.
        parts: that it was painted in.
        options: it was put together with.
        seconds: it took.
        **more: options of who asked for it.
    """
    palette = options.palette if isinstance(options.palette, str) else options.palette.name
    return {
        "command": "photobash",
        "photo": {"file": photo.name, "sha256": photo.sha256},
        "style": {"name": " + ".join(part.style.name for part in parts)},
        "parts": [_part(part) for part in parts],
        "options": {
            "size": options.size,
            "feather_px": options.feather_px,
            "palette": palette,
            "palette_strength": options.palette_strength,
        }
        | more,
        "versions": provenance(),
        "seconds": round(seconds, 3),
    }


def _part(part: Part) -> dict[str, Any]:
    painting = {name: value for name, value in asdict(part.options).items() if name != "size"}
    style = {"name": part.style.name, "sha256": part.style.sha256}
    return {"style": style, "mask": None if part.mask is None else _mask(part.mask), "options": painting}


def _mask(mask: np.ndarray) -> dict[str, Any]:
    """A mask by its pixels of 8 bits, so that a found one can be told from another as well as one from a file."""
    height, width = mask.shape
    digest = hashlib.sha256(to_bits(mask, 8).tobytes()).hexdigest()
    return {"size": [width, height], "share": round(float(mask.mean()), 4), "sha256": digest}
