"""The losses against their plain formulas in float64, and their gradients against autograd."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from nst_core.losses import (
    GramLoss,
    Moments,
    WassersteinLoss,
    add_tv_gradient,
    content_error,
    content_power,
    gram_matrix,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_gram_matrix_is_the_mean_outer_product():
    f = normal(2, 5, 7, 9)
    expected = np.zeros((2, 5, 5))
    for b in range(2):
        for y in range(7):
            for x in range(9):
                expected[b] += np.outer(f[b, :, y, x], f[b, :, y, x]) / 63
    np.testing.assert_allclose(gram_matrix(f).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gram_matrix_has_the_gradient_of_its_formula(layout: torch.memory_format):
    f = normal(2, 5, 3, 4).contiguous(memory_format=layout).requires_grad_()
    slope = normal(2, 5, 5, seed=1)
    (got,) = torch.autograd.grad(gram_matrix(f), f, slope)
    (want,) = torch.autograd.grad(torch.einsum("bchw,bdhw->bcd", f, f) / 12, f, slope)
    torch.testing.assert_close(got, want)


def test_gram_matrix_of_half_precision_is_single():
    f = 100 * normal(1, 5, 6, 7).to(torch.bfloat16)
    assert gram_matrix(f).dtype == torch.float32
    torch.testing.assert_close(gram_matrix(f), gram_matrix(f.float()))


def test_moments_are_mean_and_covariance():
    f = normal(1, 4, 6, 5)
    moments = Moments.of(f)
    flat = f[0].flatten(1).numpy()
    np.testing.assert_allclose(moments.mean.numpy(), flat.mean(1), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance.numpy(), np.cov(flat, ddof=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(moments.gram.numpy(), gram_matrix(f)[0].numpy(), rtol=1e-12)


def test_masked_moments_are_weighted_averages():
    f, mask = normal(1, 4, 6, 5), torch.linspace(0, 1, 30, dtype=torch.float64).view(6, 5)
    moments = Moments.of(f, mask)
    flat, weights = f[0].flatten(1).numpy(), mask.flatten().numpy()
    np.testing.assert_allclose(moments.mean.numpy(), np.average(flat, axis=1, weights=weights), rtol=1e-12)
    expected = np.cov(flat, ddof=0, aweights=weights)
    np.testing.assert_allclose(moments.covariance.numpy(), expected, rtol=1e-10, atol=1e-12)


def test_moments_of_parts_add_up_to_those_of_the_whole():
    f, mask = normal(1, 4, 6, 8), normal(6, 8, seed=1).abs()
    for whole, left, right in (
        (Moments.of(f), Moments.of(f[..., :3]), Moments.of(f[..., 3:])),
        (Moments.of(f, mask), Moments.of(f[..., :3], mask[:, :3]), Moments.of(f[..., 3:], mask[:, 3:])),
    ):
        together = left + right
        for a, b in ((whole.weight, together.weight), (whole.total, together.total), (whole.outer, together.outer)):
            torch.testing.assert_close(a, b)


def test_moments_through_a_head_are_those_of_the_features_after_it():
    f, head = normal(1, 4, 6, 5), normal(7, 4, seed=1)
    after = Moments.of(torch.einsum("kc,bchw->bkhw", head, f))
    through = Moments.of(f).through(head)
    torch.testing.assert_close(through.total, after.total)
    torch.testing.assert_close(through.outer, after.outer)
    assert Moments.of(f).through(None).outer.equal(Moments.of(f).outer)


def test_gram_loss_is_relative_to_the_painting():
    f, painting = normal(1, 4, 6, 5), normal(1, 4, 9, 9, seed=1)
    got, want = (gram_matrix(v)[0].numpy() for v in (f, painting))
    loss = GramLoss(Moments.of(painting))
    assert float(loss(Moments.of(f))) == pytest.approx(((got - want) ** 2).sum() / (want**2).sum(), rel=1e-12)
    assert float(loss(Moments.of(painting))) == 0
    assert float(loss(Moments.of(torch.zeros_like(f)))) == pytest.approx(1)


def test_wasserstein_loss_is_the_distance_of_gaussians():
    f, painting = normal(1, 4, 6, 5) + 0.3, 1.5 * normal(1, 4, 9, 9, seed=1)
    m, n = (v[0].flatten(1).mean(1).numpy() for v in (f, painting))
    c, d = (np.cov(v[0].flatten(1).numpy(), ddof=0) for v in (f, painting))
    root = scipy.linalg.sqrtm(d)
    cross = scipy.linalg.sqrtm(root @ c @ root)
    expected = ((m - n) ** 2).sum() + np.trace(c + d - 2 * cross)
    expected /= (n**2).sum() + np.trace(d)
    loss = WassersteinLoss(Moments.of(painting))
    assert float(loss(Moments.of(f))) == pytest.approx(expected, rel=1e-9)
    assert float(loss(Moments.of(painting))) == pytest.approx(0, abs=1e-12)
    assert float(loss(Moments.of(painting + 2))) == pytest.approx(16 / ((n**2).sum() + np.trace(d)), rel=1e-9)


@pytest.mark.parametrize("kind", [GramLoss, WassersteinLoss])
def test_slopes_of_style_losses_are_right(kind):
    loss = kind(Moments.of(normal(1, 4, 9, 9, seed=1)))
    f = normal(1, 4, 6, 5).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda v: loss(Moments.of(v)), f)


def test_wasserstein_loss_survives_flat_features():
    """Where features do not vary, a square root's slope would be infinite."""
    loss = WassersteinLoss(Moments.of(normal(1, 4, 9, 9)))
    f = torch.full((1, 4, 6, 5), 0.5, dtype=torch.float64, requires_grad=True)
    value = loss(Moments.of(f))
    (slope,) = torch.autograd.grad(value, f)
    assert torch.isfinite(value)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize("with_head", [False, True])
def test_content_error_and_its_gradient(with_head: bool):
    f, target = normal(1, 4, 6, 5).requires_grad_(True), normal(1, 4, 6, 5, seed=1)
    head = normal(9, 4, seed=2) if with_head else None
    difference = f - target if head is None else torch.einsum("kc,bchw->bkhw", head, f - target)
    expected = difference.square().sum()
    (expected_gradient,) = torch.autograd.grad(expected, f)
    error, gradient = content_error(f.detach(), target, head)
    torch.testing.assert_close(error, expected.detach())
    torch.testing.assert_close(gradient, expected_gradient)
    shown = target if head is None else torch.einsum("kc,bchw->bkhw", head, target)
    torch.testing.assert_close(content_power(target, head), shown.square().sum())


def plain_tv(x: Tensor) -> Tensor:
    down, across = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]
    return down.square().sum() + across.square().sum()


@pytest.mark.parametrize("band_rows", [2, 7, 256])
def test_tv_error_and_its_gradient(band_rows: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nst_core.losses.BAND_ROWS", band_rows)
    x = normal(1, 3, 7, 9).requires_grad_(True)
    expected = plain_tv(x)
    (expected_gradient,) = torch.autograd.grad(expected, x)
    gradient = torch.ones_like(x)
    error = add_tv_gradient(x.detach(), 0.5, gradient)
    assert error == pytest.approx(float(expected.detach()))
    torch.testing.assert_close(gradient, 1 + 0.5 * expected_gradient)
