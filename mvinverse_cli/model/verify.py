"""Whether a file of weights is whole: its hash, its fit to the network, and its values, one tensor at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from ..errors import WeightsError
from .checkpoint import build_on_meta, check_fit, open_state
from .weights import Weights, file_hash


@dataclass(frozen=True)
class Check:
    """One question about a file and its answer."""

    name: str
    passed: bool
    said: str


def verify_weights(weights: Weights) -> Iterator[Check]:
    """Reads the whole file, twice, and answers: is its content as published, does it fit, is every number finite?"""
    found = file_hash(weights.path)
    if weights.sha256 is None:
        yield Check("sha256", True, f"{found} (no published hash to compare with)")
    elif found == weights.sha256:
        yield Check("sha256", True, f"{found}, as the hub says")
    else:
        yield Check(
            "sha256", False, f"{found}; the hub says {weights.sha256}: delete {weights.path.resolve()} and pull"
        )
    with open_state(weights.path) as (entries, read):
        try:
            check_fit(weights, build_on_meta(weights.config), entries)
            yield Check("network", True, f"{len(entries)} tensors fit; built from {weights.config_source}")
        except WeightsError as error:
            yield Check("network", False, str(error))
        broken = [name for name in entries if not is_finite(read(name))]
    said = f"NaN or infinity in {len(broken)} tensors: {', '.join(broken[:3])}" if broken else "no NaN, no infinity"
    yield Check("values", not broken, said)


def is_finite(values: Tensor) -> bool:
    """Whether `values` are numbers, none of them infinite."""
    wide = values.float() if values.element_size() == 1 else values  # of floats of one byte torch cannot say
    return bool(wide.isfinite().all())
