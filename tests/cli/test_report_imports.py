"""`seq2point report` reads what trainings left without torch."""

import subprocess
import sys
from pathlib import Path

from tests.report.results.run_folders import make_run

CODE = """
import sys
from seq2point.cli import main
sys.argv = ["seq2point", "report", *sys.argv[1:]]
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def test_a_report_imports_no_torch(tmp_path: Path):
    run = make_run(tmp_path / "run", steps=2)
    words = [run, "-o", tmp_path / "report.html"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path / 'report.html'}: 1 result\n"
    imported = set(done.stderr.splitlines()[-1].split())
    assert "seq2point" in imported
    assert imported.isdisjoint({"torch", "lightning", "matplotlib"})
