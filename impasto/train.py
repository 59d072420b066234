"""`impasto train`: learns paintings, each in minutes, a folder of them in a night."""

import contextlib
import logging
import sys
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import docstring_parser
from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_engine
from impasto.stores import local_file
from impasto.train_crew import follow, joined
from impasto.train_display import Display, print_status
from impasto.train_jobs import ABOUT_KEYS, plan_jobs, styles_folder
from nst_core.awake import keep_awake
from nst_core.cluster import check_engine
from nst_core.copies import origin
from nst_core.errors import ConfigError
from nst_core.ledger import Ledger
from nst_core.storage import check_place
from nst_core.until import parse_until
from train.cluster.engines import open_learners
from train.machines import STRATEGIES, Machines
from train.night.queue import NightOptions
from train.night.work import LEDGER, work
from train.photos.pack import PhotoPack, open_pack
from train.style.options import StyleOptions

logger = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  impasto train starry_night.jpg --photos photos/                  some minutes, then: impasto paint
  impasto train paintings/ --photos photos/ --until 07:00          a night: the time is shared out among the paintings
  impasto train paintings/ --photos photos/ --minutes-per-style 10
  impasto train --status                                           done, running, waiting and failed
  impasto train a.jpg b.jpg c.jpg --palette mine --photos photos/  one network of three paintings, mixed as you paint
  impasto train owl.jpg --artist "A. Friend" --license CC-BY-4.0   what the style's card will say
  impasto train s3://studio/art --photos s3://studio/photos -o s3://studio/styles    all in a store
  impasto train paintings/ --photos photos/ --engine ray --address HOST:6379    several at a time, on a cluster

Several machines learn each style together, with the same command on all of them; --run, paintings and photos are shared
folders, under the same paths. The first one, rank 0, owns the night. There are three ways to start it:
  MASTER_ADDR=HOST MASTER_PORT=29500 NODE_RANK=0 impasto train art/ --num-nodes 2      on HOST; NODE_RANK=1 on the other
  torchrun --nnodes 2 --nproc-per-node 1 --node-rank 0 --master-addr HOST -m impasto.main train art/ --num-nodes 2
  srun --nodes 2 --ntasks-per-node 1 impasto train art/ --num-nodes 2                  SIGTERM and SIGUSR1 are as Ctrl-C
When one ends or is lost, all end, and the same command goes on, with another --num-nodes and --devices if you like.

