"""The original commands, `train_main.py` and `test_main.py`, with their flags on the lineage's own
kind of files.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point.cli import original, original_data
from seq2point.compression.pruning import ALIASES, PRUNERS
from seq2point.data.parquet_file import write_recording
from seq2point.model.model_file import Model
from seq2point.network.masks import measure_sparsity
from seq2point.recording import Recording

ROOT = Path(__file__).parents[2]
QUICK = ("--network_type", "reduced", "--input_window_length", 31, "--batch_size", 300)

Command = Callable[..., Any]


@pytest.fixture
def run_train(program: Command) -> Command:
    return lambda *words: program(lambda: original.run_as_script(original.train_main), *words)


@pytest.fixture
def run_test(program: Command) -> Command:
    return lambda *words: program(lambda: original.run_as_script(original.test_main), *words)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command is run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_lineage(
    recording: Recording, path: Path, header: str = "", mean_w: float = 700, std_w: float = 1000
) -> Path:
    """The lineage's file: normalised mains, normalised appliance."""
    (power_w,) = recording.appliances_w.values()
    columns = np.stack([(recording.mains_w - 522) / 814, (power_w - mean_w) / std_w], axis=1)
    np.savetxt(path, columns, delimiter=",", fmt="%.6f", header=header, comments="")
    return path


@pytest.mark.parametrize(
    "header", ["", "aggregate,kettle"], ids=["without a header", "with a header"]
)
def test_train_then_test_on_lineage_files_writes_under_the_lineages_names(
    run_train: Command, run_test: Command, here: Path, make_house: Command, header: str
):
    for use, seed in (("training", 1), ("validation", 2), ("test", 3)):
        write_lineage(make_house(1200, seed), here / f"kettle_{use}_.csv", header)
    trained = run_train(
        "--pruning_algorithm=default",
        "--training_directory",
        "kettle_training_.csv",
        "--validation_directory",
        "kettle_validation_.csv",
        "--epochs",
        2,
        *QUICK,
    )
    assert trained.code == 0, trained.err
    saved = here / "kettle" / "saved_models"
    prefix = "kettle_default_reduced_"
    assert sorted(path.name for path in saved.iterdir()) == sorted(
        prefix + name
        for name in (
            "model.safetensors",
            "metrics.json",
            "training.png",
            "test.png",
            "log.csv",
            "days.parquet",
            "run",
        )
    )
    assert str(Path("kettle") / "saved_models" / f"{prefix}model.safetensors") in trained.out

    model = Model.load(saved / f"{prefix}model.safetensors")
    assert model.period_s == 8
    data = model.provenance["training"]
    assert (data["training_data"][0]["samples"], data["validation_data"][0]["samples"]) == (
        1200,
        1200,
    )
    (saved / f"{prefix}test.png").unlink()
    tested = run_test("--pruning_algorithm=default", "--test_directory", "kettle_test_.csv", *QUICK)
    assert tested.code == 0, tested.err
    assert (saved / f"{prefix}test.png").read_bytes()[:4] == b"\x89PNG"
    report = json.loads((saved / f"{prefix}metrics.json").read_text())
    assert report["data"][0]["house"] == "kettle_test_"
    truth_w = make_house(1200, 3).appliances_w["kettle"][15:-15]
    assert report["baselines"]["zero"]["mae_w"] == pytest.approx(float(truth_w.mean()), rel=1e-3)


