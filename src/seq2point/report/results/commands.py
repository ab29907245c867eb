"""The commands that make results, from the records of results that kept none.

A record names houses and hashes, and seldom files: what it does not name is FILE, in the order of
the hashes. Options stand as fields in backticks; the command line turns them into its flags.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2point.appliances import APPLIANCES
from seq2point.architecture import OWN_SHAPE, name_shape
from seq2point.configuration import AppliancePower, TrainingConfig
from seq2point.recording.scaling import MAINS_MEAN_W, MAINS_STD_W
from seq2point.studies.tested_on import TEST, VALIDATION_DATA

WITHOUT_FLAG = ("seed", "freeze")
"""Settings that stand elsewhere in a command, or that no verb for training has a flag for."""
LENGTHS = ("epochs", "steps", "budget_s")


def has_placeholders(command: str) -> bool:
    """Return whether a command has names in capitals that stand for files."""
    return re.search(r" (FILE|DIR|MODEL|TRACES|TEACHER)(_\d+)?( |$)", command) is not None


def write_train_command(
    folder: Path, identity: Mapping[str, Any], report: Mapping[str, Any]
) -> str:
    """Return the command that makes a run, by its record and its results.

    '' for a network of an own shape, which a caller in Python gave.
    """
    shape, network = identity["architecture"], name_shape(identity["architecture"])
    if identity["from"] is None and network == OWN_SHAPE:
        return ""
    words = [f"seq2point train {identity['appliance']['name']}"]
    trained, validated = len(identity["training_data"]), len(identity["validation_data"])
    words += [f"--train FILE_{i + 1}" for i in range(trained)]
    if report.get("validated_on") == VALIDATION_DATA:
        words += [f"--validate FILE_{trained + i + 1}" for i in range(validated)]
    if report["tested_on"] == TEST:
        words += [f"--test {file}" for file in _list_files(report)]
    words += ["--traces TRACES"] if identity.get("traces") else []
    words += [f"--teacher TEACHER_{i}" for i, _ in enumerate(identity.get("teachers", ()), 1)]
    if identity["from"] is not None:
        words.append("`start` MODEL")
    else:
        words += _list_powers(identity["appliance"])
        words.append(f"`network` {network} `window` {shape['window']}")
        if shape["target_index"] != shape["window"] // 2:
            words.append(f"`target_point` {shape['target_index'] / (shape['window'] - 1):.6g}")
    words += _list_scaling_words(identity)
    words += _list_pruning_words(identity["pruning"] or {})
    words += _list_changed_settings(identity["settings"])
    words += [f"`seed` {identity['settings']['seed']}", f"`out` {shlex.quote(str(folder))}"]
    return " ".join(words)


def write_protocol_command(
    protocol: str, network: Mapping[str, Any], pruned: Mapping[str, Any] | None
) -> str:
    """Return the command that makes a row of a protocol's run, by what decides its parts."""
    shape, settings = network["network"], network["training"]
    words = [
        f"seq2point protocol run {shlex.quote(protocol)} --data DIR",
        f"--appliance {network['appliance']['name']}",
    ]
    if (name := name_shape(shape)) != OWN_SHAPE:
        words.append(f"`network` {name} `window` {shape['window']}")
    words += ["`scaling` fitted"] if network["scaling"] == "fitted" else []
    words += [f"`{k}` {settings[k]:g}" for k in LENGTHS if settings.get(k) is not None]
    words += _list_pruning_words(pruned["pruning"] if pruned else {})
    return " ".join([*words, f"--seeds {settings['seed'] + 1}"])


def write_study_command(name: str, folder: Path) -> str:
    """Return the command of a study, all of whose parts one command makes."""
    return f"seq2point study {shlex.quote(name)}.toml --data DIR `out` {shlex.quote(str(folder))}"


def write_test_command(report: Mapping[str, Any]) -> str:
    """Return the command of a test."""
    return " ".join(["seq2point test MODEL", *(f"--data {f}" for f in _list_files(report))])


def _list_powers(appliance: Mapping[str, Any]) -> Iterator[str]:
    """Yield the powers and durations of an appliance that are not the table's."""
    usual = APPLIANCES.get(appliance["name"])
    for name in AppliancePower.model_fields:
        if usual is None or appliance[name] != getattr(usual, name):
            yield f"`{name}` {appliance[name]:g}"


def _list_scaling_words(identity: Mapping[str, Any]) -> Sequence[str]:
    scale = identity["scale"]
    published = (scale["mains_mean_w"], scale["mains_std_w"]) == (MAINS_MEAN_W, MAINS_STD_W)
    return [] if published or identity["from"] is not None else ["`scaling` fitted"]


def _list_pruning_words(pruning: Mapping[str, Any]) -> Iterator[str]:
    from seq2point.compression.pruning import PRUNERS

    if not pruning:
        return
    yield f"`pruning` {pruning['method']}"
    known = PRUNERS.get(pruning["method"])
    fields = known.model_fields if known else {}
    for name, value in pruning.items():
        if name == "sparsity" and value is not None:
            yield f"`sparsity` {value:g}"
        elif name in fields and value != fields[name].default:
            yield f"`pruning_settings` {name}={value}"


def _list_changed_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    fields = TrainingConfig.model_fields
    for name, value in settings.items():
        if name in WITHOUT_FLAG or name not in fields or value == fields[name].default:
            continue
        if isinstance(value, bool):
            yield f"`{name}`" if value else f"--no-{name}"
        else:
            yield f"`{name}` {value:g}" if isinstance(value, float) else f"`{name}` {value}"


def _list_files(report: Mapping[str, Any]) -> list[str]:
    """Return the files that a test was on, as far as its report names them."""
    files = (each.get("interpretation", {}).get("file", "FILE") for each in report["data"])
    return [shlex.quote(str(file)) for file in files]
