"""The libraries that a wheel brings: the fastest that runs here is taken, before any compiler, and
it computes what one that is compiled for this machine computes.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from seq2point import kernels
from seq2point.architecture import Architecture
from seq2point.data import native_reader
from seq2point.kernels import load_kernels
from seq2point.recording import Recording
from seq2point.runtime.native import open_model
from seq2point.system import c_compiler, c_library

OTHERWISE = "it runs on Python alone"
COMPILER = c_compiler.find_compiler()

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler here")


LOADED = (c_library._read_processor, load_kernels, native_reader.load_functions)
"""What this process remembers of libraries."""


def forget() -> None:
    for function in LOADED:
        function.cache_clear()


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget()
    monkeypatch.setenv("SEQ2POINT_CACHE", str(tmp_path / "cache"))
    yield
    forget()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a wheel has its libraries: here, that of the processor alone."""
    path = tmp_path / "prebuilt"
    baseline = c_compiler.list_variants()[-1:]
    c_compiler.build_variants(COMPILER or "", c_library.PROCESSOR, path, baseline)
    monkeypatch.setattr(c_library, "PREBUILT", path)
    return path


@pytest.fixture
def without_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.delenv("CC", raising=False)


def build(source: Path, folder: Path, number: int = 42) -> list[Path]:
    """The libraries of a source of this number, under the names that the source gives them."""
    text = source.read_text()
    variants = c_compiler.list_variants()
    names = [c_compiler.name_prebuilt(source, variant) for variant in variants]
    source.write_text(text.replace("42", str(number)))
    built = c_compiler.build_variants(COMPILER or "", source, folder, variants)
    source.write_text(text)
    return [path.rename(folder / name) for path, name in zip(reversed(built), names, strict=True)]


def ask(source: Path) -> int | None:
    library = c_library.load_library(source, OTHERWISE)
    return None if library is None else library.answer()


def test_without_a_compiler_a_prebuilt_library_is_taken(
    source: Path, folder: Path, request: pytest.FixtureRequest
):
    libraries = build(source, folder)
    request.getfixturevalue("without_compiler")
    assert ask(source) == 42
    assert not (folder.parent / "cache").exists()
    for path in libraries:
        path.unlink()
    assert ask(source) is None


def test_a_prebuilt_library_comes_before_the_compiler(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    build(source, folder, number=43)
    assert ask(source) == 43
    monkeypatch.setenv("SEQ2POINT_NATIVE", "compiled")
    assert ask(source) == 42


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "of another machine": lambda path: path.write_bytes(b"\x7fELF of another machine"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_library_that_does_not_load_is_compiled(source: Path, folder: Path, damage: str):
    for path in build(source, folder, number=43):
        DAMAGES[damage](path)
    assert ask(source) == 42


def test_a_changed_source_is_compiled(source: Path, folder: Path):
    build(source, folder, number=43)
    source.write_text(source.read_text() + "int more(void) { return 1; }\n")
    assert ask(source) == 42


@pytest.mark.parametrize("bits", range(4))
def test_what_the_processor_lacks_is_never_taken(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, bits: int
):
    monkeypatch.setattr(c_library, "_read_processor", lambda: bits)
    taken = [variant.bit for variant in c_library.list_runnable()]
    assert taken
    assert all(bit & bits == bit for bit in taken)
    assert taken == sorted(taken, reverse=True)


def test_without_the_processor_s_library_every_machine_s_is_taken(folder: Path):
    for path in folder.iterdir():
        path.unlink()
    assert c_library.list_runnable() == c_compiler.list_variants()[-1:]


@pytest.mark.parametrize("name", ["avx9", "none"])
def test_a_variant_that_is_not_there_is_said(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog, name: str
):
    build(source, folder)
    monkeypatch.setenv("SEQ2POINT_NATIVE", name)
    assert ask(source) is None
    assert name in caplog.text


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ("x86_64", ["avx512", "avx2", "baseline"]),
        ("AMD64", ["avx512", "avx2", "baseline"]),
        ("aarch64", ["neon"]),
        ("arm64", ["neon"]),
        ("riscv64", ["baseline"]),
    ],
)
def test_the_variants_of_an_architecture(machine: str, names: list[str]):
    assert [variant.name for variant in c_compiler.list_variants(machine)] == names


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries that a wheel of this package would bring."""
    folder = tmp_path_factory.mktemp("prebuilt")
    c_compiler.build_package(COMPILER or "", Path(c_library.__file__).parents[1], folder)
    return folder


SHAPES = {
    "small": Architecture(window=63, hidden=40),
    "odd": Architecture(window=41, channels=(3, 5), kernels=(4, 3), hidden=17),
    "a rank": Architecture(window=63, hidden=40, rank=5),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_variant_predicts_what_one_compiled_here_does(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shape: str
):
    from seq2point.model.model_file import Model

    path = tmp_path / "model.safetensors"
    Model.untrained("kettle", 8.0, SHAPES[shape]).save(path)
    mains_w = np.random.default_rng(0).uniform(50, 3000, 6000).astype(np.float32)
    mains_w[[700, 701, 4000]] = np.nan
    recording = Recording("random", 8.0, mains_w)
    monkeypatch.setattr(c_library, "PREBUILT", package)

    def predict(choice: str) -> np.ndarray:
        monkeypatch.setenv("SEQ2POINT_NATIVE", choice)
        load_kernels.cache_clear()
        assert (load_kernels() is not None) == (choice != "0")
        return open_model(path, threads=1).predict_w(recording)

    reference = predict("compiled")
    for variant in c_library.list_runnable():
        np.testing.assert_allclose(predict(variant.name), reference, rtol=1e-4, atol=0.01)
    np.testing.assert_allclose(predict("0"), reference, rtol=1e-4, atol=0.01)


def test_every_variant_reads_what_one_compiled_here_does(
    package: Path, monkeypatch: pytest.MonkeyPatch
):
    random = np.random.default_rng(0)
    rows = "".join(
        f"{i},{w:.1f},{v:.3f}\n" for i, (w, v) in enumerate(random.normal(0, 999, (500, 2)))
    )
    kinds = np.array([native_reader.DOUBLE, native_reader.FLOAT, native_reader.DOUBLE], np.int32)
    monkeypatch.setattr(c_library, "PREBUILT", package)

    def read(choice: str) -> dict[int, np.ndarray]:
        monkeypatch.setenv("SEQ2POINT_NATIVE", choice)
        native_reader.load_functions.cache_clear()
        columns = native_reader.parse_rows(memoryview(bytearray(rows.encode())), ",", kinds)
        assert columns is not None
        return columns

    reference = read("compiled")
    assert len(reference[0]) == 500
    for variant in c_library.list_runnable():
        columns = read(variant.name)
        assert all(np.array_equal(columns[i], reference[i]) for i in reference)


def test_the_kernels_come_prebuilt(package: Path):
    for source in (kernels.SOURCE, native_reader.SOURCE):
        names = {c_compiler.name_prebuilt(source, each) for each in c_compiler.list_variants()}
        assert names <= {path.name for path in package.iterdir()}
