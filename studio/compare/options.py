"""How the fast network and the optimizer are compared; free of torch, so that the command line can show it at once."""

from dataclasses import dataclass
from typing import Literal

from nst_core.gatys_options import LossNetworkName


@dataclass(frozen=True)
class CompareOptions:
    """How the fast network and the optimizer are compared."""

    iterations: Literal[25, 50, 100, 150, 200, 300, 400, 500, 750, 1000] = 100
    """How far the optimizer goes."""
    start: Literal["photo", "noise"] = "photo"
    """What it begins with: the photo, or white noise as Johnson et al. count."""
    network: LossNetworkName = "compact"
    """Loss network that it goes by; others whose weights are here measure the results too."""
    weights: tuple[float, ...] = ()
    """Share of each painting, where a style holds several; empty takes equal shares."""
