"""The networks: any size in and out, what strength and weights do, what they cost, and their files."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from models.blocks import EPSILON, NormedConv, Norms, ResidualBlock, instance_norm, norm_channels
from models.registry import NETWORKS, build, default_options, load_network, save_network
from models.style_network import StyleNetwork, gate
from nst_core.errors import ModelError

SMALL: dict[str, dict[str, Any]] = {
    "swift": {"widths": (4, 6, 8), "blocks": 1},
    "johnson": {"width": 4, "blocks": 1},
}
ONE = torch.ones(1)
ALONE = torch.ones(1, 1)


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


def small(name: str, paintings: int = 1) -> StyleNetwork:
    """A network whose norms differ from painting to painting and change with the strength."""
    network = build(name, SMALL[name], paintings).eval().requires_grad_(False)
    network.table.add_(0.3 * torch.randn_like(network.table))
    return network


def on_meta(name: str) -> StyleNetwork:
    """The usual shape, without any numbers in it: counting costs nothing."""
    with torch.device("meta"):
        return build(name)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (32, 131), (97, 34), (40, 39)])
def test_output_has_the_size_of_the_input_and_lies_in_range(name: str, size: tuple[int, int]):
    photo = torch.rand(2, 3, *size)
    painted = small(name)(photo, ONE, ALONE)
    assert painted.shape == photo.shape
    assert painted.min() >= 0 and painted.max() <= 1 and (painted - photo).abs().mean() > 0.1


@pytest.mark.parametrize("name", NETWORKS)
def test_strength_0_gives_the_photo_back_and_more_of_it_paints_otherwise(name: str):
    network, photo = small(name), torch.rand(1, 3, 40, 48)
    results = [network(photo, torch.tensor([strength]), ALONE) for strength in (0.0, 0.2, 0.5, 1.0, 1.5)]
    assert torch.equal(results[0], photo)
    for less, more in pairwise(results):
        assert (less - more).abs().mean() > 0.005
    assert (results[1] - photo).abs().mean() < (results[2] - photo).abs().mean()


def test_gate_opens_early_and_stays_open():
    steps = gate(torch.linspace(0, 1.5, 31))
    assert steps[0] == 0 and steps[10] == pytest.approx(0.9375) and (steps[20:] == 1).all()
    assert (steps.diff()[:20] > 0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_choose_and_mix_paintings(name: str):
    palette, photo, strength = small(name, 3), torch.rand(1, 3, 32, 40), torch.tensor([0.7])
    alone = small(name)
    alone.body.load_state_dict(palette.body.state_dict())

    def as_one(rows: Tensor) -> Tensor:
        alone.table.copy_(rows.mean(0, keepdim=True))
        return alone(photo, strength, ALONE)

    for number, weights in enumerate(torch.eye(3)):
        chosen = palette(photo, strength, 5 * weights[None])  # only their shares count
        assert torch.allclose(chosen, as_one(palette.table[number : number + 1]), atol=1e-6)
    mixed = palette(photo, strength, torch.tensor([[2.0, 0.0, 2.0]]))
    assert torch.allclose(mixed, as_one(palette.table[::2]), atol=1e-6)
    assert (mixed - chosen).abs().mean() > 0.005


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_of_a_batch_are_painted_each_in_its_own_way(name: str):
    network, photos = small(name, 2), torch.rand(3, 3, 32, 40)
    strengths, weights = torch.tensor([0.3, 1.0, 1.5]), torch.tensor([[1.0, 0.0], [1.0, 3.0], [0.0, 1.0]])
    together = network(photos, strengths, weights)
    for number in range(3):
        one = slice(number, number + 1)
        assert torch.allclose(together[one], network(photos[one], strengths[one], weights[one]), atol=1e-5)


def by_hand(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Torch's own instance norm, sample by sample."""
    samples = zip(x, scale, shift, strict=True)
    return torch.stack([F.instance_norm(one[None], weight=w, bias=b, eps=EPSILON)[0] for one, w, b in samples])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_norm_of_a_batch_is_that_of_torch_with_its_gradients(layout: torch.memory_format):
    x = (3 * torch.randn(4, 5, 6, 7, dtype=torch.double) + 2).contiguous(memory_format=layout)
    scale, shift = torch.randn(2, 4, 5, dtype=torch.double)
    inputs, slope = [value.requires_grad_() for value in (x, scale, shift)], torch.randn_like(x)
    ours, wanted = instance_norm(x, scale, shift), by_hand(x, scale, shift)
    assert ours.is_contiguous(memory_format=layout)
    assert torch.allclose(ours, wanted, atol=1e-5)  # the statistics are of single precision
    found = torch.autograd.grad(ours, inputs, slope)
    for got, want in zip(found, torch.autograd.grad(wanted, inputs, slope), strict=True):
        assert torch.allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_norms_are_counted_in_the_order_in_which_they_are_used(name: str):
    network = small(name)
    norms = [module for module in network.modules() if isinstance(module, NormedConv)]
    used: list[nn.Module] = []
    for norm in norms:
        norm.register_forward_hook(lambda module, *_: used.append(module))
    network(torch.rand(1, 3, 32, 32), ONE, ALONE)
    assert used == norms and network.channels == norm_channels(network) == [norm.channels for norm in norms]


