"""A photo's few large regions: superpixels of alike color and texture, put together until few are left."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.measure import label
from skimage.segmentation import slic

from nst_core.color import rgb_to_lab
from nst_core.errors import ImageError
from nst_core.picture import Picture, fit_long_side

WORK_PX = 384
"""Long side at which regions are found: what is smaller than a superpixel there is no region."""
SUPERPIXELS = 500
DETAIL_WEIGHT = 1.5
"""Of texture, beside lightness and color: sky and water may have one color, and differ in that."""
PLACE_WEIGHT = 12.0
"""Of the place in the picture, its long side as so many units of Lab: alike colors far apart are two regions."""
SMOOTH_SHARE = 0.012
"""Of the long side: bays and capes of a border that are smaller are evened out."""


def large_regions(photo: Picture, count: int) -> list[np.ndarray]:
    """The regions' masks, the largest region first; each in one piece.

    Args:
        photo: of any size.
        count: how many, 2 or more.

    Returns:
        (h, w) float32, 0 or 1, in the photo's proportions; together they cover it once.

    Raises:
        ImageError: The photo is too uniform to be parted so.
    """
    long_side = min(WORK_PX, max(photo.width, photo.height))
    lab = rgb_to_lab(photo.resized(*fit_long_side(photo.width, photo.height, long_side)).as_float())
    segments = slic(lab, SUPERPIXELS, compactness=8, sigma=1, convert2lab=False, start_label=0, channel_axis=2)
    labels = _in_one_piece(_smooth(_merge(segments, _features(lab), count)))
    numbers, areas = np.unique(labels, return_counts=True)
    if len(numbers) < count:
        found = f"{len(numbers)} region" + "s" * (len(numbers) > 1)
        raise ImageError(f"{photo.name or 'the photo'} has {found} only, not {count}; ask for fewer, or give masks")
    return [(labels == number).astype(np.float32) for number in numbers[np.argsort(-areas, kind="stable")]]


def _features(lab: np.ndarray) -> np.ndarray:
    """What tells regions apart, (h, w, 6): Lab, detail and place."""
    height, width = lab.shape[:2]
    light = lab[..., 0]
    spread = np.sqrt(np.maximum(gaussian_filter(light**2, 3) - gaussian_filter(light, 3) ** 2, 0))
    rows, columns = np.mgrid[:height, :width] * (PLACE_WEIGHT / max(height, width))
    return np.dstack([lab, DETAIL_WEIGHT * spread, rows, columns])


def _merge(segments: np.ndarray, features: np.ndarray, count: int) -> np.ndarray:
    """Puts neighbors together, always those two whose pixels differ least from their common mean (Ward 1963)."""
    number = int(segments.max()) + 1
    sizes = np.bincount(segments.ravel(), minlength=number).astype(float)
    means = np.stack([np.bincount(segments.ravel(), plane.ravel(), number) for plane in np.moveaxis(features, 2, 0)], 1)
    means /= np.maximum(sizes, 1)[:, None]
    touches = np.zeros((number, number), bool)
    for one, other in ((segments[1:], segments[:-1]), (segments[:, 1:], segments[:, :-1])):
        touches[one, other] = touches[other, one] = True
    np.fill_diagonal(touches, False)
    into = np.arange(number)
    for _ in range(np.count_nonzero(sizes) - count):
        first, second = np.nonzero(np.triu(touches))
        if not len(first):
            break
        cost = sizes[first] * sizes[second] / (sizes[first] + sizes[second])
        cost *= np.square(means[first] - means[second]).sum(1)
        keep, gone = first[cost.argmin()], second[cost.argmin()]
        means[keep] = (sizes[keep] * means[keep] + sizes[gone] * means[gone]) / (sizes[keep] + sizes[gone])
        sizes[keep] += sizes[gone]
        touches[keep] |= touches[gone]
        touches[:, keep] |= touches[:, gone]
        touches[gone] = touches[:, gone] = touches[keep, keep] = False
        into[into == gone] = keep
    return np.unique(into[segments], return_inverse=True)[1].reshape(segments.shape)


def _smooth(labels: np.ndarray) -> np.ndarray:
    """Borders without the superpixels' bays: each pixel goes to the region that has most around it."""
    sigma = SMOOTH_SHARE * max(labels.shape)
    return np.argmax([gaussian_filter((labels == n).astype(np.float32), sigma) for n in range(labels.max() + 1)], 0)


def _in_one_piece(labels: np.ndarray) -> np.ndarray:
    """The largest piece of each region; the others go to what is nearest."""
    kept = np.zeros(labels.shape, bool)
    for number in np.unique(labels):
        pieces = np.asarray(label(labels == number))
        kept |= pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    nearest = distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return labels[tuple(np.asarray(nearest))]
