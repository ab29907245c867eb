"""The package from Python: data frames wherever a recording is, settings by name, and what is
listed.
"""

import inspect
import pydoc
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import seq2point
from seq2point import (
    Architecture,
    ColumnsConfig,
    DataError,
    Model,
    Recording,
    UsageError,
    load_recording,
    recording_from_frame,
    studies,
)
from seq2point.configuration import TrainingConfig, TrainOptions
from seq2point.training import train_with_history
from seq2point.training.transfer import train_from_scratch, transfer

FIRST = datetime(2024, 3, 1, tzinfo=UTC)
FLOATS = st.floats(0, 3000, width=32).map(lambda value: float(np.float32(value)))
CELLS = st.one_of(FLOATS, st.none())


def same(one: Recording, other: Recording) -> None:
    """Two recordings hold the same readings at the same times."""
    assert (one.period_s, one.start, one.jumps) == (other.period_s, other.start, other.jumps)
    assert list(one.appliances_w) == list(other.appliances_w)
    np.testing.assert_array_equal(one.mains_w, other.mains_w)
    for name, power_w in one.appliances_w.items():
        np.testing.assert_array_equal(power_w, other.appliances_w[name])


def polars_frame(rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows)


def lazy_frame(rows: dict[str, Any]) -> pl.LazyFrame:
    return pl.LazyFrame(rows)


def pandas_frame(rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows)


