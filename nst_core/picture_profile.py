"""ICC color profiles: from what a picture came with to sRGB, and the sRGB profile that goes into files."""

import functools
import logging
import struct

import imagecodecs
import numpy as np
from PIL import ImageCms

from nst_core.picture_samples import bands

log = logging.getLogger(__name__)

_SPACES = {b"GRAY": ("gray", 1), b"RGB ": ("rgb", 3), b"CMYK": ("cmyk", 4)}


@functools.cache
def srgb_profile() -> bytes:
    """An sRGB profile, the same bytes each time (littleCMS would write today's date into it)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def to_srgb(samples: np.ndarray, profile: bytes | None, name: str) -> np.ndarray:
    """Gray, RGB or CMYK samples as sRGB: relative colorimetric with black point compensation.

    A broken or unfit profile is ignored with a warning. Without one, gray and RGB are taken to be sRGB
    already, and CMYK as ideal inks. 16-bit samples go through littleCMS at full precision, without the
    shortcut tables that are good for 8 bits only.

    Args:
        samples: (H, W, C) uint8 or uint16, C = 1 gray, 3 RGB or 4 CMYK (most is full ink). RGB may be
            changed in place.
        profile: the picture's ICC profile.
        name: of the picture, for the warning.

    Returns:
        (H, W, 3), same dtype.
    """
    out = samples if samples.shape[2] == 3 else np.empty((*samples.shape[:2], 3), samples.dtype)
    space = _usable_space(profile, samples.shape[2], name)
    if profile and space:
        try:
            if not (space == "rgb" and _is_srgb(profile)):
                _transform_all(samples, out, profile, space)
                return out
        except imagecodecs.CmsError as error:
            log.warning("%s: ignored a broken color profile (%s)", name, error)
    for band in bands(*samples.shape[:2]):
        _assume_srgb(samples[band], out[band])
    return out


def _usable_space(profile: bytes | None, channels: int, name: str) -> str | None:
    """What littleCMS calls the profile's color space, None when the profile does not fit the samples."""
    if not profile:
        return None
    space, wanted = _SPACES.get(profile[16:20], (None, 0))
    # Gray samples with an RGB profile are common and well defined: R = G = B.
    if space is None or (wanted != channels and (wanted, channels) != (3, 1)):
        log.warning("%s: ignored a color profile that does not fit %d channels", name, channels)
        return None
    return space


def _transform_all(samples: np.ndarray, out: np.ndarray, profile: bytes, space: str) -> None:
    if samples.shape[2] == 1:
        # Each gray once: littleCMS's shortcut for 8-bit grays is up to 10 levels off in the shadows.
        grays = np.arange(np.iinfo(samples.dtype).max + 1, dtype=samples.dtype)[None]
        if space == "rgb":
            grays = grays[..., None].repeat(3, axis=2)
        table = _transform(grays, profile, space, exact=True)[0]
    for band in bands(*samples.shape[:2]):
        if samples.shape[2] == 1:
            out[band] = table[samples[band][..., 0]]
        else:
            source = np.ascontiguousarray(samples[band])
            out[band] = _transform(source, profile, space, exact=samples.dtype == np.uint16)


def _transform(samples: np.ndarray, profile: bytes, space: str, *, exact: bool) -> np.ndarray:
    flags = imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION
    if exact:
        flags |= imagecodecs.CMS.FLAGS.NOOPTIMIZE
    return imagecodecs.cms_transform(
        samples,
        profile,
        srgb_profile(),
        colorspace=space,
        outcolorspace="rgb",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=flags,
    )


@functools.lru_cache(maxsize=32)
def _is_srgb(profile: bytes) -> bool:
    """Whether a profile moves no color by more than one 8-bit level: such pictures stay bit for bit."""
    axis = np.linspace(0, 65535, 9).astype(np.uint16)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(1, -1, 3)
    moved = _transform(grid, profile, "rgb", exact=True).astype(np.int32) - grid
    return bool(np.abs(moved).max() <= 257)


def _assume_srgb(samples: np.ndarray, out: np.ndarray) -> None:
    if samples.shape[2] == 1:
        out[:] = samples
    elif samples.shape[2] == 4:
        top = np.iinfo(samples.dtype).max
        light = top - samples.astype(np.uint32)
        out[:] = (light[..., :3] * light[..., 3:] + top // 2) // top
