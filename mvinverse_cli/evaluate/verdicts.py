"""What a model must show on a set of scenes, checked: each figure beside what is asked of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .baselines import BASELINES, CONSTANTS
from .metrics import BY_KEY
from .scenes import JOINT, SINGLE, Evaluation

# In each of these the model must be the best row, and all views together better than one at a time; a margin that the
# table does not show is none.
BEST = (
    "albedo_psnr",
    "albedo_psnr_scaled",
    "albedo_si_rmse",
    "shading_psnr",
    "shading_si_rmse",
    "roughness_rmse",
    "metallic_rmse",
    "metallic_f1",
    "normal_mean_deg",
)
ACROSS_VIEWS = tuple(key for key, metric in BY_KEY.items() if metric.section == "cross-view")

# Scenes with all five maps are this package's own; rooms by artists lack the material, and less is asked there.
ALBEDO_DB, NORMAL_DEG, ROUGHNESS_SHARE, METALLIC_F1 = 5.0, 22.0, 0.15, 0.5
ARTISTS_ALBEDO_DB, ARTISTS_NORMAL_DEG = 1.0, 35.0

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Check:
    """One figure against what is asked: `value` must be `relation` (>= or <=) `asked`."""

    name: str
    value: float
    relation: Literal[">=", "<="]
    asked: float
    against: str | None = None  # the row that the value is a margin over

    @property
    def passed(self) -> bool:
        """Whether it is met."""
        return self.value >= self.asked if self.relation == ">=" else self.value <= self.asked

    def told(self) -> dict[str, Any]:
        """For a JSON line."""
        return {**asdict(self), "passed": self.passed}


def best_baseline(rows: Mapping[str, Figures], key: str) -> str | None:
    """The baseline with the best figure `key`; None where no baseline has it."""
    metric = BY_KEY[key]
    having = [name for name in BASELINES if key in rows.get(name, ())]
    return max(having, key=lambda name: metric.gain(rows[name][key], 0.0), default=None)


def check_all(evaluation: Evaluation) -> list[Check]:
    """Every check that the set allows; none without a model."""
    rows = evaluation.rows
    if JOINT not in rows:
        return []
    own = "metallic_rmse" in rows[JOINT]
    return [*_targets(rows, own), *_best_of_all(rows), *_together(rows)]


def _targets(rows: Mapping[str, Figures], own: bool) -> Iterator[Check]:
    """The figures with a number of their own."""
    joint = rows[JOINT]
    albedo, normal = (ALBEDO_DB, NORMAL_DEG) if own else (ARTISTS_ALBEDO_DB, ARTISTS_NORMAL_DEG)
    if (over := _over(rows, "albedo_psnr", albedo)) is not None:
        yield over
    if "normal_mean_deg" in joint:
        yield Check("normal_mean_deg", joint["normal_mean_deg"], "<=", normal)
    if "roughness_rmse" in joint:
        share = 1 - joint["roughness_rmse"] / max(rows[CONSTANTS]["roughness_rmse"], 1e-9)
        yield Check("roughness_rmse_share_under_constant", share, ">=", ROUGHNESS_SHARE, CONSTANTS)
    if own:
        yield Check("metallic_f1", joint.get("metallic_f1", 0.0), ">=", METALLIC_F1)


def _best_of_all(rows: Mapping[str, Figures]) -> Iterator[Check]:
    """Better than every baseline; albedo PSNR has a target of its own."""
    for key in BEST[1:]:
        if (over := _over(rows, key, visible(key))) is not None:
            yield over


def _over(rows: Mapping[str, Figures], key: str, asked: float) -> Check | None:
    """The margin of the model's figure `key` over the best baseline; None where either has none."""
    rival = best_baseline(rows, key)
    if rival is None or key not in rows[JOINT]:
        return None
    margin = BY_KEY[key].gain(rows[JOINT][key], rows[rival][key])
    return Check(f"{key}_over_best_baseline", margin, ">=", asked, rival)


def _together(rows: Mapping[str, Figures]) -> Iterator[Check]:
    """All views in one pass against one at a time."""
    for key in (*BEST, *ACROSS_VIEWS):
        if key in rows[JOINT] and key in rows.get(SINGLE, ()):
            margin = BY_KEY[key].gain(rows[JOINT][key], rows[SINGLE][key])
            yield Check(f"{key}_together_over_single", margin, ">=", visible(key), SINGLE)


def visible(key: str) -> float:
    """The least difference of a figure that its table shows."""
    return float(10.0 ** -BY_KEY[key].digits)
