"""`seq2point protocol`: list, show, run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2point.data.parquet_file import write_recording
from seq2point.studies.protocols import library
from seq2point.studies.protocols.houses import require_houses

Command = Callable[..., Any]

MINE = """
title = "My houses"
source = "me"
dataset = "mine"
period_s = 6
window = 31
network = "reduced"
training = { steps = 2, engine = "windows", batch_size = 20 }

[houses]
train = [{ file = "train.parquet" }]

[appliances.kettle]
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def test_list_and_show_tell_every_protocol(seq2point: Command):
    listed = seq2point("protocol", "list")
    assert listed.code == 0
    report = json.loads(seq2point("protocol", "list", "--json", "-").out)
    assert list(report) == library.list_names()
    for name in library.list_names():
        assert name in listed.out
        shown = seq2point("protocol", "show", name)
        assert shown.code == 0
        protocol = library.find_protocol(name).protocol
        assert protocol.title in shown.out
        assert all(row.model in shown.out for row in protocol.published)
        assert json.loads(seq2point("protocol", "show", name, "--json", "-").out) == report[name]


def test_show_says_houses_settings_and_what_is_otherwise(seq2point: Command):
    said = " ".join(seq2point("protocol", "show", "bert4nilm_ukdale").out.split())
    for words in (
        "clipping: mains at 6000 W, appliances at their maxima in the table, below 5 W to zero",
        (
            "kettle: train houses 3 4 5, house 1, 10% to 100%; validation house 1, 0% to 10%; test"
            " house 2; on above 2000 W"
        ),
        "- A house without the appliance counts there as one where it is never on",
    ):
        assert words in said


def test_show_prints_a_file_to_begin_ones_own_with(seq2point: Command, tmp_path: Path):
    text = seq2point("protocol", "show", "one_minute", "--toml").out
    (tmp_path / "own.toml").write_text(text)
    assert (
        library.find_protocol(str(tmp_path / "own.toml")).protocol
        == library.find_protocol("one_minute").protocol
    )


def test_run_writes_a_report_and_does_not_repeat_what_is_done(
    seq2point: Command, files: Any, mine: Path, tmp_path: Path
):
    words = (
        "protocol",
        "run",
        mine,
        "--data",
        files.train.parent,
        "--test",
        files.test,
        "--seeds",
        2,
        "--threads",
        1,
    )
    first = seq2point(*words, "-o", tmp_path / "out")
    assert first.code == 0, first.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "parts",
        "report.json",
        "report.md",
    ]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["appliances"]["kettle"]["tested_on"] == [str(files.test.resolve())]
    assert report["markdown"] == (tmp_path / "out" / "report.md").read_text()
    assert report["markdown"].splitlines()[0] in first.out
    assert set(report["hashes"]["data"]) == {"train.parquet", "test.csv"}
    again = seq2point(*words, "-o", tmp_path / "out", "--json", "-")
    assert again.code == 0
    assert json.loads(again.out) == report
    assert again.err.count("(was there)") == 2
    assert "step " in first.err
    assert "step " not in again.err


def test_run_prunes_and_compacts_where_asked(
    seq2point: Command, files: Any, mine: Path, tmp_path: Path
):
    answer = seq2point(
        "protocol",
        "run",
        mine,
        "--data",
        files.train.parent,
        "--seeds",
        1,
        "--pruning",
        "structured",
        "--sparsity",
        0.5,
        "--set",
        "frequency=1",
        "--steps",
        2,
        "-o",
        tmp_path,
        "--threads",
        1,
        "--json",
        "-",
    )
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    rows = report["appliances"]["kettle"]["rows"]
    assert (
        rows["structured-0.5"]["parameters"]["mean"] < 0.5 * rows["network"]["parameters"]["mean"]
    )
    assert "| └ structured | 50 % of units and channels | 1 | " in report["markdown"]
    assert "on which it was validated" in report["markdown"]
    assert report["as_run"]["pruning"] == [
        {"method": "structured", "settings": {"frequency": "1", "sparsity": 0.5}}
    ]


def test_several_methods_and_sparsities_make_one_table_and_one_picture_and_a_later_run_adds_to_them(
    seq2point: Command, files: Any, mine: Path, tmp_path: Path
):
    words = (
        "protocol",
        "run",
        mine,
        "--data",
        files.train.parent,
        "--test",
        files.test,
        "--seeds",
        1,
        "--threads",
        1,
    )
    words = (*words, "--set", "frequency=1", "-o", tmp_path / "out", "--json", "-")
    first = seq2point(*words, "--pruning", "magnitude,structured", "--sparsity", "0.5,0.75")
    assert first.code == 0, first.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "parts",
        "report.json",
        "report.md",
        "report.png",
    ]
    four = ["magnitude-0.5", "magnitude-0.75", "structured-0.5", "structured-0.75"]
    kettle = json.loads(first.out)["appliances"]["kettle"]
    assert list(kettle["rows"]) == ["network", *four]
    second = seq2point(
        *words, "--pruning", "lamp", "--pruning", "tfmot", "--sparsity", 0.5, "--sparsity", 0.9
    )
    assert second.code == 0, second.err
    assert second.err.count("(was there)") == 2  # the network and magnitude at 0.5
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = report["appliances"]["kettle"]["rows"]
    assert set(rows) == {"network", *four, "magnitude-0.9", "lamp-0.5", "lamp-0.9"}
    assert all(rows[row] == kettle["rows"][row] for row in kettle["rows"])
    table = (tmp_path / "out" / "report.md").read_text().splitlines()
    assert sum(line.startswith("| kettle, test.csv | ") for line in table) == len(rows) + 2
    assert sum(line.startswith("| --- |") for line in table) == 1


