"""Results as lines for people, and as JSON for whoever compares runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.compare import Result

MEMORY_MB = 400
HEAD = (
    f"{'part':<17}{'case':<22}{'table rows':>11}{'read':>11}{'bare s':>9}{'afresh s':>10}{'ratio':>7}{'limit':>7}"
    f"{'cpu ratio':>11}{'bare MB':>9}{'MB':>6}"
)


def line(result: Result) -> str:
    """A result in one line; what is above its limit has a mark."""
    beyond = [
        *(["time"] if result.ratio > result.case.limit else []),
        *(["memory"] if result.peak_mb > MEMORY_MB else []),
    ]
    return (
        f"{result.part:<17}{result.case.name:<22}{result.table_rows:>11,}{result.afresh[0].rows:>11,}"
        f"{result.seconds('bare'):>9.2f}{result.seconds('afresh'):>10.2f}{result.ratio:>7.2f}{result.case.limit:>7.1f}"
        f"{result.processor_ratio:>11.2f}{max(figure.peak_mb for figure in result.bare):>9}{result.peak_mb:>6}"
        + (f"  above: {', '.join(beyond)}" if beyond else "")
    )


def write(results: Sequence[Result], path: Path) -> None:
    """Everything that was measured, with each run."""
    each = [{**asdict(result), "ratio": result.ratio, "processor_ratio": result.processor_ratio} for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(each, indent=1) + "\n")
