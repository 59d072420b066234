"""Several styles in one picture: each paints the whole photo, and shows where its mask says."""

from collections.abc import Sequence
from dataclasses import replace

from nst_core.picture import Picture, fit_long_side
from serve.engine import Engine
from serve.work import Progress
from studio.photobash.mix import Mix
from studio.photobash.parts import Part, PhotobashOptions, check_parts

BORDER_BYTES = 25_000_000
"""Memory that borders take for each part."""
NETWORK_BYTES = 250_000_000
"""That a network which has painted 12 megapixels keeps while the next one paints, beyond what the engine counts."""


def photobash(
    photo: Picture,
    parts: Sequence[Part],
    options: PhotobashOptions,
    engine: Engine,
    progress: Progress | None = None,
) -> Picture:
    """The photo in several styles, with its own alpha, EXIF and bit depth.

    Each style paints the whole photo: a part painted alone would come out with other colors and contrast, as they
    depend on all that a network sees.

    Args:
        photo: to paint.
        parts: two or more; a later mask lies over the earlier ones. What no mask takes goes to the part without a
            mask, or to the first one.
        options: how they come together.
        engine: paints.
        progress: takes the share of the work that is done.

    Raises:
        ConfigError: An option makes no sense.
        ImageError: The photo is too small, or a mask is not in its proportions.
        ModelError: A style's file is missing or broken.
        BudgetError: The photo is too large for the memory.
    """
    check_parts(photo, parts)
    tell = progress or (lambda share: None)
    mix = Mix(photo, parts, options)
    for number, part in enumerate(parts):
        painting = replace(part.options, size=options.size)
        done = number / len(parts)
        mix.add(engine.stylize(photo, part.style, painting, lambda share, done=done: tell(done + share / len(parts))))
    tell(1.0)
    assert mix.picture is not None
    return mix.picture


def own_bytes(photo: Picture, parts: Sequence[Part], options: PhotobashOptions) -> int:
    """Memory that a photobash takes beside what the engine plans for."""
    width, height = fit_long_side(photo.width, photo.height, options.size or max(photo.width, photo.height))
    result = photo.pixels.itemsize * (3 if photo.alpha is None else 4) * width * height
    masks = sum(part.mask.nbytes for part in parts if part.mask is not None)
    return 2 * result + masks + BORDER_BYTES * len(parts) + NETWORK_BYTES * (len(parts) - 1)
