"""What the README's table of figures tells of each file in `results/`; no figure is typed by hand.

To add to the table: write a function that makes rows of the figures of a file, and name it in `ROWS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import mean

from rows_studio import Figures, Row, advise_quality, cluster, gallery, layers, sweep, upscale


def apply(figures: Figures) -> list[Row]:
    sizes = figures["seconds"].values()
    swift, johnson = (" / ".join(f"{size[name]['session']:.2g}" for size in sizes) for name in ("swift", "johnson"))
    faster = " / ".join(f"{size['session']:.1f}" for size in figures["times_faster"].values())
    what = " / ".join(f"{size}×{size}" for size in figures["seconds"])
    return [
        (
            f"the network alone, {what}, ONNX Runtime",
            f"swift: {swift} s",
            f"johnson of width 32: {johnson} s, so {faster} times as long",
        )
    ]


def engine(figures: Figures) -> list[Row]:
    warm, large, johnson, huge = (figures[key] for key in ("512_px_warm", "12_mp", "12_mp_johnson_whole", "100_mp"))
    tiles = [min(style["psnr_db"] for style in figures[f"tiles_{size}_mp"].values()) for size in (4, 12)]
    similar = figures["preview_and_print_ssim"].values()
    many = figures["thousand_pictures"]
    earlier = ", an earlier run" if "from_an_earlier_run_at_commit" in many else ""
    return [
        (
            f"the engine, array to array, 512×512, warm ({figures['provider'].replace('openvino', 'OpenVINO')})",
            f"{warm['engine']:.3f} s",
            f"the bare network: {warm['network']:.3f} s",
        ),
        (
            "`impasto paint`, from typing to the file on disk, 512×512",
            f"{figures['paint_command_cold']['seconds']:.2f} s",
            "",
        ),
        (
            "12 megapixels within 1.5 GB",
            f"{large['seconds']:.1f} s, {large['peak_gb']:.2f} GB",
            "johnson, the whole picture at once in ONNX Runtime: "
            f"{johnson['seconds']:.1f} s, {johnson['peak_gb']:.2f} GB",
        ),
        ("100 megapixels within 3.5 GB", f"{huge['seconds']:.0f} s, {huge['peak_gb']:.2f} GB", ""),
        (
            "tiles against the whole picture at once, 4 / 12 megapixels, float32",
            f"{tiles[0]:.0f} / {tiles[1]:.0f} dB",
            "",
        ),
        (
            "a preview of 500 px and a print of 4,000 px made as small, brush 0.5 to 2 (SSIM)",
            f"{min(similar):.2f} to {max(similar):.2f}",
            "",
        ),
        (
            f"memory after 1,000 pictures of mixed sizes in all styles, to that after 200{earlier}",
            f"{many['ratio']:.2f}",
            "",
        ),
    ]


def page_latency(figures: Figures) -> list[Row]:
    took = figures["input_to_picture_ms"]
    return [
        (
            f"the page, slider to repainted picture in the browser, {figures['size_px']} px, median / 95 %",
            f"{took['median']:.0f} / {took['p95']:.0f} ms",
            f"the bare network: {figures['bare_network_ms']:.0f} ms",
        )
    ]


def serve_load(figures: Figures) -> list[Row]:
    together, memory = figures["together"], figures["memory_gb"]
    refused = sum(together["answers"].values()) - together["answers"]["200"]
    return [
        (
            f"{figures['clients']} clients at once for {figures['seconds']:g} s, 512 px: answers, median / 95 %",
            f"{together['answers']['200']:,}, {refused or 'none'} refused; "
            f"{together['median_seconds']:.2f} / {together['p95_seconds']:.2f} s; "
            f"memory from {memory['first_quarter']:.2f} to {memory['last_quarter']:.2f} GB",
            f"one client: {figures['alone']['median_seconds']:.2f} s",
        )
    ]


def train_step(figures: Figures) -> list[Row]:
    count, _, size, _ = figures["batch"]
    rates = figures["photos_per_s"]
    return [
        (
            f"learning, batch {count} of {size}×{size}",
            f"{rates['swift']:.0f} photos a second",
            f"the classic recipe, johnson through VGG-16: {rates['classic']:.1f}",
        ),
        (
            f"a style of {figures['steps_per_style']} steps, the default",
            f"{figures['tflop_per_style']:.0f} TFLOP, {figures['peak_resident_gb']:.2f} GB of memory",
            "",
        ),
    ]


def night(figures: Figures) -> list[Row]:
    steps, seconds = figures["steps"].values(), figures["seconds"].values()
    return [
        (
            f"{figures['styles']} styles ({min(steps)} to {max(steps)} steps) in a row",
            f"{min(seconds):.0f} to {max(seconds):.0f} s each with start and export, "
            f"{len(figures['failed']) or 'none'} failed; "
            f"an eight-hour night would hold about {figures['extrapolated_styles_in_8_h']} (extrapolated)",
            "",
        )
    ]


def style_quality(figures: Figures) -> list[Row]:
    styles = {name: style for name, style in figures["styles"].items() if "anchor_J" in style}
    ours, theirs = (", ".join(f"{style[key]:.2f}" for style in styles.values()) for key in ("J", "anchor_J"))
    return [
        (
            f"style + content loss J by an independent judge (lower is better), mean of {figures['photos']} photos: "
            f"{', '.join(styles)}, learned as in scripts/train-shipped",
            ours,
            f"well-known networks of 1.68 M parameters by others: {theirs}",
        )
    ]


def strength(figures: Figures) -> list[Row]:
    ratios = [ratio for style in figures["styles"].values() for ratio in style["style_to_blend"].values()]
    strengths = next(iter(figures["styles"].values()))["style_to_blend"]
    below = sum(ratio < 1 for ratio in ratios)
    return [
        (
            f"style error at strengths {', '.join(strengths)}, {len(figures['styles'])} styles: mean "
            f"({below} of {len(ratios)} are below 1, the worst is {max(ratios):.2f})",
            f"{mean(ratios):.2f} of the baseline's",
            "photo and painting blended, at an equal content error",
        )
    ]


def loss_networks(figures: Figures) -> list[Row]:
    seconds, size = figures["seconds"], figures["size_px"]
    return [
        (
            f"`compact`, forward and backward at {size}×{size}",
            f"{seconds['compact']:.2f} s",
            f"VGG-19 to relu5_1: {seconds['vgg19']:.2f} s, so "
            f"{figures['times_faster_than_vgg19']['compact']:.1f} times as long",
        )
    ]


def compact_card(card: Figures) -> list[Row]:
    errors = card["gram_errors"]
    return [
        (
            f"Gram matrices of `compact`, {' / '.join(errors['median'])}: ‖G − T‖² / ‖T‖², "
            f"median of {errors['pictures']} photos and paintings that it was not trained on",
            " / ".join(f"{error:.3f}" for error in errors["median"].values()),
            "T is VGG-19's",
        )
    ]


def optimize_quality(figures: Figures) -> list[Row]:
    pairs, iterations = len(figures["pairs"]), figures["reference_iterations"]
    return [
        (
            f"`impasto optimize`, 512 px, start of the program included: median of {pairs} pairs",
            f"{figures['median_seconds']:.1f} s",
            f"{iterations} iterations of a reference L-BFGS through VGG-19's filters: "
            f"{figures['median_reference_seconds']:.1f} s",
        ),
        (
            "its style + content loss J by an independent judge, median (lower is better)",
            f"{figures['median_J']:.3f}",
            f"the same reference: {figures['median_reference_J']:.3f}",
        ),
    ]


def compare_quality(figures: Figures) -> list[Row]:
    everything, photos, styles = figures["all"], figures["photos"], len(figures["styles"])
    anchored = sum("anchor" in pair["equal_by_judge"] for pair in figures["pairs"])
    j = everything["J"]
    return [
        (
            f"iterations of L-BFGS that a style's network equals, on its own loss under `compact`, median of {photos} "
            f"photos in {styles} styles: from the photo / from white noise",
            f"{everything['equal_from_photo']:.1f} / {everything['equal_from_noise']:.0f}",
            "",
        ),
        (
            f"the same on the judge's J, from the photo, {anchored} of these pairs",
            f"{everything['equal_by_judge_where_there_are_anchors']:.1f}",
            f"the well-known networks: {everything['anchors_equal_by_judge']:.1f}",
        ),
        (
            "J of the fast picture, and after 25 iterations from it, median of all these pairs",
            f"{j['fast']:.2f}, then {j['refined 25']:.3f}",
            f"from the photo: {j['slow 25']:.3f} after 25, {j['slow 100']:.3f} after 100",
        ),
    ]


def optimize_memory(figures: Figures) -> list[Row]:
    return [
        (
            f"a {figures['pixels'] / 1e6:.0f}-megapixel photo, optimized with `--memory-limit {figures['limit']} "
            f"--iterations {figures['iterations']}`, peak memory",
            f"{figures['peak_gb']:.2f} GB: {figures['interpreter_gb']:.2f} GB interpreter, "
            f"{figures['above_interpreter_gb']:.2f} GB of the {figures['limit'].replace('GB', ' GB')} allowed",
            "",
        )
    ]


def ledger(figures: Figures) -> list[Row]:
    least, most = (min(figures["jobs"], key=int), max(figures["jobs"], key=int))
    few, many = figures["jobs"][least], figures["jobs"][most]
    return [
        (
            f"a sweep of {int(most):,} jobs ({int(most) // figures['styles']:,} photos × {figures['styles']} styles): "
            "enqueue / resume when all is done / status / order all finals",
            f"{many['enqueue']:.1f} / {many['resume_all']:.1f} / {many['status']:.2f} / {many['order']:.1f} s",
            f"{int(least):,} jobs: {few['enqueue']:.2f} / {few['resume_all']:.2f} / {few['status']:.2f} / "
            f"{few['order']:.2f} s",
        ),
        (
            "memory that this takes beside the program; and what ledger and threads cost each job",
            f"{many['memory_mb']:.0f} MB; {1000 * many['job']:.2f} ms",
            f"{int(least):,} jobs: {few['memory_mb']:.0f} MB; {1000 * few['job']:.2f} ms",
        ),
    ]


ROWS: Mapping[str, Callable[[Figures], list[Row]]] = {
    "apply": apply,
    "engine_openvino": engine,
    "page_latency": page_latency,
    "gallery": gallery,
    "serve_load": serve_load,
    "train_step": train_step,
    "night": night,
    "style_quality": style_quality,
    "strength": strength,
    "loss_networks": loss_networks,
    "compact_card": compact_card,
    "optimize_quality": optimize_quality,
    "compare_quality": compare_quality,
    "sweep": sweep,
    "cluster": cluster,
    "ledger": ledger,
    "upscale": upscale,
    "optimize_memory_12mp_1_5gb": optimize_memory,
    "layers": layers,
    "advise_quality": advise_quality,
}
"""By the name of the file in `results/` (but for the card of `compact`), in the order of the table."""
