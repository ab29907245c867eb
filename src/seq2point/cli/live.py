"""`seq2point live`: a meter's readings in as they come, the appliances out."""

import logging
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration import LiveConfig
from seq2point.errors import UsageError

if TYPE_CHECKING:
    from seq2point.household.home_models import HomeModel

GIVEN = Take(
    without=("models",),
    defaults=dict.fromkeys(LiveConfig.model_fields),
    unset={
        name: f"{field.default:g}{'s' * name.endswith('_s')}"
        if isinstance(field.default, float)
        else str(field.default)
        for name, field in LiveConfig.model_fields.items()
        if field.default not in (None, (), False)
    }
    | {"sink": "jsonl"},
)
"""No option has a default here, so that those that are given are told from those that are not."""

LISTS = ("sink", "topic", "entity", "production", "models")
"""Options of a TOML file that may be one word."""


def live(
    config: Annotated[LiveConfig, GIVEN],
    models: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Model files or names: kettle.",
            metavar="[MODEL...]",
            show_default="the best of the package for the readings' pace",
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="TOML file of options, named as here, with underscores and units: commit_every_s.",
            metavar="FILE",
            rich_help_panel=options.LIVE,
        ),
    ] = None,
    list_meters: Annotated[
        bool,
        typer.Option(
            "--list-meters",
            help="List the meters that are known, and exit.",
            rich_help_panel=options.METER,
        ),
    ] = False,
    threads: Annotated[
        int,
        typer.Option(help="CPU threads.", min=1, rich_help_panel=options.MACHINE),
    ] = 1,
) -> None:
    """Tell the appliances apart as a meter's readings come in.

    Answers go to an MQTT broker, where Home Assistant discovers them, to its long-term statistics,
    to a page, or out as JSON lines. Answers come 10 to 16 minutes late; with --patient, or models
    of your own, half a window late. Without a window's worth of readings there is no answer.
    """
    from seq2point.live.assembly import make_service
    from seq2point.live.presets import PRESETS
    from seq2point.system.console import make_console

    if list_meters:
        for preset in PRESETS.values():
            note = f"; {preset.note}" if preset.note else ""
            print(f"{preset.name}: {preset.device}{note}")
        return
    console = make_console(to_stderr=True, wrap=False)
    given = {name: getattr(config, name) for name in config.model_fields_set}
    if models:
        given["models"] = [str(model) for model in models]
    chosen = LiveConfig.of(**(_read_settings(settings) if settings else {}) | given)

    def show_model(model: "HomeModel") -> None:
        names = ", ".join(appliance.label for appliance in model.predictor.appliances)
        console.print(f"{model.name}: {names}, a sample every {model.predictor.period_s:g} s")

    with _show_log(console.print):
        service = make_service(chosen, show_model, threads, settings)
        service.run()
    console.print(f"stopped after {service.readings:,} readings")


def _read_settings(path: Path) -> dict[str, object]:
    """Return the options in a TOML file; raises UsageError where it cannot be read."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML ({error})") from None
    return {
        name: [value] if name in LISTS and isinstance(value, str) else value
        for name, value in values.items()
    }


@contextmanager
def _show_log(show: Callable[[str], None]) -> Iterator[None]:
    """Show what the service logs, a line each, while the block runs."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warning = "warning: " if record.levelno >= logging.WARNING else ""
            show(f"{warning}{record.getMessage()}")

    logger, handler = logging.getLogger("seq2point.live"), Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
