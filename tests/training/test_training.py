"""What a training promises: the same seed gives the same bits, the best weights come back, and it
learns.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

import seq2point
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.configuration import TrainingConfig
from seq2point.errors import DataError, TrainingError, UsageError
from seq2point.model.evaluation import evaluate
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training import TrainingResult
from seq2point.training.lightning_loop import group_parameters

Train = Callable[..., TrainingResult]

WINDOWS = (
    1200 * 4 // 5 - 33 - 33 + 1
)  # of the house, without the held-out fifth and the gap before it
SLIDING = {"engine": "sliding", "chunk": 40, "batch_size": 80}
ENGINES = pytest.mark.parametrize(
    "engine", [{"engine": "windows"}, SLIDING], ids=["windows", "sliding"]
)


@pytest.mark.parametrize(
    ("period_s", "window", "hours"), [(6.0, 599, "0.998"), (60.0, 255, "4.25")]
)
def test_without_a_window_that_of_the_sampling_period_is_taken_and_said(
    make_house: Callable[..., Recording],
    capsys: pytest.CaptureFixture[str],
    period_s: float,
    window: int,
    hours: str,
):
    house = replace(make_house(3500, 1), period_s=period_s)
    model = seq2point.train(house, "kettle", network="reduced", steps=1, batch_size=1)
    assert model.architecture.window == window
    line = f"window: {window} readings ({hours} h), the default for one every {period_s:g} s\n"
    assert capsys.readouterr().err.startswith(line)
    further = seq2point.train(house, "kettle", start=model, steps=1, batch_size=1)
    assert further.architecture == model.architecture
    given = seq2point.train(house, "kettle", network="reduced", window=49, steps=1, batch_size=1)
    assert given.architecture.window == 49
    assert "the default for" not in capsys.readouterr().err


def same_weights(one: TrainingResult, other: TrainingResult) -> bool:
    ours, theirs = one.model.network.state_dict(), other.model.network.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


class Steps(pl.Callback):
    """Notes the learning rate that every step is made with, and the weights after it."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.weights: dict[int, dict[str, torch.Tensor]] = {}

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        network = pl_module.get_submodule("network")
        self.weights[trainer.global_step] = {
            name: t.clone() for name, t in network.state_dict().items()
        }


@ENGINES
def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(
    train: Train, engine: dict[str, Any]
):
    once, again, other = (train(seed=seed, **engine) for seed in (1, 1, 2))
    assert same_weights(once, again)
    assert not same_weights(once, other)


@ENGINES
def test_the_weights_do_not_depend_on_the_random_state_outside(
    train: Train, small: Architecture, engine: dict[str, Any]
):
    dropout = small.model_copy(update={"dropout": 0.5})
    torch.manual_seed(1)
    once = train(network=dropout, **engine)
    torch.manual_seed(2)
    assert same_weights(once, train(network=dropout, **engine))


@ENGINES
def test_a_network_learns_a_simple_appliance_far_better_than_the_zero_and_the_mean_predictor(
    train: Train, make_house: Callable[..., Recording], engine: dict[str, Any]
):
    model = train(
        [make_house(3000, 1), make_house(3000, 2)], steps=600, patience=20, **engine
    ).model
    evaluation = evaluate(model, [make_house(3000, 9, "unseen")])
    mae_w = evaluation.metrics["kettle"]["mae_w"]
    assert mae_w < 0.25 * evaluation.baselines["zero"]["kettle"]["mae_w"]
    assert mae_w < 0.25 * evaluation.baselines["mean"]["kettle"]["mae_w"]
    assert evaluation.metrics["kettle"]["f1"] > 0.9


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_learning_rate_rises_for_a_tenth_of_the_steps_and_falls_to_zero(
    train: Train, schedule: str
):
    steps = Steps()
    train(schedule=schedule, learning_rate=0.01, callbacks=[steps])
    assert len(steps.rates) == 40
    rise, fall = steps.rates[:4], steps.rates[3:]
    assert rise == sorted(rise)
    assert rise[0] == 0.01 / 4
    assert 0.009 < rise[-1] <= 0.01
    assert fall == sorted(fall, reverse=True)
    falls = -np.diff([*fall, 0.0])
    assert 0 < steps.rates[-1] <= falls.max() + 1e-12  # one more step of the fall ends at zero


