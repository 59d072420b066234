"""Whose colors a painted picture has: the photo's own, or a painting's palette.

All take and give float32 sRGB in [0, 1].
"""

import numpy as np
from skimage.exposure import match_histograms

from nst_core.color import lab_to_rgb, rgb_to_lab
from nst_core.picture_samples import bands

_VARIANCE_FLOOR = 1e-5
"""Added to each variance: noise of 0.8 levels in 255, so that a gray picture divides by something."""


def keep_luminance(result: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The lightness of a painted picture with the colors of its photo.

    Args:
        result: (H, W, 3), gives L.
        photo: (H, W, 3), gives a and b.

    Source: Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer,
        luminance-only transfer.
    Differs: in Lab, where they take YIQ, so that what looks equally light is equally light; colors that
        sRGB cannot show at the new lightness lose chroma.
    """
    out = np.empty_like(result, np.float32)
    for band in bands(*result.shape[:2]):
        lab = rgb_to_lab(photo[band])
        lab[..., 0] = rgb_to_lab(result[band])[..., 0]
        out[band] = lab_to_rgb(lab)
    return out


def match_luminance(painting: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """A painting's luminance with the photo's mean and standard deviation, for painting in gray.

    Args:
        painting, photo: (H, W), from `color.luminance`; sizes may differ.

    Source: Gatys et al. 2016, as above.
    """
    spread = photo.std(dtype=np.float64) / max(painting.std(dtype=np.float64), 1e-6)
    matched = (painting - painting.mean(dtype=np.float64)) * spread + photo.mean(dtype=np.float64)
    return np.clip(matched, 0, 1).astype(np.float32)


def match_mean_covariance(source: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """The source in another palette: of this mean and covariance of RGB (but for clipping).

    Args:
        source: (H, W, 3), is recolored.
        mean, covariance: of the palette, as `color_statistics` gives them.

    Source: see `palette_map`.
    """
    matrix, offset = palette_map(*color_statistics(source), mean, covariance)
    out = np.empty_like(source, np.float32)
    for band in bands(*source.shape[:2]):
        out[band] = np.clip(source[band] @ matrix.T + offset, 0, 1)
    return out


def palette_map(
    mean: np.ndarray, covariance: np.ndarray, wanted_mean: np.ndarray, wanted_covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (3, 3) and offset (3,) float32 that give colors of one mean and covariance another's.

    Of the many linear maps that do this, the Monge-Kantorovich one moves colors least.

    Args:
        mean, covariance: (3,) and (3, 3) of the colors that are recolored, as `color_statistics` gives them.
        wanted_mean, wanted_covariance: those of the palette.

    Source: Gatys et al. 2016, as above, color histogram matching; the map is from Pitié and Kokaram 2007,
        The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer.
    Differs: Gatys et al. take A = C_ref^(1/2) C_src^(-1/2), which may turn hues further than needed.
    """
    root, inverse_root = _roots(covariance)
    matrix = inverse_root @ _roots(root @ wanted_covariance @ root)[0] @ inverse_root
    return matrix.astype(np.float32), (wanted_mean - matrix @ mean).astype(np.float32)


def match_histogram(source: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The source with the reference's distribution of lightness and of each Lab opponent color.

    In Lab rather than RGB, where matching each channel turns smooth grounds into blotches of odd hues.

    Args:
        source: (H, W, 3), is recolored.
        reference: (H, W, 3) of any size, gives the palette.
    """
    lab, wanted = rgb_to_lab(source), rgb_to_lab(reference)
    for channel, (low, high) in enumerate([(0, 100), (-128, 128), (-128, 128)]):
        # As 16-bit levels, which are counted; floats would be sorted, at several times the memory.
        levels = [
            np.rint((array[..., channel] - low) * (65535 / (high - low))).astype(np.uint16) for array in (lab, wanted)
        ]
        lab[..., channel] = match_histograms(*levels) * ((high - low) / 65535) + low
    return lab_to_rgb(lab)


def color_statistics(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (3,) and covariance (3, 3) of a picture's RGB, (H, W, 3) in [0, 1]; float64."""
    count = rgb.shape[0] * rgb.shape[1]
    total, products = np.zeros(3), np.zeros((3, 3))
    for band in bands(*rgb.shape[:2]):
        values = rgb[band].reshape(-1, 3).astype(np.float64)
        total += values.sum(axis=0)
        products += values.T @ values
    mean = total / count
    return mean, products / count - np.outer(mean, mean) + _VARIANCE_FLOOR * np.eye(3)


def _roots(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The square root of a positive definite matrix, and its inverse."""
    values, vectors = np.linalg.eigh(matrix)
    root = np.sqrt(np.maximum(values, 1e-12))
    return vectors * root @ vectors.T, vectors / root @ vectors.T
