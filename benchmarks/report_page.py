"""The report of 500 trainings: seconds to write it, its bytes, and seconds until Chromium shows it.

    python -m benchmarks.report_page

One tiny training is made, and its folder is copied with other seeds, pruners, sizes, errors and
longer histories: what a study of 500 trainings leaves, without the days.
"""

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.report.results.run_folders import make_run, vary_run

from benchmarks.timing import compare_in_turns, cpu_seconds
from seq2point.report.results import read_results, render_page

RUNS, VALIDATIONS, OPENINGS = 500, 120, 5


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    """Parsing the runs' JSON alone over the page of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = make_run(folder / "first")
        runs = [vary_run(first, folder / f"run_{i:03}", i, VALIDATIONS) for i in range(50)]
        files = [path for run in runs for path in run.rglob("*.json")]

        def parse() -> float:
            return cpu_seconds(lambda: [json.loads(path.read_text()) for path in files])

        def write() -> float:
            return cpu_seconds(lambda: render_page(*read_results(runs)))

        yield (
            "parsing the JSON over the page, 50 trainings",
            compare_in_turns(parse, write, budget_s),
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = make_run(folder / "first")
        runs = [vary_run(first, folder / f"run_{i:03}", i, VALIDATIONS) for i in range(RUNS)]
        begin_s = time.perf_counter()
        results, problems = read_results(runs)
        page = folder / "report.html"
        page.write_text(render_page(results, problems), encoding="utf-8")
        measured = {
            "results": len(results),
            "problems": len(problems),
            "written_s": round(time.perf_counter() - begin_s, 2),
            "bytes": page.stat().st_size,
            **time_openings(page),
        }
        print(json.dumps(measured, indent=2))


def time_openings(page: Path) -> dict[str, float]:
    """Return seconds from asking for the page until it is loaded, and until it is painted."""
    from playwright.sync_api import sync_playwright

    loaded_s, painted_s = [], []
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(OPENINGS):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            begin_s = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="load")
            loaded_s.append(time.perf_counter() - begin_s)
            tab.evaluate(
                "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            painted_s.append(time.perf_counter() - begin_s)
            tab.close()
        browser.close()
    return {
        "loaded_s": round(statistics.median(loaded_s), 2),
        "painted_s": round(statistics.median(painted_s), 2),
        "slowest_s": round(max(painted_s), 2),
    }


if __name__ == "__main__":
    main()
