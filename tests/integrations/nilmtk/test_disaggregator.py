"""Seq2Point through NILMTK's interface, called as its API and nilmbench call it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from seq2point import Architecture, DataError, Model, ModelFileError, UsageError
from seq2point.compression.compaction import compact
from seq2point.integrations.nilmtk import Seq2Point

WINDOW = 31
QUICK = {
    "sequence_length": WINDOW,
    "n_epochs": 3,
    "batch_size": 64,
    "network": "reduced",
    "seed": 1,
    "threads": 1,
}


def frames(
    samples: int = 1200, seed: int = 0, start: str = "2024-01-01"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return mains and a 2.5 kW kettle over a base load, a reading a minute, as in NILMTK."""
    rng = np.random.default_rng(seed)
    kettle_w = np.zeros(samples)
    at = 20
    while at < samples:
        kettle_w[at : at + int(rng.integers(2, 6))] = 2500
        at += int(rng.integers(20, 60))
    index = pd.date_range(start, periods=samples, freq="60s", tz="Europe/London")
    columns = pd.MultiIndex.from_tuples([("power", "active")], names=["physical_quantity", "type"])
    mains_w = kettle_w + 200 + rng.normal(0, 10, samples)
    return pd.DataFrame(mains_w, index, columns), pd.DataFrame(kettle_w, index, columns)


@pytest.fixture(scope="module")
def fitted() -> Seq2Point:
    mains, kettle = frames()
    model = Seq2Point(QUICK)
    model.partial_fit([mains], [("electric kettle", [kettle])])
    return model


def test_it_learns_from_chunks_and_predictions_every_row_under_the_callers_names_and_index(
    fitted: Seq2Point,
):
    mains, kettle = frames(600, seed=5, start="2024-03-01")
    (predictions,) = fitted.disaggregate_chunk([mains])
    assert list(predictions.columns) == ["electric kettle"]
    assert predictions.index.equals(mains.index)
    assert predictions.dtypes.iloc[0] == np.float32
    power_w = predictions["electric kettle"].to_numpy()
    assert np.isfinite(power_w).all()
    assert (power_w >= 0).all()
    truth_w = kettle.to_numpy()[:, 0]
    assert np.abs(power_w - truth_w).mean() < 0.3 * truth_w.mean()


def test_what_nilmtks_api_and_nilmbench_look_at_is_there(fitted: Seq2Point):
    assert fitted.MODEL_NAME == "Seq2Point"
    assert (fitted.chunk_wise_training, fitted.n_epochs, fitted.load_model_path) == (False, 3, None)
    assert (
        sum(p.numel() for network in fitted.models.values() for p in network.parameters()) > 10_000
    )
    assert fitted.appliance_params["electric kettle"]["std"] > 100


def test_a_frames_ends_are_filled_with_zeros_as_nilmtk_contrib_does(fitted: Seq2Point):
    mains, _ = frames(100, seed=9)
    windows = fitted.call_preprocessing([mains])[0]
    assert windows.shape == (100, WINDOW)
    model = fitted.model("electric kettle")
    with torch.no_grad():
        raw = model.network(torch.tensor(windows.to_numpy()))[:, 0].numpy()
    expected = np.maximum(raw * model.scale.appliance_std_w[0] + model.scale.appliance_mean_w[0], 0)
    (predictions,) = fitted.disaggregate_chunk([mains])
    np.testing.assert_allclose(predictions.to_numpy()[:, 0], expected, atol=0.05)
    (windowed,) = fitted.disaggregate_chunk([windows], do_preprocessing=False)
    np.testing.assert_allclose(windowed.to_numpy()[:, 0], expected, atol=0.05)


