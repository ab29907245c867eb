"""Windows to take int8 ranges from and to measure losses on, with the on-states in them.

Moving averages of the ranges, the default of other tools, erase the rare moments that matter: an
appliance is off nearly always. Here a fixed share of the calibration windows has it on, and ranges
are the lowest and highest values.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.appliances import APPLIANCES
from seq2point.configuration import ExportOptions
from seq2point.data.frame import to_one_recording, to_recordings
from seq2point.errors import DataError, UsageError
from seq2point.model.evaluation import check_recordings
from seq2point.model.model_file import Model
from seq2point.recording import Jump, Recording, Watts
from seq2point.recording.on_off import is_on
from seq2point.recording.windows import find_window_runs
from seq2point.simulator import simulate_house
from seq2point.wording import format_count, format_watts

HELD_BACK = 0.3
"""Fraction of the calibration recording that proves the result."""
CALIBRATION_SEEDS, CALIBRATION_DAYS = range(3000, 3004), 7
PROOF_SEEDS, PROOF_DAYS = range(3005, 3007), 5
"""In these homes every appliance is on, which a test checks."""
CALIBRATED_ON = "the part that int8 is calibrated on"
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class CalibrationSample(NamedTuple):
    """Windows of a recording: mains f32[N, W], power at their targets f32[N, A], on bool[N, A].

    Mains and power are in watts. `even` flags the windows that were drawn evenly over all, whatever
    is on. `share_on` is the share of all windows of the recording with each appliance on.
    """

    mains_w: Watts
    truth_w: Watts
    on: Flags
    even: Flags
    share_on: tuple[float, ...]


class SimulatedParts(NamedTuple):
    """Whether the homes of calibration and proof were simulated, for lack of recordings."""

    calibration: bool = False
    proof: bool = False

    def note(self) -> str:
        """Return a sentence on the simulated homes, an empty one where all was recorded."""
        if not self.calibration:
            return ""
        proof = (
            f"proved on {len(PROOF_SEEDS)} others" if self.proof else "proved on your recordings"
        )
        return (
            f"int8 ranges are from {len(CALIBRATION_SEEDS)} simulated homes, {proof}; "
            "a recording of the home with labels calibrates better"
        )


class CalibrationParts(NamedTuple):
    """The recording to calibrate on, if any, those that prove the result, and which of both are
    simulated.
    """

    calibration: Recording | None
    proof: list[Recording]
    simulated: SimulatedParts


def split_recordings(model: Model, options: ExportOptions, int8: bool) -> CalibrationParts:
    """Return the recordings that calibrate an int8 model, and those that prove an exported one.

    The last part of the calibration recording is held back. It proves the result where
    `options.verify` is empty. Without a calibration recording homes are simulated at the model's
    period, always the same ones, and others to calibrate than to prove.
    Raises DataError for recordings that do not fit, and where the appliance is never on in the
    held-back part. Raises UsageError for an appliance that cannot be simulated, without a recording
    of it.
    """
    names = [a.name for a in model.appliances]
    verify = to_recordings(options.verify, names, model.period_s)
    calibrate = (
        None
        if options.calibrate is None
        else to_one_recording(options.calibrate, names, model.period_s)
    )
    check_recordings([*verify, *([calibrate] if calibrate else [])], model.period_s, names)
    if not int8:
        return CalibrationParts(None, verify, SimulatedParts())
    if calibrate is None:
        if unknown := [a.label for a in model.appliances if a.name not in APPLIANCES]:
            raise UsageError(
                f"a {' and a '.join(unknown)} cannot be simulated: give a recording of it to"
                " calibrate int8 on"
            )
        proof = verify or [_simulate_home(model, seed, PROOF_DAYS) for seed in PROOF_SEEDS]
        return CalibrationParts(simulate_homes(model), proof, SimulatedParts(True, not verify))
    fitted, held_back = calibrate.hold_out(HELD_BACK, model.window)
    find_windows(fitted, model, CALIBRATED_ON)
    if not verify:
        find_windows(held_back, model, f"the last {HELD_BACK:.0%}, held back to verify with")
    return CalibrationParts(fitted, verify or [held_back], SimulatedParts())


def simulate_homes(model: Model) -> Recording:
    """Return weeks of simulated homes with a model's appliances, one after the other."""
    homes = [_simulate_home(model, seed, CALIBRATION_DAYS) for seed in CALIBRATION_SEEDS]
    ends = np.cumsum([len(home) for home in homes])
    starts = [home.start for home in homes]
    return Recording(
        f"{len(homes)} simulated homes",
        model.period_s,
        np.concatenate([home.mains_w for home in homes]),
        {
            a.name: np.concatenate([home.appliance_w(a.name) for home in homes])
            for a in model.appliances
        },
        starts[0],
        tuple(
            Jump(int(end), start) for end, start in zip(ends[:-1], starts[1:], strict=True) if start
        ),
    )


