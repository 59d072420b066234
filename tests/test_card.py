"""The card: what goes in comes out, and what is no card is refused by name."""

import base64
import json
from dataclasses import fields, replace
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from toy_style import painting_card, toy_card

from models.card import FORMAT, PaintingCard, StyleCard, pack_gram
from nst_core.errors import ModelError


def changed(path: str, value: Any) -> str:
    """A card's JSON with one value changed, or taken out where the value is `...`."""
    card = json.loads(toy_card(paintings=2).to_json())
    *outer, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    inside = card
    for key in outer:
        inside = inside[key]
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    return json.dumps(card)


def random_gram(channels: int, scale: float = 1.0) -> np.ndarray:
    features = np.random.default_rng(channels).normal(size=(channels, 50)).astype(np.float32)
    return features @ features.T * np.float32(scale)


def test_what_goes_in_comes_out():
    card = toy_card("starry_night", paintings=2, title="Die Nacht – 夜", figures={})
    text = card.to_json()
    assert StyleCard.from_json(text) == card
    assert isinstance(StyleCard.from_json(text).paintings, tuple)
    assert "Die Nacht – 夜" in text and '"format":1' in text


def test_what_a_card_of_the_same_format_says_beyond_is_ignored():
    card = json.loads(toy_card().to_json())
    card["mood"] = card["paintings"][0]["mood"] = "blue"
    assert StyleCard.from_json(json.dumps(card)) == toy_card()


def test_its_painting_is_the_mixture_of_its_paintings():
    first, second = painting_card("first"), painting_card("second")
    second = replace(
        second, gram={layer: pack_gram(random_gram(size)) for layer, size in (("relu1_1", 2), ("relu2_1", 3))}
    )
    card = toy_card("pair", size_px=60, brush_size=1.5)
    painting = replace(card, paintings=(first, second)).painting((0.25, 0.75))
    assert (painting.name, painting.size_px, set(painting.grams)) == ("pair", 90, {"relu1_1", "relu2_1"})
    wanted = 0.25 * np.eye(2) + 0.75 * random_gram(2)
    np.testing.assert_allclose(painting.grams["relu1_1"], wanted, rtol=1e-2)
    np.testing.assert_allclose(painting.color_mean, first.color_mean)
    alone = replace(card, paintings=(first,))
    assert alone.painting((1.0,)).sha256 == alone.painting((1.0,)).sha256 != painting.sha256


def test_whole_numbers_are_numbers():
    card = StyleCard.from_json(changed("seconds", 60))
    assert card.seconds == 60.0 and isinstance(card.seconds, float)


@pytest.mark.parametrize(
    "path",
    [field.name for field in fields(StyleCard)]
    + [f"paintings.1.{field.name}" for field in fields(PaintingCard)]
    + ["photos.count", "photos.sha256"],
)
def test_missing_key_is_named(path: str):
    with pytest.raises(ModelError) as refused:
        StyleCard.from_json(changed(path, ...))
    assert str(refused.value) == f"the card lacks {path.replace('.1.', '[1].')}"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", "1", 'format must be a whole number, not "1"'),
        ("format", True, "format must be a whole number, not true"),
        ("name", 3, "name must be text, not 3"),
        ("name", "../up", "has the name '../up'; a name is of letters"),
        ("name", "", "has the name ''"),
        ("title", None, "title must be text, not null"),
        ("paintings", {}, "paintings must be a list, not {}"),
        ("paintings", [], "the card of toy names no painting"),
        ("paintings.1", "udnie", r'paintings\[1\] must be an object, not "udnie"'),
        ("paintings.1.file", "/home/me/a.jpg", "names a path .* a file name only"),
        ("paintings.1.file", "C:\\a.jpg", "names a path"),
        ("paintings.0.gram.relu1_1", [1], r"paintings\[0\].gram.relu1_1 must be text, not \[1\]"),
        ("losses.content", "much", 'losses.content must be a number, not "much"'),
        ("network_options", [], r"network_options must be an object, not \[\]"),
        ("size_px", 512.5, "size_px must be a whole number, not 512.5"),
        ("seconds", "long", "seconds must be a number"),
        ("seconds", 10**400, "seconds must be a number, not 1000000000000000000000000000000000000000…"),
        ("photos", 12, "photos must be an object, not 12"),
        ("photos.count", False, "photos.count must be a whole number"),
        ("figures", {"judge": float("nan")}, "is not JSON"),
        ("title", "\ud800", "is not JSON"),
    ],
)
def test_wrong_value_is_named(path: str, value: Any, message: str):
    with pytest.raises(ModelError, match=message):
        StyleCard.from_json(changed(path, value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the card is not JSON"),
        ("[" * 100_000, "the card is not JSON"),
        ("[]", r"the card must be an object, not \[\]"),
        ("{}", "the card lacks format"),
        ('{"format": 2}', f"the card has format 2, this program knows {FORMAT}; update Impasto"),
    ],
)
def test_what_is_no_card_is_said(text: str, message: str):
    with pytest.raises(ModelError, match=message):
        StyleCard.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@hypothesis.settings(max_examples=30)
