"""What folders and files hold: rows that are theirs, reasons for what cannot be shown."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.report.results.run_folders import damage, make_house, make_run

from seq2point import Architecture, Model, Recording
from seq2point.appliances import find_appliance
from seq2point.errors import UsageError
from seq2point.model.evaluation import evaluate
from seq2point.recording.scaling import Scale
from seq2point.report.results import read_results
from seq2point.studies.result_cache import CachedResult, ResultCache
from seq2point.training.pace import Plan
from seq2point.training.record import RunFolder


def read_metrics(run: Path) -> dict:
    return json.loads((run / "metrics.json").read_text())


def test_a_training_is_read_as_its_folder_tells_it(runs):
    (result,), problems = read_results([runs["half"]])
    told = read_metrics(runs["half"])
    assert problems == []
    assert (result.appliance, result.network) == ("kettle", "own shape, window 33")
    assert (result.pruner, result.seed) == ("structured", 1)
    assert result.metrics == told["metrics"]
    assert result.baselines == told["baselines"]
    assert result.sparsity == told["pruning"]["sparsity"] == pytest.approx(0.464, abs=1e-3)
    assert result.scored_share == told["coverage"]["scored"]
    assert list(result.history) == told["training"]["history"]
    model = Model.load(runs["half"] / "compact.safetensors")
    assert result.size.weights == model.architecture.parameters
    assert result.size.file_bytes == (runs["half"] / "compact.safetensors").stat().st_size
    assert [each.role for each in result.hashes] == ["training", "validation", "test"]
    assert result.hashes[-1].sha256 == told["data"][0]["sha256"]


def test_an_unpruned_training_has_the_size_of_its_file_and_its_latency(runs):
    (result,), _ = read_results([runs["dense"]])
    assert result.pruner == "none"
    assert result.size.file_bytes == (runs["dense"] / "model.safetensors").stat().st_size
    assert result.size.latency_ms == read_metrics(runs["dense"])["latency_ms"] > 0


def test_scattered_zeros_count_as_gone(runs):
    (result,), _ = read_results([runs["scattered"]])
    network = Model.load(runs["scattered"] / "compact.safetensors").network
    assert result.size.weights == sum(int(p.count_nonzero()) for p in network.parameters())


def test_the_rows_of_a_protocol_run_are_those_of_its_report(protocol_folder):
    results, problems = read_results([protocol_folder])
    assert problems == []
    tested = json.loads((protocol_folder / "report.json").read_text())["appliances"]["kettle"]
    for row, pruner in (("network", "none"), ("magnitude-0.8", "magnitude")):
        own = sorted((r for r in results if r.pruner == pruner), key=lambda each: each.seed)
        assert [r.metrics["mae_w"] for r in own] == tested["rows"][row]["metrics"]["mae_w"][
            "values"
        ]
        assert [r.size.weights for r in own] == tested["rows"][row]["weights_left"]["values"]
    assert {each.tested_on for each in results} == {", ".join(tested["tested_on"])}
    assert len({each.scored_alike for each in results}) == 1
    roles = [each.role for each in results[0].hashes]
    assert roles == ["train", "validation", "test"]


def test_trainings_of_a_grid_are_rows(study_folder):
    (dense, small), problems = read_results([study_folder])
    assert problems == []
    assert (dense.pruner, small.pruner) == ("none", "structured")
    assert dense.tested_on == small.tested_on == "house 2"
    assert dense.scored_alike == small.scored_alike
    assert small.command == ""


def test_a_test_is_compared_with_trainings_that_were_tested_on_the_same(runs, test_json):
    (trained, tested), _ = read_results([runs["dense"], test_json])
    assert tested.scored_alike == trained.scored_alike
    assert tested.metrics == trained.metrics
    assert [each.role for each in tested.hashes] == ["test"]
    assert tested.hashes[0].sha256 == trained.hashes[-1].sha256


def test_a_test_of_several_appliances_is_a_row_each(tmp_path):
    kettle = make_house(1500, 3)
    kettle_w = kettle.appliances_w["kettle"]
    both_w = {"kettle": kettle_w, "fridge": kettle_w / 20}
    house = Recording("h", 6.0, kettle.mains_w, both_w, kettle.start)
    appliances = tuple(map(find_appliance, both_w))
    network = Architecture(window=33, channels=(4,), kernels=(5,), hidden=8, outputs=2).build()
    model = Model(network, Scale.published(appliances), appliances, 6.0)
    path = tmp_path / "two.json"
    path.write_text(json.dumps(evaluate(model, [house]).as_json()))
    results, problems = read_results([path])
    assert problems == []
    assert [each.appliance for each in results] == ["kettle", "fridge"]
    assert results[0].metrics != results[1].metrics
    assert len({each.scored_alike for each in results}) == 2


def test_the_same_folder_counts_once(runs):
    results, _ = read_results([runs["dense"], runs["half"] / ".." / "dense"])
    assert len(results) == 1


def test_commands_are_those_that_make_the_run(tmp_path, protocol_folder):
    options = {"network": "reduced", "window": 33, "steps": 2, "learning_rate": 0.01, "seed": 7}
    pruning = {"pruning": "magnitude", "sparsity": 0.25}
    run = make_run(tmp_path / "my run", clipped=False, **options, **pruning)
    results, _ = read_results([run, protocol_folder])
    assert results[0].command == (
        "seq2point train kettle --train FILE_1 --test FILE `network` reduced `window` 33"
        " `pruning` magnitude `sparsity` 0.25 --no-clipped `steps` 2 `engine` windows"
        f" `batch_size` 200 `learning_rate` 0.01 `seed` 7 `out` '{run}'"
    )
    commands = {each.command for each in results[1:]}
    assert (
        "seq2point protocol run small --data DIR --appliance kettle `steps` 20 `pruning` magnitude"
        " `sparsity` 0.8 --seeds 2"
    ) in commands


def test_a_command_that_is_put_together_has_the_houses_to_validate_on(tmp_path):
    run = make_run(
        tmp_path / "run", network="reduced", window=33, steps=2, validation=[make_house(1000, 6)]
    )
    (result,), _ = read_results([run])
    assert "--train FILE_1 --validate FILE_2 --test FILE " in result.command


def test_a_command_that_was_typed_is_kept(tmp_path, runs):
    typed = "seq2point train kettle --train 'my house.parquet' --out runs/kettle"
    run = damage(copy_run(runs["half"], tmp_path), command=typed)
    assert read_results([run])[0][0].command == typed


def test_a_command_that_is_put_together_has_traces_teachers_powers_and_the_sample(tmp_path, runs):
    run = make_run(tmp_path / "run", network="reduced", window=33, target_point=0.75, steps=2)
    record = RunFolder(run)
    identity = record.read_identity() | {"traces": ["a" * 64, "b" * 64], "teachers": ["c" * 64]}
    identity["appliance"] |= {"on_power_w": 1500.0}
    plan = json.loads((run / "run.json").read_text())["plan"]
    record.write(identity, Plan(**plan), finished=True)
    (result,), _ = read_results([run])
    for words in (
        "--traces TRACES --teacher TEACHER_1 ",
        "`on_power_w` 1500 ",
        "`window` 33 `target_point` 0.75 ",
    ):
        assert words in result.command
    assert "min_on_s" not in result.command


def test_a_study_names_its_networks_and_one_command_makes_all(protocol_folder, tmp_path):
    study = Path(shutil.copytree(protocol_folder, tmp_path / "small"))
    (study / "report.json").unlink()
    records = ResultCache(study / "parts").list_records()
    networks = [each for each in records if each.decides["what"] == "network"]
    rows = [{"key": each.key, "network": "tiny", "recipe": "long"} for each in networks]
    (study / "study.json").write_text(json.dumps({"study": "sizes", "rows": rows}))
    results, problems = read_results([study])
    assert problems == []
    unpruned = [each for each in results if each.pruner == "none"]
    assert {each.network for each in unpruned} == {"tiny, long"}
    assert unpruned[0].name.startswith(f"{study}/kettle-seed")
    command = f"seq2point study sizes.toml --data DIR `out` {study}"
    assert {each.command for each in results} == {command}


def copy_run(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def break_record(run: Path) -> Path:
    path = run / "run.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    return run


def leave_unfinished(run: Path) -> Path:
    record = RunFolder(run)
    plan = json.loads((run / "run.json").read_text())["plan"]
    record.write(record.read_identity(), Plan(**plan), finished=False)
    (run / "metrics.json").unlink()
    return run


def end_early(run: Path, again: bool = False) -> Path:
    """Leave a run whose budget ended before its plan; begun `again`, it has no new results yet."""
    record, metrics = RunFolder(run), run / "metrics.json"
    report = json.loads(metrics.read_text())
    report["training"]["lost_steps"] = 641
    plan = Plan(**json.loads((run / "run.json").read_text())["plan"])
    record.write(record.read_identity(), plan, finished=False)
    metrics.write_text(json.dumps(report))
    if again:
        long_ago_s = metrics.stat().st_mtime - 60
        os.utime(metrics, (long_ago_s, long_ago_s))
    return run


def leave_untested(run: Path) -> Path:
    (run / "metrics.json").unlink()
    return run


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (break_record, "its checksum differs"),
        (leave_unfinished, "unfinished; go on with `resume`"),
        (lambda run: end_early(run, again=True), "unfinished, with the results of an earlier run"),
        (leave_untested, "trained, and not tested"),
        (lambda run: damage(run, baselines=None), "damaged (KeyError: 'baselines')"),
        (lambda run: damage(run, training=[1]), "damaged (TypeError"),
        (lambda run: (run / "metrics.json").write_text("{") and run, "damaged (JSONDecodeError"),
    ],
)
def test_a_run_that_cannot_be_shown_is_told_with_its_reason(runs, tmp_path, spoil, reason):
    spoilt = spoil(copy_run(runs["dense"], tmp_path))
    results, (problem,) = read_results([runs["half"], spoilt])
    assert [each.pruner for each in results] == ["structured"]
    assert str(spoilt) in str(problem.path)
    assert reason in problem.reason


def test_a_run_whose_budget_ended_early_is_shown_and_says_so(runs, tmp_path):
    (result,), problems = read_results([end_early(copy_run(runs["dense"], tmp_path))])
    assert not problems
    assert any("ended with its budget 641 steps early" in line for line in result.card)


def test_broken_and_unfinished_parts_of_a_study_are_told(protocol_folder, tmp_path):
    study = Path(shutil.copytree(protocol_folder, tmp_path / "study"))
    parts = sorted((study / "parts").glob("*-test-*"))
    (parts[0] / "result.json").write_text("no JSON")
    (parts[1] / "result.json").unlink()
    (parts[1] / "unfinished").mkdir()
    damaged = json.loads((parts[2] / "result.json").read_text())
    del damaged["result"]["metrics"]
    (parts[2] / "result.json").write_text(json.dumps(damaged))
    results, problems = read_results([study])
    reasons = {problem.path.name: problem.reason for problem in problems}
    assert len(results) == 1
    assert "damaged" in reasons[parts[0].name]
    assert "unfinished" in reasons[parts[1].name]
    assert "'metrics'" in reasons[parts[2].name]
    assert list(reasons.values()).count("trained, and not tested") >= 1


def test_parts_of_another_kind_of_study_are_told(tmp_path):
    part = CachedResult("kettle-units0.5", {"what": "fitted network"})
    ResultCache(tmp_path).find_or_make(part, lambda _: {"weights": 12})
    results, (problem,) = read_results([tmp_path])
    assert results == []
    assert "'fitted network'" in problem.reason


@pytest.mark.parametrize("name", ["nothing here", "empty", "words.json", "list.json"])
def test_what_is_none_of_the_kinds_is_refused_in_one_line(runs, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.json").write_text("these are no results")
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(UsageError, match=name):
        read_results([runs["dense"], tmp_path / name])