def indexed_frame(rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.set_index(
        pd.DatetimeIndex(pd.to_datetime(frame.pop("time"), utc=True)).rename(None)
    )


FRAMES = pytest.mark.parametrize("framed", [polars_frame, lazy_frame, pandas_frame, indexed_frame])
Framed = Callable[[dict[str, Any]], Any]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Rows of readings at irregular times with gaps, an appliance under a usual name and a column
    of no use.
    """
    steps = draw(st.lists(st.sampled_from([5, 6, 6, 6, 7, 18, 60, 5000]), min_size=1, max_size=30))
    times = [FIRST + timedelta(seconds=int(s)) for s in np.cumsum([0, *steps])]
    cells = st.lists(CELLS, min_size=len(times), max_size=len(times))
    mains = [100.0, *draw(cells)[1:]]
    return {
        "time": times,
        "Aggregate": mains,
        "Washing Machine": draw(cells),
        "note": ["x"] * len(times),
    }


@pytest.mark.filterwarnings("ignore:.* are gaps, as the meter is silent:UserWarning")
@FRAMES
@given(rows=tables())
def test_a_frame_gives_the_recording_that_its_file_gives(
    framed: Framed, rows: dict[str, Any], tmp_path: Path
):
    pl.DataFrame(rows).write_parquet(tmp_path / "house.parquet")
    same(recording_from_frame(framed(rows)), load_recording(tmp_path / "house.parquet"))


ROWS: dict[str, Any] = {
    "time": [FIRST + timedelta(seconds=6 * i) for i in range(4)],
    "mains": [100.0, 200.0, None, 400.0],
    "kettle": [0.0, 0.0, 2000.0, 0.0],
}


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(ROWS["time"]),
        pd.DatetimeIndex(ROWS["time"]).tz_convert("Europe/London").as_unit("s"),
        pd.DatetimeIndex(ROWS["time"]).tz_convert(timezone(timedelta(hours=5, minutes=30))),
        [int(time.timestamp()) for time in ROWS["time"]],
        [1000 * int(time.timestamp()) for time in ROWS["time"]],
        [time.isoformat() for time in ROWS["time"]],
    ],
    ids=["dates", "London", "Delhi", "seconds", "milliseconds", "text"],
)
def test_times_are_read_however_a_column_or_an_index_holds_them(times: Any):
    want = recording_from_frame(pl.DataFrame(ROWS))
    frame = pd.DataFrame({**ROWS, "time": times})
    same(recording_from_frame(frame), want)
    same(recording_from_frame(frame.set_index("time")), want)


@pytest.mark.parametrize("framed", [polars_frame, pandas_frame])
def test_the_zone_is_that_of_times_that_do_not_say_theirs(framed: Framed):
    local = ColumnsConfig(zone="America/Chicago")
    starts = [
        recording_from_frame(framed(ROWS), columns=each).start for each in (local, ColumnsConfig())
    ]
    assert starts == [FIRST, FIRST]
    naive = ROWS | {"time": [time.replace(tzinfo=None) for time in ROWS["time"]]}
    start = recording_from_frame(framed(naive), columns=local).start
    assert start == FIRST.replace(tzinfo=ZoneInfo("America/Chicago"))


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "Float64", "object", "string", "double[pyarrow]"]
)
def test_readings_of_every_type_of_pandas_are_numbers_with_their_gaps(dtype: str):
    frame = pd.DataFrame(ROWS).astype({"mains": dtype})
    same(recording_from_frame(frame), recording_from_frame(pl.DataFrame(ROWS)))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a column of readings below zero": (
        {"mains": [-1.5, -50.0, -3.0, -4.0]},
        "frame: all readings of the mains are below zero",
    ),
    "an absurd one": (
        {"kettle": [0.0, 0.0, 1e9, 0.0]},
        "frame, row 3: 'kettle' is 1,000,000,000 W, more than a house can draw",
    ),
    "an infinite one": (
        {"mains": [1.0, 2.0, 3.0, np.inf]},
        "frame, row 4: 'mains' is inf W, more than a house can draw",
    ),
    "a word": (
        {"mains": ["1", "2", "off", "4"]},
        "frame, row 3: 'mains' is 'off', not a number; mend it",
    ),
    "true and false": (
        {"mains": [True, False, True, True]},
        "frame: column 'mains' holds Boolean, not numbers",
    ),
    "no mains": (
        {"mains": None, "x": [1, 2, 3, 4]},
        "frame: no column for the mains (columns: time, kettle, x)",
    ),
    "a time that goes back": (
        {"time": [*ROWS["time"][:3], FIRST]},
        ("frame, row 4: the time goes back; sort the file, or set `repair`"),
    ),
    "a time that is missing": (
        {"time": [*ROWS["time"][:3], None]},
        "frame, row 4: the time is missing; write times like 2024-03-31T07:15:00Z",
    ),
    "no times": (
        {"time": None},
        ("frame: has no times; give its sampling period with `period_s`"),
    ),
    "no rows": ({"time": [], "mains": [], "kettle": []}, "frame: holds no rows"),
}


@pytest.mark.parametrize("framed", [polars_frame, pandas_frame])
@pytest.mark.parametrize("case", REFUSED)
def test_a_frame_is_refused_as_a_file_is_with_what_to_do_in_python(case: str, framed: Framed):
    other, says = REFUSED[case]
    rows = {name: cells for name, cells in (ROWS | other).items() if cells is not None}
    with pytest.raises(DataError) as refused:
        recording_from_frame(framed(rows))
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize("framed", [polars_frame, pandas_frame])
def test_a_reading_below_zero_in_a_frame_is_a_gap_and_a_warning_tells(framed: Framed):
    frame = framed(ROWS | {"mains": [100.0, -50.0, 300.0, 400.0]})
    with pytest.warns(UserWarning, match="frame: 1 reading of 'mains' made gaps: below zero"):
        recording = recording_from_frame(frame)
    assert np.isnan(recording.mains_w).tolist() == [False, True, False, False]


def test_kilowatts_are_refused_and_read_by_their_unit():
    frame = pl.DataFrame({"mains": [0.2] * 200})
    with pytest.raises(DataError, match=r"if they are kilowatts, set `unit` to kW"):
        recording_from_frame(frame, period_s=6)
    recording = recording_from_frame(
        frame, period_s=6, columns=ColumnsConfig(unit="kW"), house="mine"
    )
    assert (recording.house, recording.start, recording.mains_w[0]) == ("mine", None, 200)


def test_a_cell_that_is_no_number_among_numbers_is_named_by_its_row():
    frame = pd.DataFrame({"mains": [1.0, None, "off", 4.0]}, dtype=object)
    with pytest.raises(DataError, match="frame, row 3: 'mains' is 'off', not a number"):
        recording_from_frame(frame, period_s=6)


def test_two_columns_of_one_name_and_what_is_no_frame_are_refused():
    twice = pd.DataFrame([[1.0, 2.0]], columns=["mains", "mains"])
    with pytest.raises(DataError, match="frame: two columns are called 'mains'"):
        recording_from_frame(twice, period_s=6)
    with pytest.raises(
        DataError, match="frame: of type list; give a data frame of pandas or Polars"
    ):
        recording_from_frame([1, 2])  # type: ignore[arg-type]


def test_a_heading_of_several_levels_is_read_by_its_words():
    heading = pd.MultiIndex.from_tuples([("power", "active")])
    frame = pd.DataFrame(
        {("power", "active"): [1.0, 2.0]}, index=pd.DatetimeIndex(ROWS["time"][:2])
    )
    frame.columns = heading
    assert list(recording_from_frame(frame).mains_w) == [1, 2]
    assert seq2point.recording_from_frame is recording_from_frame


SMALL = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
QUICK: dict[str, Any] = {"steps": 4, "chunk": 40, "batch_size": 80, "progress": False}


def kettles(seed: int, samples: int = 900) -> dict[str, Any]:
    """A home of kettles and a heat pump of 2.5 kW and 1 kW at random times, every 6 s."""
    rng = np.random.default_rng(seed)
    power = {"kettle": np.zeros(samples, np.float32), "heat pump": np.zeros(samples, np.float32)}
    for power_w, watts in zip(power.values(), (2500, 1000), strict=True):
        for at in rng.integers(0, samples - 30, 12):
            power_w[at : at + 15] = watts
    times = [FIRST + timedelta(seconds=6 * i) for i in range(samples)]
    return {"time": times, "mains": sum(power.values()) + np.float32(200), **power}


def same_weights(one: Model, other: Model) -> bool:
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


@pytest.fixture(scope="module")
def homes() -> dict[str, Any]:
    rows = kettles(1)
    return {
        "polars": pl.DataFrame(rows),
        "pandas": indexed_frame(rows),
        "recording": recording_from_frame(pl.DataFrame(rows)),
    }


@pytest.fixture(scope="module")
def kettle(homes: dict[str, Any]) -> Model:
    return seq2point.train(homes["recording"], "kettle", network=SMALL, **QUICK)


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_a_frame_trains_tests_and_transfers_as_its_recording_does(
    homes: dict[str, Any], kettle: Model, library: str
):
    frame, recording = homes[library], homes["recording"]
    assert same_weights(seq2point.train([frame], "Kettle", network=SMALL, **QUICK), kettle)
    validated = (
        seq2point.train(frame, "kettle", network=SMALL, validation=v, **QUICK)
        for v in (frame, [recording])
    )
    assert same_weights(*validated)
    assert (
        seq2point.evaluate(kettle, [frame]).as_json()["metrics"]
        == seq2point.evaluate(kettle, recording).as_json()["metrics"]
    )
    assert same_weights(
        transfer(kettle, frame, **QUICK).model, transfer(kettle, [recording], **QUICK).model
    )
    assert same_weights(
        train_from_scratch(kettle, frame, **QUICK).model,
        train_from_scratch(kettle, recording, **QUICK).model,
    )
    np.testing.assert_array_equal(kettle.predict_w(frame), kettle.predict_w(recording))


def test_an_appliance_of_ones_own_is_found_in_a_frame_by_its_name(homes: dict[str, Any]):
    heat_pump = seq2point.appliances.define("heat pump", on_power_w=500)
    model = seq2point.train(homes["polars"], heat_pump, network=SMALL, **QUICK)
    assert model.appliances[0].name == "heat_pump"
    assert seq2point.evaluate(model, homes["pandas"]).metrics["heat_pump"]["mae_w"] is not None


def test_an_experiment_takes_frames(homes: dict[str, Any], tmp_path: Path):
    files = studies.OutcomeFiles.in_folder(tmp_path)
    options = TrainOptions.of(network=SMALL, **QUICK)
    test = pl.DataFrame(kettles(2))
    folder = tmp_path / "run"
    outcome = studies.train_and_test(homes["pandas"], "kettle", files, folder, options, test)
    assert outcome.report["tested_on"] == "test"
    assert outcome.report["data"][0]["samples"] == 900


def test_a_frame_without_times_needs_its_period_and_takes_that_of_a_model(
    homes: dict[str, Any], kettle: Model
):
    untimed = homes["polars"].drop("time")
    with pytest.raises(
        DataError, match="frame 2: has no times; give its sampling period with `period_s` of"
    ):
        seq2point.train([homes["polars"], untimed], "kettle", network=SMALL, **QUICK)
    timed, without = (
        seq2point.evaluate(kettle, frame).metrics["kettle"] for frame in (homes["polars"], untimed)
    )
    assert timed["mae_w"] == without["mae_w"]


def test_frames_that_do_not_fit_are_refused_by_their_place_in_the_list(
    homes: dict[str, Any], kettle: Model
):
    slow = homes["polars"].gather_every(3)
    with pytest.raises(
        DataError,
        match=r"frame 2: a reading every 18 s, the model needs one every 6 s; its readings",
    ):
        seq2point.evaluate(kettle, [homes["polars"], slow])
    fine = pl.DataFrame({"time": range(900), "mains": [100.0] * 900, "kettle": [0.0] * 900})
    with pytest.raises(DataError, match="set `resample` to average readings"):
        seq2point.evaluate(kettle, fine)
    with pytest.raises(DataError, match=r"frame: no column for 'kettle' \(columns: time, mains\)"):
        seq2point.train(homes["polars"].select("time", "mains"), "kettle")


@pytest.mark.parametrize(
    "given", ["house.parquet", Path("house.parquet"), 5, {"mains": [1.0]}, [None], np.zeros(9)]
)
def test_what_is_neither_a_recording_nor_a_frame_is_refused(given: Any, kettle: Model):
    for use in (
        lambda: seq2point.train(given, "kettle"),
        lambda: seq2point.evaluate(kettle, given),
    ):
        with pytest.raises(
            DataError,
            match=r"a recording of type \w+: give a Recording or a data frame \(pandas, Polars\)",
        ):
            use()


@pytest.mark.parametrize("appliance", [["kettle", "fridge"], ("kettle",), np.array(["kettle"])])
def test_a_list_of_appliances_is_refused_with_what_to_do(
    homes: dict[str, Any], kettle: Model, appliance: Any
):
    says = (
        "for one appliance, not for a list of them: call it for each, or train one and `transfer`"
        " it to the others, then `join_models`"
    )
    with pytest.raises(UsageError, match=says):
        seq2point.train(homes["polars"], appliance)
    with pytest.raises(UsageError, match=says):
        transfer(kettle, homes["polars"], appliance)


TRAINERS = [
    seq2point.train,
    train_with_history,
    transfer,
    train_from_scratch,
]


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda trainer: trainer.__name__)
def test_every_option_stands_in_the_signature_with_its_type_and_default(
    trainer: Callable[..., Any],
):
    parameters = inspect.signature(trainer).parameters
    assert not [p for p in parameters.values() if p.kind is p.VAR_KEYWORD]
    own = inspect.signature(train_with_history).parameters
    for name in {*parameters} & {*own} - {"recordings", "appliance", "freeze", "seed"}:
        assert (parameters[name].annotation, parameters[name].default) == (
            own[name].annotation,
            own[name].default,
        ), name
    for name, setting in TrainingConfig.model_fields.items():
        if name in parameters and name not in ("freeze", "seed"):
            assert parameters[name].default == setting.default


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"epoch": 3}, "unknown setting 'epoch': did you mean 'epochs'?"),
        ({"budget": 3}, "unknown setting 'budget': did you mean 'budget_s'?"),
        ({"Batch-Size": 3}, "unknown setting 'Batch-Size': did you mean 'batch_size'?"),
        ({"valdation": None}, "unknown setting 'valdation': did you mean 'validation'?"),
        ({"momentum": 0.9}, "unknown setting 'momentum': choose one of validation, hold_out, "),
        ({"epochs": "five"}, "epochs 'five': input should be a valid number"),
        ({"steps": 2.5}, "steps 2.5: input should be a valid integer"),
        ({"hold_out": "a fifth"}, "hold_out 'a fifth': input should be a valid number"),
        ({"hold_out": 1.5}, "hold_out 1.5: input should be less than 1"),
        ({"devices": "two"}, "devices 'two': input should be a valid integer"),
        ({"threads": 0}, "threads 0: input should be greater than 0"),
        ({"device": "gpu"}, "device 'gpu': input should be 'auto', 'cpu' or 'cuda'"),
        (
            {"scaling": "own"},
            "scaling 'own': input should be 'published', 'lineage' or 'fitted' or an instance of"
            " Scale",
        ),
        (
            {"network": 5},
            "network 5: input should be a valid string or an instance of Architecture",
        ),
        (
            {"start": "kettle.safetensors"},
            "start 'kettle.safetensors': input should be an instance of Model",
        ),
        ({"pruning": {}}, "pruning {}: input should be a valid string or an instance of Pruner"),
        ({"callbacks": [3]}, "callbacks 3: input should be an instance of Callback"),
        (
            {"pruning": "magnitude", "pruning_settings": {"sparcity": 0.5}},
            "; did you mean 'sparsity'?",
        ),
    ],
)
def test_a_setting_that_does_not_exist_or_fit_is_named_as_written(
    homes: dict[str, Any], options: dict[str, Any], says: str
):
    with pytest.raises(UsageError) as refused:
        seq2point.train(homes["recording"], "kettle", **options)
    assert says in str(refused.value)


def test_a_setting_that_a_model_to_transfer_brings_itself_is_unknown(
    homes: dict[str, Any], kettle: Model
):
    with pytest.raises(
        UsageError, match="unknown setting 'network': choose one of validation, hold_out, "
    ):
        transfer(kettle, homes["recording"], network=SMALL)  # type: ignore[call-arg]


def test_arguments_beyond_those_that_have_a_place_are_refused(homes: dict[str, Any], kettle: Model):
    recording = homes["recording"]
    with pytest.raises(TypeError, match="too many positional arguments"):
        seq2point.train(recording, "kettle", recording)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="multiple values for argument 'appliance'"):
        transfer(kettle, recording, "kettle", appliance="fridge")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing a required argument: 'appliance'"):
        seq2point.train(recording)  # type: ignore[call-arg]


def test_numbers_of_numpy_are_numbers(homes: dict[str, Any], kettle: Model):
    options = QUICK | {"steps": np.int64(4), "hold_out": np.float32(0.2), "devices": np.int64(1)}
    assert same_weights(
        seq2point.train(homes["recording"], "kettle", network=SMALL, **options), kettle
    )


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_lists_its_names_and_modules_without_importing_them():
    code = (
        "import sys, seq2point; print(*dir(seq2point)); assert not {'torch', 'numpy', 'polars'} &"
        " {*sys.modules}"
    )
    modules = {module.name for module in iter_modules(seq2point.__path__)} - {"__main__"}
    assert set(run_python(code).split()) == {*seq2point.__all__, *modules, "__version__"}


def test_help_shows_what_there_is_and_how_to_begin():
    text = pydoc.render_doc(seq2point, renderer=pydoc.plaintext)
    assert 'seq2point.train(frame, "kettle")' in text
    functions = text[text.index("\nFUNCTIONS") :]
    for name in ("evaluate", "load_recording", "recording_from_frame", "simulate_house", "train"):
        assert f"\n    {name}(" in functions
    for setting in ("epochs", "budget_s", "hold_out", "pruning", "patience"):
        assert f"{setting}: " in functions
    assert "**" not in pydoc.render_doc(seq2point.train, renderer=pydoc.plaintext)


def test_without_torch_the_package_lists_and_helps_with_what_is_there():
    heavy = ("torch", "lightning", "safetensors", "sklearn", "matplotlib", "tensorboard")
    code = f"""
import sys
sys.modules |= dict.fromkeys({heavy})
import pydoc, seq2point
print(*dir(seq2point))
assert "load_recording(" in pydoc.render_doc(seq2point)
"""
    listed = run_python(code).split()
    assert {"Recording", "load_recording", "recording_from_frame", "runtime", "errors"} <= {*listed}
    assert not {"train", "Model"} & {*listed}


def test_looking_at_the_package_does_not_run_its_command():
    assert not hasattr(seq2point, "__main__")
    assert not hasattr(seq2point, "__wrapped__")


def test_a_text_where_a_list_of_names_is_due_is_one_name(tmp_path: Path):
    house = seq2point.simulate_house(3, 0.5, 60.0, appliances="kettle", owned="kettle")
    times = [FIRST + timedelta(minutes=i) for i in range(len(house))]
    frame = pl.DataFrame({"time": times, "mains": house.mains_w, "kettle": house.mains_w / 2})
    frame.write_parquet(tmp_path / "house.parquet")
    for recording in (
        load_recording(tmp_path / "house.parquet", appliances="kettle"),
        recording_from_frame(frame, appliances="kettle"),
    ):
        assert list(recording.appliances_w) == ["kettle"]
    home = seq2point.HomeEnergy.from_mains(
        house, ["kettle-60s", "fridge-60s"], zone="UTC", without="kettle"
    )
    assert list(home.power_w) == ["fridge"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda home: load_recording(None), "a file of type NoneType: give its path"),
        (lambda home: Model.load(None), "a file of type NoneType: give its path"),
        (lambda home: seq2point.runtime.load(None), "a file of type NoneType: give its path"),
        (lambda home: Model.pretrained(None), "a model of type NoneType: give the name of"),
        (lambda home: Model.pretrained("kettle", period_s="60"), "`period_s` '60': give a number"),
        (
            lambda home: seq2point.HomeEnergy.from_mains(home, period_s="60s"),
            "`period_s` '60s': give a number of seconds above zero",
        ),
        (
            lambda home: recording_from_frame(pl.DataFrame({"mains": [1.0]}), period_s="60s"),
            "`period_s` '60s': give a number of seconds above zero",
        ),
    ],
)
def test_what_is_no_path_name_or_number_is_one_clear_usage_error(
    call: Callable[[Recording], Any], says: str
):
    with pytest.raises(UsageError) as refused:
        call(Recording("home", 60.0, np.full(9, 100, np.float32), start=FIRST))
    assert str(refused.value).startswith(says)