def test_residual_block_adds_to_what_came_in():
    block, x = ResidualBlock(4), torch.randn(1, 4, 8, 8)
    nothing, up = torch.zeros(1, 8), torch.tensor([[0.0] * 4 + [2.0] * 4])
    assert torch.equal(block(x, Norms([4, 4], nothing, nothing)), x)  # negative values stay, too
    assert torch.allclose(block(x, Norms([4, 4], nothing, up)), x + 2)


def test_growing_repeats_pixels():
    conv, x = NormedConv(1, 1, grow=True), torch.rand(1, 1, 4, 5)
    conv.conv.weight = nn.Parameter(torch.zeros(1, 1, 3, 3).index_fill_(2, torch.tensor(1), 1.0) / 3)
    plain = Norms([1], ONE[None], torch.zeros(1, 1))
    rows = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    blurred = F.avg_pool2d(F.pad(rows, (1, 1, 0, 0), mode="reflect"), (1, 3), stride=1)
    assert torch.allclose(conv(x, plain), F.instance_norm(blurred, eps=EPSILON), atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_are_painted_as_the_whole_is_once_its_moments_are_known(name: str):
    network = small(name)
    torch.nn.init.normal_(network.table, 0.5)
    photo, strength = torch.rand(1, 3, 256, 320), torch.tensor([0.8])
    unknown, no, yes = torch.zeros(1, 2, sum(network.channels)), torch.zeros(1), torch.ones(1)
    whole, moments = network.paint_tile(photo, strength, ALONE, unknown, no)
    assert torch.allclose(whole, network(photo, strength, ALONE), atol=1e-5)
    tile, _ = network.paint_tile(photo[:, :, :, :256], strength, ALONE, moments, yes)
    own = network(photo[:, :, :, :256], strength, ALONE)
    inner = slice(0, 128)  # beyond what the other part of the picture reaches
    assert torch.allclose(tile[..., inner], whole[..., inner], atol=1e-4)
    assert (own[..., inner] - whole[..., inner]).abs().max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_a_photo_without_any_contrast_is_painted_with_numbers(name: str):
    network = small(name)
    for level in (0.0, 0.3, 1.0):
        photo, unknown = torch.full((1, 3, 64, 64), level), torch.zeros(1, 2, sum(network.channels))
        painted, moments = network.paint_tile(photo, ONE, ALONE, unknown, torch.zeros(1))
        assert painted.isfinite().all() and moments.isfinite().all() and moments[0, 1].min() >= 0


def test_johnson_is_built_as_published():
    convolutions = [module for module in on_meta("johnson").modules() if isinstance(module, nn.Conv2d)]
    found = [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions]
    down = [(3, 32, 9, 1), (32, 64, 3, 2), (64, 128, 3, 2)]
    up = [(128, 64, 3, 1), (64, 32, 3, 1), (32, 3, 9, 1)]
    assert found == [*down, *[(128, 128, 3, 1)] * 10, *up]
    assert {c.padding_mode for c in convolutions} == {"reflect"}


def test_johnson_has_the_weights_of_the_known_network():
    known, biases, change_with_strength = 1_679_235, 1600, 2 * 1600  # a norm follows, so biases do nothing
    assert sum(p.numel() for p in on_meta("johnson").parameters()) == known - biases + change_with_strength


@pytest.mark.parametrize(("name", "least", "most"), [("johnson", 80e9, 82e9), ("swift", 1e9, 12e9)])
def test_operations_at_512_px(name: str, least: float, most: float):
    network = on_meta(name)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, 512, 512), torch.ones(1), torch.ones(1, 1))
    assert least < counter.get_total_flops() <= most


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_and_loaded_it_paints_the_same(name: str, tmp_path: Path):
    network, path = build(name, paintings=2).requires_grad_(False), tmp_path / "base.safetensors"
    network.table.add_(torch.randn_like(network.table))
    save_network(network, name, path, {"steps": 7})
    found_name, found = load_network(path)
    assert found_name == name and found.paintings == 2
    for parameter in network.parameters():
        parameter.copy_(parameter.half())
    assert all(torch.equal(value, found.state_dict()[key]) for key, value in network.state_dict().items())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["card"]) == {"steps": 7}
    assert json.loads(metadata["options"]) == json.loads(json.dumps(default_options(name)))


