"""HomeEnergy: what the appliances of a home used, when, and what it cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.configuration.arguments import gather_names
from seq2point.data.times.zones import require_zone
from seq2point.events import LEAST_DAYS, Activation
from seq2point.events.activation_table import tabulate_activations
from seq2point.household.always_on import find_floor_w
from seq2point.household.balance import ALWAYS_ON, MAINS, OTHER, balance
from seq2point.household.calendar import CalendarSpan, Period, list_spans
from seq2point.household.capped_activations import cap_activations
from seq2point.household.common_grid import CommonGrid
from seq2point.household.energy_table import DayTotals, tabulate_energy, total_days
from seq2point.household.home_models import HomeModel, load_models
from seq2point.household.home_notes import list_notes
from seq2point.household.large_loads import LargeLoad, find_large_loads
from seq2point.household.mains import HomeMains, Library, open_mains
from seq2point.household.plain_words import describe_worth, list_plain_limits
from seq2point.household.predictions import AppliancePrediction, predict_appliances
from seq2point.household.tariff import Tariff, TariffLike
from seq2point.predictor import Progress
from seq2point.recording import Watts
from seq2point.recording.coverage import DAY_S, Coverage
from seq2point.system.atomic_files import atomic_write

PAGE = "seq2point.report.household"
"""The module that writes the page. It stands above this one: it is imported when asked for."""


class ApplianceReport(NamedTuple):
    """What to know of an appliance's figures: the model behind them and how far to trust it.

    `promise` and `limits` say in plain words how it did in homes left out of training; `verdict` is
    'good', 'usable with care' or 'not to be relied on'. They are None, and no limits, for a model
    without a card. `is_owned` says whether the home has the appliance, by its own events; None
    where that was not judged.
    """

    name: str
    label: str
    model: str
    period_s: float
    verdict: str | None = None
    promise: str | None = None
    is_owned: bool | None = None
    by_event: bool = False
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class HomeEnergy:
    """The energy of a home, told apart: appliances, always on, and other.

    All power is f32[T] in watts on one regular grid from `start_s`, in seconds since 1970, UTC: the
    mean of `period_s` from each time on. It is in multiples of 1/64 W, so that the appliances in
    `power_w`, `always_on_w` and `other_w` add up to `mains_w` exactly. NaN is unknown, in all of
    them at once.
    `coverage` has the days, and those of known mains.
    `cycles` are each appliance's activations, their energy capped at the mains too. `zone` is the
    zone of days. `is_dated` is False where the mains have no times: they then begin at 1970-01-01.
    `interpretation` says how the mains were read, `notes` what else you should know.
    """

    house: str
    zone: str
    start_s: float
    period_s: float
    mains_w: Watts
    power_w: Mapping[str, Watts]
    always_on_w: Watts
    other_w: Watts
    cycles: Mapping[str, Sequence[Activation]]
    appliances: tuple[ApplianceReport, ...]
    coverage: Coverage
    tariff: Tariff | None = None
    large_loads: tuple[LargeLoad, ...] = ()
    notes: tuple[str, ...] = ()
    interpretation: str = ""
    is_dated: bool = True
    library: Library = "polars"

    @classmethod
    def from_mains(
        cls,
        mains: Any,
        models: Any = None,
        *,
        zone: str | None = None,
        tariff: TariffLike | None = None,
        without: Iterable[str] = (),
        period_s: float | None = None,
        columns: ColumnsConfig = DEFAULT_COLUMNS,
        progress: Progress | None = None,
    ) -> "HomeEnergy":
        """Return the energy of a home from its mains: a file, a data frame, a series, a recording.

        `models` are names, files or loaded models, or a mixture; by default the package's own. Of
        an appliance's models that is the best one for the readings. `zone` is the home's time zone:
        its days are counted, and times that do not say theirs are read. `tariff` is a price for
        each kWh, prices by the hours of the day, or the file of a table: see `Tariff.parse`.
        `without` names appliances that the home lacks. `period_s` is the sampling period of mains
        without times, and `columns` say how a file or frame is read. `progress` is called with the
        samples that were predicted since the last call.
        Raises DataError for mains or a table of prices that cannot be read, UsageError for an
        unknown name or zone and for a tariff that is ambiguous, and ModelFileError for a model that
        cannot be run.
        """
        if zone is not None:
            require_zone(zone)
            columns = columns.model_copy(update={"zone": zone})
        rates = None if tariff is None else Tariff.parse(tariff, columns)
        without = gather_names(without or ())
        home = open_mains(mains, columns, period_s)
        return cls.measure(home, load_models(models, home, without), rates, without, progress)

    @classmethod
    def measure(
        cls,
        home: HomeMains,
        models: Sequence[HomeModel],
        tariff: Tariff | None = None,
        without: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> "HomeEnergy":
        """Return the energy of a home whose mains are open and whose models are loaded."""
        return _balance_home(
            home, predict_appliances(home, models, without, progress), tariff, without
        )

    @property
    def times_s(self) -> npt.NDArray[np.float64]:
        """The times of the samples, f64[T] in seconds since 1970, UTC."""
        return self.start_s + self.period_s * np.arange(len(self.mains_w), dtype=np.float64)

    @property
    def parts_w(self) -> dict[str, Watts]:
        """All that the mains are made of, f32[T] by name: appliances, 'always_on' and 'other'."""
        return {**self.power_w, ALWAYS_ON: self.always_on_w, OTHER: self.other_w}

    @property
    def end_s(self) -> float:
        """The end of the last sample, in seconds since 1970, UTC."""
        return self.start_s + self.period_s * len(self.mains_w)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the table of energy: appliances, 'always_on', 'other' and 'mains'."""
        return (*self.parts_w, MAINS)

    def spans(self, period: Period) -> list[CalendarSpan]:
        """Return the local days, weeks or months that the home's samples touch."""
        return list_spans(self.start_s, self.end_s, self.zone, period)

    @cached_property
    def totals(self) -> DayTotals:
        """The totals of each local day in whole watt-hours."""
        price = None if self.tariff is None else self.tariff.find_prices(self.times_s, self.zone)
        return total_days(
            self.start_s, self.period_s, self.zone, self.mains_w, self.parts_w, self.cycles, price
        )

    @property
    def power(self) -> Any:
        """The power as a data frame in watts: time, mains, each appliance, always_on and other.

        A frame of pandas has the times as its index.
        """
        times_ms = pl.Series("time", np.round(self.times_s * 1000).astype(np.int64))
        columns = {MAINS: self.mains_w, **self.parts_w}
        frame = pl.DataFrame(
            [
                times_ms.cast(pl.Datetime("ms", "UTC")),
                *(pl.Series(name, power_w).fill_nan(None) for name, power_w in columns.items()),
            ]
        )
        return frame.to_pandas().set_index("time") if self.library == "pandas" else frame

    @property
    def activations(self) -> Any:
        """The activations as a data frame: appliance, start, end, minutes and kwh."""
        return self._to_library(tabulate_activations(self.cycles, self.is_dated))

    @property
    def energy(self) -> Any:
        """The energy as a data frame, a row for each name and each local day, week and month.

        `period` is 'day', 'week' or 'month', `start` its first local date, `hours` its length and
        `hours_known` how much of it is known. `kwh` and `cost` are of the known part, in whole
        watt-hours and ten-thousandths: those of the parts add up to those of the mains. `share` is
        that of the mains' energy. `uses` and `hours_on` are of appliances. What is unknown is null.
        """
        return self._to_library(tabulate_energy(self.totals, self.names, self.zone))

    def _to_library(self, frame: pl.DataFrame) -> Any:
        return frame.to_pandas() if self.library == "pandas" else frame

    def render_html(self) -> str:
        """Return the home's page: the text of one HTML file that needs nothing else."""
        page: str = import_module(PAGE).render_page(self)
        return page

    def save_html(self, path: str | Path) -> None:
        """Write the home's page: one HTML file that needs nothing else."""
        with atomic_write(path) as beside:
            beside.write_text(self.render_html(), encoding="utf-8")


