"""The objective: the plain formula's value and gradient, and the same in tiles as in one piece."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.features import LossNetwork
from nst_core.losses import Moments
from nst_core.objective import Evaluation, Objective, Weights, crop_of, style_moments
from nst_core.tiling import TilePlan, canvas_margins, plan_tiles
from nst_core.vgg import LAYERS, VggNetwork

WEIGHTS = Weights(content=0.8, tv=0.5, layers=dict(zip(LAYERS, (1.0, 0.5, 2.0, 1.0, 0.7), strict=True)))
SHARES = (0.7, 0.5, 0.3)


@pytest.fixture
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(CompactOptions(widths=(3, 3, 4, 3, 4, 3, 3, 3, 4, 3, 3, 3, 4))).double().freeze()


def random_picture(height: int, width: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Coarse and fine noise, so that every layer has something to see."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 24 + 2, width // 24 + 2, generator=generator, dtype=dtype)
    fine = torch.rand(1, 3, height, width, generator=generator, dtype=dtype)
    return 0.7 * F.interpolate(coarse, (height, width), mode="bilinear") + 0.3 * fine


def random_masks(height: int, width: int, dtype: torch.dtype = torch.float64) -> list[Tensor | None]:
    """Everywhere, and two soft ones; the last is 0 in most of the picture."""
    ramp = torch.linspace(0, 1, width, dtype=dtype).expand(height, width).contiguous()
    corner = torch.zeros(height, width, dtype=dtype)
    corner[: height // 3, : width // 3] = 0.9
    return [None, ramp, corner]


def undivided(x: Tensor) -> TilePlan:
    return plan_tiles(x.shape[2], x.shape[3], 64, 16, x.shape[2] * x.shape[3])


def small_tiles(network: LossNetwork, x: Tensor) -> TilePlan:
    """Cores of about 100 pixels."""
    return plan_tiles(x.shape[2], x.shape[3], network.halo_px, 16, (2 * network.halo_px + 112) ** 2)


def evaluate(
    network: LossNetwork, x: Tensor, plan: TilePlan, masks: Sequence[Tensor | None], statistics: str = "gram"
) -> Evaluation:
    paintings = [random_picture(70, 90, 10 + i, x.dtype) for i in range(len(masks))]
    styles = [style_moments(network, p, undivided(p), network.layers) for p in paintings]
    photo = random_picture(x.shape[2], x.shape[3], 1, x.dtype)
    objective = Objective(network, photo, styles, SHARES[: len(masks)], masks, WEIGHTS, plan, statistics)
    return objective(x)


def plain_loss(network: CompactNetwork, x: Tensor, masks: Sequence[Tensor | None]) -> Tensor:
    """The same loss, written down as one would on paper: heads are run, nothing is summed in advance."""

    def heads(picture: Tensor) -> dict[str, Tensor]:
        return {layer: network.teacher_heads[layer](f) for layer, f in network.features(picture).items()}

    features = heads(x)
    photo = heads(random_picture(x.shape[2], x.shape[3], 1))["relu4_1"]
    loss = WEIGHTS.content * (features["relu4_1"] - photo).square().sum() / photo.square().sum()
    tv = (x[:, :, 1:] - x[:, :, :-1]).square().sum() + (x[..., 1:] - x[..., :-1]).square().sum()
    loss = loss + WEIGHTS.tv * tv / x.numel()
    for i, mask in enumerate(masks):
        share = SHARES[i] / sum(SHARES[: len(masks)])
        painting = heads(random_picture(70, 90, 10 + i))
        for layer, stride in network.strides.items():
            want = torch.einsum("bihw,bjhw->ij", painting[layer], painting[layer]) / painting[layer][0, 0].numel()
            f = features[layer]
            w = torch.ones_like(f[0, 0]) if mask is None else F.avg_pool2d(mask[None, None], stride)[0, 0]
            got = torch.einsum("hw,bihw,bjhw->ij", w, f, f) / w.sum()
            loss = loss + WEIGHTS.layers[layer] * share * (got - want).square().sum() / want.square().sum()
    return loss


@pytest.mark.parametrize("masked", [False, True])
def test_value_and_gradient_are_those_of_the_plain_formula(network: CompactNetwork, masked: bool):
    x = random_picture(67, 83, 0).requires_grad_(True)
    masks = random_masks(67, 83) if masked else [None, None]
    expected = plain_loss(network, x, masks)
    (expected_gradient,) = torch.autograd.grad(expected, x)
    evaluation = evaluate(network, x.detach(), undivided(x), masks)
    assert evaluation.total == pytest.approx(float(expected), rel=1e-9)
    torch.testing.assert_close(evaluation.gradient, expected_gradient, rtol=1e-7, atol=1e-12)


def relative_error(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize(
    ("height", "width", "statistics"),
    [(331, 403, "gram"), (290, 280, "wasserstein"), (97, 811, "gram"), (97, 811, "wasserstein"), (285, 281, "gram")],
)
def test_tiles_change_nothing(network: CompactNetwork, height: int, width: int, statistics: str):
    single = network.float().freeze()
    x, masks = random_picture(height, width, 0, torch.float32), random_masks(height, width, torch.float32)
    plan = small_tiles(single, x)
    assert not plan.whole
    whole = evaluate(single, x, undivided(x), masks, statistics)
    tiled = evaluate(single, x, plan, masks, statistics)
    assert tiled.total == pytest.approx(whole.total, rel=1e-5)
    assert tiled.parts == pytest.approx(whole.parts, rel=1e-5, abs=1e-6)
    assert relative_error(tiled.gradient, whole.gradient) < 1e-5


@pytest.mark.parametrize(("height", "width"), [(331, 403), (32, 1900), (400, 415)])
def test_mirrored_margins_change_nothing_either(network: CompactNetwork, height: int, width: int):
    """Tile by tile, or the canvas as a whole: the same crops, and the same gradient in the picture."""
    x = random_picture(height, width, 0)
    margins = canvas_margins(height, width, 16)
    canvas = F.pad(x.requires_grad_(True), margins, mode="reflect")
    assert all(side % 16 == 0 for side in canvas.shape[2:])
    plan = replace(small_tiles(network, canvas), margins=margins)
    assert len(plan.tiles) > 1
    for i, tile in enumerate(plan.tiles):
        assert crop_of(x, plan, i).equal(
            canvas[:, :, tile.crop_top : tile.crop_bottom, tile.crop_left : tile.crop_right]
        )
    masks = random_masks(height, width)
    weights = replace(WEIGHTS, tv=0.0)
    styles = [
        style_moments(network, random_picture(70, 90, i), undivided(torch.rand(1, 3, 70, 90)), LAYERS)
        for i in (7, 8, 9)
    ]
    photo = random_picture(height, width, 1)
    evaluation = Objective(network, photo, styles, SHARES, masks, weights, plan)(x.detach())
    padded = [None if m is None else F.pad(m[None, None], margins, mode="reflect")[0, 0] for m in masks]
    on_canvas = F.pad(photo, margins, mode="reflect")
    expected = Objective(network, on_canvas, styles, SHARES, padded, weights, undivided(canvas))(canvas.detach())
    (gradient,) = torch.autograd.grad(canvas, x, expected.gradient)
    assert evaluation.total == pytest.approx(expected.total, rel=1e-9)
    torch.testing.assert_close(evaluation.gradient, gradient, rtol=1e-6, atol=1e-12)


def test_tiles_change_nothing_with_vgg():
    torch.manual_seed(0)
    vgg = VggNetwork("vgg19")
    x = random_picture(99, 291, 0, torch.float32)
    plan = plan_tiles(99, 291, vgg.halo_px, 16, 99 * 280)
    assert len(plan.tiles) == 3
    whole = evaluate(vgg, x, undivided(x), [None])
    tiled = evaluate(vgg, x, plan, [None])
    assert tiled.parts == pytest.approx(whole.parts, rel=1e-5)
    assert relative_error(tiled.gradient, whole.gradient) < 1e-5


@pytest.mark.parametrize("name", ["compact", "vgg19", "vgg16"])
def test_features_see_no_further_than_the_halo(name: str):
    """The gradient of the deepest position, in the middle, in the pixels, with all ReLUs and pools open wide."""
    torch.manual_seed(0)
    net = CompactNetwork(CompactOptions(widths=(2,) * 13)).freeze() if name == "compact" else VggNetwork(name)
    for parameter in net.parameters():
        parameter.fill_(0.01 if parameter.dim() == 1 else 1.0 / parameter[0].numel())
    x = torch.rand(1, 3, 256, 16, requires_grad=True)
    # A strip is enough: what reaches down reaches as far across.
    deepest = net.features(torch.cat([x] * 2, 3))["relu5_1"]
    (gradient,) = torch.autograd.grad(deepest[:, :, 8].sum(), x)
    seen = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
    assert int(seen.min()) >= 128 - net.halo_px
    assert int(seen.max()) < 144 + net.halo_px


def test_moments_of_a_painting_in_tiles_are_those_of_the_whole(network: CompactNetwork):
    x = random_picture(220, 213, 0)
    whole = style_moments(network, x, undivided(x), LAYERS)
    tiled = style_moments(network, x, small_tiles(network, x), LAYERS)
    for layer in LAYERS:
        for a, b in zip(_tensors(tiled[layer]), _tensors(whole[layer]), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def _tensors(moments: Moments) -> tuple[Tensor, Tensor, Tensor]:
    return moments.weight, moments.total, moments.outer


def test_a_painting_that_is_the_photo_costs_nothing(network: CompactNetwork):
    x = random_picture(96, 80, 1)
    styles = [style_moments(network, x, undivided(x), LAYERS)]
    evaluation = Objective(network, x, styles, [1.0], [None], WEIGHTS, undivided(x))(x)
    assert evaluation.parts["content"] == 0
    assert [evaluation.parts[layer] for layer in LAYERS] == pytest.approx([0] * 5, abs=1e-18)
    assert evaluation.total == pytest.approx(WEIGHTS.tv * evaluation.parts["tv"])


def test_layers_without_weight_are_left_out(network: CompactNetwork):
    x = random_picture(96, 80, 0)
    styles = [style_moments(network, random_picture(70, 90, 10), undivided(x), ["relu2_1"])]
    objective = Objective(network, x, styles, [1.0], [None], Weights(1.0, 0.0, {"relu2_1": 1.0}), undivided(x))
    assert objective.layers == ["relu2_1", "relu4_1"]
    assert set(objective(x).parts) == {"relu2_1", "content", "tv"}


def test_where_a_mask_is_zero_a_painting_has_no_pull(network: CompactNetwork):
    """Beyond what the deepest layer sees from the mask's edge, with neither content nor TV, nothing pulls."""
    x = random_picture(160, 320, 0)
    mask = torch.zeros(160, 320, dtype=torch.float64)
    mask[:, :96] = 1
    styles = [style_moments(network, random_picture(160, 320, 10), undivided(x), LAYERS)]
    weights = Weights(0.0, 0.0, WEIGHTS.layers)
    gradient = Objective(network, x, styles, [1.0], [mask], weights, undivided(x))(x).gradient
    assert gradient[..., 96 + network.halo_px :].abs().max() == 0
    assert gradient[..., :96].abs().min() > 0