def broken_files() -> Iterator[tuple[str, dict[str, str], dict[str, Tensor]]]:
    state = build("johnson", SMALL["johnson"]).state_dict()
    right = {"network": "johnson", "options": json.dumps(SMALL["johnson"])}
    yield "without a name", {"options": right["options"]}, state
    yield "without options", {"network": "johnson"}, state
    yield "without weights", right, {}
    yield "options that are not JSON", right | {"options": "{"}, state
    yield "options that are a list", right | {"options": "[1]"}, state
    yield "another shape", right | {"options": '{"width": 8, "blocks": 1}'}, state
    yield "weights of another", right, {"table": state["table"]}
    yield "unknown network", right | {"network": "nope"}, state
    yield "unknown option", right | {"options": '{"depth": 1}'}, state


@pytest.mark.parametrize(("metadata", "state"), [pytest.param(*rest, id=name) for name, *rest in broken_files()])
def test_file_of_no_network_is_one_line(metadata: dict[str, str], state: dict[str, Tensor], tmp_path: Path):
    path = tmp_path / "base.safetensors"
    save_file(state, path, metadata)
    with pytest.raises(ModelError) as raised:
        load_network(path)
    assert "\n" not in str(raised.value) and len(str(raised.value)) > 10


@pytest.mark.parametrize("content", [None, b"", b"no network", b"\xff" * 100])
def test_broken_or_missing_file_is_one_line_that_names_it(content: bytes | None, tmp_path: Path):
    path = tmp_path / "base.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"base\.safetensors: not a network") as raised:
        load_network(path)
    assert "\n" not in str(raised.value)


def test_file_cut_short_is_noticed(tmp_path: Path):
    path = tmp_path / "base.safetensors"
    save_network(build("swift"), "swift", path, {})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"base\.safetensors: not a network"):
        load_network(path)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nope", None, "there is no network 'nope'; choose swift or johnson"),
        ("johnson", {"depth": 3}, "johnson: unknown or unfit options {'depth': 3}"),
        ("swift", {"blocks": "many"}, "swift: unknown or unfit options {'blocks': 'many'}"),
    ],
)
def test_what_is_no_network_is_one_line(name: str, options: dict[str, Any] | None, message: str):
    with pytest.raises(ModelError) as raised:
        build(name, options)
    assert str(raised.value) == message
