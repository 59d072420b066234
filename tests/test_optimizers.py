"""The optimizers against problems with known solutions, and against torch's own."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nst_core import optimizers
from nst_core.errors import NstError
from nst_core.objective import Evaluation
from nst_core.optimizers import ADAM_RATE, Adam, Lbfgs, Optimizer

SHAPE = (1, 3, 6, 8)


def uniform(seed: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return torch.empty(SHAPE).uniform_(low, high, generator=torch.Generator().manual_seed(seed))


class Quadratic:
    """Half the sum of curvature (x - center)^2; in a box, the solution is the center clipped."""

    def __init__(self) -> None:
        self.center, self.curvature = uniform(0, -0.5, 1.5), uniform(1, 0.1, 10)
        self.calls = 0

    def __call__(self, x: Tensor) -> Evaluation:
        self.calls += 1
        away = x - self.center
        return Evaluation(float(0.5 * (self.curvature * away.square()).sum()), self.curvature * away)

    @property
    def solution(self) -> Tensor:
        return self.center.clamp(0, 1)


def minimize(optimizer: Optimizer, evaluate: Callable[[Tensor], Evaluation], steps: int) -> Tensor:
    x = torch.full(SHAPE, 0.5)
    for i in range(steps):
        x, _ = optimizer.step(x, evaluate, i / steps)
        assert x.equal(x.clamp(0, 1))
    return x


def test_lbfgs_finds_the_minimum_in_the_box():
    problem = Quadratic()
    assert ((problem.center < 0) | (problem.center > 1)).any()
    x = minimize(Lbfgs(10), problem, 60)
    assert problem.calls == 60
    torch.testing.assert_close(x, problem.solution, rtol=0, atol=1e-4)


def means(x: Tensor, side: int) -> Tensor:
    """Over blocks, each as large as it was."""
    return functional.interpolate(functional.avg_pool2d(x, side), scale_factor=side)


def test_lbfgs_moves_broad_forms_as_fast_as_fine_ones(monkeypatch: pytest.MonkeyPatch):
    """Where the loss is the flatter the broader a form is, as those of loss networks are."""
    center = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    center = center + means(center, 4) + means(center, 16)
    center = center / center.amax()

    def evaluate(x: Tensor) -> Evaluation:
        away, gradient = x - center, torch.zeros_like(x)
        for side, curvature in ((2, 1.0), (4, 0.3), (8, 0.1), (16, 0.03)):
            coarse = means(away, side)
            gradient += curvature * (away - coarse)
            away = coarse
        gradient += 0.01 * away
        return Evaluation(0.5 * float(((x - center) * gradient).sum()), gradient)

    def loss_after(steps: int) -> float:
        optimizer, x = Lbfgs(4), torch.full_like(center, 0.5)
        for _ in range(steps):
            x, _ = optimizer.step(x, evaluate)
        return evaluate(x).total

    with_blocks = loss_after(8)
    monkeypatch.setattr(optimizers, "BLOCKS", {})
    assert with_blocks < 0.5 * loss_after(8)


@pytest.mark.parametrize("size", [(6, 8), (1, 3), (33, 47)])
def test_coarse_first_is_symmetric_and_positive(size: tuple[int, int]):
    a, b = (torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    of_a, of_b = optimizers._coarse_first(a), optimizers._coarse_first(b)
    assert float((of_a * b).sum()) == pytest.approx(float((a * of_b).sum()), abs=1e-3)
    assert float((of_a * a).sum()) >= float(a.square().sum())


def test_lbfgs_keeps_no_more_than_its_history():
    optimizer = Lbfgs(4)
    minimize(optimizer, Quadratic(), 12)
    assert len(optimizer.pairs) == 4


def test_lbfgs_first_step_has_the_length_it_says():
    problem = Quadratic()
    start = torch.full(SHAPE, 0.5)
    x, evaluation = Lbfgs(10).step(start, problem)
    assert evaluation.total == problem(start).total
    assert float((x - start).square().mean().sqrt()) == pytest.approx(Lbfgs.first_step, rel=1e-4)


@pytest.mark.parametrize("poison", ["loss", "gradient", "worse"])
def test_lbfgs_takes_a_bad_step_back_and_still_arrives(poison: str):
    problem, optimizer = Quadratic(), Lbfgs(10)
    calls = 0

    def evaluate(x: Tensor) -> Evaluation:
        nonlocal calls
        calls += 1
        good = problem(x)
        if calls != 6:
            return good
        if poison == "gradient":
            return Evaluation(good.total, torch.full_like(x, math.nan))
        return Evaluation(math.nan if poison == "loss" else 1e9, good.gradient)

    x = torch.full(SHAPE, 0.5)
    for _ in range(5):
        x, _ = optimizer.step(x, evaluate, 0.0)
    assert optimizer.best is not None
    best, best_x, _ = optimizer.best
    x, _ = optimizer.step(x, evaluate, 0.0)
    assert optimizer.best[0] == best
    assert not optimizer.pairs
    moved = (x - best_x).square().mean().sqrt()
    assert 0 < float(moved) <= Lbfgs.first_step / 2
    for _ in range(80):
        x, _ = optimizer.step(x, evaluate, 0.0)
    torch.testing.assert_close(optimizer.best[1], problem.solution, rtol=0, atol=2e-3)


def test_the_best_is_the_lowest_loss_seen():
    optimizer, seen = Lbfgs(3), []
    problem = Quadratic()
    x = torch.full(SHAPE, 0.5)
    for _ in range(10):
        x, evaluation = optimizer.step(x, problem, 0.0)
        seen.append(evaluation.total)
    assert optimizer.best is not None
    assert optimizer.best[0] == min(seen)
    assert problem(optimizer.best[1]).total == min(seen)


@pytest.mark.parametrize("optimizer", [Lbfgs(5), Adam()])
def test_a_start_that_is_not_a_number_is_refused(optimizer: Optimizer):
    with pytest.raises(NstError, match="not a number; lower --strength"):
        optimizer.step(torch.full(SHAPE, 0.5), lambda x: Evaluation(math.nan, torch.zeros_like(x)), 0.0)


def test_adam_is_torchs_adam():
    """With a rate along a half cosine, and the center inside the box, which torch's Adam knows nothing of."""
    problem = Quadratic()
    problem.center = uniform(0, 0.3, 0.7)
    theirs = torch.full(SHAPE, 0.5, requires_grad=True)
    adam = torch.optim.Adam([theirs], lr=ADAM_RATE, betas=(Adam.beta1, Adam.beta2), eps=1e-12)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 25)
    ours, optimizer = torch.full(SHAPE, 0.5), Adam()
    for i in range(25):
        ours, _ = optimizer.step(ours, problem, i / 25)
        theirs.grad = problem(theirs.detach()).gradient
        adam.step()
        schedule.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-6)


