"""`impasto weights`: the VGG loss networks on this machine."""

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from nst_core import weights

EXAMPLES = """\
examples:
  impasto weights list
  impasto weights get vgg19                download, or go on with a download that was cut short
  impasto weights add vgg19-dcbb9e9d.pth   without network: take a file brought by hand

The compact loss network comes with the program and needs none of this.
"""


def build_parser() -> ArgumentParser:
    """The command's options."""
    parser = ArgumentParser(
        prog="impasto weights",
        description="List, fetch or add the VGG loss networks.",
        epilog=EXAMPLES,
        exit_on_error=False,  # each action's parser takes this over when it is added
    )
    actions = parser.add_subcommands(dest="action")

    def add_action(name: str, description: str) -> ArgumentParser:
        action = ArgumentParser(description=description)
        actions.add_subcommand(name, action, help=description)
        return action

    add_action("list", "tell which are on this machine, and where")
    add_action("path", "tell the folder they are kept in")
    get = add_action("get", "download one, verified; go on where an earlier try stopped")
    get.add_argument("network", choices=list(weights.LOSS_WEIGHTS), help="which network")
    get.add_argument("--url", type=str, default=None, help="another address that has the same file")
    add = add_action("add", "take a file (.pth or .safetensors) that was brought by hand")
    add.add_argument("file", type=Path, help="the file; it stays as it is")
    add.add_argument("--network", choices=list(weights.LOSS_WEIGHTS), help="refuse the file if it is another one")
    return parser


def run(options: Namespace) -> int:
    """Does what was asked; gives the exit code."""
    match options.action:
        case "list":
            for name in weights.LOSS_WEIGHTS:
                print(f"{name}  {weights.find(name) or f'not here; run: impasto weights get {name}'}")
        case "path":
            print(weights.weights_folder())
        case "get":
            # Not as attributes: a namespace has a method of its own called get.
            name = options["get"].network
            print(f"{name} is in {_get(name, options['get'].url)}")
        case "add":
            name = weights.add(options.add.file, options.add.network)
            print(f"{name} is in {weights.find(name)}")
    return 0


def _get(name: str, url: str | None) -> Path:
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(name, total=None, visible=False)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        return weights.get(name, url, show)