def test_preprocessed_chunks_teach_what_raw_ones_teach():
    mains, kettle = frames(400)
    params = QUICK | {
        "appliance_params": {"kettle": {"mean": 700, "std": 1000, "min": 0}},
        "n_epochs": 1,
        "period_s": 60,
    }
    raw, cut = Seq2Point(params), Seq2Point(params)
    raw.partial_fit([mains], [("kettle", [kettle])])
    windows, targets = cut.call_preprocessing([mains], [("kettle", [kettle])], "train")
    cut.partial_fit(windows, targets, do_preprocessing=False)
    one, other = (m.disaggregate_chunk([mains])[0].to_numpy() for m in (raw, cut))
    # Adam makes 4 W of a mains that is a millionth higher, and 120 W of one that is three samples
    # late
    np.testing.assert_allclose(one, other, atol=10)


def test_no_window_spans_a_gap_in_the_times_of_a_frame(fitted: Seq2Point):
    mains, _ = frames(300, seed=3)
    holed = mains.drop(mains.index[100:150])
    (whole,), (pieces,) = (
        fitted.disaggregate_chunk([holed]),
        fitted.disaggregate_chunk([holed.iloc[:100]]),
    )
    assert whole.index.equals(holed.index)
    np.testing.assert_allclose(whole.iloc[:100], pieces, atol=0.05)
    (after,) = fitted.disaggregate_chunk([holed.iloc[100:]])
    np.testing.assert_allclose(whole.iloc[100:], after, atol=0.05)


def test_chunk_by_chunk_training_goes_on_from_where_it_was():
    first, second = frames(600, seed=1), frames(600, seed=2, start="2024-02-01")
    model = Seq2Point(QUICK | {"chunk_wise_training": True})
    model.n_epochs = 1  # as NILMTK's API sets it
    model.partial_fit([first[0]], [("kettle", [first[1]])])
    before = model.models["kettle"].hidden.weight.detach().clone()
    scale = model.model("kettle").scale
    model.partial_fit([second[0]], [("kettle", [second[1]])], current_epoch=1)
    after = model.models["kettle"].hidden.weight.detach()
    assert 0 < float((after - before).abs().max()) < 0.5
    assert model.model("kettle").scale == scale


def test_what_is_saved_is_loaded_with_the_same_predictions_and_names(
    fitted: Seq2Point, tmp_path: Path
):
    mains, _ = frames(200, seed=4)
    fitted.save_model(tmp_path / "models")
    loaded = Seq2Point({"pretrained-model-path": tmp_path / "models"})
    assert loaded.sequence_length == WINDOW
    assert loaded.load_model_path
    pd.testing.assert_frame_equal(
        loaded.disaggregate_chunk([mains])[0], fitted.disaggregate_chunk([mains])[0]
    )
    assert Model.load(tmp_path / "models" / "electric_kettle.safetensors").period_s == 60
    with pytest.raises(ModelFileError, match="holds no model file"):
        Seq2Point({"load_model_path": tmp_path})


def test_a_pruned_and_compacted_model_file_runs_as_a_disaggregator(tmp_path: Path):
    mains, kettle = frames(600)
    model = Seq2Point(
        QUICK
        | {
            "pruning": "structured",
            "sparsity": 0.7,
            "pruning_settings": {"frequency": 5},
            "compact": True,
        }
    )
    model.partial_fit([mains], [("kettle", [kettle])])
    small = model.model("kettle")
    assert small.architecture.hidden < 512
    assert compact(small).architecture == small.architecture
    small.save(tmp_path / "kettle.safetensors")
    run = Seq2Point.of_models({"water boiler": tmp_path / "kettle.safetensors"})
    (predictions,) = run.disaggregate_chunk([mains])
    assert list(predictions.columns) == ["water boiler"]
    assert run.load_model_path, "NILMTK's API would train it"
    np.testing.assert_array_equal(
        predictions["water boiler"], model.disaggregate_chunk([mains])[0]["kettle"]
    )


