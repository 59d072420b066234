"""`impasto styles`: which styles there are, and what their cards say."""

import json
import numbers
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.card import StyleCard
from models.catalog import Style, find_style, styles, user_folder

EXAMPLES = """\
examples:
  impasto styles                         list all: those that ship, and your own
  impasto styles starry_night            all that one style says about itself
  impasto styles my/six.onnx --json      the same of a file, as JSON

J, where it is there, is the judge's figure for the style's pictures: lower is better.
"""

PIPED_WIDTH = 1000
"""Columns where there is no terminal to fit into."""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto styles", description="List the styles, or tell all about one.", epilog=EXAMPLES
    )
    parser.add_argument("name", nargs="?", metavar="NAME", type=str, help="a style, or the path of its .onnx file")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    return parser


def run(options: Namespace) -> int:
    """Prints the list, or a card; gives the exit code."""
    found = styles() if options.name is None else [find_style(options.name)]
    if options.json:
        abouts = [_about(style) for style in found]
        print(json.dumps(abouts if options.name is None else abouts[0], indent=2))
    elif options.name is not None:
        _print(_card(found[0]))
    elif found:
        _print(_list(found))
    else:
        print("There are no styles yet. Learn one from a painting: impasto train PAINTING")
        print(f"Style files from elsewhere go into {user_folder()}")
    return 0


def _print(table: Table) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def _list(found: Sequence[Style]) -> Table:
    right = [Column(heading, justify="right", no_wrap=True) for heading in ("file", "trained", "J")]
    columns = (Column("name", no_wrap=True), "title", "artist", "license", "network", *right)
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for style in found:
        card = style.card
        texts = (
            style.name,
            card.title,
            _each(painting.artist for painting in card.paintings),
            _each(painting.license for painting in card.paintings),
            card.network,
            f"{style.path.stat().st_size / 1e6:.1f} MB",
            f"{card.seconds:.0f} s",
            _judged(card),
        )
        table.add_row(*map(Text, texts))  # as text, since brackets in a title are no markup
    return table


def _each(texts: Iterable[str]) -> str:
    """What several paintings say, without repeats."""
    return ", ".join(dict.fromkeys(texts))


def _judged(card: StyleCard) -> str:
    """The judge's figure, or the mean of several."""
    judge = card.figures.get("judge")
    figure = judge.get("mean") if isinstance(judge, dict) else judge
    return f"{figure:.2f}" if isinstance(figure, numbers.Real) else ""


def _about(style: Style) -> dict[str, Any]:
    """The style's file, and its card with the layers of its Gram matrices only."""
    card = asdict(style.card)
    for about, painting in zip(card["paintings"], style.card.paintings, strict=True):
        about["gram"] = list(painting.gram)
    return {"style": style.name, "path": str(style.path), "bytes": style.path.stat().st_size} | card


def _card(style: Style) -> Table:
    table = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2, 0, 0))
    for key, text in _lines(_about(style), ""):
        table.add_row(Text(key), Text(text))
    return table


def _lines(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """What is inside a card as one line for each value: keys with dots, and the value."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _lines(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value, 1):
            yield from _lines(item, f"{key}.{number}")
    else:
        yield key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
