"""What cannot be done is refused in one line that says what, where and what to do; nothing is left
behind.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from seq2point.data.parquet_file import write_recording

Command = Callable[..., Any]

# what is typed -> the exit code, and what the line says; {names} are paths of the places below
REFUSED: dict[str, tuple[str, int, str]] = {
    "an appliance that does not exist": (
        "train teapot --train {train} --out {out}",
        2,
        (
            "unknown appliance 'teapot': choose one of kettle, fridge, washing_machine, microwave,"
            " dishwasher"
        ),
    ),
    "epochs without an end": (
        "train kettle --train {train} --out {out} --epochs inf",
        2,
        "--epochs inf: input should be a finite number",
    ),
    "a seed that no generator takes": (
        "train kettle --train {train} --out {out} --seed 99999999999999999999",
        2,
        "--seed 99999999999999999999: input should be less than or equal to 4294967295",
    ),
    "steps that no training reaches": (
        "train kettle --train {train} --out {out} --steps 99999999999999999999",
        2,
        "--steps 99999999999999999999: input should be less than or equal to 1000000000",
    ),
    "a budget that never ends": (
        "train kettle --train {train} --out {out} --budget 99999999999999999999d",
        2,
        "--budget 8.64e+24: input should be less than or equal to 100000000",
    ),
    "a batch that no memory holds": (
        "train kettle --train {train} --out {out} --batch-size 100000000000",
        2,
        "--batch-size 100000000000: input should be less than or equal to 1000000",
    ),
    "more threads than any processor has": (
        "test {model} --data {train} --threads 99999999999999999999",
        2,
        "--threads 99999999999999999999: input should be less than or equal to 1024",
    ),
    "a network that does not exist": (
        "train kettle --train {train} --out {out} --network seq3point",
        2,
        "unknown network 'seq3point': choose one of seq2point, reduced, dropout, reduced_dropout",
    ),
    "a pruning algorithm that does not exist": (
        "train kettle --train {train} --out {out} --pruning tf",
        2,
        "unknown pruning algorithm 'tf': choose one of none, magnitude, ",
    ),
    "a sparsity out of range": (
        "train kettle --train {train} --out {out} --pruning magnitude --sparsity 1.5",
        2,
        "magnitude: setting 'sparsity' = 1.5: input should be less than 1",
    ),
    "a sparsity of nothing": (
        "train kettle --train {train} --out {out} --sparsity 0.9",
        2,
        "--sparsity without pruning: choose --pruning magnitude",
    ),
    "an even window": (
        "train kettle --train {train} --out {out} --window 600",
        2,
        "window 600 does not fit network 'seq2point': give an odd number of at least 30",
    ),
    "epochs and steps": (
        "train kettle --train {train} --out {out} --epochs 1 --steps 9",
        2,
        "give one of --epochs, --steps and",
    ),
    "all chunks active": (
        "train kettle --train {train} --out {out} --active 1",
        2,
        "--active 1.0: input should be less than 1",
    ),
    "a training file that is not there": (
        "train kettle --train {nowhere} --out {out}",
        1,
        "nowhere.csv: no such file",
    ),
    "a training file that is empty": (
        "train kettle --train {empty} --out {out}",
        1,
        "empty.csv: the file is empty",
    ),
    "a training file that is no table": (
        "train kettle --train {nonsense} --out {out}",
        1,
        "nonsense.parquet: not a CSV or Parquet",
    ),
    "an appliance that the house lacks": (
        "train fridge --train {train} --out {out}",
        1,
        "train.parquet: no column for 'fridge' (columns: time, mains, kettle)",
    ),
    "a recording shorter than a window": (
        "train kettle --train {train} --out {out} --window 2999",
        1,
        "house 1: 2,500 samples cannot fill a window of 2999",
    ),
    "a validation block shorter than a window": (
        "train kettle --train {train} --out {out}",
        1,
        "no validation window: what is held out of house 1 has no stretch of 599 samples",
    ),
    "training houses of two periods": (
        "train kettle --train {train} --train {slow} --out {out}",
        1,
        "house 1 has a reading every 6 s, house 3 every 8 s; resample to one period with --period",
    ),
    "a test house of another period, before hours of training": (
        "train kettle --train {train} --test {slow} --out {out}",
        1,
        "house 3 has a reading every 8 s, the model was trained at 6 s",
    ),
    "test data of another period": (
        "test {model} --data {slow}",
        1,
        "a reading every 8 s, the model needs one every 6 s",
    ),
    "test data without the appliance": (
        "test {model} --data {mains}",
        1,
        "mains.csv: no column for 'kettle'",
    ),
    "test data shorter than a window": (
        "test {model} --data {short}",
        1,
        "nothing to score: no stretch of 31 samples",
    ),
    "a model that is not there": (
        "test {nowhere} --data {train}",
        1,
        "nowhere.csv: no such model file",
    ),
    "a model that is none": ("info {train}", 1, "train.parquet: not a seq2point model"),
    "a model that was cut off": (
        "info {cut}",
        1,
        "cut.safetensors: the file is cut off inside tensor",
    ),
    "a model that was altered": (
        "disaggregate {altered} {train} -o {answer}.csv",
        1,
        "was altered (its SHA-256 differs); copy the file again",
    ),
    "a time zone that does not exist": (
        "test {model} --data {train} --zone Mars",
        2,
        "--zone: unknown time zone 'Mars': expected",
    ),
    "a time zone that is a continent": (
        "test {model} --data {train} --zone Europe",
        2,
        "unknown time zone 'Europe'",
    ),
    "a picture of an unknown kind": (
        "test {model} --data {train} --plot {answer}.xyz",
        2,
        "answer.xyz: a picture is written as .png, .pdf, .svg",
    ),
    "an answer of an unknown kind": (
        "disaggregate {model} {train} -o {answer}.txt",
        2,
        "answer.txt: predictions are written as .csv or .parquet; change the ending",
    ),
    "mains of another period": (
        "disaggregate {model} {slow} -o {answer}.csv",
        1,
        "slow.parquet: a reading every 8 s, the model needs one every 6 s",
    ),
    "a report where a file is in the way": (
        "test {model} --data {train} --json {empty}/m.json",
        2,
        "empty.csv is a file, not a folder",
    ),
    "an answer below the mains": (
        "disaggregate {model} {train} -o {train}/new/k.csv",
        2,
        "train.parquet is a file, not a folder",
    ),
    "the mains before the model": (
        "disaggregate {mains} kettle -o {answer}.csv",
        2,
        "mains.csv: is a table, not a model; name models first, the mains last",
    ),
    "the mains between models": (
        "disaggregate kettle {mains} fridge -o {answer}.csv",
        2,
        "mains.csv: is a table, not a model; name models first, the mains last",
    ),
    "the home before the model to adapt": (
        "adapt {mains} kettle -o {answer}.safetensors",
        2,
        "mains.csv: is a table, not a model; name models first, the mains last",
    ),
    "days of a test as text": (
        "test {model} --data {train} --days {answer}.csv",
        2,
        "answer.csv: the days of a test are written as .parquet; change the ending",
    ),
    **{
        f"a model of another ending by {typed.split()[0]}": (
            typed + " -o {answer}.csv",
            2,
            "answer.csv: a model is written as .safetensors; change the ending",
        )
        for typed in (
            "adapt {model} {mains}",
            "compact {model}",
            "factorise {model} --rank 2",
            "prune {model} --method magnitude --sparsity 0.5",
            "transfer {model} --train {train}",
        )
    },
    "CUDA where there is none": (
        "test {model} --data {train} --device cuda",
        2,
        "device 'cuda': torch finds no CUDA device here",
    ),
}


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory,
    files: Any,
    trained: tuple[Path, Any],
    make_house: Callable[..., Any],
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bad")
    model = trained[0] / "model.safetensors"
    whole = model.read_bytes()
    (folder / "empty.csv").touch()
    (folder / "nonsense.parquet").write_bytes(b"nonsense" * 99)
    (folder / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    (folder / "altered.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    pl.read_csv(files.test).select("Timestamp", "mains").write_csv(folder / "mains.csv")
    write_recording(replace(make_house(20, 1)), folder / "short.parquet")
    made = {path.stem: path for path in folder.iterdir()}
    return {
        **files._asdict(),
        **made,
        "model": model,
        "nowhere": folder / "nowhere.csv",
        "folder": folder,
    }


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_one_line_with_its_exit_code_and_leaves_nothing(
    case: str, places: dict[str, Path], seq2point: Command, tmp_path: Path
):
    if "CUDA" in case and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    typed, code, says = REFUSED[case]
    before = set(places["folder"].iterdir())
    words = [
        word.format(**places, out=tmp_path / "out", answer=tmp_path / "answer")
        for word in typed.split()
    ]
    answer = seq2point(*words)
    lines = answer.err.splitlines()
    assert len(lines) == 1, answer.err
    assert lines[0].startswith("seq2point: ")
    assert says in lines[0]
    assert answer.code == code
    assert not answer.out
    assert list(tmp_path.iterdir()) == []
    assert set(places["folder"].iterdir()) == before


@pytest.mark.parametrize(
    "typed",
    [
        "train",
        "train kettle",
        "train kettle --train x.csv --no-such-option",
        "train kettle --train x.csv --budget soon",
        "train kettle --train x.csv --seed -1",
        "train kettle --train x.csv --device tpu",
        "test model.safetensors",
        "disaggregate model.safetensors mains.csv",
        "disaggregate model.safetensors mains.csv -o out.csv --edges zero",
        "no-such-verb",
    ],
)
def test_a_word_that_the_command_does_not_know_is_a_usage_error(typed: str, seq2point: Command):
    answer = seq2point(*typed.split())
    assert answer.code == 2
    assert answer.err.endswith("; see --help\n")


def test_a_run_that_stands_unfinished_is_kept(seq2point: Command, files: Any, tmp_path: Path):
    words = (
        "train",
        "kettle",
        "--train",
        files.train,
        "--network",
        "reduced",
        "--window",
        31,
        "--steps",
        3,
        "--out",
        tmp_path,
    )
    assert seq2point(*words).code == 0
    record = tmp_path / "run.json"
    record.write_text(record.read_text().replace('"finished": true', '"finished": false'))
    answer = seq2point(*words)
    assert answer.code == 2
    assert (
        "holds an unfinished run; go on with --resume, or begin anew with --overwrite" in answer.err
    )
    answer = seq2point(*words, "--seed", 7, "--resume")
    assert answer.code == 2
    assert "cannot resume with another seed than the run began with" in answer.err
    assert seq2point(*words, "--seed", 7, "--overwrite").code == 0


def test_nothing_that_is_read_is_written_over(
    seq2point: Command, trained: tuple[Path, Any], files: Any, tmp_path: Path
):
    model, house = tmp_path / "model.safetensors", tmp_path / "house.csv"
    shutil.copyfile(trained[0] / "model.safetensors", model)
    shutil.copyfile(files.test, house)
    compacted, source = tmp_path / "zz-compact.safetensors", tmp_path / "mm.c"
    shutil.copyfile(model, compacted)
    shutil.copyfile(model, source)
    link = tmp_path / "link.csv"
    link.symlink_to(house)
    read = (model, house, compacted, source)
    before = [path.read_bytes() for path in read]
    for words in (
        ("disaggregate", model, house, "-o", house),
        ("disaggregate", model, house, "-o", link),
        ("test", model, "--data", house, "--json", house),
        ("info", model, "--json", model),
        ("prune", model, "--method", "magnitude", "-o", model),
        ("compact", model, "-o", model),
        ("protocol", "run", "one_minute", "--data", tmp_path, "--test", house, "--json", house),
        ("protocol", "run", "one_minute", "--data", tmp_path, "--json", house),
        ("prune", compacted, "--method", "magnitude", "-o", tmp_path / "zz.safetensors"),
        ("export", source, "--target", "microcontroller", "-o", tmp_path / "mm"),
        ("train", "kettle", "--train", house, "--from", model, "-o", tmp_path),
        ("fit-budget", model, "--train", house, "--flash", "64KB", "-o", tmp_path),
    ):
        answer = seq2point(*words)
        assert (answer.code, answer.err.count("\n")) == (2, 1), words
        assert "would replace a file that is read; choose another name" in answer.err
    twice = seq2point(
        "test", model, "--data", house, "--json", tmp_path / "x.png", "--plot", tmp_path / "x.png"
    )
    assert (twice.code, "two results cannot be one file" in twice.err) == (2, True)
    assert [path.read_bytes() for path in read] == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            (
                "prune",
                "MODEL",
                "--method",
                "magnitude",
                "--sparsity",
                0.5,
                "--set",
                "sparsity=0.3",
                "-o",
                "OUT",
            ),
            "give one of them",
        ),
        (
            ("prune", "MODEL", "--method", "none", "-o", "OUT"),
            "prunes nothing; choose one of magnitude",
        ),
        (
            (
                "train",
                "kettle",
                "--train",
                "HOUSE",
                "--on-power",
                5000,
                "--max-power",
                100,
                "--out",
                "OUT",
            ),
            "100 W is not above the 5000 W",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    seq2point: Command,
    trained: tuple[Path, Any],
    files: Any,
    tmp_path: Path,
    words: tuple[object, ...],
    says: str,
):
    named = {
        "MODEL": trained[0] / "model.safetensors",
        "HOUSE": files.train,
        "OUT": tmp_path / "out",
    }
    answer = seq2point(
        *(named.get(word, word) if isinstance(word, str) else word for word in words)
    )
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert says in answer.err
    assert not (tmp_path / "out").exists()
