"""What a cluster is sized by, as the README shows it: rates that `sizing.py` measured, and arithmetic upon them.

No cluster of ten or a hundred machines was at hand: what is told of them is reckoned here, by the formulas that the
text shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from studio.sweep.contact import MOST_PAGES
from studio.sweep.plan import PHOTOS_AT_ONCE
from studio.sweep.sheets import PER_PAGE

PHOTOS, STYLES, MACHINES = 1000, 100, (1, 10, 100)
BATCH_S = 4.0
"""As in `studio.sweep.ray_workers`: of work, about, that a machine is brought at a time, mostly of one style."""

AT_WORK = ("painting", "reading photos", "opening networks", "Ray", "the ledger")
"""Parts of the time when all machines are at work."""

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a task takes, by arithmetic."""

    parts: Mapping[str, float]
    """Seconds of each, one after another."""
    store_mb: float
    """That the store of the files gives and takes."""

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())

    @property
    def limit(self) -> str:
        """What takes most of the time."""
        return max(self.parts, key=lambda part: self.parts[part])

    @property
    def store_mb_s(self) -> float:
        """While pictures are painted."""
        return self.store_mb / sum(self.parts[part] for part in AT_WORK)


@dataclass(frozen=True)
class Cluster:
    """Machines of the kind that was measured, and what Ray costs there.

    Args:
        figures: of `sizing.py`.
        ray_s: seconds of a core that Ray takes for a picture; a machine alone does without.
    """

    figures: Figures
    ray_s: float
    machines: int

    def paint(self, kind: str) -> Cost:
        """All photos in all styles, each picture by its network."""
        painted, once, files = self.figures["painted"][kind], self.figures["once"], self.figures["files"]
        cores, jobs, proof = self.figures["cores_used"], PHOTOS * STYLES, kind.startswith("proof")
        each = jobs / self.machines
        painting = each * painted["core_s"] / cores
        read = min(PHOTOS, each) if proof else each
        turns = STYLES * math.ceil(PHOTOS / PHOTOS_AT_ONCE) if proof else STYLES
        opened = min(turns, each, max(1.0, painting / BATCH_S)) if proof else min(turns, each)
        machine = {
            "painting": painting,
            "reading photos": read * once["read_proof_s" if proof else "read_final_s"] / cores,
            "opening networks": opened * once["open_s"] / cores,
            "Ray": each * self.ray_s / cores if self.machines > 1 else 0.0,
        }
        waiting = jobs / self.figures["head"]["noted_per_s"] - sum(machine.values())
        plan = self.figures["head"]["plan_s"] * jobs / self.figures["head"]["jobs"] + PHOTOS * files["hash_s"]
        parts = {
            "planning": plan if proof else 0.0,
            **machine,
            "the ledger": max(0.0, waiting),
            "contact sheets": cells_of(jobs, PHOTOS) * painted["cell_s"] if proof else 0.0,
        }
        moved = jobs * painted["file_mb"] + self.machines * (read * files["photo_mb"] + opened * files["style_mb"])
        return Cost(parts, moved)

    def whole_s(self, seconds: float, count: int) -> float:
        """Seconds for so many things, each of which has a machine to itself for so long."""
        return math.ceil(count / self.machines) * seconds


def cells_of(proofs: int, photos: int) -> int:
    """Places on contact sheets: each proof is on its photo's and on its style's, each photo on its own, up to so many
    pages.
    """
    return min(2 * proofs + photos, MOST_PAGES * PER_PAGE)


def sizing_table(figures: Figures, cluster: Figures) -> str:
    """The measured rates, the arithmetic, and what is not in it.

    Args:
        figures: of `sizing.py`.
        cluster: of `cluster.py`.
    """
    ray_s = max(0.0, cluster["overhead_ms_a_picture"] / 1000 * cluster["cores_used"])
    clusters = [Cluster(figures, ray_s, count) for count in MACHINES]
    rates = "".join(f"| {' | '.join(line)} |\n" for line in _rates(figures))
    hours = "".join(f"| {' | '.join(line)} |\n" for line in _hours(figures, clusters))
    head, once = figures["head"], figures["once"]
    return TEXT.format(
        rates=rates,
        hours=hours,
        cores=figures["cores_used"],
        provider={"openvino": "OpenVINO", "cpu": "ONNX Runtime"}.get(figures["provider"], figures["provider"]),
        photos=PHOTOS,
        styles=STYLES,
        jobs=PHOTOS * STYLES,
        block=PHOTOS_AT_ONCE,
        batch_s=BATCH_S,
        read_proof_ms=1000 * once["read_proof_s"],
        read_final_ms=1000 * once["read_final_s"],
        open_ms=1000 * once["open_s"],
        ray_ms=1000 * ray_s,
        cell_ms=1000 * figures["painted"]["proof_512"]["cell_s"],
        pages=MOST_PAGES,
        page=PER_PAGE,
        planned=head["jobs"],
        **{key: head[key] for key in ("plan_s", "noted_per_s")},
        **figures["files"],
    )


