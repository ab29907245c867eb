"""The `seq2point` command, run in this process, and small house files for it."""

import io
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from seq2point import Model
from seq2point.cli import main
from seq2point.data.parquet_file import write_recording
from seq2point.recording import Recording

UNDERSTOOD = re.compile(r"^.+: (time '|no times, mains ).*\n", re.MULTILINE)
"""The lines that say how files were understood."""


class Answer(NamedTuple):
    """What a command said, and the code it left with. `understood` is taken out of `err`."""

    code: int
    out: str
    err: str
    understood: tuple[str, ...] = ()


def answer_of(program: Callable[[], object], *words: object, columns: int = 200) -> Answer:
    """Run a program as its user would, with these words on its command line, on a terminal of so
    many columns.
    """
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["seq2point", *map(str, words)])
        patch.setenv("COLUMNS", str(columns))
        try:
            program()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
    understood = [match[0].rstrip() for match in UNDERSTOOD.finditer(err.getvalue())]
    return Answer(code, out.getvalue(), UNDERSTOOD.sub("", err.getvalue()), tuple(understood))


Command = Callable[..., Answer]


@pytest.fixture(scope="session")
def program() -> Command:
    return answer_of


@pytest.fixture(scope="session")
def seq2point() -> Command:
    return lambda *words: answer_of(main, *words)


@pytest.fixture(scope="session")
def narrow() -> Command:
    """The command on a terminal of 80 columns."""
    return lambda *words: answer_of(main, *words, columns=80)


def kettle_house(samples: int, seed: int, period_s: float = 6.0) -> Recording:
    """A kettle of 2.5 kW for about two minutes at random times, over a base load with noise."""
    rng = np.random.default_rng(seed)
    kettle_w = np.zeros(samples, dtype=np.float32)
    at = 40
    while at < samples:
        kettle_w[at : at + int(rng.integers(12, 25))] = 2500
        at += int(rng.integers(60, 160))
    mains_w = kettle_w + 200 + rng.normal(0, 15, samples).astype(np.float32)
    return Recording(
        str(seed), period_s, mains_w, {"kettle": kettle_w}, datetime(2025, 3, 29, 22, tzinfo=UTC)
    )


@pytest.fixture(scope="session")
def make_house() -> Callable[..., Recording]:
    return kettle_house


class Files(NamedTuple):
    """A house to train on (Parquet), one to test on (CSV), and one of another sampling period."""

    train: Path
    test: Path
    slow: Path


def write_csv(recording: Recording, path: Path) -> Path:
    times = [datetime.fromtimestamp(t, UTC) for t in recording.times_s()]
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in times]
    pl.DataFrame(
        {"Timestamp": stamps, "mains": recording.mains_w, **recording.appliances_w}
    ).write_csv(path)
    return path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("houses")
    write_recording(kettle_house(2500, 1), folder / "train.parquet")
    write_recording(kettle_house(2500, 3, 8.0), folder / "slow.parquet")
    return Files(
        folder / "train.parquet",
        write_csv(kettle_house(1500, 2), folder / "test.csv"),
        folder / "slow.parquet",
    )


QUICK = (
    "--network",
    "reduced",
    "--window",
    31,
    "--steps",
    250,
    "--engine",
    "windows",
    "--batch-size",
    32,
    "--threads",
    1,
)


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, seq2point: Command, files: Files
) -> tuple[Path, Answer]:
    """The folder that `seq2point train` filled with a pruned model, and what it said."""
    out = tmp_path_factory.mktemp("runs") / "kettle"
    words = (
        "--train",
        files.train,
        "--test",
        files.test,
        "--pruning",
        "tfmot",
        "--set",
        "frequency=100",
        "--out",
        out,
    )
    answer = seq2point("train", "kettle", *words, *QUICK)
    assert answer.code == 0, answer.err
    return out, answer


@pytest.fixture(scope="session")
def unmasked(trained: tuple[Path, Answer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained model without its masks, so that exporting has nothing to warn of."""
    path = tmp_path_factory.mktemp("unmasked") / "model.safetensors"
    replace(Model.load(trained[0] / "model.safetensors"), masks={}).save(path)
    return path


@pytest.fixture
def quick() -> tuple[object, ...]:
    """Options of a training that takes seconds."""
    return QUICK
