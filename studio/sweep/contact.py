"""Which contact sheets a sweep has: one for each photo and one for each style, and of very many the best."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from nst_core.fetch import here
from studio.sweep.choice import Proof, best_first
from studio.sweep.report_page import MARKS
from studio.sweep.sheets import PER_PAGE, Cell, Sheet, count_pages

MOST_PAGES = 200
"""Where they would be more, the best of each style and of so many photos are on one page each."""


class Contact:
    """The sheets of a sweep.

    Args:
        folder: of the sweep.
        proofs: that are painted.
        ratings: what the artist thinks, by file below the folder.
    """

    def __init__(self, folder: Path, proofs: Sequence[Proof], ratings: Mapping[str, str]) -> None:
        self._folder, self._ratings = folder, ratings
        self.photos = _grouped(
            proofs, lambda proof: proof.photo, lambda proof: (proof.photo_name, proof.photo, proof.label)
        )
        """The proofs of each photo, by its file."""
        self._names = _names(self.photos)
        self._styles = _grouped(
            proofs, lambda proof: proof.label, lambda proof: (proof.label, self._names[proof.photo])
        )
        """Those of each style and settings; those of files of one name are on one sheet."""

    def sheets(self) -> list[Sheet]:
        """All of them, if they are not too many."""
        count = sum(count_pages(len(some)) for some in self._styles.values())
        count += sum(count_pages(len(some) + 1) for some in self.photos.values())
        if count > MOST_PAGES:
            return self._best()
        return [
            *(self._of_photo(path, some, f"{len(some)} proofs") for path, some in self.photos.items()),
            *(self._of_style(label, some, f"{len(some)} photos") for label, some in self._styles.items()),
        ]

    def name_of_photo(self, path: str) -> str:
        """Of a photo's sheet."""
        return f"photo-{self._names[path]}"

    def _best(self) -> list[Sheet]:
        """A page of each style, and one of each photo as far as there is room, both with the best."""
        order = best_first(self._ratings)
        found: list[Sheet] = []
        for make, groups, room in (
            (self._of_style, self._styles, PER_PAGE),
            (self._of_photo, self.photos, PER_PAGE - 1),
        ):
            first = {name: order(min(some, key=order)) for name, some in groups.items()}
            for name in sorted(groups, key=first.__getitem__)[: MOST_PAGES - len(found)]:
                kept = {proof.out for proof in sorted(groups[name], key=order)[:room]}
                some = [proof for proof in groups[name] if proof.out in kept]
                found.append(make(name, some, f"the best {len(some)} of {len(groups[name])}"))
        return found

    def _of_style(self, label: str, proofs: Iterable[Proof], title: str) -> Sheet:
        cells = [self._cell(proof, self._names[proof.photo]) for proof in proofs]
        return Sheet(f"style-{label.replace(' ', '-')}", f"{label}: {title}", cells)

    def _of_photo(self, path: str, proofs: Iterable[Proof], title: str) -> Sheet:
        cells = [Cell("the photo", here(path)), *(self._cell(proof, proof.label) for proof in proofs)]
        return Sheet(self.name_of_photo(path), f"{Path(path).name}: {title}", cells)

    def _cell(self, proof: Proof, label: str) -> Cell:
        mark = MARKS.get(self._ratings.get(proof.out, ""), "")
        return Cell(f"{label} {mark}".strip(), self._folder / proof.out)


def _grouped(
    proofs: Iterable[Proof], key: Callable[[Proof], str], order: Callable[[Proof], tuple[str, ...]]
) -> dict[str, list[Proof]]:
    """The proofs in order, by the key."""
    groups: dict[str, list[Proof]] = defaultdict(list)
    for proof in sorted(proofs, key=order):
        groups[key(proof)].append(proof)
    return groups


def _names(paths: Iterable[str]) -> dict[str, str]:
    """The name of each photo without its suffix, numbered where an earlier one is the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for path in paths:
        stem, number = Path(path).stem, 1
        name = stem
        while name.lower() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.lower())
        names[path] = name
    return names
