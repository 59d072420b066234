"""The fast network and the optimizer on one photo, painted and measured."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compared_style import write_compared_style, write_network
from random_pictures import random_picture
from toy_style import expected

from models.catalog import Style
from nst_core import features
from nst_core.errors import ConfigError, WeightsError
from nst_core.evaluate import EqualIterations, Yardstick, equal_iterations
from nst_core.likeness import color_distance, ssim
from nst_core.picture import Picture
from nst_core.sources import Sources
from nst_core.sources import Style as Target
from nst_core.vgg import VggNetwork
from serve.engine import Engine
from serve.providers import ComputeOptions
from studio.compare.judges import Judge, load_judges
from studio.compare.options import CompareOptions
from studio.compare.race import Race

PHOTO = random_picture(96, 128, 0)
PAINTING = Picture.from_float(expected(random_picture(64, 64, 1).as_float()))
"""In the toy network's manner."""


@pytest.fixture
def style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Style:
    network_file = write_network(tmp_path / "compact.safetensors")
    monkeypatch.setattr(features, "compact_path", lambda: network_file)
    return write_compared_style(tmp_path / "waves.onnx", [PAINTING], features.load_network("compact"))


@pytest.fixture
def enter(style: Style) -> Callable[..., Race]:
    def enter(start: Any = "photo", weights: tuple[float, ...] = (), **more: Any) -> Race:
        options = CompareOptions(iterations=25, start=start, weights=weights)
        judges = load_judges("compact", "painting" in more)
        return Race(PHOTO, more.pop("style", style), options, Engine(ComputeOptions("cpu")), judges, **more)

    return enter


def run(race: Race, steps: int) -> None:
    """So many steps, and then stopped."""
    with closing(race.run()) as running:
        list(islice(running, steps))


def test_the_fast_picture_is_there_at_once(enter: Callable[..., Race], style: Style):
    race = enter()
    assert (race.photo.width, race.photo.height) == (64, 48)
    wanted = Engine(ComputeOptions("cpu")).stylize(PHOTO.resized(64, 48), style)
    assert np.array_equal(race.fast.pixels, wanted.pixels)
    assert race.slow.iterations == -1 and race.iterations_left == 26 + 51
    assert race.equal.standing == "not comparable"


def test_all_is_measured_under_one_loss(enter: Callable[..., Race], style: Style):
    race = enter()
    steps = list(race.run())
    assert len(steps) == 26 + 51 and race.iterations_left == 0
    found = race.comparison()
    assert [r.key for r in found.renderings] == ["fast", "slow 10", "slow 25", "refined 25", "refined 50"]
    yardstick = Yardstick(
        Sources(race.photo, (Target(style.card.painting([1.0])),)),
        style.card.gatys_options(),
        features.load_network("compact"),
    )
    for rendering in found.renderings:
        assert rendering.losses == {"compact": yardstick.losses(rendering.picture)}
        assert rendering.likeness.ssim == pytest.approx(ssim(rendering.picture, race.photo), abs=1e-4)
    losses = {r.key: r.losses["compact"].total for r in found.renderings}
    assert losses["slow 25"] < losses["slow 10"] and losses["refined 50"] < losses["refined 25"] < losses["fast"]
    assert found.slow()[1].seconds == race.slow.points[25].seconds
    assert found.equal == race.equal
    assert (found.measured_under, found.trained_under) == ("compact", "compact")


def test_what_is_computed_is_not_computed_again(enter: Callable[..., Race]):
    run(enter(), 30)
    again = enter()
    assert again.slow.iterations == 25 and again.refined.iterations == 3
    assert len(list(again.run())) == 50 - 3
    assert list(enter().run()) == []


def test_a_part_can_be_measured(enter: Callable[..., Race]):
    race = enter()
    run(race, 12)
    assert [r.key for r in race.comparison().renderings] == ["fast", "slow 10"]


