"""Options that several verbs share, and the parsers of their values."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from seq2point.choices import Engine
from seq2point.configuration.columns import ColumnsConfig
from seq2point.errors import UsageError


class Take(NamedTuple):
    """Which fields of a configuration class a verb takes, and with what other defaults.

    `unset` says in words what a verb does where an option is not given.
    """

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = {}
    unset: Mapping[str, str] = {}


PANELS = (
    DATA := "Data",
    COLUMNS := "Columns of the data",
    APPLIANCE := "Appliance",
    FLEET := "Fleet",
    STUDY := "Study",
    HOUSEHOLD := "Household",
    NETWORK := "Network",
    PRUNING := "Pruning",
    TRAINING := "Training",
    AUGMENTATION := "Augmentation and loss",
    MATERIAL := "Simulated houses, traces and teachers",
    TARGET := "Target",
    PROOF := "Proof",
    LIVE := "From where to where",
    METER := "Meter",
    BROKER := "MQTT broker",
    HOME_ASSISTANT := "Home Assistant",
    PACE := "Pace of the readings",
    KEEP := "What is kept",
    PAGE := "Page",
    MACHINE := "Machine",
    OUTPUT := "Output",
)
"""What `--help` groups the options of a verb by, in this order."""

SECONDS = {"": 1, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse_duration_s(text: str | float) -> float:
    """Return a duration such as 90, 90s, 10m, 1.5h or 2d in seconds.

    Typer also passes an option's default, which is a number.
    Raises typer.BadParameter for anything else.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", str(text).lower())
    if not match or match[2] not in SECONDS or float(match[1]) <= 0:
        raise typer.BadParameter(f"invalid duration '{text}': expected for example 90s or 1.5h")
    return float(match[1]) * SECONDS[match[2]]


def parse_duration_or_zero_s(text: str | float) -> float:
    """Return a duration in seconds, which may be 0; raises as `parse_duration_s` does."""
    if re.fullmatch(r"\s*0+(\.0*)?\s*[a-z]*\s*", str(text).lower()):
        return 0.0
    return parse_duration_s(text)


def parse_numbers(option: str, text: str) -> list[float]:
    """Return numbers from zero on, written 0,1,2.5, in order and each once.

    Raises UsageError for anything else.
    """
    try:
        numbers = {float(number) for number in text.split(",")}
    except ValueError:
        numbers = {-1.0}
    if not all(0 <= number < float("inf") for number in numbers):
        raise UsageError(f"{option} {text}: expected numbers from zero on, as 0,1,2,4")
    return sorted(numbers)


def split_words(texts: Sequence[str] | None) -> list[str]:
    """Return the words of an option that is repeated, has commas, or both."""
    return [word.strip() for text in texts or [] for word in text.split(",") if word.strip()]


def parse_shares(option: str, texts: Sequence[str] | None) -> list[float]:
    """Return shares from 0 to below 1, written 0.5,0.8 or in a repeated option.

    Raises UsageError for anything else.
    """
    shares = []
    for word in split_words(texts):
        try:
            share = float(word)
        except ValueError:
            share = -1.0
        if not 0 <= share < 1:
            raise UsageError(
                f"{option} {word}: expected a share from 0 to below 1, as 0.5 or 0.5,0.8"
            )
        shares.append(share)
    return shares


BYTES = {"": 1, "b": 1, "kb": 1 << 10, "k": 1 << 10, "mb": 1 << 20, "m": 1 << 20}


def parse_bytes(text: str | int) -> int:
    """Return a memory size such as 65536, 64KB or 1MB in bytes, 1024 to a KB.

    Raises typer.BadParameter for anything else.
    """
    match = re.fullmatch(r"\s*([0-9]+)\s*([a-z]*)\s*", str(text).lower())
    if not match or match[2] not in BYTES or int(match[1]) == 0:
        raise typer.BadParameter(f"invalid size '{text}': expected for example 256KB or 1MB")
    return int(match[1]) * BYTES[match[2]]


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """Return settings written name=value, by name.

    Raises UsageError for other words, and for a name that comes twice.
    """
    settings: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(f"--set {pair}: expected name=value")
        if name in settings:
            raise UsageError(f"--set {name}: comes twice; give it once")
        settings[name] = value
    return settings


