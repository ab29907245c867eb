"""Make the files of this folder with the code of version 0.1.0.

git worktree add --detach ../version-0.1.0 e59fcc4
python tests/golden/version_0_1_0/make.py ../version-0.1.0
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

COMMIT = "e59fcc45b2465f882763007cddc5681a8190a99a"
HERE = Path(__file__).parent
FOLDERS = [Path(name) for name in ("data", "models", "exports", "trainings", "protocol")]
DATA, MODELS, EXPORTS, TRAININGS, PROTOCOL = FOLDERS
START = datetime(2026, 3, 28, tzinfo=UTC)
STEPS = 1500
QUICK = ("--batch-size", 512, "--learning-rate", 0.01, "--threads", 1)
HOUSES = {1: (5, 4800, 14400), 2: (4, 4800, 9600), 5: (2, 4800, 9600)}
"""The simulator's seed, the first sample and the one after the last, by house."""
SERIES = slice(0, 1000)
SHORT_GAP, LONG_GAP = slice(300, 303), slice(600, 620)

PROTOCOL_TEXT = """\
title = "Simulated houses"
source = "version 0.1.0"
dataset = "simulated"
period_s = 6
window = 33
network = { channels = [4, 4], kernels = [5, 3], hidden = 8 }
training = { steps = 40, engine = "windows", batch_size = 32, learning_rate = 0.01 }

[houses]
train = [1]
validation = [2]
test = [5]

[appliances.kettle]

[pruning]
method = "structured"
settings = { sparsity = 0.5 }
"""


def run(*words: object) -> None:
    """Run one `seq2point` command in this process."""
    from seq2point.cli import main

    sys.argv = ["seq2point", *map(str, words)]
    print(*sys.argv, flush=True)
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise


def house_path(number: int) -> Path:
    return DATA / f"simulated_house{number}_6s.parquet"


def make_data() -> None:
    """Three houses, and a series of mains in which three readings are missing, and later twenty."""
    import numpy as np

    from seq2point import simulate_house
    from seq2point.data.parquet_file import write_recording

    for number, (seed, first, end) in HOUSES.items():
        appliances = ["kettle", "microwave"]
        whole = simulate_house(seed, 1.0, appliances=appliances, start=START, house=str(number))
        write_recording(whole.slice(first, end), house_path(number))
    read = {house_path(number).name: describe(house_path(number)) for number in HOUSES}
    (DATA / "houses.json").write_text(json.dumps(read, indent=1) + "\n")
    mains_w = series_of_house_5()
    np.save(DATA / "mains_w.npy", mains_w)
    times = [START + timedelta(seconds=6 * i) for i in range(len(mains_w))]
    rows = zip(times, mains_w, strict=True)
    lines = [f"{t:%Y-%m-%dT%H:%M:%SZ},{'' if np.isnan(w) else f'{w:g}'}" for t, w in rows]
    (DATA / "mains.csv").write_text("\n".join(["time,mains", *lines, ""]))


def describe(path: Path) -> dict[str, Any]:
    """What is read from a house's file, its readings as their SHA-256."""
    from seq2point import load_recording

    recording = load_recording(path)
    readings = {"mains": recording.mains_w, **recording.appliances_w}
    return {
        "house": recording.house,
        "period_s": recording.period_s,
        "start": str(recording.start),
        "readings": len(recording),
        "sha256": {name: hashlib.sha256(w.tobytes()).hexdigest() for name, w in readings.items()},
    }


def series_of_house_5() -> Any:
    """The busiest thousand readings of house 5, with the two gaps: f32[T]."""
    import numpy as np

    from seq2point import load_recording

    recording = load_recording(house_path(5))
    activity = (recording.appliances_w["kettle"] > 1000).astype(int)
    activity += recording.appliances_w["microwave"] > 300
    sums = np.convolve(activity, np.ones(SERIES.stop, dtype=int), "valid")
    first = int(sums.argmax())
    mains_w = recording.mains_w[first : first + SERIES.stop].copy()
    mains_w[SHORT_GAP] = mains_w[LONG_GAP] = np.nan
    return mains_w


def make_models() -> None:
    """Model files of every kind, and the folder of a finished training."""
    import torch

    from seq2point import Architecture, Model

    models, finished = MODELS, TRAININGS / "finished"
    torch.manual_seed(0)
    shape = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
    Model.untrained("kettle", 6.0, shape).save(models / "untrained.safetensors")
    begin = (
        "train",
        "kettle",
        "--from",
        models / "untrained.safetensors",
        "--train",
        house_path(1),
    )
    test = ("--test", house_path(5), "--steps", STEPS, "--patience", STEPS, *QUICK)
    run(*begin, *test, "--out", finished)
    plain = models / "plain.safetensors"
    shutil.copy(finished / "model.safetensors", plain)
    masked = Path("masked")
    run(*begin, *test, "--pruning", "magnitude", "--sparsity", 0.6, "--out", masked)
    shutil.move(masked / "model.safetensors", models / "pruned.safetensors")
    shutil.rmtree(masked)
    structured = Path("structured.safetensors")
    run("prune", plain, "--method", "structured", "--sparsity", 0.5, "-o", structured)
    run("compact", structured, "-o", models / "compacted.safetensors")
    for made in Path().glob("structured*.safetensors"):
        made.unlink()
    run("factorise", plain, "--rank", 3, "-o", models / "low_rank.safetensors", "--threads", 1)
    both = ("--appliance", "kettle", "--appliance", "microwave", "--train", house_path(1))
    run("transfer", plain, *both, "--steps", STEPS, *QUICK, "-o", models / "joined.safetensors")


