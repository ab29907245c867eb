"""Conversion of one raw house: its meters on one regular grid, in one Parquet file.

The first reading of the mains lies exactly on the grid. A sample is the mean of a meter's readings
that are nearest to it. A short gap keeps the value before it, a longer one stays a gap. Legs of the
mains are summed where all of them are known. There is a row for each sample from the first reading
to the last, but time jumps where no meter has a reading for three months. A bounded stretch of time
is in memory.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from seq2point.data import parquet_file
from seq2point.data.grid import COARSEST, FILL_S, Times, find_median_step_s
from seq2point.data.interpretation.units import advise_kilo
from seq2point.datasets.contract import MAINS, RawHouse
from seq2point.datasets.conversion.cleaning import (
    Advance,
    OutOfOrder,
    Verdicts,
    clean_readings,
    find_order,
)
from seq2point.datasets.conversion.conversion_report import REPEATED, ConversionReport, Tally
from seq2point.datasets.conversion.feed import Feed, Stretch, prefetch
from seq2point.errors import DataError
from seq2point.recording import Watts
from seq2point.recording.plausibility import looks_like_kilowatts
from seq2point.system.atomic_files import atomic_write
from seq2point.wording import format_seconds, format_watts

LONGEST_GAP_S = 90 * 86400.0  # after a longer gap of all meters the time jumps
STRETCH_S = 1 << 21  # 24 days at a time,
STRETCH_SAMPLES = 1 << 18  # but no more samples than this
ROW_GROUP = 1 << 19

MOST_REPEATED = 0.5
"""The share of rows that may repeat a time; more, and the times are wrong."""

REPORTS_CHANGES = 6
"""A plug whose readings are this many mains' periods apart reports changes alone."""


