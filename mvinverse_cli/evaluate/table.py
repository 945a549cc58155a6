"""The result as text: aligned for a terminal, Markdown, or JSON. One table for each section of METRICS."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .. import __version__
from .metrics import METRICS, Metric
from .scenes import TRUTH, Evaluation
from .verdicts import check_all

ARROWS = {"higher": "\N{UPWARDS ARROW}", "lower": "\N{DOWNWARDS ARROW}"}
MISSING = "-"
UNRIVALLED = "cross-view"  # where a constant is best without merit, and nothing is marked

Grid = list[list[str]]


def sections(evaluation: Evaluation) -> Iterator[tuple[str, list[Metric]]]:
    """The sections that any row has a figure in, each with its metrics."""
    told = {key for figures in evaluation.rows.values() for key in figures}
    for section in dict.fromkeys(metric.section for metric in METRICS):
        columns = [metric for metric in METRICS if metric.section == section]
        if any(metric.key in told for metric in columns):
            yield section, columns


def grid(evaluation: Evaluation, columns: list[Metric], *, mark: str) -> Grid:
    """Head and rows of one table; the best figure of a column, the true maps apart, stands between `mark`s."""
    best = {}
    for metric in columns:
        values = [
            metric.gain(figures[metric.key], 0.0)
            for name, figures in evaluation.rows.items()
            if name != TRUTH and metric.section != UNRIVALLED and metric.key in figures
        ]
        best[metric.key] = max(values, default=None)
    lines = [["", *(f"{metric.title} {ARROWS[metric.better]}" for metric in columns)]]
    for name, figures in evaluation.rows.items():
        cells = []
        for metric in columns:
            value = figures.get(metric.key)
            text = MISSING if value is None else f"{value:.{metric.digits}f}"
            is_best = value is not None and name != TRUTH and metric.gain(value, 0.0) == best[metric.key]
            cells.append(f"{mark}{text}{mark}" if is_best else text)
        if any(cell != MISSING for cell in cells):
            lines.append([name, *cells])
    return lines


def notes(evaluation: Evaluation) -> Iterator[str]:
    """How the figures came about, in sentences."""
    yield (
        f"{evaluation.scenes} scenes, {evaluation.pictures} pictures, cropped in their middle to whole patches; "
        "pixels of the validity mask; figures of a picture, then the mean"
    )
    yield "PSNR and SSIM in sRGB; si-RMSE in linear light; all maps clipped to [0, 1]"
    yield "constants and gains of the baselines are the best for this very set (albedo and shading each for itself)"
    yield f"{TRUTH}: what clipped light and resampling leave; it is no rival"
    if evaluation.training_scenes:
        yield f"{evaluation.training_scenes} of the scenes are for training: a model may know them"
    if evaluation.metal_share is not None:
        share = evaluation.metal_share
        everything = 2 * share / (1 + share)
        yield f"metal covers {share:.1%} of the pixels: calling everything metal has an F1 of {everything:.3f}"
    if evaluation.broken:
        names = ", ".join(path.name for path, _ in evaluation.broken)
        yield f"{len(evaluation.broken)} broken scenes left out: {names}"


def as_terminal(evaluation: Evaluation) -> str:
    """Aligned columns; a star beside the best figure."""
    blocks = []
    for section, columns in sections(evaluation):
        lines = grid(evaluation, columns, mark="*")
        lines[0][0] = section.upper()
        lines = [[cell.strip("*") + "*" if cell.startswith("*") else cell + " " for cell in line] for line in lines]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        blocks.append(
            "\n".join(
                "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
            )
        )
    return "\n\n".join([*blocks, "\n".join(notes(evaluation))])


def as_markdown(evaluation: Evaluation, about: Mapping[str, Any]) -> str:
    """Tables with the best figures bold, then the notes and the checks; about: what was evaluated, by name."""
    parts = [", ".join(f"{name}: `{value}`" for name, value in about.items() if value is not None)]
    for section, columns in sections(evaluation):
        head, *body = grid(evaluation, columns, mark="**")
        head[0] = section
        lines = [head, ["---", *["---:"] * len(columns)], *body]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts.append("\n".join(f"- {note}" for note in notes(evaluation)))
    checks = check_all(evaluation)
    if checks:
        lines = [["check", "value", "asked", "", "against"], ["---", "---:", "---", "---", "---"]]
        for check in checks:
            met = "met" if check.passed else "**missed**"
            lines.append(
                [check.name, f"{check.value:.4g}", f"{check.relation} {check.asked:g}", met, check.against or ""]
            )
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def as_json(evaluation: Evaluation, about: Mapping[str, Any]) -> str:
    """Everything, by the keys of METRICS; same figures, same bytes."""
    fitted = evaluation.fitted
    content = {
        "software": f"mvinverse {__version__}",
        **about,
        "scenes": evaluation.scenes,
        "pictures": evaluation.pictures,
        "training_scenes": evaluation.training_scenes,
        "metal_share": evaluation.metal_share,
        "broken": [{"path": str(path), "reason": reason} for path, reason in evaluation.broken],
        "rows": evaluation.rows,
        "checks": [check.told() for check in check_all(evaluation)],
        "fitted": {
            "constants": {name: value.tolist() for name, value in fitted.constants.items()},
            "gains": {name: {"albedo": gains[0], "shading": gains[1]} for name, gains in fitted.gains.items()},
        },
        "metrics": {
            metric.key: {"section": metric.section, "better": metric.better, "meaning": metric.meaning}
            for metric in METRICS
        },
    }
    return json.dumps(content, indent=2) + "\n"