def test_a_wide_layer_learns_at_a_rate_in_inverse_proportion_to_its_inputs():
    network = Architecture(window=529, channels=(4,), kernels=(30,), hidden=3).build()
    groups = {
        id(p): group["lr"] for group in group_parameters(network, 0.01) for p in group["params"]
    }
    assert len(groups) == len(list(network.parameters()))
    assert groups[id(network.hidden.weight)] == pytest.approx(0.01 / 2)
    assert {rate for p, rate in groups.items() if p != id(network.hidden.weight)} == {0.01}


def test_a_constant_learning_rate_stays(train: Train):
    steps = Steps()
    train(schedule="constant", learning_rate=0.01, callbacks=[steps])
    assert set(steps.rates) == {0.01}


def test_the_weights_of_the_best_validation_come_back(train: Train):
    steps = Steps()
    trained = train(
        learning_rate=0.3, schedule="constant", callbacks=[steps]
    )  # so fast that it does not end at its best
    best = min(trained.history, key=lambda row: row["val_loss"])
    assert best["step"] < 40, "the last step was the best: nothing was tested"
    ours = trained.model.network.state_dict()
    assert all(torch.equal(ours[name], steps.weights[int(best["step"])][name]) for name in ours)
    assert trained.model.provenance["training"]["best_step"] == best["step"]
    assert trained.model.provenance["training"]["val_loss"] == best["val_loss"]


def test_a_training_without_progress_stops_after_as_many_validations_as_its_patience(train: Train):
    trained = train(steps=400, learning_rate=0.3, schedule="constant", patience=3)
    losses = [row["val_loss"] for row in trained.history]
    assert len(losses) == int(np.argmin(losses)) + 1 + 3 < 20


def test_the_best_weights_are_chosen_among_those_at_the_final_sparsity_only(train: Train):
    late = Magnitude(
        sparsity=0.95, begin_step=30, frequency=1000
    )  # what is best by far comes before
    trained = train(steps=60, pruning=late)
    pruned = [row for row in trained.history if row["sparsity"] > 0]
    assert min(row["val_loss"] for row in trained.history) < min(
        row["val_loss"] for row in pruned
    ), "nothing was tested"
    assert (
        trained.model.provenance["training"]["best_step"]
        == min(pruned, key=lambda row: row["val_loss"])["step"]
    )
    assert all(
        not trained.model.network.get_parameter(name)[~mask].any()
        for name, mask in trained.model.masks.items()
    )


def test_a_pruned_training_is_not_stopped_before_its_final_sparsity(train: Train):
    trained = train(
        learning_rate=0.3, schedule="constant", patience=1, pruning=Magnitude(begin_step=38)
    )
    assert trained.history[-1]["sparsity"] == pytest.approx(0.5, abs=0.01)