KINDS = {
    "proof_512": "a proof, 512 px",
    "final_512": "a final, 512 px",
    "final_2mp": "a final, 2 megapixels",
    "final_12mp": "a final, 12 megapixels",
}
SIZED = ("proof_512", "final_2mp", "final_12mp")
OPTIMIZED = "a final by the optimizer, 512 px"


def _rates(figures: Figures) -> Iterator[tuple[str, ...]]:
    optimized, learned = figures["optimized_512"], figures["learned"]
    timed = {name: figures["painted"][kind] for kind, name in KINDS.items()}
    for what, found in {**timed, OPTIMIZED: optimized}.items():
        yield what, f"{found['core_s']:.3g} s", _a_core(found["core_s"]), f"{found['file_mb']:.2g} MB"
    core_s = learned["seconds"] * figures["cores_used"]
    yield f"a style, learned in {learned['steps']:,} steps", f"{core_s:.3g} s", _a_core(core_s), ""


def _hours(figures: Figures, clusters: list[Cluster]) -> Iterator[tuple[str, ...]]:
    for kind in SIZED:
        stored = f"{PHOTOS * STYLES * figures['painted'][kind]['file_mb'] / 1000:,.0f} GB"
        yield f"{PHOTOS * STYLES:,} × {KINDS[kind]}", stored, *(_cell(cluster.paint(kind)) for cluster in clusters)
    optimized = figures["optimized_512"]
    slow = [cluster.whole_s(optimized["core_s"] / figures["cores_used"], PHOTOS) for cluster in clusters]
    yield f"{PHOTOS:,} × {OPTIMIZED}", f"{PHOTOS * optimized['file_mb'] / 1000:.1f} GB", *map(_duration, slow)
    learned = [cluster.whole_s(figures["learned"]["seconds"], STYLES) for cluster in clusters]
    yield f"{STYLES} × a style, learned", "", *map(_duration, learned)


def _cell(cost: Cost) -> str:
    share = 100 * cost.parts[cost.limit] / cost.seconds
    return f"{_duration(cost.seconds)}; {cost.limit} {share:.0f} %; {cost.store_mb_s:,.0f} MB/s"


def _a_core(seconds: float) -> str:
    """How many a core makes."""
    for span, name in ((1, "a second"), (60, "a minute"), (3600, "an hour")):
        if seconds < span:
            return f"{span / seconds:.3g} {name}"
    return f"{86400 / seconds:.3g} a day"


def _duration(seconds: float) -> str:
    for limit, span, name in ((100, 1, "s"), (100 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / span:.2g} {name}"
    return f"{seconds / 86400:.2g} days"


TEXT = """\
Measured for one core of the machine above, without a graphics card ({provider}); pictures by the sweep itself on all
{cores} cores, networks open and photos read, PNG files with their settings and the ledger included:

| what | seconds of a core | a core makes | file |
|---|---|---|---|
{rates}
A network is opened in {open_ms:.0f} ms. A photo of 12 megapixels ({photo_mb:.1f} MB) is read in {read_proof_ms:.0f} ms
for its proofs, in {read_final_ms:.0f} ms for a final. One machine plans {planned:,} pictures in {plan_s:.1f} s, notes
{noted_per_s:,} a second as done, and puts one on a contact sheet in {cell_ms:.0f} ms. Ray takes {ray_ms:.1f} ms of a
core for a picture.

Arithmetic upon these, for {photos:,} photos × {styles} styles on machines of this kind; none of it was run. A cell
tells the time, what takes most of it, and what all machines together ask of the store while they paint:

| what | files | 1 machine | 10 machines | 100 machines |
|---|---|---|---|---|
{hours}
```
time     = planning + max(machine, pictures ÷ noted a second) + places on sheets × contact sheet
places   = the smaller of 2 × proofs + photos and {pages} pages × {page}
machine  = (mine × (picture + Ray) + read × reading + opened × opening) ÷ cores
mine     = pictures ÷ machines
read     = the smaller of photos and mine, for proofs; mine, for finals
opened   = the smaller of styles × ⌈photos ÷ {block}⌉ and mine × picture ÷ cores ÷ {batch_s:.0f} s, for proofs;
           the smaller of styles and mine, for finals
MB/s     = (pictures × file + machines × (read × photo + opened × network)) ÷ max(machine, pictures ÷ noted a second)

by the optimizer, and learned: time = ⌈how many ÷ machines⌉ × seconds of a core ÷ cores
```

Planning, for which each photo is read once to tell it from others, and contact sheets count for proofs alone; one
machine does without Ray. Not in it: the network and the store, which have to carry the MB/s; starting machines and Ray;
the last batches, when some machines have none left; machines that fall.
"""