def test_a_report_of_another_protocol_is_never_replaced(
    seq2point: Command, files: Any, mine: Path, tmp_path: Path
):
    out = tmp_path / "out"
    words = ("--data", files.train.parent, "--seeds", 1, "--threads", 1, "-o", out)
    assert seq2point("protocol", "run", mine, *words).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    (tmp_path / "other.toml").write_text(MINE)
    (tmp_path / "out2").mkdir()
    (tmp_path / "out2" / "report.md").write_text("mine")
    refused = seq2point("protocol", "run", tmp_path / "other.toml", *words)
    assert (refused.code, refused.err) == (
        2,
        (
            f"seq2point: {out / 'report.json'}: is the report of 'mine' and would be replaced;"
            " choose another folder for 'other'\n"
        ),
    )
    shutil.rmtree(out / "parts")
    gone = seq2point("protocol", "run", mine, *words)
    assert gone.code == 2
    assert "has results whose parts are gone" in gone.err
    foreign = seq2point("protocol", "run", mine, *words[:-1], tmp_path / "out2")
    assert foreign.code == 2
    assert "report.md: is of no protocol's run and would be replaced" in foreign.err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_terminal_gets_tables_and_no_markdown(
    seq2point: Command, files: Any, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    answer = seq2point(
        "protocol",
        "run",
        mine,
        "--data",
        files.train.parent,
        "--seeds",
        1,
        "--threads",
        1,
        "-o",
        tmp_path,
    )
    assert answer.code == 0, answer.err
    assert "zero predictor" in answer.out
    assert "|" not in answer.out
    assert "##" not in answer.out
    assert "| zero predictor |" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["show", "zhang"], 2, "unknown protocol 'zhang': choose one of bert4nilm_ukdale, "),
        (
            ["run", "zhang_redd", "--data", "{data}"],
            1,
            "seq2point convert redd ROOT -o {data} --houses 1,2,3,4,5,6 --period 8s",
        ),
        (
            ["run", "{mine}", "--data", "{data}", "--network", "big"],
            2,
            "mine.toml: network: unknown network 'big'",
        ),
        (
            ["run", "{mine}", "--data", "{data}", "--sparsity", "0.5"],
            2,
            "--sparsity and --set are of a pruning method",
        ),
        (
            ["run", "{mine}", "--data", "{data}", "--sparsity", "0.5,much"],
            2,
            "--sparsity much: expected a share from 0 to ",
        ),
        (
            ["run", "{mine}", "--data", "{data}", "--pruning", "lamp,smart"],
            2,
            "unknown pruning algorithm 'smart'",
        ),
        (
            ["run", "{mine}", "--data", "{data}", "--appliance", "fridge"],
            2,
            "mine.toml: has no 'fridge', only kettle",
        ),
        (
            ["run", "{mine}", "--data", "{data}", "--test", "{data}/none.csv"],
            1,
            "none.csv (kettle)",
        ),
        (
            ["run", "{mine}", "--data", "{slow}"],
            1,
            "train.parquet: a reading every 8 s, the protocol's period is 6 s",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    words: list[str],
    code: int,
    says: str,
    seq2point: Command,
    files: Any,
    mine: Path,
    tmp_path: Path,
    make_house: Callable[..., Any],
):
    slow = tmp_path / "slow"
    write_recording(make_house(2500, 3, 8.0), slow / "train.parquet")
    places = {"data": str(files.train.parent), "mine": str(mine), "slow": str(slow)}
    answer = seq2point(
        "protocol",
        *(word.format(**places) for word in words),
        *(["-o", tmp_path / "out"] if "run" in words else []),
    )
    assert answer.code == code
    assert answer.err.count("\n") == 1
    assert says.format(**places) in answer.err
    assert not list((tmp_path / "out").glob("**/result.json"))


def test_ctrl_c_says_that_the_same_command_goes_on(
    seq2point: Command, files: Any, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from seq2point.studies.protocols import runner

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "train_with_history", stopped)
    answer = seq2point(
        "protocol", "run", mine, "--data", files.train.parent, "-o", tmp_path / "out"
    )
    assert (answer.code, answer.err) == (
        130,
        "seq2point: stopped; the parts that are done stay, and the same command goes on from the"
        " last checkpoint\n",
    )


def test_the_packages_own_protocols_run_on_the_real_houses(
    seq2point: Command, data_dir: Path, tmp_path: Path
):
    half_minute = library.find_protocol("half_minute").protocol
    require_houses(half_minute, list(half_minute.appliances), data_dir)
    answer = seq2point(
        "protocol",
        "run",
        "one_minute",
        "--data",
        data_dir,
        "--appliance",
        "washing machine",
        "--seeds",
        1,
        "--steps",
        1,
        "--pruning",
        "none",
        "-o",
        tmp_path,
        "--threads",
        1,
        "--json",
        "-",
    )
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)["appliances"]["washing_machine"]
    assert (found["role_tested_on"], found["tested_on"]) == ("validation", ["house 5"])
    assert found["baselines"]["zero"]["nde"] == pytest.approx(1)
    assert list(json.loads(answer.out)["hashes"]["data"]) == [
        "ukdale_house1_60s.parquet",
        "ukdale_house5_60s.parquet",
    ]
