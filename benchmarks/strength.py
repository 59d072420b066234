"""Whether strength is better than blending pixels, for each shipped style.

    impasto bench strength

Photos that scikit-image brings along are painted at several strengths. Content and style errors are measured with
`compact`, style against the Gram matrices of the style's card. Beside each strength stands the blend of photo and
painting (strength 1) that has the same content error: the ratio of their style errors is below 1 where the
strength keeps more of the style. Content errors are to rise with the strength, up to 1.5.

Takes: 5 minutes.
Needs: nothing.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from harness import argument_parser, record, run

from models.catalog import Style, shipped_folder, styles
from nst_core.features import LossNetwork, load_network
from nst_core.losses import content_errors, gram_matrix
from nst_core.objective import CONTENT_LAYER
from nst_core.picture import Picture, fit_long_side, read_picture
from nst_core.tensor import to_tensor
from serve.engine import Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions
from train.photos.files import FIXED_PHOTOS, fixed_photos

SIZE_PX = 384
BETWEEN = (0.25, 0.5, 0.75)
RISING = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


class Measure:
    """Content and style errors of pictures of one photo in one style."""

    def __init__(self, network: LossNetwork, style: Style, photo: np.ndarray) -> None:
        self.network, self.photo = network, photo
        grams = style.card.paintings[0].grams()
        self.wanted = {layer: self._through(layer, torch.from_numpy(gram)[None]) for layer, gram in grams.items()}
        self.content = self._features(photo)[CONTENT_LAYER]

    def _through(self, layer: str, gram: torch.Tensor) -> torch.Tensor:
        head = self.network.heads[layer]
        return gram if head is None else head @ gram @ head.mT

    @torch.no_grad()
    def _features(self, picture: np.ndarray) -> dict[str, torch.Tensor]:
        return self.network.features(to_tensor(Picture.from_float(picture, bits=16)))

    def __call__(self, picture: np.ndarray) -> tuple[float, float]:
        """Content error and style error, the latter summed over layers."""
        found = self._features(picture)
        content = content_errors(found[CONTENT_LAYER], self.content, self.network.heads[CONTENT_LAYER])
        style = 0.0
        for layer, want in self.wanted.items():
            got = self._through(layer, gram_matrix(found[layer]))
            style += float((got - want).square().sum() / want.square().sum())
        return float(content), style


def compare(network: LossNetwork, style: Style, photo: Picture, engine: Engine) -> tuple[list[float], bool]:
    """The ratios at the strengths of `BETWEEN`, and whether content errors rise."""
    before = photo.as_float()
    measure = Measure(network, style, before)
    weights = (1.0,) + (0.0,) * (len(style.card.paintings) - 1)

    def painted(strength: float) -> np.ndarray:
        options = PaintOptions(strength=strength, weights=weights if len(weights) > 1 else ())
        return engine.stylize(photo.with_bits(16), style, options).as_float()

    by_strength = {strength: measure(painted(strength)) for strength in RISING}
    full = painted(1.0)
    blends = [measure(before + share * (full - before)) for share in np.linspace(0, 1, 13)]
    contents, of_style = (np.array(values) for values in zip(*blends, strict=True))
    ratios = [by_strength[s][1] / float(np.interp(by_strength[s][0], contents, of_style)) for s in BETWEEN]
    return ratios, all(a[0] <= b[0] for a, b in itertools.pairwise(by_strength.values()))


def main() -> None:
    parser = argument_parser(__doc__)
    parser.parse_args()
    network, engine, rows = load_network("compact"), Engine(ComputeOptions("cpu")), {}
    for style in styles():
        if style.path.parent != shipped_folder():
            continue
        results = []
        for path in fixed_photos():
            photo = read_picture(path)
            sized = photo.resized(*fit_long_side(photo.width, photo.height, SIZE_PX))
            results.append(compare(network, style, sized, engine))
        ratios = np.mean([ratio for ratio, _ in results], 0)
        rows[style.name] = {
            "style_to_blend": {str(s): round(float(r), 3) for s, r in zip(BETWEEN, ratios, strict=True)},
            "content_rises": [rises for _, rises in results],
        }
        print(style.name, rows[style.name], flush=True)
    record("strength", {"photos": FIXED_PHOTOS, "size_px": SIZE_PX, "styles": rows})


if __name__ == "__main__":
    run(main)