def _simulate_home(model: Model, seed: int, days: float) -> Recording:
    return simulate_house(seed, days, model.period_s, [a.name for a in model.appliances])


def find_windows(recording: Recording, model: Model, part: str) -> tuple[Positions, list[Flags]]:
    """Return where the windows of a recording start, and whether each appliance is on.

    It is on or off at the samples that the windows predict. `part` says in errors what part of the
    file the recording is. Raises DataError where there is no window, or an appliance is never on.
    """
    shape = model.architecture
    runs = find_window_runs(
        recording, shape.window, shape.target_index, [a.name for a in model.appliances]
    )
    if not runs.total:
        raise DataError(
            f"{recording.house}: no stretch of {shape.window} samples without a gap in {part}"
        )
    starts = runs.starts(np.arange(runs.total))
    states = []
    for appliance in model.appliances:
        power_w = recording.appliance_w(appliance.name)
        on = np.concatenate(
            [
                is_on(power_w[first:end], appliance, model.period_s)
                for first, end in recording.pieces()
            ]
        )
        states.append(on[starts + shape.target_index])
        if not states[-1].any():
            raise DataError(
                f"{recording.house}: the {appliance.label} is never on in {part},"
                f" {format_count(recording.days, 'day')}; int8 cannot be calibrated or judged on"
                " it: give a recording in which it takes more than"
                f" {format_watts(appliance.on_power_w)}"
            )
    return starts, states


def draw_windows(recording: Recording, model: Model, on: int, even: int) -> CalibrationSample:
    """Draw windows with the appliances on, windows evenly over the recording, and the peak.

    An appliance is on at the sample that a window predicts. Each appliance gets its part of the
    `on` windows, evenly over all its on-states. Raises DataError as `find_windows` does.
    """
    shape = model.architecture
    starts, states = find_windows(recording, model, CALIBRATED_ON)
    targets = starts + shape.target_index
    mains_w = recording.filled_mains_w
    peak = np.argmax(mains_w[targets], keepdims=True)
    with_on = [spread_evenly(np.flatnonzero(state), on // len(states)) for state in states]
    spread = spread_evenly(np.arange(len(starts)), even)
    chosen = np.concatenate([peak, *with_on, spread])
    return CalibrationSample(
        np.lib.stride_tricks.sliding_window_view(mains_w, shape.window)[starts[chosen]],
        np.stack(
            [recording.appliance_w(a.name)[targets[chosen]] for a in model.appliances], axis=1
        ),
        np.stack([state[chosen] for state in states], axis=1),
        np.arange(len(chosen)) >= len(chosen) - len(spread),
        tuple(float(state.mean()) for state in states),
    )


def spread_evenly(values: Positions, count: int) -> Positions:
    """Return at most `count` of the values, spread evenly over them."""
    return values[np.linspace(0, len(values) - 1, min(count, len(values))).round().astype(np.int64)]