def _balance_home(
    home: HomeMains,
    predictions: Sequence[AppliancePrediction],
    tariff: Tariff | None,
    without: Sequence[str],
) -> HomeEnergy:
    """Return the energy of a home whose appliances are predicted."""
    zone = home.zone or "UTC"
    grid = CommonGrid.under(home)
    mains_w = grid.place_mains(home)
    days = list_spans(grid.start_s, grid.start_s + grid.period_s * grid.size, zone, "day")
    floor_w, floor_error_w = find_floor_w(mains_w, grid.start_s, grid.period_s, days)
    claims_w: dict[str, Watts] = {}
    for recording, several in groupby(predictions, lambda each: each.recording):
        same = list(several)
        placed_w = grid.place(recording, [each.power_w for each in same])
        claims_w |= zip((each.appliance.name for each in same), placed_w, strict=True)
    errors_w = {each.appliance.name: each.error_w for each in predictions}
    balanced = balance(
        mains_w, claims_w | {ALWAYS_ON: floor_w}, errors_w | {ALWAYS_ON: floor_error_w}
    )
    always_on_w = balanced.parts_w.pop(ALWAYS_ON)
    cycles = {
        name: cap_activations(
            each.cycles, claims_w[name], balanced.parts_w[name], grid.start_s, grid.period_s
        )
        for each in predictions
        for name in (each.appliance.name,)
    }
    known = np.count_nonzero(~np.isnan(balanced.mains_w))
    day = DAY_S / grid.period_s
    coverage = Coverage(grid.size / day, known / day)
    large_loads = find_large_loads(balanced.other_w, grid.start_s, grid.period_s)
    energy = HomeEnergy(
        home.house,
        zone,
        grid.start_s,
        grid.period_s,
        balanced.mains_w,
        balanced.parts_w,
        always_on_w,
        balanced.other_w,
        cycles,
        tuple(_report(each, coverage) for each in predictions),
        coverage,
        tariff,
        large_loads,
        home.notes,
        home.interpretation,
        home.is_dated,
        home.library,
    )
    return replace(energy, notes=(*home.notes, *list_notes(energy, without)))


def _report(prediction: AppliancePrediction, coverage: Coverage) -> ApplianceReport:
    card = prediction.model.card
    return ApplianceReport(
        prediction.appliance.name,
        prediction.appliance.label,
        prediction.model.name,
        prediction.recording.period_s,
        str(card.verdict) if card else None,
        describe_worth(card) if card else None,
        prediction.is_owned if coverage.predicted_days >= LEAST_DAYS else None,
        prediction.by_event,
        list_plain_limits(card) if card else (),
    )
