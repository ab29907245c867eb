"""The C for a microcontroller computes what its twin in Python computes, bit for bit."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.deploy.microcontroller.conftest import STRICT

from seq2point import (
    Architecture,
    Model,
    ModelFileError,
    Recording,
    Seq2PointError,
    UsageError,
    deploy,
    load_recording,
)
from seq2point.configuration import ExportOptions
from seq2point.deploy.microcontroller import count_cost
from seq2point.system.c_compiler import find_compiler

House = Callable[..., Recording]
Make = Callable[..., Model]
Build = Callable[..., Path]
Write = Callable[..., Any]
Feed = Callable[..., np.ndarray]

SMALL = Architecture(window=61, channels=(4, 6), kernels=(9, 5), hidden=12)
SHAPES = {
    "as most": (SMALL, 16),
    "features in bytes": (SMALL, 8),
    "sums that wait": (SMALL.model_copy(update={"channels": (4, 7), "hidden": 3}), 16),
    "low rank": (SMALL.model_copy(update={"rank": 4}), 16),
    "low rank, sums that wait": (SMALL.model_copy(update={"channels": (4, 9), "rank": 2}), 16),
    "two appliances, an early answer": (
        SMALL.model_copy(update={"outputs": 2, "target_index": 55}),
        16,
    ),
    "one convolution of one tap, one unit": (
        Architecture(window=5, channels=(1,), kernels=(1,), hidden=1),
        8,
    ),
    "one time step": (Architecture(window=13, channels=(4, 6), kernels=(9, 5), hidden=12), 16),
}


def budget(shape: Architecture, bits: int) -> int:
    """RAM that leaves no other choice than features in bytes, or any."""
    return count_cost(shape, 8).ram_bytes if bits == 8 else 1 << 16


@pytest.mark.parametrize("name", SHAPES)
def test_the_c_equals_its_twin_bit_for_bit(
    name: str,
    tmp_path: Path,
    house: Callable[..., Recording],
    make_model: Callable[..., Model],
    write: Write,
    build: Build,
    feed: Feed,
):
    shape, bits = SHAPES[name]
    written = write(make_model(shape), tmp_path, house(2000, 1), ram_bytes=budget(shape, bits))
    assert written.made.network.feature_bits == bits
    assert ("pending[" in written.header.read_text()) == ("wait" in name)
    mains_w = house(3000, 2).mains_w
    rng = np.random.default_rng(3)
    mains_w[500:700] = rng.normal(0, 1e6, 200)
    mains_w[[900, 1500, 1501]] = np.nan
    mains_w[2000:2100:2] = rng.integers(-100, 100, 50) / 2 + np.float32(0.25)
    answers_w = feed(build(written.source, sanitized=True), mains_w, shape)
    expected_w = written.made.network.predict_w(Recording("home", 6.0, mains_w))
    np.testing.assert_array_equal(answers_w, expected_w)
    assert np.isfinite(answers_w).sum() > 1000 * shape.outputs
    assert len(np.unique(answers_w)) > 100


def test_whole_numbers_stay_close_to_the_float_model(
    tmp_path: Path, house: House, make_model: Make, write: Write
):
    model = make_model(SMALL)
    written = write(model, tmp_path, house(4000, 1))
    unseen = house(4000, 2)
    float_w, whole_w = model.predict_w(unseen), written.made.network.predict_w(unseen)
    np.testing.assert_array_equal(np.isnan(float_w), np.isnan(whole_w))
    assert np.nanstd(float_w) > 50
    assert np.nanmax(np.abs(whole_w - float_w)) < 0.05 * np.nanmax(float_w)
    assert written.made.differences_w[16] < written.made.differences_w[8]


def test_an_infinite_reading_is_a_gap(
    tmp_path: Path, house: House, make_model: Make, write: Write, build: Build, feed: Feed
):
    written = write(make_model(SMALL), tmp_path, house(2000, 1))
    program = build(written.source, "-ffast-math")
    mains_w = house(500, 2).mains_w
    mains_w[[100, 300]] = np.nan, np.nan
    with_gaps = feed(program, mains_w, SMALL)
    mains_w[[100, 300]] = np.inf, -np.inf
    np.testing.assert_array_equal(feed(program, mains_w, SMALL), with_gaps)


@pytest.mark.parametrize(
    "table", ["weights", "bias", "multiplier", "shift", "test_readings", "test_answers"]
)
def test_the_self_test_fails_when_a_number_is_altered(
    table: str, tmp_path: Path, house: House, make_model: Make, write: Write, build: Build
):
    written = write(make_model(SMALL), tmp_path, house(2000, 1))
    assert (
        subprocess.run([build(written.source)], stdin=subprocess.DEVNULL, check=False).returncode
        == 0
    )
    text = written.source.read_text()
    begin = text.index("{", re.search(rf"\n[^\n]* {table}\[[^\n]* = ", text).start())
    numbers = list(re.finditer(r"-?\d+", text[begin : text.index("}", begin)]))
    chosen = numbers[len(numbers) // 3]
    by = 100 if table == "test_readings" else 1
    changed = str(int(chosen[0]) + (by if int(chosen[0]) < 27 else -by))
    written.source.write_text(
        text[: begin + chosen.start()] + changed + text[begin + chosen.end() :]
    )
    assert (
        subprocess.run([build(written.source)], stdin=subprocess.DEVNULL, check=False).returncode
        == 3
    )


def test_several_models_live_in_one_program(
    tmp_path: Path, house: House, make_model: Make, write: Write
):
    for prefix in ("kettle", "cooker"):
        write(make_model(SMALL), tmp_path, house(2000, 1), stem=prefix, prefix=prefix)
    (tmp_path / "main.c").write_text(
        '#include "kettle.h"\n#include "cooker.h"\nstatic kettle_state kettle;\nstatic cooker_state'
        " cooker;\nint main(void) { return !(kettle_self_test(&kettle) && cooker_self_test(&cooker)"
        " && KETTLE_DELAY == 30); }\n"
    )
    cc = find_compiler() or pytest.skip("no C compiler here")
    program = tmp_path / "program"
    subprocess.run([cc, *STRICT, *map(str, tmp_path.glob("*.c")), "-o", str(program)], check=True)
    assert subprocess.run([program], check=False).returncode == 0


def test_names_from_a_model_file_cannot_become_code(
    tmp_path: Path, house: House, make_model: Make, write: Write, build: Build
):
    model = make_model(SMALL)
    evil = '*/ int evil; /* " \\ \n#error ??/'
    model.appliances = (model.appliances[0].model_copy(update={"name": evil}),)
    model.provenance["training"] = {"training_data": [{"house": evil, "samples": evil}]}
    recording = house(2000, 1)
    recording = replace(recording, house=evil, appliances_w={evil: recording.appliance_w("kettle")})
    written = write(model, tmp_path, recording)
    build(written.source)
    assert "int evil" not in re.sub(r"/\*.*?\*/", "", written.header.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_counted_is_no_less_than_what_compilers_make(
    name: str, tmp_path: Path, house: House, make_model: Make, write: Write
):
    shape, bits = SHAPES[name]
    written = write(make_model(shape), tmp_path, house(1000, 1), ram_bytes=budget(shape, bits))
    if not written.sizes:
        pytest.skip("no C compiler here")
    for compiled_by, size in written.sizes.items():
        assert not isinstance(size, str), size
        assert size.data == 0
        assert size.bss <= written.made.cost.ram_bytes < size.bss + 1024
        if "cortex" in compiled_by:
            assert size.text <= written.made.cost.flash_bytes < size.text + 2048


REFUSED: dict[str, tuple[type[Seq2PointError], str]] = {
    "chunks": (UsageError, "`sliding` is not for target microcontroller"),
    "too little flash": (
        UsageError,
        "KB of flash, 4.0 KB are there: prune hidden units and channels and compact it",
    ),
    "too little RAM": (
        UsageError,
        "KB of RAM, 0.5 KB are there: prune channels of the last convolution",
    ),
    "a prefix that is no name": (
        UsageError,
        "prefix '2p' does not fit: C names begin with a small letter",
    ),
    "a file name that C cannot include": (UsageError, "the name of a C file has letters"),
    "a folder that is a file": (Seq2PointError, "cannot be written"),
    "weights that are no numbers": (ModelFileError, "weights that are not finite numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(
    case: str, tmp_path: Path, house: House, make_model: Make, write: Write
):
    kind, message = REFUSED[case]
    model, out = make_model(SMALL), tmp_path / "out" / "kettle"
    options: dict[str, Any] = {"calibrate": house(3000, 1)}
    if case == "chunks":
        options |= {"sliding": True}
    elif case == "too little flash":
        options |= {"flash_bytes": 4096}
    elif case == "too little RAM":
        options |= {"ram_bytes": 512}
    elif case == "a prefix that is no name":
        options |= {"prefix": "2p"}
    elif case == "a file name that C cannot include":
        out = tmp_path / "out" / 'a"b'
    elif case == "a folder that is a file":
        (tmp_path / "file").write_text("")
        out = tmp_path / "file" / "kettle"
    elif case == "weights that are no numbers":
        with torch.no_grad():
            model.network.hidden.weight[1, 2] = torch.nan
    with pytest.raises(kind, match=re.escape(message)) as refusal:
        deploy.find_target("microcontroller").export(model, out, ExportOptions(**options))
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_real_days_are_answered_as_the_twin_answers_and_near_the_float_model(
    tmp_path: Path, data_dir: Path, write: Write, build: Build, feed: Feed
):
    from seq2point import train

    recording = load_recording(data_dir / "ukdale_house1_6s_a.parquet", ["kettle"])
    shape = Architecture(window=99, channels=(4, 4, 6), kernels=(9, 7, 5), hidden=16)
    model = train(
        recording.slice(0, 60_000), "kettle", network=shape, steps=100, progress=False, threads=1
    )
    written = write(model, tmp_path, recording.slice(0, 60_000))
    days = load_recording(data_dir / "ukdale_house1_6s_b.parquet", ["kettle"]).slice(0, 2 * 14_400)
    answers_w = feed(build(written.source, sanitized=True), days.mains_w, shape)
    np.testing.assert_array_equal(answers_w, written.made.network.predict_w(days))
    float_w = model.predict_w(days)
    on = days.appliance_w("kettle") > 2000
    assert np.nanmean(float_w[on]) > 500
    assert np.nanmean(np.abs(answers_w - float_w)) < 2
    assert np.nanmean(np.abs(answers_w - float_w)[on]) < 0.05 * np.nanmean(float_w[on])