def test_adam_finds_the_minimum_in_the_box():
    problem = Quadratic()
    x = minimize(Adam(), problem, 400)
    torch.testing.assert_close(x, problem.solution, rtol=0, atol=0.02)


def test_adam_does_the_same_in_bands(monkeypatch: pytest.MonkeyPatch):
    whole = minimize(Adam(), Quadratic(), 5)
    monkeypatch.setattr(Adam, "band_rows", 4)
    assert minimize(Adam(), Quadratic(), 5).equal(whole)


@pytest.mark.parametrize("build", [lambda: Lbfgs(3), Adam])
def test_a_restored_optimizer_goes_on_bitwise(build: Callable[[], Optimizer]):
    problem, first, second = Quadratic(), build(), build()
    x = minimize(first, problem, 7)
    second.restore({key: value.clone() for key, value in first.state().items()})
    ours, theirs = x.clone(), x.clone()
    for _ in range(7):
        ours, _ = first.step(ours, problem, 0.5)
        theirs, _ = second.step(theirs, problem, 0.5)
        assert ours.equal(theirs)


@pytest.mark.parametrize("build", [lambda: Lbfgs(3), Adam])
def test_the_state_of_a_fresh_optimizer_can_be_restored(build: Callable[[], Optimizer]):
    problem, restored = Quadratic(), build()
    restored.restore(build().state())
    assert minimize(restored, problem, 4).equal(minimize(build(), problem, 4))


def smooth(x: Tensor) -> Evaluation:
    """A quadratic whose value hardly depends on the size, as the losses' does not."""
    height, width = x.shape[2:]
    rows = torch.linspace(0, 1, height)[:, None].expand(height, width)
    curvature, away = 1 + 9 * rows, x - (0.2 + 0.6 * rows)
    return Evaluation(float((curvature * away.square()).mean()), 2 * curvature * away / x.numel())


def test_lbfgs_keeps_its_curvature_at_another_size():
    optimizer = Lbfgs(5)
    minimize(optimizer, smooth, 5)
    before = [float((s * y).sum()) for s, y in optimizer.pairs]
    assert len(before) >= 2
    optimizer.resize(12, 16)
    assert [s.shape[2:] for s, _ in optimizer.pairs] == [(12, 16)] * len(before)
    # Four times the pixels, each with a quarter of the slope.
    after = [float((s * y).sum()) for s, y in optimizer.pairs]
    assert after == pytest.approx(before, rel=0.1)
    x, carried = torch.full((1, 3, 12, 16), 0.5), optimizer
    y, fresh = x.clone(), Lbfgs(5)
    for _ in range(3):
        x, _ = carried.step(x, smooth)
        y, _ = fresh.step(y, smooth)
    assert smooth(x).total < 0.5 * smooth(y).total


def test_adam_keeps_its_scale_at_another_size():
    optimizer = Adam()
    minimize(optimizer, smooth, 5)
    assert optimizer.moments is not None
    first, second = (m.clone() for m in optimizer.moments)
    optimizer.resize(12, 16)
    larger_first, larger_second = optimizer.moments
    assert larger_first.shape == larger_second.shape == (1, 3, 12, 16)
    assert float(larger_second.min()) >= 0
    assert float(larger_first.mean()) == pytest.approx(float(first.mean()) / 4, rel=0.05, abs=1e-6)
    assert float(larger_second.mean()) == pytest.approx(float(second.mean()) / 16, rel=0.05)
    x = torch.full((1, 3, 12, 16), 0.5)
    moved, _ = optimizer.step(x.clone(), smooth, 0.0)
    assert float((moved - x).abs().max()) <= 2 * ADAM_RATE


@pytest.mark.parametrize("optimizer", [Lbfgs(5), Adam()])
def test_resizing_before_the_first_step_does_nothing(optimizer: Optimizer):
    optimizer.resize(12, 16)
    x, _ = optimizer.step(torch.full((1, 3, 12, 16), 0.5), smooth, 0.0)
    assert x.shape == (1, 3, 12, 16)