The same command again goes on where a night was stopped, by Ctrl-C or a power cut: a minute is lost at most.
What was learned appears in report.html of the run's folder, and the styles where `impasto styles` finds them.
Exit code: 0 all learned, 2 something to mend (the other paintings are learned), 130 stopped.
"""

RANGES: dict[str, tuple[float, float]] = {
    "strength": (0, 100),
    "brush_size": (0.05, 20),
    "size": (128, 4096),
    "steps": (1, 10_000_000),
    "batch_size": (0, 1024),
    "crop_px": (64, 2048),
    "learning_rate": (1e-9, 1),
    "content_weight": (0, 1e6),
    "tv_weight": (0, 1e6),
    "seed": (0, 2**63 - 1),
}
"""Least and greatest value of each number among the `StyleOptions`."""

DONE, MENDABLE = 0, 2


def build_parser() -> ArgumentParser:
    """The command's options; those of learning come from `StyleOptions`."""
    parser = ArgumentParser(
        prog="impasto train",
        description="Learn paintings, each in minutes, a folder of them in a night.",
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("painting", nargs="*", metavar="PAINTING", help="paintings: files, folders, or patterns like 'art/*.jpg'")
    add("--photos", metavar="DIR", type=str, help="photos to learn on, with subfolders; a hundred or more")
    add("-o", "--out", metavar="DIR", type=str, help="folder for the styles (default: where impasto styles finds them)")
    add("--run", metavar="DIR", type=str, default="training", help="folder of the run (default: %(default)s)")
    add("--palette", metavar="NAME", type=str, help="learn all paintings into one network of this name")
    add("--base", metavar="FILE|none", type=str, help="network to begin from (default: the one that ships)")
    add("--status", action="store_true", help="show what is done, running, waiting and failed, and end")
    _add_time(parser)
    _add_about(parser)
    _add_learning(parser)
    _add_machine(parser)
    add_engine(parser)
    return parser


def _add_time(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Time").add_argument
    add("--until", metavar="TIME", type=str, help="share the time until then out among the paintings: 07:00")
    add(
        "--minutes-per-style", metavar="N", type=values.number("--minutes-per-style", 0.05, 100_000), default=None,
        help="time for each style (default: a number of steps decides, see --steps)",
    )  # fmt: skip


def _add_about(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("The style's card").add_argument
    for key in ABOUT_KEYS:
        add(f"--{key}", metavar="TEXT", type=str, help=f"{key} of the painting, where it is one")
    add("--about", metavar="FILE", type=str, help="the same for many: JSON or YAML, {file name: {title: ..., ...}}")


def _add_learning(parser: ArgumentParser) -> None:
    """One option for each field of `StyleOptions`, its docstring as help."""
    group = parser.add_argument_group("Learning")
    hints = get_type_hints(StyleOptions)
    docs = {
        param.arg_name: param.description or "" for param in docstring_parser.parse_from_object(StyleOptions).params
    }
    types = {"layer_weights": values.layer_weights, "batch_size": _batch_size}
    metavars = {"layer_weights": "W,W,W,W,W", "batch_size": "N|auto"}
    for field in fields(StyleOptions):
        name, option = field.name, "--" + field.name.replace("_", "-")
        text = " ".join(docs[name].split()).rstrip(".") + " (default: %(default)s)"
        if name not in types and (choices := get_args(hints[name])):
            group.add_argument(option, choices=list(choices), default=field.default, help=text)
            continue
        kind = types.get(name) or values.number(option, *RANGES[name], whole=hints[name] is int)
        group.add_argument(option, metavar=metavars.get(name, "N"), type=kind, default=field.default, help=text)


def _batch_size(value: Any) -> int:
    """Photos, or `auto`, which is 0."""
    return 0 if value == "auto" else int(values.number("--batch-size", *RANGES["batch_size"], whole=True)(value))


def _add_machine(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Machine").add_argument
    for option, what in (("--devices", "graphics cards, or CPU processes"), ("--num-nodes", "machines")):
        kind = values.number(option, 1, 1024, whole=True)
        add(option, metavar="N", type=kind, default=1, help=f"{what} (default: 1)")
    add("--strategy", choices=list(STRATEGIES), default="auto", help="Lightning's strategy (default: auto)")
    add(
        "--memory-limit", metavar="SIZE", type=values.memory, default=None,
        help="memory to take, like 3.5GB; --batch-size auto fits it (default: most of what is free)",
    )  # fmt: skip


def run(options: Namespace) -> int:
    """Learns; gives the exit code.

    Raises:
        NstError: what no painting could be learned with.
    """
    folder = Path(options.run)
    if options.status:
        return print_status(folder)
    if not options.painting:
        raise ConfigError("name a painting, or a folder of them: impasto train PAINTING --photos DIR; see --help")
    check_engine(options.engine, options.address)
    now = datetime.now().astimezone()
    until = parse_until(options.until, now) if options.until else None
    if until and options.minutes_per_style:
        raise ConfigError("give either --until or --minutes-per-style")
    machines = Machines(options.devices, options.num_nodes, options.strategy, options.memory_limit)
    if url := origin(styles_folder(options)):
        check_place(url)  # before hours of work
    jobs, unusable = plan_jobs(options)
    with Display() as display, joined(options.engine, machines, folder, jobs) as crew:
        pack = _prepare_photos(options, display)
        if crew:
            crew.agree(pack.sha256)
        if crew and not crew.leads:
            return follow(crew)
        ledger = Ledger(folder / LEDGER)
        with (
            ledger.working(),
            keep_awake("learning paintings"),
            open_learners(
                options.engine,
                folder,
                styles_folder(options),
                machines,
                options.address,
                _warn,
                crew.lead if crew else None,
            ) as learners,
        ):
            for job in jobs:
                if ledger.add(job.name, job.to_spec()).state == "failed":
                    ledger.retry(job.name)  # what was wrong may have been mended
            asked = NightOptions(until=until, minutes_per_style=options.minutes_per_style)
            with contextlib.closing(work(folder, ledger, asked, learners)) as events:
                for event in events:
                    display.show(event)
    mine = [job for job in ledger.jobs() if job.name in {job.name for job in jobs}]
    display.summary(mine, folder)
    return MENDABLE if unusable or any(job.state != "done" for job in mine) else DONE


def _prepare_photos(options: Namespace, display: Display) -> PhotoPack:
    """Makes the pack before the first style, where its progress can be seen."""
    if not options.photos:
        print(
            "learning on the few photos of scikit-image: fine for a try; for good styles give --photos", file=sys.stderr
        )
    with display.counting("reading photos") as progress:
        return open_pack(local_file(options.photos) if options.photos else None, progress)


def _warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