@hypothesis.given(st.sampled_from([*json.loads(toy_card().to_json()), "paintings.0", "paintings.0.gram"]), JSON)
def test_any_other_value_is_taken_or_refused_and_nothing_else(path: str, value: Any):
    try:
        card = StyleCard.from_json(changed(path, value))
    except ModelError:
        return
    assert StyleCard.from_json(card.to_json()) == card


def test_card_that_json_cannot_hold_is_refused():
    with pytest.raises(ModelError, match="card of toy holds a number that is not finite"):
        toy_card(figures={"judge": float("inf")}).to_json()


@pytest.mark.parametrize("channels", [1, 2, 16, 160])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e9])  # relu5_1 of the compact network reaches 1e10
def test_gram_comes_back_to_half_precision(channels: int, scale: float):
    gram = random_gram(channels, scale)
    text = pack_gram(gram)
    assert len(text) == -(-(4 + channels * (channels + 1)) // 3) * 4  # two bytes for each value of a triangle
    card = replace(painting_card("waves"), gram={"relu1_1": text, "relu2_1": pack_gram(np.zeros((3, 3)))})
    found = card.grams()
    assert found["relu1_1"].dtype == np.float32 and found["relu1_1"].shape == (channels, channels)
    assert np.array_equal(found["relu1_1"], found["relu1_1"].T)
    np.testing.assert_allclose(found["relu1_1"], gram, rtol=1e-3, atol=1e-6 * np.abs(gram).max())
    assert np.array_equal(found["relu2_1"], np.zeros((3, 3)))


def test_gram_is_laid_out_row_by_row():
    data = base64.b64decode(pack_gram(np.array([[4, 2, 1], [2, 3, 0], [1, 0, 2]], np.float32)))
    assert np.frombuffer(data, "<f4", 1).tolist() == [4]
    assert np.frombuffer(data, "<f2", offset=4).tolist() == [1, 0.5, 0.25, 0.75, 0, 0.5]


NOT_FINITE = base64.b64encode(np.float32("nan").tobytes() + bytes(2)).decode()


@pytest.mark.parametrize(
    "text",
    ["", "AAA", "?", "é", "AAAAAA==", NOT_FINITE, *(base64.b64encode(bytes(size)).decode() for size in (4, 5, 8, 12))],
)
def test_damaged_gram_is_named(text: str):
    card = replace(painting_card("waves"), gram={"relu1_1": text})
    with pytest.raises(ModelError, match=r"waves: gram\.relu1_1 of the card is no Gram matrix"):
        card.grams()


def test_gram_that_is_not_finite_is_refused():
    with pytest.raises(ModelError, match="not finite"):
        pack_gram(np.array([[1, np.nan], [np.nan, 1]], np.float32))
