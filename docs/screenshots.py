"""Pictures of the dashboard on the demo's data: `python docs/screenshots.py`. Needs Debian's chromium."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
PAGES = {
    "now": ("/?show=all", (1280, 1000), ()),
    "table": ("/tables/WorkOrder", (1280, 1100), ()),
    "history-dark": ("/history", (1280, 700), ("--force-dark-mode",)),
    "now-phone": ("/", (500, 900), ()),
}
"""Each picture by its name: the page, the size of the window, and what else the browser is told."""

_BROWSER = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
_QUIET = ("--disable-background-networking", "--hide-scrollbars", "--timeout=6000")
_DEMO_SECONDS = 180
_SETTLE_SECONDS = 30


def main() -> int:
    """Runs the demo, looks at its pages, and ends it."""
    browser = shutil.which("chromium")
    if browser is None:
        print("chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 3
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "afresh", "demo"]
        command += ["--seconds", str(_DEMO_SECONDS), "--rows", "20000", "--directory", f"{directory}/demo"]
        log = Path(directory) / "log"
        with log.open("w") as file:
            demo = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            url = _url(log)
            time.sleep(_SETTLE_SECONDS)
            for name, (path, (wide, high), others) in PAGES.items():
                _take(browser, f"{url}{path}", IMAGES / f"{name}.png", f"{wide},{high}", others, f"{directory}/{name}")
        finally:
            demo.terminate()
            demo.wait(60)
    return 0


def _url(log: Path) -> str:
    for _ in range(600):
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace")):
            return found[0]
        time.sleep(0.1)
    raise SystemExit("the demo did not say where its dashboard is")


def _take(browser: str, url: str, picture: Path, size: str, others: tuple[str, ...], profile: str) -> None:
    told = [*_BROWSER, *_QUIET, *others, f"--user-data-dir={profile}", f"--window-size={size}"]
    subprocess.run([browser, *told, f"--screenshot={picture}", url], check=True, capture_output=True, timeout=120)
    print(picture)


if __name__ == "__main__":
    raise SystemExit(main())
