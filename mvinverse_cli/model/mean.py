"""The mean of several weights of one network, number by number.

Of trainings that began at the same weights it keeps what they have in common and loses much of what each learnt by
chance; it is often better than any of them, and never slower (Wortsman 2022, "Model soups").
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from math import fsum, inf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import OptionError, WeightsError
from .checkpoint import build_on_meta, check_fit, open_state, save_checkpoint
from .config import network_differences
from .header import read_header
from .verify import is_finite
from .weights import PICKLE_SUFFIXES, Weights, hash_of

MOST_DEEP = 100  # of what metadata tells within each other; a mean of means adds two


def write_mean(sources: Sequence[Weights], shares: Sequence[float], output: Path) -> None:
    """Writes the mean of `sources` to `output`, each tensor in the type that it has in the first of them.

    shares: how much each counts, above 0; none for equal shares. Config and metadata are those of the first, and `mean`
    lists all with hash, share and metadata. Raises OptionError where shares and sources do not match, WeightsError
    where the sources are not of one network, or hold NaN or infinity, OutputError where the file cannot be written.
    """
    counts = checked_shares(shares, len(sources))
    check_one_network(sources)
    carried = [metadata_of(weights) for weights in sources]
    told = [
        {"name": weights.name, "sha256": hash_of(weights), "share": round(share, 6), **unfolded(texts)}
        for weights, share, texts in zip(sources, counts, carried, strict=True)
    ]
    licences = dict.fromkeys(weights.licence for weights in sources if weights.licence is not None)
    licence = {"licence": "; ".join(licences)} if licences else {}
    texts = {**carried[0], **licence, "mean": json.dumps(told)}
    save_checkpoint(mean_state(sources, counts), sources[0].config, output, texts, overwrite=False)


def checked_shares(shares: Sequence[float], count: int) -> list[float]:
    """`shares` of `count` weights, made to sum to 1. Raises OptionError where they cannot be."""
    if count < 2:
        raise OptionError("weights mean: needs two weights or more; name them one after another")
    if not shares:
        return [1 / count] * count
    if len(shares) != count:
        raise OptionError(f"--shares: {len(shares)} for {count} weights; give each its own, as in --shares 2,1")
    if not all(0 < share < inf for share in shares):
        raise OptionError(f"--shares {','.join(f'{share:g}' for share in shares)}: each must be more than 0")
    largest = max(shares)  # first, for their sum may be more than a float holds
    return [share / largest / fsum(each / largest for each in shares) for share in shares]


def check_one_network(sources: Sequence[Weights]) -> None:
    """Raises WeightsError where the configs of `sources` differ, or where one of the files does not fit its own."""
    first = sources[0]
    network = build_on_meta(first.config)
    for weights in sources:
        others = [
            f"{name} {getattr(weights.config, name)} instead of {getattr(first.config, name)}"
            for name in network_differences(first.config, weights.config)
        ]
        if others:
            raise WeightsError(f"{weights.name}: of another network than {first.name}: {', '.join(others)}")
        with open_state(weights.path) as (entries, _):
            check_fit(weights, network, entries)


def metadata_of(weights: Weights) -> dict[str, str]:
    """What the file of `weights` tells of its origin; the config aside, which they have in common."""
    told = {} if weights.path.suffix in PICKLE_SUFFIXES else read_header(weights.path).metadata
    return {key: text for key, text in told.items() if key != "config"}


def unfolded(told: Any, deep: int = 0) -> Any:
    """`told`, and whatever is in it, where it is JSON in a text: the marks of a text are doubled by every text around
    it, and a mean of means of means would be told of in millions. Deeper than MOST_DEEP it stays as it is."""
    if deep == MOST_DEEP:
        return told
    if isinstance(told, str) and told.startswith(("[", "{")):
        try:
            told = json.loads(told)
        except (ValueError, RecursionError):  # a file may hold anything
            return told
    if isinstance(told, dict):
        return {key: unfolded(part, deep + 1) for key, part in told.items()}
    return [unfolded(part, deep + 1) for part in told] if isinstance(told, list) else told


def mean_state(sources: Sequence[Weights], shares: Sequence[float]) -> dict[str, Tensor]:
    """Every tensor of `sources`, which fit one network, as their mean by `shares`, computed in float64.

    Integers, which count steps, are those of the first. Raises WeightsError where a tensor holds NaN or infinity.
    """
    with ExitStack() as files:
        opened = [files.enter_context(open_state(weights.path)) for weights in sources]
        state = {}
        for name in opened[0][0]:
            values = [read(name) for _, read in opened]
            broken = [weights.name for weights, each in zip(sources, values, strict=True) if not is_finite(each)]
            if broken:
                raise WeightsError(f"{broken[0]}: NaN or infinity in {name}; see mvinverse weights verify")
            state[name] = mean_tensor(values, shares)
        return state


def mean_tensor(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The mean of tensors of one shape, in the type of the first."""
    first = values[0]
    if not first.is_floating_point():
        return first
    mean = torch.zeros(first.shape, dtype=torch.float64)  # what is the same in all stays so, to the bit
    for value, share in zip(values, shares, strict=True):
        mean.add_(value.double(), alpha=share)
    return mean.to(first.dtype)
