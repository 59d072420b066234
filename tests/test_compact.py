"""The compact loss network: its features, its folded heads, its file."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from nst_core.compact import TEACHER_CHANNELS, CompactNetwork, CompactOptions, load_compact, save_compact
from nst_core.errors import WeightsError
from nst_core.losses import content_error
from nst_core.vgg import LAYERS, STRIDES

OPTIONS = CompactOptions(widths=(4, 4, 6, 4, 6, 4, 4, 4, 6, 4, 4, 4, 8))


@pytest.fixture
def network() -> CompactNetwork:
    torch.manual_seed(0)
    return CompactNetwork(OPTIONS).freeze()


def test_features_have_the_strides_and_widths_they_say(network: CompactNetwork):
    features = network.features(torch.rand(2, 3, 75, 131))
    assert list(features) == list(LAYERS)
    for (layer, f), width in zip(features.items(), (4, 6, 6, 6, 8), strict=True):
        assert f.shape == (2, width, 75 // STRIDES[layer], 131 // STRIDES[layer])
        assert float(f.min()) >= 0


def test_only_the_layers_asked_for_are_returned(network: CompactNetwork):
    x = torch.rand(1, 3, 64, 64)
    every = network.features(x)
    some = network.features(x, ["relu4_1", "relu2_1"])
    assert set(some) == {"relu2_1", "relu4_1"}
    for layer, f in some.items():
        assert f.equal(every[layer])


def test_nothing_deeper_than_the_last_layer_is_computed(network: CompactNetwork):
    ran = []
    for i, conv in enumerate(network.convs):
        conv.register_forward_hook(lambda *_, i=i: ran.append(i))
    network.features(torch.rand(1, 3, 64, 64), ["relu2_1"])
    assert ran == [0, 1, 2]


def test_a_flat_picture_has_no_frame(network: CompactNetwork):
    for f in network.features(torch.full((1, 3, 64, 64), 0.3)).values():
        torch.testing.assert_close(f, f[..., :1, :1].expand_as(f))


def test_folded_heads_measure_what_the_heads_themselves_do():
    torch.manual_seed(0)
    network = CompactNetwork(OPTIONS).double().freeze()
    for layer, width in zip(LAYERS, (4, 6, 6, 6, 8), strict=True):
        head = network.teacher_heads[layer].weight[:, :, 0, 0]  # type: ignore[union-attr, index]
        folded = network.heads[layer]
        assert head.shape == (TEACHER_CHANNELS[layer], width)
        assert folded is not None
        assert folded.shape == (width, width)
        difference = torch.randn(width, width, dtype=torch.float64)
        gram, folded_gram = (torch.linalg.norm(h @ difference @ h.mT) for h in (head, folded))
        torch.testing.assert_close(gram, folded_gram)
        f, g = torch.rand(2, 1, width, 5, 7, dtype=torch.float64)
        for a, b in zip(content_error(f, g, head), content_error(f, g, folded), strict=True):
            torch.testing.assert_close(a, b)


def test_a_saved_network_comes_back(network: CompactNetwork, tmp_path: Path):
    file = tmp_path / "deep" / "compact.safetensors"
    save_compact(network, file, {"steps": 3})
    loaded = load_compact(file)
    assert loaded.options == OPTIONS
    for key, value in network.state_dict().items():
        assert loaded.state_dict()[key].equal(value.half().float()), key
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    x = torch.rand(1, 3, 64, 64)
    for layer, f in loaded.features(x).items():
        torch.testing.assert_close(f, network.features(x)[layer], rtol=0.02, atol=0.02)


def test_the_usual_network_fits_into_4_mb(tmp_path: Path):
    save_compact(CompactNetwork(), tmp_path / "compact.safetensors", {})
    assert (tmp_path / "compact.safetensors").stat().st_size <= 4e6


def test_the_usual_network_does_less_than_an_eighth_of_vgg_19s_work():
    """Multiplications a pixel of 3x3 convolutions to relu5_1, counted from the widths."""

    def work(widths: tuple[int, ...], pools_after: set[int]) -> float:
        total, channels, area = 0.0, 3, 1.0
        for i, width in enumerate(widths):
            total += 9 * channels * width * area
            channels = width
            area /= 4 if i in pools_after else 1
        return total

    vgg = work((64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512), {1, 3, 7, 11})
    assert work(CompactOptions().widths, {1, 3, 7, 11}) < vgg / 8


def test_gradients_reach_the_picture(network: CompactNetwork):
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    loss = torch.stack([f.square().mean() for f in network.features(x).values()]).sum()
    (gradient,) = torch.autograd.grad(loss, x)
    assert math.isfinite(float(gradient.norm())) and float(gradient.abs().min()) > 0


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "other", "options", "list"])
def test_a_broken_file_is_one_clear_line(network: CompactNetwork, tmp_path: Path, damage: str):
    file = tmp_path / "compact.safetensors"
    save_compact(network, file, {})
    whole = file.read_bytes()
    match damage:
        case "missing":
            file.unlink()
        case "cut":
            file.write_bytes(whole[: len(whole) // 2])
        case "text":
            file.write_bytes(b"no network at all")
        case "other":
            save_file({"a": torch.zeros(1)}, file)
        case "options":
            file.write_bytes(whole.replace(b"6, 4, 4, 4, 8]", b"6, 4, 4, 4, 9]"))
        case "list":
            save_file({"a": torch.zeros(1)}, file, {"options": "[1]"})
    with pytest.raises(
        WeightsError, match=r"^compact\.safetensors: not a compact loss network \(.*\); reinstall Impasto$"
    ):
        load_compact(file)


def test_a_wrong_number_of_widths_is_refused():
    with pytest.raises(WeightsError, match="13 widths, not 3"):
        CompactNetwork(CompactOptions(widths=(4, 4, 4)))


def test_views_see_the_picture_mirrored_and_turned(network: CompactNetwork):
    """Each view's features are those of the network for one of the eight orientations of the picture."""
    x = torch.rand(1, 3, 64, 64)
    turned = [torch.rot90(y, k, (2, 3)) for y in (x, x.flip(3)) for k in range(4)]
    # The same moments, whichever way the map of features is turned.
    expected = [network.features(y)["relu5_1"].mean((0, 2, 3)) for y in turned]
    views = network.views()
    assert len(views) == 8
    seen = [view.features(x)["relu5_1"].mean((0, 2, 3)) for view in views]
    assert seen[0].equal(expected[0])
    for features in seen:
        assert sum(torch.allclose(features, e, rtol=1e-4) for e in expected) == 1
    assert len({tuple(f.tolist()) for f in seen}) == 8
    assert all(view.heads is network.heads for view in views)
