"""What a picture file says beside its pixels: EXIF that gives nothing away, and the settings that made it."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeGuard

import numpy as np
from PIL import ExifTags, Image

_BASE = ExifTags.Base
_EXIF_IFD = int(ExifTags.IFD.Exif)
_KEPT_TAGS = {
    *(_BASE.ImageDescription, _BASE.Make, _BASE.Model, _BASE.Software, _BASE.DateTime, _BASE.Artist),
    *(_BASE.Copyright, _BASE.XResolution, _BASE.YResolution, _BASE.ResolutionUnit, _BASE.Rating),
    *(_BASE.XPTitle, _BASE.XPComment, _BASE.XPAuthor, _BASE.XPKeywords, _BASE.XPSubject),
}
# A maker note is only readable at its old place in the file, and hides previews and positions.
_DROPPED_EXIF_TAGS = {_BASE.MakerNote, ExifTags.IFD.Interop, _BASE.ExifImageWidth, _BASE.ExifImageHeight}
_ASCII = b"ASCII\0\0\0"
_KEY = "impasto"

_PATH = re.compile(
    r"^(?:[\\/~]|\.\.?[\\/]|[A-Za-z]:[\\/]|file:)"  # begins as one
    r"|^(?!.*\s[-/~.\\])[^:]*[\\/][^\\/]*\.\w{1,5}(?::[\d.]+)?$"  # photos/my cat.jpg:0.5, but no command
)
_FOLDERS_IN_TEXT = re.compile(r"(?<![\w.:/\\~-])(?:~|\.\.?|[A-Za-z]:)?[\\/](?:[^\s\\/]+[\\/])*(?=[^\s\\/])")


def clean_exif(exif: Image.Exif) -> bytes | None:
    """The EXIF block without orientation, GPS, thumbnail, maker note and what described the old pixels.

    Serialized as in a JPEG file, with the leading `Exif\\0\\0`; None when nothing is left.
    """
    cleaned = Image.Exif()
    for tag in _KEPT_TAGS & set(exif):
        cleaned[int(tag)] = exif[tag]
    details = {tag: value for tag, value in exif.get_ifd(_EXIF_IFD).items() if tag not in _DROPPED_EXIF_TAGS}
    if _is_ours(details.get(_BASE.UserComment)):
        del details[_BASE.UserComment]
    if _BASE.ColorSpace in details:
        details[_BASE.ColorSpace] = 1  # the pixels are sRGB now
    return _serialize(cleaned, details) if details or len(cleaned) else None


def load_exif(block: bytes | None) -> Image.Exif:
    """An EXIF block as Pillow's mapping; empty for None."""
    exif = Image.Exif()
    exif.load(block or b"")
    return exif


def exif_with_settings(block: bytes | None, text: str | None) -> bytes | None:
    """An EXIF block with the settings as its user comment.

    Args:
        block: from `clean_exif`.
        text: from `settings_text`; None changes nothing.
    """
    if text is None:
        return block
    exif = load_exif(block)
    details = dict(exif.get_ifd(_EXIF_IFD))
    details[int(_BASE.UserComment)] = _ASCII + f'{{"{_KEY}": {text}}}'.encode("ascii")
    return _serialize(exif, details)


def as_stored(value: Any) -> Any:
    """EXIF text beyond ASCII as its bytes: Pillow reads it as Latin-1, whatever it is, but writes `?`."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _serialize(exif: Image.Exif, details: Mapping[int, Any]) -> bytes:
    for tag in exif:
        exif[tag] = as_stored(exif[tag])
    if details:
        exif[_EXIF_IFD] = {tag: as_stored(value) for tag, value in details.items()}
    return exif.tobytes()


def settings_from_exif(exif: Image.Exif) -> Mapping[str, Any] | None:
    """The settings that `exif_with_settings` put in, None when there are none.

    Raises:
        ValueError: They are broken.
    """
    comment = exif.get_ifd(_EXIF_IFD).get(_BASE.UserComment)
    return parse_settings(comment[len(_ASCII) :].rstrip(b"\0 ").decode())[_KEY] if _is_ours(comment) else None


def _is_ours(comment: object) -> TypeGuard[bytes]:
    return isinstance(comment, bytes) and comment.startswith(_ASCII + f'{{"{_KEY}": {{'.encode())


def parse_settings(text: str) -> Mapping[str, Any]:
    """Settings from their JSON.

    Raises:
        ValueError: The JSON is broken or not an object.
    """
    settings = json.loads(text)
    if not isinstance(settings, dict):
        raise ValueError("the settings are not a JSON object")
    return settings


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as JSON in plain ASCII. Every path in it is reduced to its file name."""
    return json.dumps(_without_paths(settings), allow_nan=False)


def _without_paths(value: Any) -> Any:
    """A value as JSON can hold it: any path as a name, NaN and infinity as None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _without_paths({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return {str(_without_paths(key)): _without_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_paths(item) for item in value]
    if isinstance(value, np.generic):
        return _without_paths(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return _file_name(str(value)) if isinstance(value, PurePath) else _reduce_text(str(value))


def _reduce_text(text: str) -> str:
    """`/home/me/cat.jpg` and `photos/cat.jpg` become `cat.jpg`; `and/or` and web addresses stay."""
    return _file_name(text) if _PATH.search(text) else _FOLDERS_IN_TEXT.sub("", text)


def _file_name(path: str) -> str:
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]
