"""`make bench`: what Afresh takes beside the bare driver doing the same work, in the same run on the same machine.

Both sides run in turn (bare, afresh, afresh, bare, ...), each time in a process of its own; the ratio is the median of
the pairs' ratios. After each run the rows are counted: a side that did not do all of the work has no figure.
"""

import argparse
import signal
import sys
from pathlib import Path

from bench import report
from bench.compare import Result, compare
from bench.parts import PARTS


def main() -> None:
    """Runs the parts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all that can run here")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes of the table; each part has its own")
    parser.add_argument("--cases", nargs="+", default=(), help="only the rounds with these cases")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side (the fill of a large table: one)")
    parser.add_argument("--directory", type=Path, default=Path("build/bench"), help="for sources and caches")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; the parts are: {', '.join(PARTS)}")
    # An end from outside goes the way of an exception, so that a server of ours ends, too.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    results: list[Result] = []
    print(report.HEAD, flush=True)
    for name in given.parts or PARTS:
        part = PARTS[name]()
        if missing := part.missing():
            print(f"{name:<17}not run: {missing}", flush=True)
            continue
        for rows in given.rows or part.sizes:
            for result in compare(part, given.directory.absolute(), rows, given.runs, given.cases):
                results.append(result)
                print(report.line(result), flush=True)
                report.write(results, given.directory / "results.json")


if __name__ == "__main__":
    main()
