"""What a training with its test leaves for people: pictures, tables, and where the files are."""

from pathlib import Path

from seq2point.compression.pruning import spp
from seq2point.report import plots, terminal
from seq2point.studies import Outcome


def present_outcome(outcome: Outcome, json: Path | None = None) -> None:
    """Write the pictures of an outcome, print its report, and name its files."""
    write_plots(outcome)
    terminal.print_report(outcome.report, json)
    terminal.print_files(outcome.files.find_existing(), quiet=str(json) == "-")


def write_plots(outcome: Outcome) -> None:
    """Write the pictures of the training, of the test, and of SPP's probabilities if it pruned."""
    trained, files = outcome.trained, outcome.files
    pruning = trained.model.provenance["training"]["pruning"]
    method = pruning["method"] if pruning else "no"
    label, speed = trained.model.appliances[0].label, trained.windows_per_s
    title = f"{label}, {method} pruning, {speed:,.0f} windows/s"
    plots.save_training_plot(
        trained.history, title, files.training_plot, outcome.report.get("costs")
    )
    plots.save_test_plot(outcome.evaluation, files.test_plot)
    files.spp_plot.unlink(missing_ok=True)
    if histories := spp.read_histories(trained.pruned):
        plots.save_spp_plot(histories, title, files.spp_plot)