class ConversionConfig(BaseModel):
    """How houses are converted.

    `period_s` None is the data set's sampling period. `fill_s` is the longest gap that is filled.
    `plug_limit_w` None is the data set's limit, 0 is no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    period_s: float | None = Field(None, gt=0)
    fill_s: float = Field(FILL_S, ge=0, le=86_400)
    plug_limit_w: float | None = Field(None, ge=0)

    def choose_plug_limit_w(self, house: RawHouse) -> float | None:
        """Return the power that no plug of a house draws; None for no limit."""
        return house.plug_limit_w if self.plug_limit_w is None else self.plug_limit_w or None


def choose_period_s(house: RawHouse, settings: ConversionConfig) -> float:
    """Return the sampling period of a converted house.

    It is that of the settings, that of the data set, or that of the slowest meter. A plug many
    times slower than the mains reports changes alone and does not count.
    Raises DataError where a meter has too few readings to tell.
    """
    if settings.period_s or house.period_s:
        return settings.period_s or house.period_s or 0.0
    steps, means = [], []
    for meter in house.meters:
        piece = next(meter.read(), None)
        times_s = piece.times_s[~np.isnan(piece.times_s)] if piece else np.empty(0)
        times_s = np.unique(times_s)
        steps.append(find_median_step_s(times_s))
        means.append(np.ptp(times_s) / (len(times_s) - 1) if len(times_s) > 1 else np.inf)
    is_mains = [MAINS in meter.columns for meter in house.meters]
    unknown = [
        meter.path
        for meter, step, mains in zip(house.meters, steps, is_mains, strict=True)
        if not step and (mains or not meter.hold_s)
    ]
    if unknown:
        raise DataError(
            f"{unknown[0]}: too few readings to tell their sampling period; give it with `period_s`"
        )
    mains_s = min(step for step, mains in zip(steps, is_mains, strict=True) if mains)
    slowest_s = max(
        step
        for meter, step, mean_s, mains in zip(house.meters, steps, means, is_mains, strict=True)
        if mains or (not meter.hold_s and max(step, mean_s) <= REPORTS_CHANGES * mains_s)
    )
    return max(round(slowest_s), 1.0) if slowest_s >= 1 else slowest_s


def convert_house(
    house: RawHouse, period_s: float, settings: ConversionConfig, path: Path, advance: Advance
) -> ConversionReport:
    """Write a house to a Parquet file, whole or not at all, and return the report.

    `advance` is called with the bytes that were read since the last call.
    Raises DataError for files that cannot be read or hold no mains, and for mains that are too slow
    for the period.
    """
    try:
        return _convert(house, period_s, settings, path, [None] * len(house.meters), advance)
    except OutOfOrder:
        orders = [find_order(meter) for meter in house.meters]
        return _convert(house, period_s, settings, path, orders, lambda _: None)


def _convert(
    house: RawHouse,
    period_s: float,
    settings: ConversionConfig,
    path: Path,
    orders: Sequence[Verdicts | None],
    advance: Advance,
) -> ConversionReport:
    limit_w = settings.choose_plug_limit_w(house)
    tallies = [Tally() for _ in house.meters]
    with atomic_write(path) as beside, ThreadPoolExecutor(2) as pool:
        feeds = [
            Feed(
                meter,
                prefetch(clean_readings(meter, limit_w, tally, order, advance), pool),
                int(max(settings.fill_s, meter.hold_s or 0) / period_s + 1e-9),
            )
            for meter, tally, order in zip(house.meters, tallies, orders, strict=True)
        ]
        metadata = _make_metadata(house, period_s, settings)
        with parquet_file.Writer(beside, house.columns, metadata) as writer:
            output = _HouseOutput(writer, pool, house.columns)
            try:
                _place_pieces(feeds, period_s, house, output)
                output.flush()
            finally:
                output.wait()
        _check_output(house, tallies, period_s, settings, output)
    return _make_report(house, path, period_s, tallies, output)


def _make_metadata(house: RawHouse, period_s: float, settings: ConversionConfig) -> dict[str, str]:
    return {
        "dataset": house.dataset,
        "house": house.house,
        "period_s": f"{period_s:g}",
        "unit": "W",
        "licence": house.licence,
        "nominal_time": str(house.nominal_time).lower(),
        "fill_s": f"{settings.fill_s:g}",
        "channels": json.dumps(dict(house.channels)),
    } | dict(house.facts)


def _place_pieces(
    feeds: Sequence[Feed], period_s: float, house: RawHouse, output: "_HouseOutput"
) -> None:
    """Place every reading on the grid. A piece begins at the first reading and after each jump."""
    size = min(STRETCH_SAMPLES, max(int(STRETCH_S / period_s), 1))
    while (begin_s := min(feed.peek_time_s() for feed in feeds)) < np.inf:
        mains_s = min(feed.peek_time_s() for feed in feeds if MAINS in feed.meter.columns)
        anchor_s = mains_s if mains_s < np.inf else begin_s
        first = int(np.rint((begin_s - anchor_s) / period_s))
        for feed in feeds:
            feed.forget_samples()
        output.pieces += 1
        last_s, jumps = begin_s, False
        while not jumps:
            stretches = [feed.take(anchor_s, period_s, first, first + size) for feed in feeds]
            last_s = max(last_s, *(stretch.last_s for stretch in stretches))
            jumps = min(feed.peek_time_s() for feed in feeds) - last_s > LONGEST_GAP_S
            count = max(stretch.last for stretch in stretches) + 1 if jumps else size
            times_s = anchor_s + np.arange(first, first + count, dtype=np.float64) * period_s
            output.add(times_s, _join_columns(feeds, stretches, house, count, output.filled))
            first += size


def _join_columns(
    feeds: Sequence[Feed],
    stretches: Sequence[Stretch],
    house: RawHouse,
    count: int,
    filled: Counter[str],
) -> dict[str, Watts]:
    """Return the first `count` samples of the house's columns. Legs of the mains are summed."""
    joined: dict[str, Watts] = {}
    for feed, stretch in zip(feeds, stretches, strict=True):
        for name, values, is_filled in zip(
            feed.meter.columns, stretch.columns, stretch.filled, strict=True
        ):
            joined[name] = joined[name] + values[:count] if name in joined else values[:count]
            filled[name] += int(np.count_nonzero(is_filled[:count]))
    return {name: joined[name] for name in house.columns}


