"""What `impasto train` is to learn: the paintings that are named, with what their styles' cards will say."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import yaml
from jsonargparse import Namespace

from impasto.stores import local, place
from models.catalog import SUFFIX, user_folder
from nst_core.errors import ConfigError, ImageError
from nst_core.files import sha256
from nst_core.picture import find_pictures, read_picture
from train.style.job import Painting, StyleJob, describe, shipped_base
from train.style.options import StyleOptions

ABOUT_KEYS = ("title", "artist", "license")


def plan_jobs(options: Namespace) -> tuple[list[StyleJob], int]:
    """What is to be learned, and how many of the paintings cannot be read; of these, the reasons are printed.

    Raises:
        ConfigError: the options do not fit together.
        ImageError: none of the paintings can be read.
    """
    paths = find_pictures(local(options.painting))
    about = _read_about(options, paths)
    paintings, failures = [], []
    for path in paths:
        try:
            read_picture(path)
            paintings.append(describe(path.resolve(), about.get(path.name, {})))
        except ImageError as error:
            failures.append(error)
    if not paintings:
        raise failures[0] if failures else ImageError(f"there is no picture in {', '.join(options.painting)}")
    for error in failures:
        print(f"impasto: {error}; skipped", file=sys.stderr)
    chosen = StyleOptions(**{field.name: options[field.name] for field in fields(StyleOptions)})
    if options.palette:
        groups = [(options.palette, options.title or options.palette.replace("_", " ").title(), paintings)]
    else:
        groups = [(painting.name, painting.title, [painting]) for painting in _named_apart(paintings)]
    return [_job(options, chosen, *group) for group in groups], len(failures)


def _named_apart(paintings: Sequence[Painting]) -> list[Painting]:
    """Those of the same name, in several folders, are numbered."""
    taken: dict[str, int] = {}
    named = []
    for painting in paintings:
        taken[painting.name] = count = taken.get(painting.name, 0) + 1
        named.append(painting if count == 1 else replace(painting, name=f"{painting.name}_{count}"))
    return named


def _job(options: Namespace, chosen: StyleOptions, name: str, title: str, paintings: Sequence[Painting]) -> StyleJob:
    base = _base(options)
    return StyleJob(
        name=name,
        title=title,
        paintings=tuple(paintings),
        options=chosen,
        photos=Path(place(options.photos)).resolve() if options.photos else None,
        base=base,
        base_sha256=sha256(base) if base else None,
        output=styles_folder(options) / f"{name}{SUFFIX}",
    )


def styles_folder(options: Namespace) -> Path:
    """Where the styles go, as a full path; of a store, where the copy of its folder is."""
    return (Path(place(options.out)) if options.out else user_folder()).resolve()


def _base(options: Namespace) -> Path | None:
    """The network to begin from.

    Raises:
        ConfigError: there is no such file.
    """
    if options.base == "none":
        return None
    if options.base:
        path = Path(options.base).resolve()
        if not path.is_file():
            raise ConfigError(f"--base {options.base}: there is no such file; name a network.safetensors, or none")
        return path
    return shipped_base(options.network)


def _read_about(options: Namespace, paths: Sequence[Path]) -> Mapping[str, Mapping[str, str]]:
    """Title, artist and license of each painting, by file name.

    Raises:
        ConfigError: the file is broken, or one title is given for several paintings.
    """
    given = {key: options[key] for key in ABOUT_KEYS if options[key]}
    if given and len(paths) > 1 and not (options.palette and given.keys() == {"title"}):
        raise ConfigError(f"--{next(iter(given))} is for one painting; for {len(paths)} give --about FILE")
    if not options.about:
        return {path.name: given for path in paths}
    try:
        found = yaml.safe_load(Path(options.about).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{options.about} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise ConfigError(
            f"{options.about} must be like {{starry_night.jpg: {{title: ..., artist: ..., license: ...}}}}"
        )
    return {str(name): {key: str(entry[key]) for key in ABOUT_KEYS if key in entry} for name, entry in found.items()}
