"""A training that was stopped goes on as if it never had been, or says why it cannot."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from tests.training.outcome import everything

from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.errors import Seq2PointError, TrainingError, UsageError
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.training import TrainingResult
from seq2point.training.checkpoints import AtomicCheckpoints
from seq2point.training.record import RunFolder

Train = Callable[..., TrainingResult]
Stopped = Callable[..., None]

DROPOUT = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8, dropout=0.5)
GROWING = Magnitude(sparsity=0.8, schedule="polynomial", frequency=3)
KINDS: dict[str, dict[str, Any]] = {
    "windows": {},
    "sliding": {"engine": "sliding", "chunk": 40, "batch_size": 80},
    "dropout": {"network": DROPOUT},
    "pruning": {"pruning": GROWING},
    "dropout, pruning and sliding": {
        "network": DROPOUT,
        "pruning": GROWING,
        "engine": "sliding",
        "chunk": 40,
        "batch_size": 80,
    },
}


class StepsMade(pl.Callback):
    def __init__(self) -> None:
        self.count = 0

    def on_train_batch_end(self, *_: Any) -> None:
        self.count += 1


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, Any]:
    """A folder to keep the run in, with a checkpoint after every validation."""
    return {"out": tmp_path / "run", "checkpoint_every_s": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_stopped_twice_and_resumed_gives_the_bits_of_one_that_never_stopped(
    train: Train, stopped: Stopped, kept: dict[str, Any], kind: str
):
    stopped(7, **kept, **KINDS[kind])
    stopped(30, resume=True, **kept, **KINDS[kind])
    resumed = train(resume=True, **kept, **KINDS[kind])
    assert everything(resumed) == everything(train(**KINDS[kind]))


@pytest.mark.parametrize("step", [1, 2, 3, 40])
def test_it_may_be_stopped_at_any_step_even_before_the_first_checkpoint(
    train: Train, stopped: Stopped, kept: dict[str, Any], step: int
):
    stopped(step, **kept)
    assert (kept["out"] / "checkpoints" / "last.ckpt").exists() == (step > 2)
    assert everything(train(resume=True, **kept)) == everything(train())


def test_resuming_goes_on_from_the_last_checkpoint_and_not_from_the_start(
    train: Train, stopped: Stopped, kept: dict[str, Any]
):
    stopped(21, **kept)
    made = StepsMade()
    train(resume=True, callbacks=[made], **kept)
    assert made.count == 20


def test_checkpoints_are_written_from_the_first_validation_on_and_then_at_most_once_a_minute(
    stopped: Stopped, kept: dict[str, Any], tmp_path: Path
):
    stopped(21, **kept)
    stopped(21, out=tmp_path / "by default")
    steps = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
        for folder in (kept["out"], tmp_path / "by default")
    ]
    assert steps[0] == 20
    assert 0 < steps[1] < 20


@pytest.mark.parametrize(
    "options", [{}, {"steps": 400, "learning_rate": 0.3, "schedule": "constant", "patience": 3}]
)
def test_resuming_a_finished_training_gives_its_model_again_without_a_step(
    train: Train, kept: dict[str, Any], options: dict[str, Any]
):
    once = train(**kept, **options)
    made = StepsMade()
    assert everything(train(resume=True, callbacks=[made], **kept, **options)) == everything(once)
    assert made.count == 0


def test_resuming_where_nothing_stands_begins(train: Train, kept: dict[str, Any]):
    assert everything(train(resume=True, **kept)) == everything(train())


def test_a_resumed_run_keeps_the_number_of_steps_that_its_budget_fixed(
    train: Train, stopped: Stopped, kept: dict[str, Any]
):
    stopped(3, budget_s=0.2, **kept)
    planned = json.loads((kept["out"] / "run.json").read_text())["plan"]["steps"]
    resumed = train(resume=True, budget_s=0.2, **kept)
    assert (
        resumed.model.provenance["training"]["planned_steps"]
        == planned
        == resumed.history[-1]["step"]
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 5}, "seed"),
        ({"batch_size": 41, "learning_rate": 0.02}, "batch_size, learning_rate"),
        ({"network": DROPOUT}, "dropout"),
        ({"pruning": "magnitude", "sparsity": 0.7}, "sparsity"),
        ({"pruning": None}, "pruning"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_their_names(
    train: Train, stopped: Stopped, kept: dict[str, Any], changed: dict[str, Any], named: str
):
    begun = {"pruning": "magnitude", **kept}
    stopped(5, **begun)
    with pytest.raises(
        UsageError, match=f"run: cannot resume with another {named} than the run began with"
    ):
        train(resume=True, **(begun | changed))


def test_resuming_with_other_readings_is_refused(
    train: Train, stopped: Stopped, kept: dict[str, Any], make_house: Callable[..., Recording]
):
    stopped(5, **kept)
    with pytest.raises(
        UsageError, match="cannot resume with another training_data, validation_data than"
    ):
        train(make_house(1200, 4), resume=True, **kept)


def test_a_finished_run_is_not_overwritten_unasked(train: Train, kept: dict[str, Any]):
    train(**kept)
    record = (kept["out"] / "run.json").read_bytes()
    with pytest.raises(
        UsageError,
        match="run: holds a finished run; choose another folder, or begin anew with `overwrite`",
    ):
        train(seed=3, **kept)
    assert (kept["out"] / "run.json").read_bytes() == record
    assert everything(train(seed=3, overwrite=True, **kept)) == everything(train(seed=3))


def test_an_unfinished_run_is_not_overwritten_unasked(
    train: Train, stopped: Stopped, kept: dict[str, Any]
):
    stopped(9, **kept)
    before = (kept["out"] / "checkpoints" / "last.ckpt").read_bytes()
    with pytest.raises(
        UsageError,
        match="run: holds an unfinished run; go on with `resume`, or begin anew with `overwrite`",
    ):
        train(**kept)
    assert (kept["out"] / "checkpoints" / "last.ckpt").read_bytes() == before
    assert everything(train(seed=3, overwrite=True, **kept)) == everything(train(seed=3))


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"nonsense" * 99]
)
def test_a_damaged_checkpoint_is_a_training_error_that_names_it(
    train: Train, stopped: Stopped, kept: dict[str, Any], damage: Callable[[bytes], bytes]
):
    stopped(9, **kept)
    checkpoint = kept["out"] / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(
        TrainingError, match=r"last\.ckpt: the checkpoint is damaged .*train anew with `overwrite`"
    ):
        train(resume=True, **kept)


def test_a_checkpoint_that_would_run_code_is_refused(
    train: Train, stopped: Stopped, kept: dict[str, Any], tmp_path: Path
):
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    stopped(9, **kept)
    torch.save({"state_dict": Trap()}, kept["out"] / "checkpoints" / "last.ckpt")
    with pytest.raises(TrainingError, match="the checkpoint is damaged"):
        train(resume=True, **kept)
    assert not (tmp_path / "sprung").exists()


def test_a_flipped_bit_of_a_checkpoint_is_noticed(
    train: Train, stopped: Stopped, kept: dict[str, Any]
):
    stopped(9, **kept)
    checkpoint = kept["out"] / "checkpoints" / "last.ckpt"
    content = checkpoint.read_bytes()
    bits = np.random.default_rng(0).choice(8 * len(content), 60, replace=False).tolist()
    for bit in (*bits, 0, 8 * len(content) - 1):
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << (bit % 8)
        checkpoint.write_bytes(altered)
        with pytest.raises(
            TrainingError, match=r"last\.ckpt: the checkpoint is damaged \(its checksum"
        ):
            AtomicCheckpoints().load_checkpoint(checkpoint)
    with pytest.raises(TrainingError, match=r"its checksum .*; train anew with `overwrite`"):
        train(resume=True, **kept)
    checkpoint.write_bytes(content)
    assert everything(train(resume=True, **kept)) == everything(train())


RECORDS = [
    "{",
    "null",
    "[]",
    "3",
    "{}",
    '{"asked": 3}',
    '{"asked": {}, "plan": {}, "finished": false}',
    '{"asked": {}, "plan": {"steps": 40, "interval": 0}, "finished": false}',
    '{"asked": {}, "plan": {"steps": [], "interval": 2}, "finished": false}',
    '{"asked": {}, "plan": {"steps": 40, "interval": 2, "more": 1}, "finished": false}',
    '{"asked": {}, "plan": {"steps": 40, "interval": 2}, "finished": "perhaps"}',
    "[" * 100_000,
    "\udc80",
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record[:50])
def test_a_damaged_record_of_a_run_is_a_training_error(
    train: Train, kept: dict[str, Any], record: str
):
    kept["out"].mkdir()
    (kept["out"] / "run.json").write_bytes(record.encode(errors="surrogateescape"))
    for options in ({"resume": True}, {}):
        with pytest.raises(
            TrainingError, match=r"run\.json: damaged \(.*\); train anew with `overwrite`"
        ):
            train(**options, **kept)


def test_a_record_in_which_the_plan_was_altered_is_damaged_and_can_be_overwritten(
    train: Train, stopped: Stopped, kept: dict[str, Any]
):
    stopped(9, **kept)
    record = kept["out"] / "run.json"
    record.write_text(
        record.read_text().replace('"steps": 40,\n    "interval"', '"steps": 41,\n    "interval"')
    )
    with pytest.raises(TrainingError, match=r"run\.json: damaged \(its checksum differs\)"):
        train(resume=True, **kept)
    assert train(overwrite=True, **kept).history[-1]["step"] == 40


def test_a_run_leaves_its_record_a_checkpoint_and_both_logs_and_nothing_half_written(
    train: Train, kept: dict[str, Any]
):
    train(**kept)
    out: Path = kept["out"]
    files = sorted(path for path in out.rglob("*") if path.is_file())
    assert [p.relative_to(out).as_posix() for p in files if "tfevents" not in p.name] == [
        "checkpoints/last.ckpt",
        "logs/csv/version_0/metrics.csv",
        "logs/tensorboard/version_0/hparams.yaml",
        "run.json",
    ]
    assert len([p for p in files if "tfevents" in p.name]) == 1
    assert json.loads((out / "run.json").read_text())["finished"] is True


def test_a_folder_in_which_a_training_is_at_work_is_refused_even_with_overwrite(
    train: Train, kept: dict[str, Any]
):
    train(**kept)
    before = (kept["out"] / "run.json").read_bytes()
    with RunFolder(kept["out"]).lock():
        for options in ({"overwrite": True}, {"resume": True}, {}):
            with pytest.raises(
                TrainingError,
                match="run: another training runs in this folder; wait for it, or choose",
            ):
                train(**options, **kept)
    assert (kept["out"] / "run.json").read_bytes() == before
    train(overwrite=True, **kept)


def test_a_killed_training_lets_its_folder_go(train: Train, kept: dict[str, Any]):
    code = (
        "import os, signal, sys; from seq2point.training.record import RunFolder\n"
        "with RunFolder(sys.argv[1]).lock(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, kept["out"]], check=False).returncode == -9
    assert train(**kept).history[-1]["step"] == 40


class FolderGone(pl.Callback):
    def __init__(self, folder: Path):
        self.folder = folder

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 9:
            shutil.rmtree(self.folder)


def test_a_folder_that_goes_while_a_training_writes_there_is_one_line(
    train: Train, kept: dict[str, Any]
):
    with pytest.raises(Seq2PointError, match=r"metrics\.csv: cannot be written \(No such file"):
        train(callbacks=[FolderGone(kept["out"])], **kept)


def test_a_place_that_no_folder_can_be_is_one_line(train: Train, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Seq2PointError, match="file: cannot be written"):
        train(out=tmp_path / "file")


@pytest.mark.parametrize("limit", [500, 5000])
def test_a_full_disk_while_training_is_one_line_and_keeps_the_last_checkpoint(
    stopped: Stopped, kept: dict[str, Any], limit: int
):
    stopped(9, **kept)
    before = (kept["out"] / "checkpoints" / "last.ckpt").read_bytes()
    code = (
        "import resource, sys; from seq2point import Architecture, Seq2PointError\nfrom"
        " seq2point.training import train_with_history\nfrom tests.training.conftest import"
        " rectangles\nsmall = Architecture(window=33, channels=(4, 4), kernels=(5, 3),"
        " hidden=8)\noptions = dict(network=small, engine='windows', batch_size=40,"
        " learning_rate=0.01, patience=1000, steps=40)\nresource.setrlimit(resource.RLIMIT_FSIZE,"
        f" ({limit}, {limit}))\ntry: train_with_history(rectangles(1200, 3), 'kettle',"
        " out=sys.argv[1], resume=True, checkpoint_every_s=0,\n                       "
        " progress=False, **options)\nexcept Seq2PointError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, kept["out"]], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert (kept["out"] / "checkpoints" / "last.ckpt").read_bytes() == before
