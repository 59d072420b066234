"""What a report says of its figures, each with the loss network that it was measured under."""

from __future__ import annotations

from collections.abc import Mapping

from nst_core.evaluate import EqualIterations

_NO_LOWER = "its loss is no lower than where the optimizer began"


def headline(
    network: str, equal: EqualIterations, speed_up: float | None, where: str, who: str = "this network"
) -> str:
    """Which iteration of the optimizer the fast network equals, in which share of the time.

    Args:
        network: the loss network.
        equal: where it stands on the optimizer's curve.
        speed_up: how many times as long the optimizer takes; beyond the curve at least.
        where: as `on this picture`.
        who: equals.
    """
    if speed_up is None:
        return f"Under {network}, {who} is not comparable with the optimizer {where}: {_NO_LOWER}."
    less = "less than " if equal.standing == "beyond the curve" else ""
    time = f"{less}{share_text(speed_up)} of the time"
    return f"Under {network}, {who} equals {equal} iterations of the optimizer {where}, in {time}."


def share_text(speed_up: float) -> str:
    """As `1/900`; where it is hardly faster, in percent."""
    return f"1/{speed_up:,.0f}" if speed_up >= 2 else f"{100 / speed_up:,.0f} %"


def notes(measured: str, trained: str, others: Mapping[str, EqualIterations]) -> list[str]:
    """What the headline's loss network is to the fast network, and what other ones say.

    Args:
        measured: the loss network of the headline.
        trained: that of the fast network's training.
        others: where the fast network stands by other loss networks.
    """
    if measured != trained:
        said = [f"The network was trained with another loss network: {trained}."]
    elif others:
        said = [f"The network was trained with {trained}, too."]
    else:
        other = "vgg16" if trained == "vgg19" else "vgg19"
        said = [
            f"It is measured under the loss network it was trained with; "
            f"`impasto weights get {other}` and `--painting FILE` add another view."
        ]
    for name, equal in others.items():
        stands = f"not comparable: {_NO_LOWER}" if equal.iterations is None else f"equal to {equal} iterations"
        said.append(f"Under {name} it is {stands}.")
    return said
