"""The subject of a photo, cut out from its background."""

import numpy as np
from scipy import ndimage
from skimage import measure, morphology
from skimage.filters import threshold_otsu

from nst_core.picture import fit_long_side
from nst_core.picture_samples import resize_floats, to_bits
from studio.subject.edges import follow_edges
from studio.subject.faces import Face, find_faces
from studio.subject.opencv import load_opencv
from studio.subject.saliency import saliency

LONG_SIDE_PX = 400
"""At which the subject is cut out; its outline then follows the edges of the photo."""
ROUNDS = 3
"""Of GrabCut; more change little."""
CENTER_SIGMA = 0.42
"""In long sides: what is far from the middle is less likely the subject."""
SMALLEST_PART = 0.08
"""Of the largest part of the subject: smaller ones are dropped."""
LARGEST_HOLE = 0.004
"""Of the picture: smaller holes in the subject are filled."""
LEAST, MOST = 0.01, 0.85
"""Share of the picture that a subject may have; where GrabCut finds another it has lost its way."""


def subject_mask(image: np.ndarray, faces: list[Face] | None = None) -> np.ndarray:
    """Where the subject is, its outline along the photo's edges.

    GrabCut, which begins with what stands out and with the people whose faces are found.

    Args:
        image: (H, W, 3) float32 in [0, 1], sRGB.
        faces: those of `find_faces`, where they are known.

    Returns:
        (H, W) float32 in [0, 1]; 0 everywhere where nothing stands out.

    Raises:
        ConfigError: OpenCV is not installed.
    """
    height, width = image.shape[:2]
    faces = find_faces(image) if faces is None else faces
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    small = image if scale == 1 else resize_floats(image, *fit_long_side(width, height, LONG_SIDE_PX))
    small = np.clip(small, 0, 1)
    stands_out = _stands_out(small)
    people = _people(faces, scale, stands_out.shape)
    if not (stands_out.any() or people.any()):
        return np.zeros((height, width), np.float32)
    mask = _largest_parts(_grab_cut(small, stands_out, people), people)
    return follow_edges(mask.astype(np.float32), small, image)


def _stands_out(small: np.ndarray) -> np.ndarray:
    """Saliency, that of the middle first; (h, w)."""
    height, width = small.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    off = ((x - (width - 1) / 2) ** 2 + (y - (height - 1) / 2) ** 2) / max(height, width) ** 2
    return saliency(small) * np.exp(-off / (2 * CENTER_SIGMA**2))


def _people(faces: list[Face], scale: float, shape: tuple[int, ...]) -> np.ndarray:
    """0 nobody, 1 perhaps a body, 2 hair and shoulders, 3 a face; (h, w) uint8."""
    people = np.zeros(shape, np.uint8)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    for face in faces:
        wide, high = face.width * scale, face.height * scale
        across = np.abs(x - (face.left * scale + wide / 2)) / wide
        down = (y - face.top * scale) / high
        body = (across < np.clip(down - 0.2, 0.9, 1.5)) & (down > 0.9) & (down < 7)
        shoulders = (across < np.clip(down - 0.75, 0.3, 1.1)) & (down > 0.9) & (down < 2.6)
        head = (across / 0.62) ** 2 + ((down - 0.42) / 0.75) ** 2 < 1
        inner = (across / 0.38) ** 2 + ((down - 0.52) / 0.5) ** 2 < 1
        for level, part in enumerate((body, shoulders | head, inner), 1):
            people[part] = np.maximum(people[part], level)
    return people


def _grab_cut(small: np.ndarray, stands_out: np.ndarray, people: np.ndarray) -> np.ndarray:
    """(h, w) bool; what stands out most where GrabCut does not come to a subject of a likely size."""
    cv2 = load_opencv()
    threshold = float(threshold_otsu(stands_out)) if np.ptp(stands_out) > 0 else 1.0
    seeds = stands_out > threshold
    if people.any():  # what stands out beside people is not the subject
        around = ndimage.gaussian_filter((people > 0).astype(np.float32), 0.01 * max(seeds.shape))
        seeds = np.logical_and(seeds, around > 0.05)
    labels = np.where(seeds, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[stands_out > max(0.8, threshold)] = cv2.GC_FGD if not people.any() else cv2.GC_PR_BGD
    labels[stands_out < 0.1 * threshold] = cv2.GC_BGD
    labels[people == 1] = np.where(seeds, cv2.GC_PR_FGD, cv2.GC_PR_BGD)[people == 1]
    labels[people == 2] = cv2.GC_PR_FGD
    labels[people == 3] = cv2.GC_FGD
    kinds = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if kinds.any() and not kinds.all():
        cv2.setRNGSeed(0)  # its color clusters begin at random
        bgr = cv2.cvtColor(to_bits(small, 8), cv2.COLOR_RGB2BGR)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(bgr, labels, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
        found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
        if LEAST < found.mean() < MOST:
            return found
    return seeds | (people > 1)


def _largest_parts(mask: np.ndarray, people: np.ndarray) -> np.ndarray:
    """The mask without specks and pinholes, and without parts that are small beside the largest."""
    disk = morphology.disk(max(1, round(0.004 * max(mask.shape))))
    cleaned = morphology.closing(morphology.opening(mask, disk), disk)
    mask = cleaned if cleaned.any() else mask
    parts = _parts(mask)
    sizes = np.bincount(parts.ravel())
    kept = sizes >= SMALLEST_PART * sizes[1:].max(initial=0)
    kept[np.unique(parts[people == 3])] = True
    kept[0] = False
    mask = kept[parts]
    holes = _parts(~mask)
    return mask | (np.bincount(holes.ravel()) < LARGEST_HOLE * mask.size)[holes]


def _parts(mask: np.ndarray) -> np.ndarray:
    """The connected parts of a mask, numbered from 1."""
    return np.asarray(measure.label(mask, connectivity=1))