def test_by_default_the_last_fifth_of_each_recording_validates_with_a_windows_gap_before_it(
    train: Train, make_house: Callable[..., Recording]
):
    houses = [make_house(1000, 1, "a"), make_house(1500, 2, "b")]
    trained = train(houses, steps=2)
    for house, held in zip(houses, trained.held_out, strict=True):
        np.testing.assert_array_equal(held.mains_w, house.mains_w[len(house) * 4 // 5 :])
    said = trained.model.provenance["training"]
    assert [data["samples"] for data in said["training_data"]] == [800 - 33, 1200 - 33]
    assert [data["samples"] for data in said["validation_data"]] == [200, 300]


def test_readings_of_the_block_and_the_gap_teach_nothing(train: Train, house: Recording):
    mains_w, kettle_w = house.mains_w.copy(), house.appliances_w["kettle"].copy()
    mains_w[960 - 33 :], kettle_w[960 - 33 :] = 500, 100
    other = replace(house, mains_w=mains_w, appliances_w={"kettle": kettle_w})
    one, two = Steps(), Steps()
    train(house, callbacks=[one])
    train(other, callbacks=[two])
    assert all(torch.equal(t, two.weights[40][name]) for name, t in one.weights[40].items())


def test_a_validation_recording_leaves_all_of_the_training_recording_to_learn_from(
    train: Train, house: Recording, make_house: Callable[..., Recording]
):
    other = make_house(500, 8, "other")
    trained = train(house, validation=other, steps=2)
    assert trained.held_out == [other]
    assert trained.model.provenance["training"]["training_data"][0]["samples"] == len(house)


def test_a_budget_fixes_a_number_of_steps_that_is_recorded(train: Train):
    trained = train(budget_s=0.3, patience=1000)
    assert trained.history[-1]["step"] == trained.model.provenance["training"]["planned_steps"] > 1


def test_measuring_the_pace_for_a_budget_leaves_no_trace_in_the_weights(train: Train):
    budgeted, fixed = Steps(), Steps()
    train(budget_s=0.1, schedule="constant", callbacks=[budgeted])
    train(steps=2, schedule="constant", callbacks=[fixed])
    assert all(torch.equal(budgeted.weights[1][name], t) for name, t in fixed.weights[1].items())


def test_about_twenty_validations_are_made(train: Train):
    assert [row["step"] for row in train(steps=40).history] == list(range(2, 41, 2))
    assert [row["step"] for row in train(steps=7).history] == list(range(1, 8))


def test_epochs_of_a_few_steps_make_no_more_validations_so_that_patience_is_a_share_of_the_training(
    train: Train,
):
    assert WINDOWS == 895, "three steps of 400 are an epoch"
    assert [row["step"] for row in train(steps=90, batch_size=400).history] == list(range(5, 91, 5))


def test_validation_frequency_is_in_epochs(train: Train):
    assert WINDOWS == 895, "nine steps of 100 are an epoch"
    assert [
        row["step"] for row in train(epochs=6, batch_size=100, validation_frequency=2).history
    ] == [18, 36, 54]


def test_a_loss_that_is_no_number_is_a_training_error(train: Train):
    with pytest.raises(
        TrainingError, match=r"the loss is not a number at step .*lower `learning_rate`"
    ):
        train(learning_rate=1e30)


def test_the_first_answer_is_about_the_appliances_mean_power(train: Train, house: Recording):
    steps = Steps()
    model = train(steps=1, learning_rate=1e-9, callbacks=[steps]).model
    bias_w = (
        float(steps.weights[1]["output.bias"]) * model.scale.appliance_std_w[0]
        + model.scale.appliance_mean_w[0]
    )
    assert bias_w == pytest.approx(float(house.appliances_w["kettle"][: 960 - 33].mean()), rel=1e-3)
    assert model.provenance["training_mean_w"]["kettle"] == pytest.approx(bias_w, rel=1e-3)


def test_fitted_scaling_comes_from_the_training_part_alone(train: Train, house: Recording):
    scale = train(steps=1, scaling="fitted").model.scale
    seen = slice(0, 960 - 33)
    assert scale.mains_mean_w == pytest.approx(float(house.mains_w[seen].mean()), rel=1e-4)
    assert scale.mains_std_w == pytest.approx(float(house.mains_w[seen].std()), rel=1e-4)
    assert scale.appliance_mean_w[0] == pytest.approx(
        float(house.appliances_w["kettle"][seen].mean()), rel=1e-4
    )


def test_a_trained_model_says_where_it_comes_from(train: Train):
    provenance = train(steps=3, seed=7, pruning=Magnitude(frequency=2)).model.provenance
    said = provenance["training"]
    assert said["appliance"]["name"] == "kettle"
    assert said["settings"]["seed"] == 7
    assert said["planned_steps"] == 3
    assert said["pruning"]["method"] == "magnitude"
    assert said["training_data"][0]["house"] == "1"
    assert set(provenance["versions"]) == {"seq2point", "torch", "lightning", "numpy", "python"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 10, "epochs": 2}, "give one of `epochs`, `steps` and `budget_s`"),
        ({"learning_rate": 0.0}, "learning_rate 0.0: input should be greater than 0"),
        ({"batch_size": 0}, "batch_size 0: "),
        ({"budget_s": -1.0}, "budget_s -1.0: "),
        ({"seed": -1}, "seed -1: "),
        ({"patience": 0}, "patience 0: "),
        (
            {"schedule": "sudden"},
            "schedule 'sudden': input should be 'linear', 'cosine' or 'constant'",
        ),
        ({"momentum": 0.9}, "unknown setting 'momentum': choose one of validation, hold_out, "),
        ({"network": "seq3point"}, "unknown network 'seq3point'"),
        ({"network": "reduced", "window": 30}, "window 30 does not fit network 'reduced'"),
        ({"pruning": "tf"}, "unknown pruning algorithm 'tf'"),
        ({"pruning": "magnitude", "sparsity": 1.5}, "setting 'sparsity' = 1.5"),
        ({"pruning": "none", "sparsity": 0.5}, "sparsity"),
        ({"pruning": None, "sparsity": 0.5}, "sparsity"),
        ({"pruning": "default", "sparsity": 0.5}, "sparsity"),
    ],
)
def test_options_that_do_not_fit_are_a_usage_error_that_names_them(
    train: Train, options: dict[str, Any], says: str
):
    with pytest.raises(UsageError, match=says):
        train(**({"steps": None} | options))


