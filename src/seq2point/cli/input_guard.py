"""The guard of what a verb reads: no output replaces it, whatever names the output."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.cli.run_app import RESUMABLE, report_stop
from seq2point.errors import UsageError

OUTPUTS = ("out", "json", "plot", "days", "activations", "energy")
WRITES = "writes"

Arguments = Mapping[str, Any]
Verb = Callable[..., None]


class _Output(NamedTuple):
    """A file that a verb writes: the option that it follows from, and that option's value."""

    flag: str
    given: Path
    path: Path

    def __str__(self) -> str:
        beside = "" if self.path == self.given else f" would write {self.path}, and"
        return f"--{self.flag} {self.given}:{beside}"


def also_writes(name_files: Callable[[Arguments], Iterable[Path]]) -> Callable[[Verb], Verb]:
    """Declare the files that a verb writes besides those that its options name.

    `name_files` returns them for the verb's arguments: what is in a folder of its own, or lies
    beside its output under a name of its own.
    """

    def mark(verb: Verb) -> Verb:
        vars(verb)[WRITES] = name_files
        return verb

    return mark


def guard_inputs(verb: Verb) -> Verb:
    """Return a verb that refuses to replace a file that it reads, before it reads anything.

    A file in a folder that it reads counts, but for a report that --json may have left there. It
    refuses to write two results to one file, too, or below a file. A signal ends it in one line.
    """

    @wraps(verb)
    def guarded(**arguments: Any) -> None:
        outputs = {
            name: arguments[name]
            for name in OUTPUTS
            if isinstance(arguments.get(name), Path) and str(arguments[name]) != "-"
        }
        inputs = [
            path
            for name, value in arguments.items()
            if name not in OUTPUTS
            for path in _list_paths(value)
        ]
        for output in _list_outputs(verb, outputs, arguments):
            _require_folder(output)
            if output.path.is_file() and any(_holds(path, output) for path in inputs):
                raise UsageError(f"{output} would replace a file that is read; choose another name")
        if len({output.resolve() for output in outputs.values()}) < len(outputs):
            raise UsageError(
                f"{' and '.join(f'--{name}' for name in outputs)}: two results cannot be one file"
            )
        with report_stop(RESUMABLE if "resume" in arguments else ""):
            verb(**arguments)

    return guarded


def _require_folder(output: _Output) -> None:
    """Raise UsageError where a file stands in the place of a folder that an output would be in."""
    there = next((path for path in output.path.parents if path.exists()), None)
    if there is not None and not there.is_dir():
        raise UsageError(f"{output} {there} is a file, not a folder")


def _list_outputs(
    verb: Verb, outputs: Mapping[str, Path], arguments: Arguments
) -> Iterator[_Output]:
    for name, path in outputs.items():
        yield _Output(name, path, path)
    for path in vars(verb).get(WRITES, lambda _: ())(arguments):
        yield _Output("out", outputs.get("out", path.parent), path)


def _holds(read: Path, output: _Output) -> bool:
    """Whether an output is a file that is read, or one in a folder that is read."""
    if read.is_file():
        return read.samefile(output.path)
    if (output.flag, output.path.suffix.lower()) == ("json", ".json"):
        return False
    return read.is_dir() and output.path.resolve().is_relative_to(read.resolve())


def _list_paths(value: Any) -> list[Path]:
    values = value if isinstance(value, list) else [value]
    return [path for path in values if isinstance(path, Path)]
