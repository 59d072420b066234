"""VGG as a loss network: torchvision's features, but for the frame that zero padding leaves."""

import pytest
import torch
import torchvision

from nst_core import weights
from nst_core.errors import WeightsError
from nst_core.features import load_network
from nst_core.vgg import IMAGENET_MEAN, IMAGENET_STD, LAYERS, STRIDES, VggNetwork

RELUS = {"vgg19": (1, 6, 11, 20, 29), "vgg16": (1, 6, 11, 18, 25)}
"""Index of relu1_1 to relu5_1 among torchvision's features."""
BORDER_PX = 80
"""How far the padding is seen at relu5_1; see the halo."""


@pytest.fixture(params=["vgg19", "vgg16"])
def theirs(request: pytest.FixtureRequest) -> tuple[str, torch.nn.Sequential]:
    """Random weights; the classifier is left out."""
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    with torch.device("meta"):
        features = getattr(torchvision.models, request.param)(weights=None).features
    for layer in features[: RELUS[request.param][-1] + 1]:
        if isinstance(layer, torch.nn.Conv2d):
            layer = torch.nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1)
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        layers.append(torch.nn.ReLU() if isinstance(layer, torch.nn.ReLU) else layer)
    return request.param, torch.nn.Sequential(*layers)


@torch.no_grad()
def test_features_are_torchvisions_away_from_the_border(theirs: tuple[str, torch.nn.Sequential]):
    name, reference = theirs
    tensors = {f"features.{key}": value for key, value in reference.state_dict().items()}
    ours = VggNetwork(name, tensors)
    x = torch.rand(1, 3, 208, 200)
    y = (x - torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)) / torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    expected = {}
    for i, layer in enumerate(reference):
        y = layer(y)
        if i in RELUS[name]:
            expected[LAYERS[RELUS[name].index(i)]] = y.clone()
    features = ours.features(x)
    assert list(features) == list(LAYERS)
    for layer, f in features.items():
        assert f.shape == expected[layer].shape
        n = BORDER_PX // STRIDES[layer]
        inside = (slice(None), slice(None), slice(n, -n), slice(n, -n))
        torch.testing.assert_close(f[inside], expected[layer][inside], rtol=1e-4, atol=1e-4)
        assert not torch.allclose(f[..., :1, :], expected[layer][..., :1, :], rtol=1e-2)


@torch.no_grad()
def test_a_flat_picture_has_no_frame():
    torch.manual_seed(0)
    for f in VggNetwork("vgg19").features(torch.full((1, 3, 48, 48), 0.3)).values():
        torch.testing.assert_close(f, f[..., :1, :1].expand_as(f), rtol=1e-4, atol=1e-5)


def test_only_what_is_asked_for_is_computed():
    network = VggNetwork("vgg19")
    ran = []
    for number, block in enumerate(network.blocks, 1):
        block[0].register_forward_hook(lambda *_, number=number: ran.append(number))  # type: ignore[index]
    assert list(network.features(torch.rand(1, 3, 32, 32), ["relu2_1"])) == ["relu2_1"]
    assert ran == [1, 2]


def test_weights_are_frozen():
    assert not any(parameter.requires_grad for parameter in VggNetwork("vgg16").parameters())


def test_loading_takes_the_weights_on_this_machine(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    state = {key: torch.randn(shape) * 0.01 for key, shape in weights.LOSS_WEIGHTS["vgg16"].shapes().items()}
    monkeypatch.setattr(weights, "load", lambda name: {"vgg16": state}[name])
    network = load_network("vgg16")
    assert network.name == "vgg16"
    assert isinstance(network, VggNetwork)
    assert network.blocks[4][0].weight.equal(state["features.24.weight"])  # type: ignore[index]


def test_loading_says_what_to_do():
    with pytest.raises(WeightsError, match="impasto weights get vgg19"):
        load_network("vgg19")
    with pytest.raises(WeightsError, match="'vgg11'; choose compact, vgg19 or vgg16"):
        load_network("vgg11")