@pytest.mark.filterwarnings("always:the training ends at step")
def test_tfmot_prunes_half_of_the_weights_and_algorithm_is_another_name_of_the_flag(
    run_train: Command, run_test: Command, here: Path, make_house: Command
):
    folder = here / "data"
    folder.mkdir()
    write_lineage(make_house(1200, 1), folder / "kettle_training_.csv")
    write_lineage(make_house(900, 2), folder / "kettle_test_.csv")
    words = ("--training_directory", folder, "--epochs", 2, "--period", "6s", *QUICK)
    trained = run_train("--pruning_algorithm=tfmot", *words)
    assert trained.code == 0, trained.err
    model = Model.load(here / "kettle" / "saved_models" / "kettle_tfmot_reduced_model.safetensors")
    assert model.period_s == 6
    assert model.provenance["training"]["pruning"]["method"] == "magnitude"
    assert all(int(mask.sum()) == mask.numel() // 2 for mask in model.masks.values())
    assert "50.0%" in trained.out
    assert (
        run_test("--algorithm=tfmot", "--test_directory", folder, "--period", "6s", *QUICK).code
        == 0
    )


@pytest.mark.parametrize("algorithm", ["spp", "entropic", "threshold"])
def test_the_original_algorithms_have_their_original_names(
    run_train: Command, run_test: Command, here: Path, make_house: Command, algorithm: str
):
    write_lineage(make_house(1200, 1), here / "kettle_training_.csv")
    words = ("--training_directory", "kettle_training_.csv", "--epochs", 2, *QUICK)
    trained = run_train(f"--pruning_algorithm={algorithm}", *words)
    assert trained.code == 0, trained.err
    model = Model.load(
        here / "kettle" / "saved_models" / f"kettle_{algorithm}_reduced_model.safetensors"
    )
    assert model.provenance["training"]["pruning"]["method"] == algorithm
    assert 0.3 < measure_sparsity(model.network, model.masks) < 0.95
    assert (here / "kettle" / "saved_models" / f"kettle_{algorithm}_reduced_spp.png").exists() == (
        algorithm == "spp"
    )
    assert (
        run_test(
            f"--algorithm={algorithm}", "--test_directory", "kettle_training_.csv", *QUICK
        ).code
        == 0
    )


def test_parquet_is_read_and_an_appliance_may_be_written_with_a_space(
    run_train: Command, here: Path, make_house: Command
):
    house = make_house(1500, 1)
    washing = Recording(
        "7", 8.0, house.mains_w, {"washing_machine": house.appliances_w["kettle"]}, house.start
    )
    write_recording(washing, here / "house7.parquet")
    answer = run_train(
        "--appliance_name",
        "washing machine",
        "--training_directory",
        here / "house7.parquet",
        "--crop",
        800,
        "--epochs",
        1,
        "--validation_frequency",
        1,
        *QUICK,
    )
    assert answer.code == 0, answer.err
    model = Model.load(
        here / "washing_machine/saved_models/washing_machine_default_reduced_model.safetensors"
    )
    said = model.provenance["training"]
    assert said["training_data"][0]["samples"] == 800 - 160 - 31
    assert said["settings"]["validation_frequency"] == 1


def test_without_data_the_synthetic_houses_are_used_and_that_is_said(
    run_train: Command, run_test: Command, here: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(original_data, "SIMULATED_DAYS", 1)
    trained = run_train("--appliance_name", "fridge", "--crop", 1500, "--epochs", 0.1, *QUICK)
    assert trained.code == 0, trained.err
    nothing = "data: none given or in place, so simulated"
    assert f"training {nothing} houses 0 to 39 (1 days each at 8 s)" in trained.err
    assert f"validation {nothing} houses 40 to 43 " in trained.err
    tested = run_test("--appliance_name", "fridge", "--crop", 1500, *QUICK)
    assert tested.code == 0, tested.err
    assert f"test {nothing} houses 44 to 48 (1 days each at 8 s)" in tested.err


def saved_model(here: Path, appliance: str = "kettle", network: str = "reduced") -> Model:
    return Model.load(
        here / appliance / "saved_models" / f"{appliance}_default_{network}_model.safetensors"
    )


def write_uses(folder: Path, prefix: str, make_house: Command, **scale: float) -> None:
    """The original's three files, told apart by their lengths: 1200, 1100 and 1000 readings."""
    folder.mkdir(exist_ok=True)
    for use, samples in (("training", 1200), ("validation", 1100), ("test", 1000)):
        write_lineage(make_house(samples, samples), folder / f"{prefix}_{use}_.csv", **scale)


def lengths(model: Model, use: str) -> list[int]:
    return [data["samples"] for data in model.provenance["training"][f"{use}_data"]]


WASHING = {"mean_w": 400, "std_w": 700}


@pytest.mark.parametrize("prefix", ["washingmachine", "washing_machine", "Washing Machine"])
def test_a_folder_gives_each_use_its_own_files_however_their_names_are_written(
    run_train: Command, run_test: Command, here: Path, make_house: Command, prefix: str
):
    write_uses(here / "data", prefix, make_house, **WASHING)
    words = ("--appliance_name", "washing machine", *QUICK)
    trained = run_train(
        *words, "--training_directory", "data", "--validation_directory", "data", "--epochs", 1
    )
    assert trained.code == 0, trained.err
    model = saved_model(here, "washing_machine")
    assert (lengths(model, "training"), lengths(model, "validation")) == ([1200], [1100])
    assert f"training data: {Path('data') / prefix}_training_.csv\n" in trained.err
    tested = run_test(*words, "--test_directory", "data")
    assert tested.code == 0, tested.err
    report = json.loads(
        (
            here / "washing_machine/saved_models/washing_machine_default_reduced_metrics.json"
        ).read_text()
    )
    assert [(data["house"], data["samples"]) for data in report["data"]] == [
        (f"{prefix}_test_", 1000)
    ]


def test_without_flags_the_files_in_place_are_used_and_named(
    run_train: Command, run_test: Command, here: Path, make_house: Command
):
    write_uses(here / "washingmachine", "washingmachine", make_house, **WASHING)
    words = ("--appliance_name", "washing machine", *QUICK)
    trained = run_train(*words, "--epochs", 1)
    assert trained.code == 0, trained.err
    model = saved_model(here, "washing_machine")
    assert (lengths(model, "training"), lengths(model, "validation")) == ([1200], [1100])
    for use in ("training", "validation"):
        assert (
            f"{use} data: {Path('washingmachine') / f'washingmachine_{use}_.csv'}\n" in trained.err
        )
    tested = run_test(*words)
    assert tested.code == 0, tested.err
    assert f"test data: {Path('washingmachine/washingmachine_test_.csv')}\n" in tested.err

    (here / "washingmachine" / "washingmachine_validation_.csv").unlink()
    alone = run_train(*words, "--epochs", 1)
    assert alone.code == 0, alone.err
    assert "validation data: the last fifth of the training data\n" in alone.err
    assert lengths(saved_model(here, "washing_machine"), "training") == [1200 - 240 - 31]


FOLDERS = {
    "of another appliance": (
        ["microwave_training_.csv"],
        "no file is named like kettle_training_.csv, only data/microwave_",
    ),
    "of another use": (
        ["kettle_test_.csv"],
        "no file is named like kettle_training_.csv, only data/kettle_test_.csv",
    ),
    "of no use": (
        ["kettle.csv", "house2.parquet"],
        "only data/house2.parquet, data/kettle.csv; rename one, or name the training",
    ),
    "a word within another": (
        ["kettle_constraining.csv"],
        "no file is named like kettle_training_.csv",
    ),
    "of two uses": (
        ["kettle_training_test.csv"],
        "more than one use is in the name of data/kettle_training_test.csv; rename it",
    ),
    "twice": (
        ["kettle_training_.csv", "Kettle Training.CSV", "kettle_test_.csv"],
        (
            "several files have one name: data/Kettle Training.CSV, data/kettle_training_.csv; name"
            " the training file itself"
        ),
    ),
    "many": ([f"house{i}.csv" for i in range(11)], " and 3 more; rename one"),
}


@pytest.mark.parametrize(("names", "says"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_in_which_nothing_or_too_much_fits_is_refused_with_what_is_there(
    run_train: Command, here: Path, names: list[str], says: str
):
    (here / "data").mkdir()
    for name in names:
        (here / "data" / name).write_text("0,0\n" * 50)
    answer = run_train("--training_directory", "data", *QUICK[:-2])
    assert answer.code == 1
    assert answer.err.startswith("seq2point: data: ")
    assert says in answer.err
    assert "with --training_directory" in answer.err
    assert answer.err.count("\n") == 1


def test_a_dishwashers_file_is_no_washing_machines(
    run_test: Command, run_train: Command, here: Path, make_house: Command
):
    write_lineage(make_house(1200, 1), here / "dishwasher_training_.csv")
    answer = run_train("--appliance_name", "washer", "--training_directory", ".", *QUICK)
    assert answer.code == 1
    assert (
        "no file is named like washingmachine_training_.csv, only dishwasher_training_.csv"
        in answer.err
    )


def test_files_that_name_no_appliance_and_several_houses_are_chosen_by_their_use(
    run_train: Command, here: Path, make_house: Command
):
    folder = here / "data"
    folder.mkdir()
    for name, samples in (
        ("House 1 training", 1200),
        ("house2_TRAIN", 1100),
        ("house3_test", 1000),
        ("latest", 900),
    ):
        write_recording(make_house(samples, samples), folder / f"{name}.parquet")
    answer = run_train("--training_directory", folder, "--epochs", 1, *QUICK)
    assert answer.code == 0, answer.err
    assert lengths(saved_model(here), "training") == [1200 - 240 - 31, 1100 - 220 - 31]


@pytest.mark.parametrize("use", ["training", "test"])
def test_data_in_place_of_which_one_use_is_missing_are_not_replaced_by_simulated_houses(
    run_train: Command, run_test: Command, here: Path, make_house: Command, use: str
):
    folder = here / "kettle"
    write_uses(folder, "kettle", make_house)
    assert run_train("--epochs", 1, *QUICK).code == 0
    (folder / f"kettle_{use}_.csv").unlink()
    answer = (run_train if use == "training" else run_test)(*QUICK[:-2])
    assert answer.code == 1
    assert f"kettle: no file is named like kettle_{use}_.csv, only kettle/kettle_" in answer.err
    assert answer.err.count("\n") == 1


def test_the_period_is_that_of_simulated_houses_and_resamples_files_with_times(
    run_train: Command,
    run_test: Command,
    here: Path,
    make_house: Command,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(original_data, "SIMULATED_DAYS", 1)
    words = ("--crop", 1500, *QUICK)
    trained = run_train(*words, "--epochs", 0.1, "--period", "20s")
    assert trained.code == 0, trained.err
    assert "(1 days each at 20 s)" in trained.err
    assert saved_model(here).period_s == 20
    tested = run_test(*words)
    assert tested.code == 0, tested.err
    assert "simulated houses 44 to 48 (1 days each at 20 s)" in tested.err

    write_recording(make_house(2500, 1, 10.0), here / "fine.parquet")
    refused = run_test(*words, "--test_directory", "fine.parquet")
    assert refused.code == 1
    assert "resample the readings to 20 s" in refused.err
    resampled = run_test(*words, "--test_directory", "fine.parquet", "--period", "20s")
    assert resampled.code == 0, resampled.err


def test_a_table_without_times_has_the_given_period_or_the_usual_one(
    run_train: Command, here: Path, make_house: Command
):
    house = make_house(1200, 1)
    rows = np.stack([house.mains_w, house.appliances_w["kettle"], house.mains_w], axis=1)
    np.savetxt(
        here / "house.csv",
        rows,
        delimiter=",",
        header="mains,kettle,other",
        comments="",
        fmt="%.1f",
    )
    for words, period_s in (((), 8), (("--period", "6s"), 6)):
        answer = run_train("--training_directory", "house.csv", "--epochs", 1, *words, *QUICK)
        assert answer.code == 0, answer.err
        assert saved_model(here).period_s == period_s


@pytest.mark.parametrize(
    ("alias", "network", "hidden"),
    [
        ("", "default", 1024),
        ("standard", "default", 1024),
        ("optimal", "default", 1024),
        ("smaller", "reduced", 512),
    ],
)
def test_the_originals_names_of_networks_stand_for_ours_and_that_is_said(
    run_train: Command,
    run_test: Command,
    here: Path,
    make_house: Command,
    alias: str,
    network: str,
    hidden: int,
):
    write_uses(here / "kettle", "kettle", make_house)
    words = ("--network_type", alias, "--input_window_length", 31)
    trained = run_train(*words, "--epochs", 1)
    assert trained.code == 0, trained.err
    assert f"network type '{alias}' is {network}: " in trained.err
    assert saved_model(here, network=network).architecture.hidden == hidden
    tested = run_test("--network_type", network, "--input_window_length", 31)
    assert tested.code == 0, tested.err


def test_a_batch_size_without_effect_is_accepted_and_that_is_said(
    run_train: Command, run_test: Command, here: Path, make_house: Command
):
    write_uses(here / "kettle", "kettle", make_house)
    quick = QUICK[:-2]
    silent = run_train(*quick, "--epochs", 1)
    assert silent.code == 0, silent.err
    assert "--batch_size" not in silent.err
    assert (
        "--batch_size has no effect with --engine sliding"
        in run_train(*quick, "--epochs", 1, "--batch_size", 300).err
    )
    windows = run_train(*quick, "--epochs", 1, "--batch_size", 300, "--engine", "windows")
    assert windows.code == 0, windows.err
    assert "--batch_size" not in windows.err
    assert saved_model(here).provenance["training"]["settings"]["batch_size"] == 300
    assert "--batch_size" not in run_test(*quick).err
    assert "--batch_size has no effect on a test" in run_test(*quick, "--batch_size", 300).err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (
            ("--pruning_algorithm", "spq"),
            2,
            "unknown pruning algorithm 'spq': choose one of none, magnitude, ",
        ),
        (
            ("--network_type", "tiny"),
            2,
            "unknown network 'tiny': choose one of seq2point, reduced, dropout, reduced_dropout",
        ),
        (("--appliance_name", "toaster"), 2, "unknown appliance 'toaster': choose one of kettle"),
        (
            ("--input_window_length", "600"),
            2,
            "window 600 does not fit network 'default': give an odd number",
        ),
        (("--training_directory", "nowhere.csv"), 1, "nowhere.csv: no such file"),
        (("--training_directory", "."), 1, ".: holds no .csv or .parquet file"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line_and_leaves_nothing(
    run_train: Command, here: Path, words: tuple[str, ...], code: int, says: str
):
    answer = run_train(*words)
    assert answer.code == code
    assert answer.err.startswith("seq2point: ")
    assert says in answer.err
    assert answer.err.count("\n") == 1
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (
            ("--algorithm", "spq"),
            2,
            "unknown pruning algorithm 'spq': choose one of none, magnitude, ",
        ),
        (
            ("--network_type", "tiny"),
            2,
            "unknown network 'tiny': choose one of seq2point, reduced, dropout, reduced_dropout",
        ),
        (
            ("--algorithm", "tfmot"),
            2,
            (
                "kettle_tfmot_default_model.safetensors: not found; run train_main.py with the same"
                " flags first"
            ),
        ),
    ],
)
def test_what_cannot_be_tested_is_refused_in_one_line(
    run_test: Command, here: Path, words: tuple[str, ...], code: int, says: str
):
    answer = run_test(*words)
    assert answer.code == code
    assert says in answer.err
    assert answer.err.count("\n") == 1


def test_a_lineage_file_of_something_else_is_refused_where_it_is_wrong(
    run_train: Command, here: Path
):
    (here / "watts.csv").write_text("230,0\n2500,2300\n" * 50)
    answer = run_train("--training_directory", "watts.csv", *QUICK)
    assert answer.code == 1
    assert "watts.csv, line 1: '" in answer.err
    assert "not a scaled power" in answer.err


@pytest.mark.parametrize(
    ("script", "flags"),
    [
        (
            "train_main.py",
            ("epochs", "validation_frequency", "training_directory", "validation_directory"),
        ),
        ("test_main.py", ("algorithm", "test_directory")),
    ],
)
def test_the_scripts_stand_at_the_top_with_the_original_flags(script: str, flags: tuple[str, ...]):
    run = subprocess.run(
        [sys.executable, ROOT / script, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200"},
    )
    common = (
        "appliance_name",
        "batch_size",
        "crop",
        "pruning_algorithm",
        "network_type",
        "input_window_length",
        "period",
    )
    assert all(f"--{flag}" in run.stdout for flag in (*common, *flags))


def test_the_documents_show_the_command_of_each_algorithm():
    def shown(page: str) -> set[str]:
        text = (ROOT / page).read_text()
        return set(re.findall(r'python train_main\.py --pruning_algorithm="(\w+)"', text))

    assert shown("README.md") == {"spp", "entropic", "threshold", "tfmot"}
    assert {ALIASES.get(name, name) for name in shown("docs/guides/original_commands.md")} == set(
        PRUNERS
    )
