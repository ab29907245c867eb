"""What the real TensorFlow Model Optimization Toolkit decides: magnitude masks and schedules, for
`tfmot_magnitude.json`.

Runs in an environment of its own (`make test-oracles`), which has the toolkit and not this package.
Without an argument it computes everything anew and fails where the stored file says otherwise;
`--write` writes the file.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras

STORED = Path(__file__).with_suffix(".json")
STEPS = 60
SEED = 7
SHAPES = {
    "convolutions.0": (5, 1, 4),
    "convolutions.1": (3, 4, 4),
    "hidden": (108, 8),
    "output": (8, 1),
}  # Keras's order
SCHEDULES = {
    "constant": (
        "ConstantSparsity",
        {"target_sparsity": 0.5, "begin_step": 0, "end_step": -1, "frequency": 10},
    ),
    "constant, high": (
        "ConstantSparsity",
        {"target_sparsity": 0.97, "begin_step": 0, "end_step": -1, "frequency": 20},
    ),
    "constant, a span": (
        "ConstantSparsity",
        {"target_sparsity": 0.7, "begin_step": 5, "end_step": 40, "frequency": 7},
    ),
    "polynomial": (
        "PolynomialDecay",
        {
            "initial_sparsity": 0.0,
            "final_sparsity": 0.8,
            "begin_step": 0,
            "end_step": 50,
            "power": 3,
            "frequency": 5,
        },
    ),
    "polynomial, from a half": (
        "PolynomialDecay",
        {
            "initial_sparsity": 0.5,
            "final_sparsity": 0.95,
            "begin_step": 10,
            "end_step": 40,
            "power": 2,
            "frequency": 10,
        },
    ),
}


def weights_at(step: int) -> dict[str, np.ndarray]:
    """Weights that move as if they were trained: a start and a drift, both drawn once."""
    rng = np.random.default_rng(SEED)
    moved = {}
    for name, shape in SHAPES.items():
        start, drift = rng.standard_normal((2, *shape), dtype=np.float32)
        moved[name] = start + np.float32(0.05 * step) * drift
    return moved


def pruned_model(schedule: object) -> keras.Model:
    layers = [
        keras.layers.Conv1D(4, 5, input_shape=(33, 1), name="convolutions.0"),
        keras.layers.Conv1D(4, 3, name="convolutions.1"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(8, name="hidden"),
        keras.layers.Dense(1, name="output"),
    ]
    model = tfmot.sparsity.keras.prune_low_magnitude(
        keras.Sequential(layers), pruning_schedule=schedule
    )
    model.compile(keras.optimizers.legacy.SGD(0.0), "mse")
    return model


def course(kind: str, settings: dict) -> dict:
    """Return the schedule at every step, and a model's masks after every change."""
    schedule = getattr(tfmot.sparsity.keras, kind)(**settings)
    model = pruned_model(schedule)
    wrapped = {layer.layer.name: layer for layer in model.layers if layer.layer.name in SHAPES}
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(model)
    callback.on_train_begin()
    x, y = np.ones((2, 33, 1), np.float32), np.ones((2, 1), np.float32)
    told, before = {"schedule": [], "masks": []}, None
    for batch in range(STEPS):
        callback.on_train_batch_begin(batch)
        step = batch + 1
        for name, weight in weights_at(step).items():
            kernel, mask, _ = wrapped[name].pruning_vars[0]
            kernel.assign(weight * mask.numpy())
        model.train_on_batch(x, y)
        assert all(int(layer.pruning_step) == step for layer in wrapped.values()), (
            "the toolkit counts otherwise"
        )
        now = {
            name: np.packbits(layer.pruning_vars[0][1].numpy().astype(bool)).tobytes().hex()
            for name, layer in wrapped.items()
        }
        if now != before and any(
            not layer.pruning_vars[0][1].numpy().all() for layer in wrapped.values()
        ):
            told["masks"].append([step, now])
        before = now
        due, sparsity = schedule(step)
        told["schedule"].append([step, bool(due), round(float(sparsity), 6)])
    return {"kind": kind, "settings": settings, **told}


def main() -> None:
    found = {
        "toolkit": tfmot.__version__,
        "seed": SEED,
        "shapes": {name: list(shape) for name, shape in SHAPES.items()},
        "courses": {name: course(*schedule) for name, schedule in SCHEDULES.items()},
    }
    if "--write" in sys.argv[1:]:
        STORED.write_text(json.dumps(found, indent=1) + "\n")
        print(f"written: {STORED}")
    elif json.loads(STORED.read_text()) != found:
        sys.exit(f"{STORED} is not what the toolkit {tfmot.__version__} decides")
    else:
        print(f"{len(found['courses'])} courses as stored")


if __name__ == "__main__":
    main()