def parse_pruning_settings(pairs: Sequence[str] | None, sparsity: float | None) -> dict[str, str]:
    """Return the settings of --set; raises UsageError for a sparsity in --sparsity and --set."""
    settings = parse_settings(pairs or [])
    if sparsity is not None and "sparsity" in settings:
        raise UsageError("--sparsity and --set sparsity are the same: give one of them")
    return settings


def make_output(text: str, metavar: str = "DIR") -> Any:
    """Return `-o`, where a verb writes; `text` is its help."""
    return typer.Option("-o", "--out", help=text, metavar=metavar, rich_help_panel=OUTPUT)


def make_houses(text: str) -> Any:
    """Return `--data`, the houses that a verb reads; `text` is its help."""
    return typer.Option("--data", help=text, metavar="FILE", rich_help_panel=DATA)


BUT_APPLIANCES = Take(without=("appliances",))
"""The columns of a verb for one appliance, whose column has a flag of its own."""

ModelName = Annotated[
    Path, typer.Argument(help="A model file, or a name: kettle-60s.", metavar="MODEL")
]
TrainingFiles = Annotated[
    list[Path],
    typer.Option(
        "--train",
        help="A house to train on, CSV or Parquet; repeat for several.",
        metavar="FILE",
        rich_help_panel=DATA,
    ),
]
ValidationFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--validate",
        help="A house to validate on.",
        show_default="the last part of each training house",
        metavar="FILE",
        rich_help_panel=DATA,
    ),
]
TestFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--test",
        help="A house to test on afterwards.",
        show_default="the validation data",
        metavar="FILE",
        rich_help_panel=DATA,
    ),
]
TraceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--traces",
        help=(
            "Recordings of appliances alone, Parquet: this one's are transplanted, others are added"
            " to the mains; repeat for several."
        ),
        metavar="FILE",
        rich_help_panel=MATERIAL,
    ),
]
TeacherFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--teacher",
        help="A model whose predictions the network learns too; repeat for the mean of several.",
        metavar="FILE",
        rich_help_panel=MATERIAL,
    ),
]
AnyVersion = Annotated[
    bool,
    typer.Option(
        "--any-code",
        help="Take results that another version of seq2point has finished.",
        rich_help_panel=OUTPUT,
    ),
]
HousesFolder = Annotated[
    Path,
    typer.Option(
        "-o", "--out", help="Folder for the houses.", metavar="DIR", rich_help_panel=OUTPUT
    ),
]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        help="Write the report as JSON; '-' is standard output.",
        metavar="PATH",
        rich_help_panel=OUTPUT,
    ),
]
EngineName = Annotated[
    Engine,
    typer.Option(
        "--engine",
        help="Every window at once, or one by one: the same network, the same predictions.",
        rich_help_panel=MACHINE,
    ),
]
Period = Annotated[
    float | None,
    typer.Option(
        parser=parse_duration_s,
        metavar="DURATION",
        help="Sampling period of files without times, or to resample to: 8s, 1m.",
        rich_help_panel=DATA,
    ),
]
PeriodWithoutTimes = Annotated[
    float | None,
    typer.Option(
        "--period",
        parser=parse_duration_s,
        metavar="DURATION",
        help="Sampling period of files without times: 8s, 1m.",
        rich_help_panel=DATA,
    ),
]
Resample = Annotated[
    bool,
    typer.Option(
        "--resample",
        help=(
            "Average a finer recording to the model's period, or repeat the readings of one a"
            " little coarser."
        ),
        rich_help_panel=DATA,
    ),
]
ByEvent = Annotated[
    bool | None,
    typer.Option(
        "--events/--no-events",
        help="Decide by events: loads of the mains that switch on and off, each one appliance's.",
        show_default="what the model's card says",
        rich_help_panel=OUTPUT,
    ),
]
ApplianceColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the appliance, where its name is unusual.",
        metavar="NAME",
        rich_help_panel=COLUMNS,
    ),
]


def name_column(columns: ColumnsConfig, appliance: str, column: str | None) -> ColumnsConfig:
    """Return the columns with the one that holds an appliance, where it is named."""
    return columns.model_copy(update={"appliances": {appliance: column} if column else {}})