def test_a_model_whose_target_is_not_the_middle_predictions_every_row():
    torch.manual_seed(3)
    shape = Architecture(window=20, target_index=14, channels=(3,), kernels=(4,), hidden=6)
    run = Seq2Point.of_models({"kettle": Model.untrained("kettle", 60.0, shape)})
    mains, _ = frames(70)
    (predictions,) = run.disaggregate_chunk([mains])
    assert len(predictions) == 70
    assert predictions.notna().all().all()
    with pytest.raises(UsageError, match="leave the preprocessing to disaggregate_chunk"):
        run.disaggregate_chunk([pd.DataFrame(np.zeros((5, 20)))], do_preprocessing=False)


def test_an_appliance_of_any_name_and_a_flat_one_are_trained():
    mains, kettle = frames(300)
    model = Seq2Point(QUICK | {"n_epochs": 1})
    model.partial_fit([mains], [("heat pump", [kettle]), ("sockets", [kettle * 0])])
    assert model.model("heat pump").appliances[0].name == "heat_pump"
    assert model.appliance_params["sockets"] == {"mean": 0.0, "std": 100.0}
    (predictions,) = model.disaggregate_chunk([mains])
    assert list(predictions.columns) == ["heat pump", "sockets"]


REFUSED: dict[str, tuple[Any, str]] = {
    "an even window": (
        lambda: Seq2Point({"sequence_length": 100}),
        "window 100 does not fit network 'seq2point'",
    ),
    "no epochs": (
        lambda: Seq2Point({"n_epochs": 0}),
        "params\\['n_epochs'\\] = 0: input should be greater than 0",
    ),
    "a flat std": (
        lambda: Seq2Point({"appliance_params": {"kettle": {"mean": 1, "std": 0}}}),
        "appliance_params.kettle.std",
    ),
    "an unknown device": (
        lambda: Seq2Point({"device": "tpu"}).params.device_choice,
        "choose cpu or cuda",
    ),
    "nothing trained": (
        lambda: Seq2Point({}).disaggregate_chunk([frames(50)[0]]),
        "call partial_fit or load_model first",
    ),
    "chunks that do not pair": (
        lambda: Seq2Point(QUICK).partial_fit([frames()[0]], [("kettle", [])]),
        "0 chunks of 'kettle' for 1",
    ),
    "rows that do not pair": (
        lambda: Seq2Point(QUICK).partial_fit([frames(300)[0]], [("kettle", [frames(299)[1]])]),
        "299 rows of kettle for 300 of the mains",
    ),
    "rows of other times": (
        lambda: Seq2Point(QUICK).partial_fit(
            [frames(300)[0]], [("kettle", [frames(300, start="2024-05-01")[1]])]
        ),
        "the rows of kettle have other times",
    ),
    "no times and no period": (
        lambda: Seq2Point(QUICK).partial_fit(
            *(lambda m, k: ([m.reset_index(drop=True)], [("kettle", [k])]))(*frames(300))
        ),
        "params\\['period_s'\\]",
    ),
    "two columns": (
        lambda: Seq2Point(QUICK).partial_fit(
            [pd.concat([frames()[0]] * 2, axis=1)], [("kettle", [frames()[1]])]
        ),
        "give one column of power",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_what_to_do(case: str):
    attempt, message = REFUSED[case]
    with pytest.raises((UsageError, DataError), match=message):
        attempt()


def test_another_period_than_the_models_is_refused(fitted: Seq2Point):
    mains, _ = frames(100)
    mains.index = pd.date_range("2024-01-01", periods=100, freq="6s")
    with pytest.raises(DataError, match="a reading every 6 s, the model needs one every 60 s"):
        fitted.disaggregate_chunk([mains])


def with_index(index: pd.Index) -> pd.DataFrame:
    mains, _ = frames(200, seed=5)
    mains.index = index
    return mains


def with_values(values: Any) -> pd.DataFrame:
    mains, _ = frames(200, seed=5)
    return pd.DataFrame({("power", "active"): values}, index=mains.index)


MAINS, KETTLE = frames(200, seed=5)
WATTS = MAINS.to_numpy()[:, 0]
TIMES = MAINS.index.tz_convert("UTC")
MARKED = np.where(np.arange(200) // 20 == 5, -1, WATTS)
CHUNKS: dict[str, pd.DataFrame] = {
    "periods": with_index(pd.period_range("2024-01-01", periods=200, freq="60s")),
    "text": with_index(TIMES.strftime("%Y-%m-%d %H:%M:%S")),
    "objects": with_index(TIMES.astype(object)),
    "Arrow's times": with_index(pd.Index(TIMES.astype("timestamp[us, tz=UTC][pyarrow]"))),
    "Unix seconds": with_index(pd.Index(TIMES.as_unit("s").asi8)),
    "building and time": with_index(pd.MultiIndex.from_arrays([["1"] * 200, TIMES])),
    "numbers in text": with_values(WATTS.astype(str)),
    "Decimal": with_values([Decimal(str(watts)) for watts in WATTS]),
    "Arrow's numbers": MAINS.astype("double[pyarrow]"),
    "a series": MAINS.iloc[:, 0],
}


@pytest.mark.parametrize("kind", CHUNKS)
def test_a_chunk_of_any_type_gives_its_own_index_and_the_same_predictions(
    fitted: Seq2Point, kind: str
):
    chunk = CHUNKS[kind]
    (predictions,) = fitted.disaggregate_chunk([chunk])
    pd.testing.assert_index_equal(predictions.index, chunk.index)
    (expected,) = fitted.disaggregate_chunk([MAINS])
    np.testing.assert_allclose(predictions, expected, atol=0.05)


def test_marks_and_readings_below_zero_are_gaps_with_a_warning(fitted: Seq2Point):
    for mark, reason in ((-1, "-1 means no reading"), (-500, "below zero")):
        chunk = with_values(np.where(MARKED == -1, mark, MARKED))
        with pytest.warns(UserWarning, match=f"chunk 0: 20 readings of 'mains' .*{reason}"):
            (predictions,) = fitted.disaggregate_chunk([chunk])
        (expected,) = fitted.disaggregate_chunk(
            [with_values(np.where(MARKED == -1, np.nan, WATTS))]
        )
        pd.testing.assert_frame_equal(predictions, expected)


UNFIT: dict[str, tuple[Any, str]] = {
    "kilowatts": (MAINS / 1000, "chunk 0: the mains never exceed 2.* kilowatts"),
    "a counter": (MAINS.cumsum() / 60, "chunk 0: the mains never fall: .* counter of energy"),
    "words": (with_values(["x"] * 200), "chunk 0: mains: .* not numbers .'x' in row 1"),
    "times": (with_values(MAINS.index), "chunk 0: mains: .* not numbers"),
    "two columns": (pd.concat([MAINS] * 2, axis=1), "power active, power active; give one column"),
    "no column": (MAINS.iloc[:, :0], "chunk 0: mains: columns none; give one column of power"),
    "lists": ([[1], [1, 2]], "chunk 0: mains: list of shape .*; give one column of power"),
    "nothing": (None, "chunk 0 of mains is of type NoneType: give a frame"),
    "times that descend": (MAINS[::-1], "chunk 0: the times of the frame go back or repeat"),
    "times that repeat": (pd.concat([MAINS] * 2), "chunk 0: the times .* go back or repeat"),
    "a lacking time": (with_index(MAINS.index.where(WATTS < 2000)), "chunk 0 lacks a time"),
    "an index of words": (with_index(pd.Index([f"r{i}" for i in range(200)])), "no time; give"),
    "microseconds": (
        with_index(pd.date_range("2024", periods=200, freq="1us")),
        "chunk 0: the times of the frame are less than a millisecond apart",
    ),
    "masked without times": (np.ma.array(WATTS), r"params\['period_s'\]"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_chunk_that_cannot_be_used_is_refused_by_both_doors_in_one_line(
    fitted: Seq2Point, kind: str
):
    chunk, message = UNFIT[kind]
    given = QUICK | {"appliance_params": {"kettle": {"mean": 100, "std": 500}}}
    for call in (
        lambda: fitted.disaggregate_chunk([chunk]),
        lambda: Seq2Point(given).partial_fit([chunk], [("kettle", [chunk])]),
    ):
        with pytest.raises((DataError, UsageError), match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_masked_readings_are_gaps(fitted: Seq2Point):
    run = Seq2Point.of_models({"kettle": fitted.model("electric kettle")}, {"period_s": 60})
    (predictions,) = run.disaggregate_chunk([np.ma.array(WATTS, mask=MARKED == -1)])
    (expected,) = run.disaggregate_chunk([with_values(np.where(MARKED == -1, np.nan, WATTS))])
    np.testing.assert_allclose(predictions, expected, atol=0.05)


def test_an_empty_building_is_left_out_with_a_warning_and_none_but_empty_ones_are_refused(
    fitted: Seq2Point,
):
    mains, kettle = frames()
    model = Seq2Point(QUICK)
    with pytest.warns(UserWarning, match="chunk 0 is left out: no rows of the mains"):
        model.partial_fit([pd.DataFrame(), mains], [("electric kettle", [kettle[:0], kettle])])
    pd.testing.assert_frame_equal(
        model.disaggregate_chunk([MAINS])[0], fitted.disaggregate_chunk([MAINS])[0]
    )
    with (
        pytest.warns(UserWarning, match="chunk 0 is left out: no rows of 'kettle'"),
        pytest.raises(DataError, match="no chunk has rows of the mains and of 'kettle'"),
    ):
        Seq2Point(QUICK).partial_fit([mains], [("kettle", [kettle[:0]])])
    for windows in model.call_preprocessing([MAINS[:0]]), [MAINS[:0]]:
        (predictions,) = model.disaggregate_chunk(windows, do_preprocessing=False)
        assert predictions.index.equals(MAINS.index[:0])


FITS: dict[str, tuple[Any, Any, str]] = {
    "a plug's counter": (MAINS, KETTLE.cumsum() / 60, "chunk 0: kettle: the readings never fall"),
    "a plug without readings": (MAINS, KETTLE * np.nan, "'kettle' has no reading"),
    "mains without readings": (MAINS * np.nan, KETTLE, "no training window: chunk 0"),
    "a plug without times": (
        MAINS,
        KETTLE.reset_index(drop=True),
        "chunk 0: the rows of kettle have other times than those of the mains",
    ),
}


@pytest.mark.parametrize("kind", FITS)
def test_a_plug_that_cannot_be_used_is_refused(kind: str):
    mains, kettle, message = FITS[kind]
    with pytest.raises(DataError, match=message):
        Seq2Point(QUICK).partial_fit([mains], [("kettle", [kettle])])
    given = QUICK | {"appliance_params": {"kettle": {"mean": 100, "std": 500}}}
    with pytest.raises(DataError, match=message):
        Seq2Point(given).partial_fit([mains], {"kettle": [kettle]})


def test_a_frame_that_is_no_list_of_frames_is_refused(fitted: Seq2Point):
    for call in (
        lambda: fitted.disaggregate_chunk(MAINS),
        lambda: Seq2Point(QUICK).partial_fit(MAINS, [("kettle", KETTLE)]),
        lambda: Seq2Point(QUICK).partial_fit([MAINS], [("kettle", KETTLE)]),
    ):
        with pytest.raises(DataError, match="of type DataFrame: give a list of frames"):
            call()


def test_params_that_do_nothing_are_warned_of():
    with pytest.warns(UserWarning, match="params that do nothing here: weight_decay"):
        Seq2Point({"weight_decay": 0.1})