@pytest.mark.parametrize(
    ("equal", "seconds"),
    [
        (EqualIterations("on the curve", 4.25), 4.25),
        (EqualIterations("beyond the curve", 10), 10.0),
        (EqualIterations("not comparable", None), None),
    ],
)
def test_speed_up_is_by_the_seconds_that_the_optimizer_needs(
    enter: Callable[..., Race], equal: EqualIterations, seconds: float | None
):
    race = enter()
    list(race.slow.grow(10))
    found = race.comparison()
    points = [replace(point, seconds=float(point.iteration)) for point in race.slow.points]
    fast = replace(found.fast, seconds=0.5, equal={"compact": equal})
    found = replace(found, renderings=[fast], curves=[replace(found.curves[0], points=points)])
    assert found.equal == equal
    assert found.speed_up == (seconds and seconds / 0.5)


def test_with_the_painting_its_colors_are_compared(enter: Callable[..., Race]):
    race = enter(painting=PAINTING)
    list(race.slow.grow(10))
    found = race.comparison()
    assert found.painting is not None
    assert found.fast.likeness.color_distance == pytest.approx(color_distance(race.fast, PAINTING), abs=0.01)


def test_as_json_it_has_figures_and_no_paths(enter: Callable[..., Race], tmp_path: Path):
    race = enter(start="noise")
    list(race.slow.grow(10))
    found = json.loads(json.dumps(race.comparison().to_json(), allow_nan=False))
    assert str(tmp_path) not in json.dumps(found)
    assert found["photo"]["file"] == "0.png" and found["style"]["name"] == "waves"
    assert found["curves"][0]["start"] == "noise" and len(found["curves"][0]["points"]) == 11
    assert found["curves"][0]["points"][10][2] == pytest.approx(race.slow.points[10].losses.total, abs=1e-6)
    assert found["settings"]["options"]["iterations"] == 25
    assert found["renderings"][0]["losses"]["compact"]["layers"].keys() == {f"relu{n}_1" for n in range(1, 6)}


def test_a_palette_is_compared_by_shares(enter: Callable[..., Race], tmp_path: Path):
    network = features.load_network("compact")
    palette = write_compared_style(tmp_path / "two.onnx", [PAINTING, random_picture(64, 64, 5)], network)
    race = enter(weights=(1.0, 3.0), style=palette)
    wanted = palette.card.painting([0.25, 0.75])
    assert race.sources.styles[0].painting.sha256 == wanted.sha256
    with pytest.raises(ConfigError, match="two holds 2 paintings; leave --painting out"):
        enter(style=palette, painting=PAINTING)


def test_other_networks_need_the_painting(style: Style):
    with pytest.raises(ConfigError, match=r"--network vgg19 needs the painting itself.*add --painting FILE"):
        load_judges("vgg19", False)
    with pytest.raises(WeightsError, match="impasto weights get vgg19"):
        load_judges("vgg19", True)
    assert [judge.network.name for judge in load_judges("compact", True)] == ["compact"]


def test_another_loss_network_measures_too_and_the_optimizer_goes_by_the_first(style: Style):
    torch.manual_seed(0)
    vgg = VggNetwork("vgg16")
    judges = [*load_judges("compact", True), Judge(vgg, "cd" * 32)]
    race = Race(PHOTO, style, CompareOptions(iterations=25), Engine(ComputeOptions("cpu")), judges, PAINTING)
    list(race.slow.grow(10))
    found = race.comparison()
    assert {point.losses.network for point in race.slow.points} == {"compact"}
    fast, slow = found.renderings
    assert list(fast.losses) == ["compact", "vgg16"] and fast.losses["vgg16"].network == "vgg16"
    assert fast.losses["vgg16"].total != fast.losses["compact"].total
    photo = Yardstick(race.sources, replace(race.gatys, network="vgg16"), vgg).losses(race.photo).total
    curve = [(0, photo), (10, slow.losses["vgg16"].total)]  # only of the pictures that are kept of it
    assert fast.equal["vgg16"] == equal_iterations(fast.losses["vgg16"].total, curve)
    assert fast.equal["compact"] == race.equal
