"""Rows of the README's table of figures on the artist's workflow; see `rows.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]
Row = tuple[str, str, str]
"""What was measured, ours, and the baseline of the same run."""


def gallery(figures: Figures) -> list[Row]:
    page = figures["page_ms"]
    return [
        (
            f"the Gallery tab with {figures['renders']:,} renders: from the click to all of the wall in sight "
            "(new folder, without thumbnails: first look)",
            f"{figures['open_again_s']:.1f} s (first look: {figures['open_first_s']:.1f} s)",
            f"target: {figures['target_open_s']:.0f} s",
        ),
        (
            "its wall a page on, median / 95 %",
            f"{page['median']:.0f} / {page['p95']:.0f} ms",
            f"target: {figures['target_page_ms']} ms",
        ),
    ]


def sweep(figures: Figures) -> list[Row]:
    bare, photos, styles = figures["bare_per_minute"], figures["photos"], figures["styles"]
    return [
        (
            f"`impasto sweep`, proofs of {photos} photos × {styles} styles, {figures['size']} px",
            f"{figures['sweep_per_minute']} pictures a minute",
            f"the bare networks, opened in that time: {bare['opened']}, so {figures['ratio']:.2f} of it; "
            f"open already: {bare['open already']}",
        )
    ]


def cluster(figures: Figures) -> list[Row]:
    rate, start = figures["per_minute"], figures["start_s"]
    return [
        (
            f"`impasto sweep --engine ray` on this machine alone, {figures['photos']} photos × {figures['styles']} "
            f"styles, {figures['size']} px",
            f"{rate['ray']} pictures a minute, the first after {start['ray']:.0f} s",
            f"`--engine local`: {rate['local']}, so Ray costs {100 * figures['overhead']:.0f} % "
            f"({figures['overhead_ms_a_picture']:.0f} ms a picture); first after {start['local']:.1f} s",
        )
    ]


def upscale(figures: Figures) -> list[Row]:
    before, after = figures["size_px"]
    waifu2x, lanczos, repaint = (figures["ways"][way] for way in ("waifu2x", "lanczos", "repaint"))
    many, close, tiles = figures["batch"], figures["closeness_db"], figures["tiles"]
    return [
        (
            f"a painted picture of {before:,} px enlarged to {after:,} px by Waifu2x on the {figures['where']}, "
            "start of the program included",
            f"{waifu2x['seconds']:.1f} s, {waifu2x['peak_gb']:.2f} GB",
            f"Lanczos: {lanczos['seconds']:.1f} s, {lanczos['peak_gb']:.2f} GB; painted at {after:,} px instead: "
            f"{repaint['seconds']:.1f} s, {repaint['peak_gb']:.2f} GB",
        ),
        (
            "photos made half as large and enlarged again: PSNR to the original",
            f"Waifu2x: {close['waifu2x']:.1f} dB",
            f"Lanczos: {close['lanczos']:.1f} dB",
        ),
        (
            f"Waifu2x in small tiles against the whole picture at once; memory late in a batch of {many['pictures']} "
            "pictures, to that early in it",
            f"{tiles['psnr_db']:.0f} dB; {many['last_fifth_gb'] / many['second_fifth_gb']:.2f}",
            "",
        ),
    ]


def layers(figures: Figures) -> list[Row]:
    what = f"a {figures['pixels'] / 1e6:.0f}-megapixel photo and {figures['renders']} renders in layers"
    psd, ora = figures["psd_white"], figures["ora_white"]
    return [
        (f"{what}, .psd", f"{psd['seconds']:.0f} s, peak memory {psd['peak_gb']:.1f} GB, {psd['file_mb']} MB", ""),
        (f"{what}, .ora", f"{ora['seconds']:.0f} s, peak memory {ora['peak_gb']:.1f} GB, {ora['file_mb']} MB", ""),
    ]


def advise_quality(figures: Figures) -> list[Row]:
    rank = "scores of `impasto advise`: Spearman's rank correlation with how well pictures come out, by the judge"
    found, contents = figures["styles"], figures["contents"]
    held_out = " and ".join(f"{value:.2f}" for value in found["held_out"])
    return [
        (
            f"{rank}; {found['count']} pictures as styles, equal effort",
            f"{found['correlation']:.2f}; weights fitted to one half, on the other: {held_out}",
            f"with -J alone: {found['correlation_minus_J']:.2f}",
        ),
        (
            f"the same; {contents['count']} photos as contents, in {len(contents['styles'])} styles",
            f"{contents['correlation']:.2f}",
            f"with -J alone: {contents['correlation_minus_J']:.2f}",
        ),
    ]
