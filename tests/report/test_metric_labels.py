"""Every report reads its metrics' names from METRICS: a new label shows in all of them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from seq2point.appliances import find_appliance
from seq2point.compression.costs import ACCURACY
from seq2point.metrics import METRICS, ScoredStretch, score
from seq2point.model import pretrained
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.report import budget_search, costs, deployment, terminal, transfer_curve
from seq2point.report import pretrained as cards
from seq2point.report.protocols.numbers import find_mean_and_sd
from seq2point.report.protocols.table import render_markdown
from seq2point.studies.budget_candidates import Candidate
from seq2point.studies.budget_search import BudgetSearch
from seq2point.studies.device_budget import DeviceBudget
from seq2point.studies.protocols.library import find_protocol

REACHED: dict[str, float | None] = dict.fromkeys(METRICS, 0.5)
LABEL = "ERROR ON AVERAGE"


def render_budget() -> str:
    model = Model.untrained("kettle", 8, Architecture(window=31))
    search = BudgetSearch(model, [], DeviceBudget(), criterion="mae_w")
    result = {
        "parameters": 7,
        "flash_bytes": 1024,
        "ram_bytes": 1024,
        "latency_s": 0.1,
        "metrics": REACHED,
        "baselines": {"zero": REACHED, "mean": REACHED},
    }
    candidate = Candidate(search.points[0], model.architecture, result, None)
    assert LABEL in candidate.describe()
    text = budget_search.render_markdown(search, [candidate])
    assert f"lowest {LABEL}" in text
    return text


def render_curve() -> str:
    spreads = {key: find_mean_and_sd([value]) for key, value in REACHED.items()}
    report: dict[str, Any] = {
        "appliance": "kettle",
        "train": {"house": "1"},
        "test": [{"house": "2", "days": 3.0}],
        "seeds": [0],
        "days": [],
        "points": [{"choice": "as it is", "days": 0, "metrics": spreads}],
        "baselines": {"zero": REACHED},
        "notes": [],
    }
    assert transfer_curve.make_panel(report, "mae_w").quantity == f"{LABEL}, W"
    return transfer_curve.render_markdown(report)


def render_protocol() -> str:
    protocol = find_protocol("one_minute").protocol
    report = {"mean": None, "appliances": {}}
    return render_markdown(protocol, protocol, report)


def render_terminal() -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(terminal.make_metrics_table("kettle", {"network": REACHED}))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def render_costs() -> str:
    accuracy = {"pruned": {key: REACHED[key] for key in ACCURACY}}
    return str(costs.make_accuracy_rows({"accuracy": accuracy}))


def render_proof() -> str:
    metrics = {side: {"kettle": REACHED} for side in deployment.SIDES}
    numbers = {"relative_difference": 0.1, "largest_difference_w": 1.0}
    return str(deployment.make_proof_rows({"metrics": metrics, "costs": {}, **numbers}))


def render_cards() -> str:
    card = pretrained.load_cards()[0]
    assert any(LABEL in fact for fact in cards.describe_card(card))
    assert LABEL in cards.explain_terms()
    return str(cards.make_card_headings())


REPORTS = {
    "budget": render_budget,
    "cards": render_cards,
    "costs": render_costs,
    "curve": render_curve,
    "proof": render_proof,
    "protocol": render_protocol,
    "terminal": render_terminal,
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_new_label_shows_in_every_report(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(METRICS, "mae_w", METRICS["mae_w"]._replace(label=LABEL))  # type: ignore[arg-type]
    assert LABEL in REPORTS[name]()


def test_the_search_for_float_layers_reads_the_same_table(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(METRICS, "sae", METRICS["sae"]._replace(label=LABEL))  # type: ignore[arg-type]
    loss = {"layers_in_float": [], "losses": {"kettle": REACHED}, "graph_bytes": 1}
    quantization = {"float32": loss, "candidates": [loss], "layers_in_float": []}
    assert LABEL in deployment.make_search_rows(quantization)[0]


def test_a_value_is_written_with_its_unit_and_decimals():
    mae, f1 = METRICS["mae_w"], METRICS["f1"]
    assert (mae.heading, f1.heading) == ("MAE, W", "F1")
    assert (mae.format(1234.56), mae.format(None), f1.format(0.5)) == ("1,234.6 W", "-", "0.500")
    assert (mae.describe(1.234, 2), f1.describe(0.5)) == ("MAE 1.23 W", "F1 0.500")
    assert [key for key, metric in METRICS.items() if metric.unit] == [
        key for key in METRICS if key.endswith(("_w", "_wh"))
    ]


def test_the_table_has_every_metric_of_a_score_and_says_which_way_is_better():
    truth_w = np.tile(np.repeat([0, 2500, 0], [60, 10, 30]), 4).astype(np.float32)
    poor_w = np.roll(truth_w, 12) / 2
    poor_w[320:370] = 2500
    times_s = 8.0 * np.arange(len(truth_w))
    kettle = find_appliance("kettle")
    perfect, poor = (
        score([ScoredStretch(truth_w, estimate_w.astype(np.float32), times_s)], kettle, 8)
        for estimate_w in (truth_w, poor_w)
    )
    assert set(perfect) == set(METRICS)
    for key, metric in METRICS.items():
        best, worse = perfect[key], poor[key]
        assert best is not None
        assert worse is not None
        assert best <= worse if metric.lower_is_better else best >= worse, key


def test_the_reference_names_every_metric_as_the_reports_do():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text()
    for key, metric in METRICS.items():
        label = ", ".join(filter(None, (metric.label, metric.remark)))
        assert f"| `{key}` | {label} |" in page
