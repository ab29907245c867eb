"""Assembly: a live service from its options."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seq2point.configuration import DEFAULT_COLUMNS, LiveConfig
from seq2point.configuration.live import LATE_S
from seq2point.data.times.zones import find_machine_zone, require_zone
from seq2point.errors import UsageError
from seq2point.household.home_models import HomeModel, check_models, load_models
from seq2point.household.tariff import Tariff
from seq2point.live.meters import Meter
from seq2point.live.pace import Pace, PaceLearner
from seq2point.live.presets import find_preset, open_preset, parse_channels
from seq2point.live.readings import Source
from seq2point.live.service import Service
from seq2point.live.sinks.discovery import Topics
from seq2point.live.sinks.jsonl import JsonlSink
from seq2point.live.sinks.sink import Sink
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions
from seq2point.model.pretrained.card import Card

if TYPE_CHECKING:
    from seq2point.live.broker import Broker


TIMELY = ("mqtt", "homeassistant")
"""Sources whose readings come when they are measured: there silence means something."""

READ = ("replay", "password_file", "ca", "token_file", "page_token_file")
WRITTEN = ("store", "jsonl")
"""The options that name files."""


class OpenSource(NamedTuple):
    """A source, what is known of its pace, whether its readings have times of their own, and the
    zone of days unless another one is named.
    """

    source: Source
    step_s: float | None = None
    hold_s: float | None = None
    is_stamped: bool = True
    zone: str | None = None


def make_service(
    config: LiveConfig,
    on_load: Callable[[HomeModel], None],
    threads: int | None = None,
    settings: Path | None = None,
) -> Service:
    """Return the service that options describe. `on_load` is told of each model that is loaded.

    `settings` is the file that the options come from. Raises UsageError for options that are
    missing, unknown or in conflict, and DataError for a file to replay that cannot be read.
    """
    require_own_files(config, settings)
    check_models(config.models)
    if len(set(config.sink)) < len(config.sink):
        raise UsageError("`sink`: comes twice; name each once")
    require_zone(config.zone)
    tariff = _read_tariff(config)
    cards: dict[str, Card] = {}
    opened = _open_source(config)
    zone = config.zone or opened.zone or find_machine_zone()
    sinks = [_open_sink(name, config, zone, cards, tariff) for name in config.sink]
    step_s, hold_s = config.cadence_s or opened.step_s, config.hold_s
    learner = PaceLearner(step_s, opened.hold_s if hold_s is None else hold_s)
    late_s = config.late_s
    if late_s is None:
        late_s = LATE_S if opened.is_stamped else 0.0
    options = WorkerOptions(
        config.store,
        config.commit_every_s,
        config.keep_days,
        config.fill,
        late_s,
        config.source in TIMELY,
        with_history="page" in config.sink,
        zone=zone,
        name=config.home,
    )

    def load(pace: Pace) -> Sequence[HomeModel]:
        models = load_models(config.models or None, pace, threads=threads, live=not config.patient)
        if not models:
            raise UsageError(
                f"a reading every {pace.step_s:g} s is too seldom for the models of the package"
            )
        for model in models:
            on_load(model)
            if model.card is not None:
                cards[model.card.appliance] = model.card
        return models

    clock = None if config.source == "replay" else time.time
    return Service(opened.source, lambda: Worker(load, learner, options), sinks, clock)


def require_own_files(config: LiveConfig, settings: Path | None = None) -> None:
    """Raise UsageError where a file that is written is also read, or written as something else."""
    read = {
        "settings": settings,
        **{name: getattr(config, name) for name in READ},
        **{f"model {model}": Path(model) for model in config.models},
    }
    taken = {path.resolve(): name for name, path in read.items() if path is not None}
    for name in WRITTEN:
        path = getattr(config, name)
        if path is None:
            continue
        if path.resolve() in taken:
            raise UsageError(
                f"`{name}` {path}: is the file of {taken[path.resolve()]}, too; choose another name"
            )
        taken[path.resolve()] = name


def _open_source(config: LiveConfig) -> OpenSource:
    """Return the source of readings; raises UsageError for options that it lacks."""
    if config.source is None:
        raise UsageError("`source` is missing: choose mqtt, homeassistant, stdin or replay")
    if config.source == "stdin":
        from seq2point.live.sources.lines import LinesSource

        if sys.stdin is None:
            raise UsageError("`source` stdin: standard input is closed")
        return OpenSource(LinesSource(sys.stdin.buffer), is_stamped=False)
    if config.source == "replay":
        from seq2point.live.sources.replay import ReplaySource

        if config.replay is None:
            raise UsageError("`replay` is missing: name the file to replay")
        columns = DEFAULT_COLUMNS.model_copy(update={"zone": config.zone})
        replay = ReplaySource(config.replay, config.speed, columns)
        return OpenSource(replay, replay.step_s, replay.hold_s, False, replay.zone or "UTC")
    if config.source == "homeassistant":
        from seq2point.live.hass import open_home_assistant
        from seq2point.live.sources.homeassistant import HOLD_S, HomeAssistantSource, make_meter

        if not config.entity:
            raise UsageError("`entity` is missing: name the entity of the mains' power")
        home_assistant = open_home_assistant(config.ha_url, config.token_file)
        meter = make_meter(config.entity, config.production)
        return OpenSource(HomeAssistantSource(home_assistant, meter), hold_s=HOLD_S)
    return _open_mqtt_source(config)


def _open_mqtt_source(config: LiveConfig) -> OpenSource:
    from seq2point.live.sources.mqtt import MqttSource

    if bool(config.meter) == bool(config.topic):
        raise UsageError("give `meter`, for one that is known, or `topic`, and not both")
    productions = parse_channels((), config.production, config.scale)
    hold_s = None
    if config.meter:
        channels = (*open_preset(config.meter, config.meter_id), *productions)
        hold_s = find_preset(config.meter).hold_s
    else:
        channels = parse_channels(config.topic, config.production, config.scale, config.stamp)
    is_stamped = any(channel.stamp for channel in channels)
    client = f"{Topics(config.home).device}-in-{os.getpid()}"
    source = MqttSource(_find_broker(config), Meter(channels), client)
    return OpenSource(source, hold_s=hold_s, is_stamped=is_stamped)


def _find_broker(config: LiveConfig) -> "Broker":
    from seq2point.live.broker import open_broker

    return open_broker(
        config.broker, config.user, config.password_file, config.ca, config.mqtt_version
    )


def _open_sink(
    name: str, config: LiveConfig, zone: str, cards: Mapping[str, Card], tariff: Tariff | None
) -> Sink:
    """Return a sink. `cards` are of the models, by appliance, once they are loaded."""
    if name == "jsonl":
        return JsonlSink(config.jsonl)
    if name == "page":
        return _open_page(config, zone, cards, tariff)
    if config.store is None:
        raise UsageError(f"sink {name} needs `store`: the file that keeps the counters")
    if name == "homeassistant":
        from seq2point.live.hass import open_home_assistant
        from seq2point.live.sinks.homeassistant import StatisticsSink

        return StatisticsSink(open_home_assistant(config.ha_url, config.token_file), config.home)
    from seq2point.live.sinks.mqtt import MqttSink

    return MqttSink(_find_broker(config), config.home, f"{Topics(config.home).device}-out")


def _read_tariff(config: LiveConfig) -> Tariff | None:
    """Return the tariff, None where there is none; raises UsageError where nothing counts by it."""
    if config.tariff is None:
        return None
    tariff = Tariff.parse(config.tariff)
    if "page" not in config.sink:
        raise UsageError("`tariff`: the page alone shows costs; add `sink` page, or leave it out")
    return tariff


def _open_page(
    config: LiveConfig, zone: str, cards: Mapping[str, Card], tariff: Tariff | None
) -> Sink:
    from seq2point.live.page.board import BoardOptions
    from seq2point.live.page.protection import make_access
    from seq2point.live.sinks.page import PageSink

    options = BoardOptions(config.home, zone, tariff, cards)
    return PageSink(options, make_access(config), config.page_host, config.page_port)