@dataclass
class _HouseOutput:
    """The samples of a house on their way to the file, in groups of rows, and their counts."""

    writer: parquet_file.Writer
    pool: ThreadPoolExecutor
    columns: tuple[str, ...]
    samples: int = 0
    pieces: int = 0
    start_s: float = np.inf
    end_s: float = -np.inf
    highest_w: float = -np.inf
    filled: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    waiting: list[tuple[Times, dict[str, Watts]]] = field(default_factory=list)
    writing: Future[None] | None = None

    def add(self, times_s: Times, columns: Mapping[str, Watts]) -> None:
        """Add the next rows, and write a group once there are enough."""
        if len(times_s) == 0:
            return
        self.samples += len(times_s)
        self.start_s, self.end_s = min(self.start_s, times_s[0]), max(self.end_s, times_s[-1])
        for name, values in columns.items():
            self.gaps[name] += int(np.count_nonzero(np.isnan(values)))
        self.highest_w = max(self.highest_w, float(np.fmax.reduce(columns[MAINS])))
        self.waiting.append((times_s, dict(columns)))
        if sum(len(times_s) for times_s, _ in self.waiting) >= ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        """Begin to write the rows that are waiting."""
        if not self.waiting:
            return
        times_s = [times_s for times_s, _ in self.waiting]
        columns = [[values[name] for _, values in self.waiting] for name in self.columns]
        self.waiting.clear()
        self.wait()
        self.writing = self.pool.submit(self.writer.write, times_s, columns)

    def wait(self) -> None:
        """Wait until the last group is in the file."""
        if self.writing:
            self.writing.result()


def _check_output(
    house: RawHouse,
    tallies: Sequence[Tally],
    period_s: float,
    settings: ConversionConfig,
    output: _HouseOutput,
) -> None:
    """Raise DataError for mains without readings, in kilowatts, or too slow for the period."""
    path = house.meters[0].path
    if output.highest_w == -np.inf or np.isnan(output.highest_w):
        raise DataError(f"{path}: {house.title} has no reading of the mains at all, only gaps")
    if looks_like_kilowatts(output.highest_w, output.samples):
        raise DataError(
            f"{path}: the mains, {house.channels[MAINS]}, never exceed"
            f" {format_watts(output.highest_w)}; {advise_kilo(house.channels[MAINS])}"
        )
    for meter, tally in zip(house.meters, tallies, strict=True):
        if tally.dropped[REPEATED] > MOST_REPEATED * tally.rows:
            raise DataError(
                f"{meter.path}: {tally.dropped[REPEATED]:,} of {tally.rows:,} rows repeat a time;"
                " its clock was not set, or several sensors are mixed: export it again"
            )
        longest_s = max(COARSEST * period_s, settings.fill_s, meter.hold_s or 0)
        if MAINS in meter.columns and tally.period_s is not None and tally.period_s > longest_s:
            raise DataError(
                f"{meter.path}: a reading every {format_seconds(tally.period_s)} cannot be"
                f" resampled to one every {format_seconds(period_s)}"
            )


def _make_report(
    house: RawHouse, path: Path, period_s: float, tallies: Sequence[Tally], output: _HouseOutput
) -> ConversionReport:
    def total(counts: Sequence[Counter[str]]) -> dict[str, int]:
        return {name: count for name, count in sum(counts, Counter[str]()).items() if count}

    dropped = total([tally.dropped for tally in tallies])
    rows = sum(tally.rows for tally in tallies)
    periods_s = {
        name: tally.period_s
        for meter, tally in zip(house.meters, tallies, strict=True)
        for name in meter.columns
        if tally.period_s
    }
    start, end = (
        datetime.fromtimestamp(s, UTC).isoformat() for s in (output.start_s, output.end_s)
    )
    return ConversionReport(
        house=house.title,
        file=path.name,
        samples=output.samples,
        period_s=period_s,
        days=output.samples * period_s / 86400,
        start=start,
        end=end,
        jumps=output.pieces - 1,
        rows_read=rows,
        rows_kept=rows - sum(dropped.values()),
        dropped=dropped,
        sorted_rows=sum(tally.sorted_rows for tally in tallies),
        glitches=total([tally.glitches for tally in tallies]),
        below_zero=total([tally.below_zero for tally in tallies]),
        no_number=total([tally.no_number for tally in tallies]),
        filled={name: count for name, count in output.filled.items() if count},
        gaps={name: count for name, count in output.gaps.items() if count},
        periods_found_s=periods_s,
        channels=dict(house.channels),
        remarks=house.remarks,
        marks=_gather_marks(tallies),
        interpretation=dict(house.interpretation),
    )


def _gather_marks(tallies: Sequence[Tally]) -> dict[str, dict[str, int]]:
    """Return the counts of marks of missing readings, by column and mark."""
    marks: dict[str, dict[str, int]] = {}
    for tally in tallies:
        for (name, mark), count in tally.marks.items():
            marks.setdefault(name, {})[f"{mark:g}"] = count
    return marks
