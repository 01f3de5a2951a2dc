"""One run in a process of its own: `python -m bench.child JOB`, where the job is JSON; prints its figures as JSON."""

import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path

from bench.part import Job
from bench.parts import PARTS


def main() -> None:
    """What is timed is the work, not the start of the interpreter and its imports."""
    job = Job(**json.loads(sys.argv[1]))
    part = PARTS[job.part]()
    part.begin(job)
    work = part.bare if job.who == "bare" else part.afresh
    began, worked = time.perf_counter(), time.process_time()
    done = work(job)
    figures = {"seconds": time.perf_counter() - began, "processor": time.process_time() - worked, "peak_mb": peak_mb()}
    print(json.dumps({**figures, **asdict(done)}))


def peak_mb() -> int:
    """The most memory that this process has held, from its start."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
