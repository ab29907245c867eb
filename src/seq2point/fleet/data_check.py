"""The file of a fleet's data check: a row for each finding."""

from collections.abc import Callable, Sequence

import polars as pl

from seq2point.fleet.storage import OutputFolder
from seq2point.fleet.task import HomeResult

NAME = "data_check.csv"
SCHEMA = dict.fromkeys(("house", "severity", "check", "figure", "advice"), pl.String)


def write_findings(
    results: Sequence[HomeResult], output: OutputFolder, say: Callable[[str], str] = str
) -> tuple[str, int]:
    """Write the findings of all homes; return the file's path or address, and how many they are.

    `say` rewrites the texts that name options.
    A home that cannot be read has one finding, 'unreadable'.
    """
    rows = []
    for result in results:
        findings = result.summary or []
        if result.reason and not findings:
            rows.append((result.house, "error", "unreadable", say(result.reason), ""))
        for each in findings:
            texts = say(each["figure"]), say(each["advice"])
            rows.append((result.house, each["severity"], each["check"], *texts))
    with output.write(NAME) as path:
        pl.DataFrame(rows, schema=SCHEMA, orient="row").write_csv(path)
    return output.join(NAME), len(rows)
