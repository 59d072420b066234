"""What a style is trained to, against plain formulas."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nst_core.compact import CompactNetwork, CompactOptions
from nst_core.losses import gram_matrix
from nst_core.objective import Weights
from train.style.objective import (
    GRID_WEIGHT,
    PALETTE_LIMIT,
    PALETTE_SLACK,
    PALETTE_WEIGHT,
    Palettes,
    StyleObjective,
    grid_error,
)


@pytest.fixture(scope="module")
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(CompactOptions(widths=(4,) * 13)).freeze()


def objective(network: CompactNetwork, paintings: int) -> StyleObjective:
    generator = torch.Generator().manual_seed(1)
    pictures = [torch.rand(1, 3, 64, 80, generator=generator) for _ in range(paintings)]
    layers = dict(zip(network.layers, (1.0, 0.5, 2.0, 0.0, 3.0), strict=True))
    return StyleObjective(network, pictures, Weights(1.5, 0.25, layers))


def test_total_is_the_weighted_sum_of_its_parts(network: CompactNetwork):
    photo, painted = torch.rand(2, 2, 3, 64, 64)
    one, strength = objective(network, 1), torch.tensor([1.0, 0.5])
    losses = one(painted, one.content(photo, 0), torch.ones(2, 1), strength, 0)
    style = sum(weight * losses.style[layer] for layer, weight in one.weights.layers.items())
    pull = style + 0.25 * losses.tv + PALETTE_WEIGHT * losses.palette
    total = 1.5 * losses.content + strength.square() * pull + GRID_WEIGHT * losses.grid
    torch.testing.assert_close(losses.total, total)


def test_style_is_the_relative_error_of_gram_matrices(network: CompactNetwork):
    one, painted = objective(network, 2), torch.rand(2, 3, 64, 64)
    shares = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    losses = one(painted, one.content(painted, 0), shares, torch.ones(2), 0)
    head = network.heads["relu2_1"]
    assert head is not None
    got = head @ gram_matrix(network.features(painted)["relu2_1"]) @ head.mT
    first, second = one.targets[0]["relu2_1"]
    for i, want in enumerate((first, 0.25 * first + 0.75 * second)):
        expected = (got[i] - want).square().sum() / want.square().sum()
        torch.testing.assert_close(losses.style["relu2_1"][i], expected)


def test_a_photo_has_no_content_error_against_itself(network: CompactNetwork):
    one, photo = objective(network, 1), torch.rand(1, 3, 64, 64)
    losses = one(photo, one.content(photo, 3), torch.ones(1, 1), torch.ones(1), 3)
    assert float(losses.content) == pytest.approx(0, abs=1e-6)


def test_a_painting_has_no_style_error_against_itself(network: CompactNetwork):
    painting = torch.rand(1, 3, 64, 80)
    one = StyleObjective(network, [painting], Weights(1.0, 0.0, dict.fromkeys(network.layers, 1.0)))
    losses = one(painting, one.content(painting, 0), torch.ones(1, 1), torch.ones(1), 0)
    assert float(losses.style["relu1_1"]) < 0.02  # but for the mirrored margins that paintings are given


@pytest.mark.parametrize("axis", [2, 3])
def test_grid_of_every_other_pixel_is_found_with_the_square_of_its_height(axis: int):
    flat = torch.full((1, 3, 64, 64), 0.5)
    errors = []
    for height in (0.01, 0.02):
        grid = flat.clone()
        grid.index_add_(
            axis, torch.arange(0, 64, 2), torch.full_like(grid[:, :, :32] if axis == 2 else grid[..., :32], height)
        )
        errors.append(float(grid_error(grid)))
    assert errors[0] == pytest.approx((0.01 / 2) ** 2, rel=0.01)
    assert errors[1] == pytest.approx(4 * errors[0], rel=0.01)


def test_grid_error_overlooks_slopes_noise_and_coarser_patterns():
    generator = torch.Generator().manual_seed(0)
    slope = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    noise = 0.5 + 0.1 * torch.randn(1, 3, 64, 64, generator=generator)
    coarse = 0.5 + 0.1 * F.interpolate((torch.arange(16) % 2.0).expand(1, 3, 16, 16), scale_factor=4.0)
    dots = torch.full((1, 3, 64, 64), 0.5)
    dots[:, :, ::2, ::2] += 0.1
    assert float(grid_error(slope)) < 1e-8
    for other in (noise, coarse):
        assert float(grid_error(other)) < 0.1 * float(grid_error(dots))


def test_palette_error_is_the_square_of_deviations_beyond_the_limit():
    random = np.random.default_rng(0)
    mean, covariance = np.array([0.5, 0.4, 0.3]), np.array([[0.02, 0.01, 0], [0.01, 0.02, 0.005], [0, 0.005, 0.01]])
    points = random.multivariate_normal(mean, covariance, 40 * 50)
    painting = torch.from_numpy(points.T.reshape(1, 3, 40, 50).copy()).float()
    colors = random.random((6, 3))
    found = Palettes([painting]).error(torch.from_numpy(colors.T.reshape(1, 3, 2, 3).copy()).float(), torch.ones(1, 1))
    spread = np.cov(points.T, bias=True) + PALETTE_SLACK**2 * np.eye(3)
    squares = [(c - points.mean(0)) @ np.linalg.inv(spread) @ (c - points.mean(0)) for c in colors]
    assert float(found) == pytest.approx(np.mean(np.maximum(np.array(squares) - PALETTE_LIMIT, 0)), rel=1e-3)
    assert float(Palettes([painting]).error(painting, torch.ones(1, 1))) < 0.1


def test_mixed_palette_is_that_of_all_points_together():
    generator = torch.Generator().manual_seed(0)
    dark, light = (offset + 0.1 * torch.rand(1, 3, 32, 32, generator=generator) for offset in (0.1, 0.8))
    picture = torch.rand(1, 3, 16, 16, generator=generator)
    together = Palettes([torch.cat([dark, light], 3)]).error(picture, torch.ones(1, 1))
    mixed = Palettes([dark, light]).error(picture, torch.tensor([[0.5, 0.5]]))
    torch.testing.assert_close(mixed, together, rtol=1e-3, atol=1e-4)
    assert float(Palettes([dark, light]).error(light, torch.tensor([[1.0, 0.0]]))) > 100