def test_recordings_that_cannot_be_learned_from_are_a_data_error(
    train: Train, house: Recording, small: Architecture
):
    with pytest.raises(DataError, match=r"house 1: 20 samples cannot fill a window of 33"):
        train(house.slice(0, 20))
    with pytest.raises(DataError, match="house 1 has a reading every 6 s, house 1 every 8 s"):
        train([house, replace(house, period_s=8.0)])
    with pytest.raises(DataError, match="has no column for 'kettle'"):
        train(replace(house, appliances_w={"fridge": house.mains_w}))
    gappy_w = np.where(np.arange(1200) % 30 == 0, np.float32("nan"), house.mains_w)
    with pytest.raises(DataError, match="no training window: 1 hold no stretch of 33 samples"):
        train(replace(house, mains_w=gappy_w, fill=0))
    with pytest.raises(UsageError, match="no recording to train on"):
        train([])


def test_a_validation_without_a_single_window_is_a_data_error_before_any_training(
    train: Train, house: Recording, make_house: Callable[..., Recording]
):
    unheard = house.mains_w.copy()
    unheard[900:] = np.nan
    nothing = Steps()
    for options in (
        {"recordings": house.slice(0, 150)},
        {"recordings": replace(house, mains_w=unheard)},
        {
            "validation": replace(
                make_house(100, 1, "v"), mains_w=np.full(100, np.nan, dtype=np.float32)
            )
        },
        {
            "validation": replace(
                make_house(100, 1, "v"),
                appliances_w={"kettle": np.full(100, np.nan, dtype=np.float32)},
            )
        },
        {"validation": replace(make_house(100, 1, "v"), appliances_w={})},
    ):
        with pytest.raises(DataError, match=r"no validation window|has no column for 'kettle'"):
            train(callbacks=[nothing], **options)
    assert not nothing.rates


@ENGINES
def test_with_nothing_held_out_all_is_learned_from_and_the_last_weights_are_taken(
    train: Train, house: Recording, engine: dict[str, Any]
):
    noted = Steps()
    trained = train(hold_out=0, callbacks=[noted], **engine)
    for name, t in trained.model.network.state_dict().items():
        assert torch.equal(t, noted.weights[40][name])
    asked = trained.model.provenance["training"]
    assert [data["samples"] for data in asked["training_data"]] == [len(house)]
    assert asked["validation_data"] == trained.held_out == []
    assert [row["step"] for row in trained.history] == [asked["best_step"]] == [40]
    clipped = TrainingConfig.of(engine=engine["engine"]).clips_predictions
    error_w = np.abs(
        trained.model.predict_w(house, clip=clipped)[:, 0] - house.appliances_w["kettle"]
    )
    assert trained.history[0]["val_mae_w"] == pytest.approx(float(np.nanmean(error_w)), rel=1e-4)


@pytest.mark.parametrize(
    ("hold_out", "called", "not_called"),
    [(0, "loss on the training data", "validation"), (0.2, "validation loss", "training data")],
)
def test_progress_names_what_its_loss_is_of(
    train: Train,
    capsys: pytest.CaptureFixture[str],
    hold_out: float,
    called: str,
    not_called: str,
):
    train(hold_out=hold_out, steps=2, progress=True)
    said = capsys.readouterr().err
    assert called in said
    assert not_called not in said


def test_scaling_constants_of_ones_own_are_those_of_the_model(train: Train):
    own = Scale(mains_mean_w=1, mains_std_w=6000, appliance_mean_w=(2,), appliance_std_w=(5000,))
    assert train(steps=2, scaling=own).model.scale == own


def test_a_training_says_how_little_gaps_leave_to_learn_from(train: Train, house: Recording):
    mains_w = house.mains_w.copy()
    mains_w[50::90] = np.nan
    gappy = replace(house, mains_w=mains_w, fill=0)
    with pytest.warns(UserWarning, match=r"only 0\.\d of 0\.\d days have a full window"):
        found = train(gappy, steps=1).model.provenance["training"]["coverage"]
    assert 0 < found["learned_days"] < 0.7 * found["days"]
    train(replace(gappy, fill=1), steps=1)
