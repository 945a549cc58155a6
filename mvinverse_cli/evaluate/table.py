"""The result as text: aligned for a terminal, Markdown, or JSON. One table for each section of its metrics."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .. import __version__
from .metrics import Metric
from .result import Result

ARROWS = {"higher": "\N{UPWARDS ARROW}", "lower": "\N{DOWNWARDS ARROW}"}
MISSING = "-"

Grid = list[list[str]]


def sections(result: Result) -> Iterator[tuple[str, list[Metric]]]:
    """The sections that any row has a figure in, each with its metrics."""
    told = {key for figures in result.rows.values() for key in figures}
    for section in dict.fromkeys(metric.section for metric in result.metrics):
        columns = [metric for metric in result.metrics if metric.section == section]
        if any(metric.key in told for metric in columns):
            yield section, columns


def grid(result: Result, columns: list[Metric], *, mark: str) -> Grid:
    """Head and rows of one table; the best figure of a column, rows outside apart, stands between `mark`s."""
    best = {}
    for metric in columns:
        values = [
            metric.gain(figures[metric.key], 0.0)
            for name, figures in result.rows.items()
            if name not in result.outside and metric.section not in result.unmarked and metric.key in figures
        ]
        best[metric.key] = max(values, default=None)
    lines = [["", *(f"{metric.title} {ARROWS[metric.better]}" for metric in columns)]]
    for name, figures in result.rows.items():
        cells = []
        for metric in columns:
            value = figures.get(metric.key)
            text = MISSING if value is None else f"{value:.{metric.digits}f}"
            is_rival = value is not None and name not in result.outside
            is_best = is_rival and metric.gain(figures[metric.key], 0.0) == best[metric.key]
            cells.append(f"{mark}{text}{mark}" if is_best else text)
        if any(cell != MISSING for cell in cells):
            lines.append([name, *cells])
    return lines


def notes(result: Result) -> Iterator[str]:
    """How the figures came about and what was left out, in sentences."""
    yield from result.notes
    if result.broken:
        names = ", ".join(path.name for path, _ in result.broken)
        yield f"{len(result.broken)} broken {result.unit} left out: {names}"
    if result.lost:
        names = ", ".join(dict.fromkeys(path.name for path, _ in result.lost))
        yield f"frames that cannot be read left out of {names}"


def as_terminal(result: Result) -> str:
    """Aligned columns; a star beside the best figure."""
    blocks = []
    for section, columns in sections(result):
        lines = grid(result, columns, mark="*")
        lines[0][0] = section.upper()
        lines = [[cell.strip("*") + "*" if cell.startswith("*") else cell + " " for cell in line] for line in lines]
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        blocks.append(
            "\n".join(
                "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
            )
        )
    return "\n\n".join([*blocks, "\n".join(notes(result))])


def as_markdown(result: Result, about: Mapping[str, Any]) -> str:
    """Tables with the best figures bold, then the notes and the checks; about: what was evaluated, by name."""
    parts = [", ".join(f"{name}: `{value}`" for name, value in about.items() if value is not None)]
    for section, columns in sections(result):
        head, *body = grid(result, columns, mark="**")
        head[0] = section
        lines = [head, ["---", *["---:"] * len(columns)], *body]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts.append("\n".join(f"- {note}" for note in notes(result)))
    if result.checks:
        lines = [["check", "value", "asked", "", "against"], ["---", "---:", "---", "---", "---"]]
        for check in result.checks:
            met = "met" if check.passed else "**missed**"
            lines.append(
                [check.name, f"{check.value:.4g}", f"{check.relation} {check.asked:g}", met, check.against or ""]
            )
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def as_json(result: Result, about: Mapping[str, Any]) -> str:
    """Everything, by the keys of the metrics; same figures, same bytes."""
    content = {
        "software": f"mvinverse {__version__}",
        **about,
        "counts": dict(result.counts),
        **result.more,
        **{
            name: [{"path": str(path), "reason": reason} for path, reason in left_out]
            for name, left_out in (("broken", result.broken), ("lost", result.lost))
        },
        "rows": result.rows,
        "checks": [check.told() for check in result.checks],
        "metrics": {
            metric.key: {"section": metric.section, "better": metric.better, "meaning": metric.meaning}
            for metric in result.metrics
        },
    }
    return json.dumps(content, indent=2) + "\n"