def make_interrupted_training() -> None:
    """The folder of a training that stopped at step 200, with a checkpoint."""
    import lightning.pytorch as pl

    from seq2point import Model, load_recording, train

    class Stop(pl.Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.global_step == 200:
                raise KeyboardInterrupt

    try:
        train(
            [load_recording(house_path(1))],
            "kettle",
            start=Model.load(MODELS / "untrained.safetensors"),
            steps=STEPS,
            batch_size=512,
            learning_rate=0.01,
            threads=1,
            out=TRAININGS / "interrupted",
            checkpoint_every_s=0,
            callbacks=[Stop()],
        )
    except (KeyboardInterrupt, SystemExit):
        return
    raise RuntimeError("the training was not interrupted")


def make_exports() -> None:
    """Exported files of every kind."""
    out, plain = EXPORTS, MODELS / "plain.safetensors"
    int8 = ("--int8", "--calibrate", house_path(1))
    onnx = ("export", plain, "--target", "onnx")
    run(*onnx, "-o", out / "windows.onnx")
    run(*onnx, "--sliding", "-o", out / "sliding.onnx")
    run(*onnx, *int8, "--force", "-o", out / "windows_int8.onnx")
    run(*onnx, *int8, "--force", "--sliding", "-o", out / "sliding_int8.onnx")
    joined = MODELS / "joined.safetensors"
    run("export", joined, "--target", "onnx", "-o", out / "joined.onnx")
    run("export", plain, "--target", "litert", "-o", out / "windows.tflite")
    run("export", plain, "--target", "litert", *int8, "--force", "-o", out / "windows_int8.tflite")
    target = ("--target", "microcontroller", "--calibrate", house_path(1), "--force")
    run("export", plain, *target, "-o", out / "kettle")


def make_predictions() -> None:
    """What all of them predict for the series: f32[T, A] by file, in one archive."""
    import numpy as np

    from seq2point import Model, Recording, runtime
    from seq2point.deploy.c_program import open_source

    mains_w = np.load(DATA / "mains_w.npy")
    recording = Recording("5", 6.0, mains_w, {})
    predictions = {}
    for path in sorted(MODELS.glob("*.safetensors")):
        predictions[f"models/{path.name}"] = Model.load(path).predict_w(recording)
    for path in sorted(EXPORTS.iterdir()):
        if path.suffix in (".onnx", ".tflite"):
            model = runtime.load(path, threads=1)
            predictions[f"exports/{path.name}"] = model.predict_w(recording)
    answered, power_w = open_source(EXPORTS / "kettle.c").feed(mains_w)
    predictions["exports/kettle.c"] = np.where(answered[:, None], power_w, np.nan)
    np.savez_compressed("predictions.npz", **predictions)
    joined = MODELS / "joined.safetensors"
    out = DATA / "power.csv"
    run("disaggregate", joined, DATA / "mains.csv", "-o", out, "--threads", 1)
    verify = ("verify", EXPORTS / "kettle.c", MODELS / "plain.safetensors")
    run(*verify, "--data", house_path(5), "--max-on-mae", 1, "--max-sae", 1, "--threads", 1)


def make_infos() -> None:
    """What `info --json` says of every file, as one table."""
    infos = {}
    for path in sorted([*MODELS.iterdir(), *EXPORTS.glob("*.onnx"), *EXPORTS.glob("*.tflite")]):
        run("info", path, "--json", "info.json")
        infos[path.as_posix()] = json.loads(Path("info.json").read_text())
    Path("info.json").write_text(json.dumps(infos) + "\n")


def make_protocol_run() -> None:
    """The folder of a protocol run: the report, and the store's records with their models."""
    protocol = PROTOCOL / "simulated.toml"
    protocol.write_text(PROTOCOL_TEXT)
    out = PROTOCOL / "run"
    run("protocol", "run", protocol, "--data", DATA, "--seeds", 1, "--threads", 1, "-o", out)


def drop_what_no_test_reads() -> None:
    for name in ("logs", "log.csv", "training.png", "test.png"):
        for path in TRAININGS.glob(f"*/{name}"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> None:
    checkout = Path(sys.argv[1]).resolve()
    git = ("git", "-C", str(checkout), "rev-parse", "HEAD")
    head = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    if head != COMMIT:
        sys.exit(f"{checkout}: is at {head}, not at {COMMIT}")
    sys.path.insert(0, str(checkout / "src"))
    import torch

    import seq2point

    if checkout not in Path(seq2point.__file__).parents:
        sys.exit(f"{seq2point.__file__} is imported, not the checkout")
    torch.set_num_threads(1)
    os.chdir(HERE)  # the files hold no path of this machine
    for folder in FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    make_data()
    make_models()
    make_interrupted_training()
    make_exports()
    make_predictions()
    make_infos()
    make_protocol_run()
    drop_what_no_test_reads()
    print(sum(path.stat().st_size for path in Path().rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    main()
