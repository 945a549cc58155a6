"""Where things go from one picture to the next: optical flow, what of it to trust, and maps warped by it. No torch.

One convention all through. The flow of a pair is that of its first picture, in pixels of it: what the first shows at
(x, y) the second shows at (x + u, y + v), pixel centres at whole numbers, x right and y down. So the second picture's
maps are brought onto the first's grid by looking them up there, bilinearly (backward warping), and nothing is ever
splatted.
"""

from .dis import DisFlow
from .files import FlowFolder, check_names
from .pair import KEPT_LEAST, FlowSource, PairFlow, consistent
from .warp import warp_map

__all__ = [
    "KEPT_LEAST",
    "DisFlow",
    "FlowFolder",
    "FlowSource",
    "PairFlow",
    "check_names",
    "consistent",
    "flow_source",
    "warp_map",
]


def flow_source(folder: str | None) -> FlowSource:
    """The flows in `folder`, or None: those that OpenCV finds. Raises InputError where there is no such folder."""
    return DisFlow() if folder is None else FlowFolder.at(folder)
