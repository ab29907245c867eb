"""Transfer: frozen layers stay bit for bit, masks hold, zero days change nothing, and a joined
model answers as its parts.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from seq2point.appliances import find_appliance
from seq2point.compression.compaction import compact
from seq2point.compression.pruning import PRUNERS
from seq2point.errors import DataError, UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.studies import count_by_layer, prune_copy
from seq2point.training import train_with_history
from seq2point.training.joined_models import join_models
from seq2point.training.transfer import replace_appliance, train_from_scratch, transfer

SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
OPTIONS: dict[str, Any] = {
    "steps": 12,
    "progress": False,
    "chunk": 40,
    "batch_size": 160,
    "learning_rate": 0.01,
}


def home(seed: int, samples: int = 1500, period_s: float = 6.0) -> Recording:
    """Kettles of 2.5 kW and microwaves of 1.2 kW at random times over a noisy base load."""
    rng = np.random.default_rng(seed)
    power = {}
    for name, watts in (("kettle", 2500), ("microwave", 1200)):
        power[name] = np.zeros(samples, dtype=np.float32)
        for at in rng.integers(0, samples - 30, samples // 100):
            power[name][at : at + int(rng.integers(10, 25))] = watts
    mains_w = sum(power.values()) + 200 + rng.normal(0, 15, samples)
    return Recording(str(seed), period_s, mains_w.astype(np.float32), power)


@pytest.fixture(scope="module")
def kettle() -> Model:
    return train_with_history(home(1), "kettle", network=SHAPE, **OPTIONS).model


def weights(model: Model, *prefixes: str) -> dict[str, torch.Tensor]:
    return {name: t for name, t in model.network.state_dict().items() if name.startswith(prefixes)}


def same(one: Model, other: Model, *prefixes: str) -> bool:
    theirs = other.network.state_dict()
    return all(torch.equal(t, theirs[name]) for name, t in weights(one, *prefixes).items())


@pytest.mark.parametrize("engine", ["sliding", "windows"])
@pytest.mark.parametrize(
    ("freeze", "kept", "moved"),
    [
        ("none", (), ("convolutions.", "hidden.", "output.")),
        ("convolutions", ("convolutions.",), ("hidden.", "output.")),
        ("all-but-output", ("convolutions.", "hidden."), ("output.",)),
    ],
)
def test_frozen_layers_stay_bit_for_bit_and_the_others_learn(
    kettle: Model, freeze: Any, kept: tuple[str, ...], moved: tuple[str, ...], engine: str
):
    other = transfer(kettle, home(2), freeze=freeze, engine=engine, **OPTIONS).model
    assert all(same(kettle, other, prefix) for prefix in kept)
    assert not any(same(kettle, other, prefix) for prefix in moved)
    assert all(p.requires_grad for p in other.network.parameters())


@pytest.mark.parametrize("freeze", ["convolutions", "all-but-output"])
def test_what_is_kept_of_frozen_layers_gives_the_training_that_computing_them_anew_gives(
    kettle: Model, freeze: Any, monkeypatch: pytest.MonkeyPatch
):
    kept = transfer(kettle, [home(2), home(3)], freeze=freeze, **OPTIONS)
    monkeypatch.setattr("seq2point.training.frozen_layers.KEPT_MB", 0)
    anew = transfer(kettle, [home(2), home(3)], freeze=freeze, **OPTIONS)
    losses = [
        [row[loss] for row in trained.history for loss in ("val_loss", "interval_loss")]
        for trained in (kept, anew)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    assert losses[0][1] == pytest.approx(losses[1][1], rel=1e-5)


def test_another_appliance_takes_the_convolutions_and_begins_at_its_mean(kettle: Model):
    begun = replace_appliance(kettle, find_appliance("microwave"), [home(2)])
    assert same(kettle, begun, "convolutions.")
    assert not same(kettle, begun, "hidden.")
    assert begun.scale.mains_mean_w == kettle.scale.mains_mean_w
    answer_w = begun.scale.appliance_mean_w[0] + begun.scale.appliance_std_w[0] * float(
        begun.network.output.bias.detach()
    )
    assert answer_w == pytest.approx(float(home(2).appliances_w["microwave"].mean()), rel=1e-4)

    trained = transfer(kettle, home(2), "microwave", **OPTIONS).model
    assert same(kettle, trained, "convolutions.")
    assert trained.appliances[0].name == "microwave"
    record = trained.provenance["transfer"]
    assert (record["from"]["appliances"], record["freeze"]) == (["kettle"], "convolutions")
    assert record["from"]["provenance"]["training"]["training_data"][0]["house"] == "1"


def test_a_pruned_model_stays_pruned_and_a_compacted_one_small(kettle: Model):
    pruned = prune_copy(kettle, PRUNERS["magnitude"](sparsity=0.6))
    other = transfer(pruned, home(2), **OPTIONS).model
    for name, mask in pruned.masks.items():
        assert torch.equal(other.masks[name], mask)
        assert not other.network.get_parameter(name)[~mask].any()
    assert not same(pruned, other, "hidden.")

    small = compact(prune_copy(kettle, PRUNERS["structured"](sparsity=0.5)))
    assert small.architecture.parameters < kettle.architecture.parameters
    assert transfer(small, home(2), "microwave", **OPTIONS).model.architecture == small.architecture


def test_zero_days_leave_the_model_as_it_is(kettle: Model):
    trained = transfer(kettle, home(2), days=0)
    assert same(kettle, trained.model, "")
    assert trained.model.scale == kettle.scale
    assert trained.seconds == 0
    with pytest.raises(UsageError, match="cannot predict microwave without"):
        transfer(kettle, home(2), "microwave", days=0)


def test_days_are_the_first_ones_of_each_recording(kettle: Model):
    a_twentieth = 0.05  # 720 samples at 6 s
    trained = transfer(kettle, [home(2), home(3)], days=a_twentieth, **OPTIONS).model
    training = trained.provenance["training"]
    assert [d["samples"] for d in training["validation_data"]] == [144, 144]
    assert [d["samples"] for d in training["training_data"]] == [720 - 144 - 33] * 2


def test_rescale_fits_the_scaling_to_the_new_houses_and_keep_does_not(kettle: Model):
    strong = home(2)
    strong.mains_w[:] += 5000
    kept, refitted = (
        transfer(kettle, strong, rescale=r, **OPTIONS).model for r in ("keep", "refit")
    )
    assert kept.scale == kettle.scale
    assert refitted.scale.mains_mean_w == pytest.approx(float(strong.mains_w.mean()), rel=1e-3)


def test_a_joined_model_answers_as_its_parts_and_survives_its_file_and_compaction(
    kettle: Model, tmp_path: Any
):
    microwave = transfer(kettle, home(2), "microwave", **OPTIONS).model
    frozen = transfer(kettle, home(2), freeze="convolutions", **OPTIONS).model
    pruned = prune_copy(microwave, PRUNERS["structured"](sparsity=0.5, granularity="units"))
    mains_w = home(4).mains_w
    for parts in ([frozen, microwave], [frozen, pruned]):
        expected = np.stack([part.disaggregate(mains_w) for part in parts], axis=1)
        joined = join_models(parts)
        joined.save(tmp_path / "joined.safetensors")
        for model in (joined, Model.load(tmp_path / "joined.safetensors"), compact(joined)):
            for engine in ("sliding", "windows"):
                answer = model.disaggregate(mains_w, engine=engine)
                np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=0.05)
        assert [a.name for a in joined.appliances] == ["kettle", "microwave"]
    assert compact(join_models([frozen, pruned])).architecture.hidden == 12


def test_the_sparsity_of_a_joined_model_counts_the_layers_that_no_mask_touches(kettle: Model):
    dense = [
        replace(kettle, appliances=(find_appliance(name),))
        for name in ("kettle", "microwave", "fridge")
    ]
    table = count_by_layer(join_models(dense))
    kept, total = (sum(layer[key] for layer in table["layers"]) for key in ("kept", "total"))
    assert table["sparsity"] == pytest.approx(1 - kept / total)
    assert 0 < table["sparsity"] < 0.1


def test_models_that_do_not_share_their_convolutions_are_not_joined(kettle: Model):
    other = train_with_history(home(2), "microwave", network=SHAPE, **OPTIONS).model
    with pytest.raises(UsageError, match="do not share their convolutions: transfer them with"):
        join_models([kettle, other])
    with pytest.raises(UsageError, match="comes twice"):
        join_models([kettle, kettle])
    short = train_with_history(
        home(2), "microwave", network=SHAPE.model_copy(update={"window": 35}), **OPTIONS
    ).model
    with pytest.raises(UsageError, match="compaction or a low rank made them differ"):
        join_models([kettle, short])
    joined = join_models([kettle, transfer(kettle, home(2), "microwave", **OPTIONS).model])
    with pytest.raises(UsageError, match="a model of several appliances"):
        transfer(joined, home(2))


def test_what_does_not_fit_is_refused_in_one_line(kettle: Model):
    with pytest.raises(
        DataError, match="has a reading every 8 s, the model to start from needs one every 6 s"
    ):
        transfer(kettle, home(2, period_s=8.0), **OPTIONS)
    with pytest.raises(UsageError, match="would zero weights that `freeze` keeps"):
        transfer(kettle, home(2), freeze="convolutions", pruning="magnitude", **OPTIONS)
    unknown = home(2)
    unknown.appliances_w["microwave"][:] = np.nan
    with pytest.raises(DataError, match="no reading of 'microwave' to learn from"):
        transfer(kettle, unknown, "microwave", **OPTIONS)


def test_fewer_days_than_asked_for_are_learned_from_with_a_warning(kettle: Model):
    with pytest.warns(UserWarning, match=r"house 2: has only 0\.0521 days of readings, not 0\.1"):
        trained = transfer(kettle, home(2), days=0.1, skip=0.052083, hold_out=0, **OPTIONS).model
    assert [d["samples"] for d in trained.provenance["training"]["training_data"]] == [750]


def test_from_fresh_weights_only_the_shape_and_the_scaling_are_the_models(kettle: Model):
    pruned = prune_copy(kettle, PRUNERS["magnitude"](sparsity=0.6))
    anew = train_from_scratch(pruned, home(2), **OPTIONS).model
    again = train_with_history(home(2), "kettle", network=SHAPE, **OPTIONS).model
    assert same(anew, again, "")
    assert not anew.masks
    assert (anew.architecture, anew.scale) == (kettle.architecture, kettle.scale)
    other = train_from_scratch(
        kettle, home(2), "microwave", rescale="refit", days=0.05, **OPTIONS
    ).model
    assert other.appliances[0].name == "microwave"
    assert other.scale.mains_mean_w == pytest.approx(float(home(2).mains_w[:720].mean()), rel=1e-4)


def test_days_without_the_appliance_are_told(kettle: Model):
    never = home(2)
    never.appliances_w["kettle"][:] = 0
    with pytest.warns(UserWarning, match="kettle is never on in the recordings to learn from"):
        transfer(kettle, never, **OPTIONS)
