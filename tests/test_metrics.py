"""Every metric against an independent computation, and null where it has no meaning."""

import itertools
import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from seq2point.appliances import APPLIANCES, Appliance, find_appliance
from seq2point.metrics import ScoredStretch, count_matched_cycles, count_matched_events, score
from seq2point.recording.on_off import count_samples, is_on

KETTLE = find_appliance("kettle")
ALWAYS_COUNTED = KETTLE.model_dump() | {"min_on_s": 0, "min_off_s": 0}
PERIOD_S = 6.0
ERRORS = {"mae_w", "on_mae_w", "sae", "sae_delta_w", "nde", "energy_per_day_wh"}
SCORES = {
    "f1",
    "precision",
    "recall",
    "mcc",
    "accuracy",
    "event_precision",
    "event_recall",
    "event_f1",
    "cycle_precision",
    "cycle_recall",
}


def scored(
    truth_w,
    estimate_w,
    start: datetime = datetime(2024, 1, 1, tzinfo=UTC),
    period_s: float = PERIOD_S,
) -> ScoredStretch:
    times_s = start.timestamp() + np.arange(len(truth_w)) * period_s
    return ScoredStretch(
        np.asarray(truth_w, dtype=np.float32), np.asarray(estimate_w, dtype=np.float32), times_s
    )


def cycles(*on: tuple[int, int], size: int = 1000, power_w: float = 2500.0) -> np.ndarray:
    watts = np.zeros(size, dtype=np.float32)
    for first, end in on:
        watts[first:end] = power_w
    return watts


def random_kettle(seed: int, size: int = 20_000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    firsts = rng.integers(0, size - 60, 80)
    return cycles(*((f, f + rng.integers(1, 50)) for f in firsts), size=size) + rng.uniform(
        0, 30, size
    ).astype(np.float32)


def brute_force_on_state(watts, appliance: Appliance, period_s: float) -> list[bool]:
    """The rules as they are told, on lists: above, then short gaps between runs filled, then short
    runs dropped.
    """
    on = [w > appliance.on_power_w for w in watts]
    for value, least_s in ((False, appliance.min_off_s), (True, appliance.min_on_s)):
        runs = [(key, len(list(run))) for key, run in itertools.groupby(on)]
        on = []
        for i, (key, length) in enumerate(runs):
            between = value or 0 < i < len(runs) - 1
            flip = key == value and between and length < math.ceil(least_s / period_s)
            on += [key != flip] * length
    return on


def cycle_sets(on) -> list[set[int]]:
    """The samples of each run of True."""
    runs: list[set[int]] = []
    for i, flag in enumerate(on):
        if flag and i and on[i - 1]:
            runs[-1].add(i)
        elif flag:
            runs.append({i})
    return runs


FLAGS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


@given(FLAGS)
def test_the_on_off_metrics_are_those_of_scikit_learn(pairs: list[tuple[bool, bool]]):
    truth, estimate = (np.array(flags) for flags in zip(*pairs, strict=True))
    metrics = score(
        [scored(2500 * truth, 2500 * estimate)], Appliance.model_validate(ALWAYS_COUNTED), PERIOD_S
    )
    assert metrics["accuracy"] == pytest.approx(sk.accuracy_score(truth, estimate))
    if not truth.any():
        assert {metrics[name] for name in ("f1", "precision", "recall", "mcc")} == {None}
        return
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        truth, estimate, average="binary", zero_division=0
    )
    assert [metrics[name] for name in ("precision", "recall", "f1")] == pytest.approx(
        [precision, recall, f1]
    )
    assert metrics["mcc"] == (
        None if truth.all() else pytest.approx(sk.matthews_corrcoef(truth, estimate))
    )


@pytest.mark.parametrize(
    ("seconds", "period_s", "expected"),
    [
        (12, 6, 2),
        (12, 8, 2),
        (12, 7, 2),
        (12, 60, 1),
        (1800, 8, 225),
        (1800, 7, 258),
        (0, 6, 0),
        (0.3, 0.1, 3),
        (160, 6, 27),
    ],
)
def test_seconds_become_samples_rounded_up(seconds: float, period_s: float, expected: int):
    assert count_samples(seconds, period_s) == expected


def appliance(on_w: float = 100, min_on_s: float = 0, min_off_s: float = 0) -> Appliance:
    return KETTLE.model_copy(
        update={"on_power_w": on_w, "min_on_s": min_on_s, "min_off_s": min_off_s}
    )


@pytest.mark.parametrize(
    ("min_on_s", "min_off_s", "power", "expected"),
    [
        (0, 0, "000", "000"),
        (0, 0, "0110", "0110"),
        (12, 0, "010", "000"),
        (12, 0, "0110", "0110"),
        (13, 0, "0110", "0000"),
        (0, 12, "1011", "1111"),
        (0, 12, "10011", "10011"),
        (0, 13, "10011", "11111"),
        (0, 60, "0100", "0100"),
        (24, 12, "101100", "111100"),
        (24, 12, "1010010", "0000000"),
        (24, 12, "1010110", "1111110"),
        (12, 0, "1", "0"),
        (6, 0, "1", "1"),
    ],
)
def test_on_state_fills_short_gaps_then_drops_short_runs(
    min_on_s: float, min_off_s: float, power: str, expected: str
):
    watts = np.array([200.0 * int(c) for c in power], dtype=np.float32)
    on = is_on(watts, appliance(min_on_s=min_on_s, min_off_s=min_off_s), PERIOD_S)
    assert "".join(str(int(flag)) for flag in on) == expected


def test_exactly_the_threshold_is_off():
    on = is_on(np.array([99, 100, 100.5], dtype=np.float32), appliance(on_w=100), PERIOD_S)
    assert list(on) == [False, False, True]


@pytest.mark.parametrize("name", APPLIANCES)
@pytest.mark.parametrize("period_s", [6.0, 7.0, 8.0, 60.0])
def test_on_state_follows_the_table_of_durations(name: str, period_s: float):
    row = APPLIANCES[name]
    shortest = max(math.ceil(row.min_on_s / period_s), 1)
    for length in (shortest - 1, shortest):
        on = is_on(
            cycles((10, 10 + length), size=length + 20, power_w=row.on_power_w + 1), row, period_s
        )
        assert on.sum() == (length if length == shortest else 0)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=12),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([1.0, 6.0, 7.5]),
)
def test_on_state_equals_brute_force(
    runs: list[tuple[bool, int]], min_on_s: int, min_off_s: int, period_s: float
):
    watts = np.array([200.0 * on for on, length in runs for _ in range(length)], dtype=np.float32)
    rules = appliance(min_on_s=min_on_s, min_off_s=min_off_s)
    assert list(is_on(watts, rules, period_s)) == brute_force_on_state(watts, rules, period_s)


@pytest.mark.parametrize("seed", range(3))
def test_every_metric_equals_a_plain_computation(seed: int):
    rng = np.random.default_rng(seed)
    truth = random_kettle(seed)
    estimate = np.roll(truth, 3) * rng.uniform(0.7, 1.2) + rng.normal(0, 20, len(truth)).astype(
        np.float32
    )
    stretch = scored(truth, estimate)
    metrics = score([stretch], KETTLE, PERIOD_S)

    y, x = truth.astype(float), np.maximum(estimate, 0).astype(float)
    on_y, on_x = (np.array(brute_force_on_state(w, KETTLE, PERIOD_S)) for w in (y, x))
    hours, days = (stretch.times_s // 3600).astype(int), (stretch.times_s // 86400).astype(int)
    onsets_y, onsets_x = (
        [i for i in range(len(on)) if on[i] and not (i and on[i - 1])] for on in (on_y, on_x)
    )
    matched = count_matched_events(
        [i * PERIOD_S for i in onsets_y], [i * PERIOD_S for i in onsets_x]
    )
    cycles_y, cycles_x = (cycle_sets(on) for on in (on_y, on_x))
    overlapping = sum(any(2 * len(a & b) >= len(a | b) for b in cycles_x) for a in cycles_y)
    expected = {
        "mae_w": sk.mean_absolute_error(y, x),
        "on_mae_w": sk.mean_absolute_error(y[on_y], x[on_y]),
        "sae": abs(x.sum() - y.sum()) / y.sum(),
        "sae_delta_w": np.mean(
            [abs(x[hours == h].mean() - y[hours == h].mean()) for h in set(hours)]
        ),
        "nde": ((x - y) ** 2).sum() / (y**2).sum(),
        "energy_per_day_wh": np.mean(
            [abs(x[days == d].sum() - y[days == d].sum()) * PERIOD_S / 3600 for d in set(days)]
        ),
        "f1": sk.f1_score(on_y, on_x),
        "precision": sk.precision_score(on_y, on_x),
        "recall": sk.recall_score(on_y, on_x),
        "mcc": np.corrcoef(on_y, on_x)[0, 1],
        "accuracy": (on_y == on_x).mean(),
        "event_precision": matched / len(onsets_x),
        "event_recall": matched / len(onsets_y),
        "event_f1": 2 * matched / (len(onsets_x) + len(onsets_y)),
        "cycle_precision": overlapping / len(onsets_x),
        "cycle_recall": overlapping / len(onsets_y),
    }
    assert metrics == pytest.approx(expected, rel=1e-5)
    assert set(metrics) == ERRORS | SCORES


def test_a_perfect_estimate_is_perfect():
    truth = random_kettle(0)
    metrics = score([scored(truth, truth)], KETTLE, PERIOD_S)
    assert metrics == pytest.approx(dict.fromkeys(ERRORS, 0.0) | dict.fromkeys(SCORES, 1.0))


def test_f1_falls_when_the_estimate_is_wrong():
    truth = cycles((100, 130), (500, 530))
    half = score([scored(truth, cycles((100, 130)))], KETTLE, PERIOD_S)
    none = score([scored(truth, cycles((300, 330)))], KETTLE, PERIOD_S)
    assert (half["precision"], half["recall"], half["f1"]) == pytest.approx((1, 0.5, 2 / 3))
    assert (none["precision"], none["recall"], none["f1"]) == (0, 0, 0)


def test_an_estimate_of_zero_has_an_f1_of_zero_where_the_appliance_is_on():
    truth = cycles((100, 130))
    metrics = score([scored(truth, np.zeros_like(truth))], KETTLE, PERIOD_S)
    assert (metrics["f1"], metrics["recall"], metrics["event_recall"], metrics["event_f1"]) == (
        0,
        0,
        0,
        0,
    )
    assert metrics["event_precision"] is None
    assert metrics["sae"] == pytest.approx(1)
    assert metrics["nde"] == pytest.approx(1)


def test_what_an_unused_appliance_leaves_undefined_is_null():
    metrics = score([scored(np.zeros(100), cycles((10, 40), size=100))], KETTLE, PERIOD_S)
    undefined = {name for name, value in metrics.items() if value is None}
    assert undefined == {
        "on_mae_w",
        "sae",
        "nde",
        "f1",
        "precision",
        "recall",
        "mcc",
        "event_recall",
        "event_f1",
        "cycle_recall",
    }
    assert metrics["mae_w"] == pytest.approx(750)
    assert metrics["accuracy"] == pytest.approx(0.7)
    assert metrics["event_precision"] == 0


def test_an_appliance_that_draws_power_but_is_never_on_keeps_its_energy_metrics():
    metrics = score([scored(np.full(100, 50.0), np.full(100, 25.0))], KETTLE, PERIOD_S)
    assert (metrics["on_mae_w"], metrics["f1"], metrics["mcc"]) == (None, None, None)
    assert (metrics["sae"], metrics["nde"]) == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize("estimate_w", [0.0, 2500.0])
def test_an_appliance_that_is_always_on_has_no_correlation(estimate_w: float):
    metrics = score([scored(np.full(100, 2500.0), np.full(100, estimate_w))], KETTLE, PERIOD_S)
    assert metrics["mcc"] is None
    assert metrics["f1"] == (1.0 if estimate_w else 0.0)


def test_estimates_below_zero_count_as_zero():
    truth = cycles((100, 130))
    below = np.where(truth > 0, truth, -400).astype(np.float32)
    stretch = scored(truth, below)
    assert score([stretch], KETTLE, PERIOD_S) == score([scored(truth, truth)], KETTLE, PERIOD_S)
    assert (stretch.estimate_w < 0).any()


def test_nothing_to_score_is_refused():
    for nothing in ([], [scored([], [])]):
        with pytest.raises(ValueError, match="no sample"):
            score(nothing, KETTLE, PERIOD_S)


def test_stretches_are_scored_together_but_never_joined():
    on = np.full(1, 2500.0)
    apart = [scored(on, on), scored(on, on)]
    assert score(apart, KETTLE, PERIOD_S)["f1"] is None
    assert score([scored(np.full(2, 2500.0), np.full(2, 2500.0))], KETTLE, PERIOD_S)["f1"] == 1
    weighed = score(
        [scored(np.zeros(30), np.full(30, 10.0)), scored(np.zeros(10), np.full(10, 50.0))],
        KETTLE,
        PERIOD_S,
    )
    assert weighed["mae_w"] == pytest.approx(20)


def missed_kilowatt(start: datetime, hours: int) -> ScoredStretch:
    """A truth of 1000 W against an estimate of nothing, one reading a minute."""
    truth = np.full(hours * 60, 1000.0)
    return scored(truth, np.zeros_like(truth), start, 60.0)


def test_days_are_of_utc_unless_a_zone_is_given():
    two_hours_over_midnight = missed_kilowatt(datetime(2024, 1, 1, 23, tzinfo=UTC), 2)
    by_utc = score([two_hours_over_midnight], KETTLE, 60.0)
    in_tokyo = score([two_hours_over_midnight], KETTLE, 60.0, ZoneInfo("Asia/Tokyo"))
    assert by_utc["energy_per_day_wh"] == pytest.approx(1000)
    assert in_tokyo["energy_per_day_wh"] == pytest.approx(2000)


@pytest.mark.parametrize(
    ("start", "hours_of_the_days"),
    [
        (datetime(2024, 3, 30, 0, tzinfo=UTC), [24, 23, 1]),
        (datetime(2024, 10, 25, 23, tzinfo=UTC), [24, 24]),
    ],
)
def test_days_of_a_zone_with_summer_time_have_23_or_25_hours(
    start: datetime, hours_of_the_days: list[int]
):
    stretch = missed_kilowatt(start, 48)
    metrics = score([stretch], KETTLE, 60.0, ZoneInfo("Europe/London"))
    zone = ZoneInfo("Europe/London")
    dates = [datetime.fromtimestamp(t, UTC).astimezone(zone).date() for t in stretch.times_s]
    assert [len(list(run)) / 60 for _, run in itertools.groupby(dates)] == hours_of_the_days
    assert metrics["energy_per_day_wh"] == pytest.approx(1000 * 48 / len(hours_of_the_days))


def test_the_autumn_day_of_25_hours_is_one_day():
    stretch = missed_kilowatt(datetime(2024, 10, 26, 23, tzinfo=UTC), 25)
    assert score([stretch], KETTLE, 60.0, ZoneInfo("Europe/London"))[
        "energy_per_day_wh"
    ] == pytest.approx(25_000)
    assert score([stretch], KETTLE, 60.0)["energy_per_day_wh"] == pytest.approx(12_500)


@pytest.mark.parametrize(
    ("late_s", "matched"), [(0, 1), (54, 1), (60, 1), (66, 0), (-60, 1), (-66, 0)]
)
def test_an_onset_is_matched_within_a_minute(late_s: float, matched: int):
    shift = int(late_s / PERIOD_S)
    metrics = score(
        [scored(cycles((500, 530)), cycles((500 + shift, 530 + shift)))], KETTLE, PERIOD_S
    )
    assert metrics["event_f1"] == matched


def test_one_estimated_onset_matches_one_true_onset_only():
    assert count_matched_events([0, 30], [15]) == 1
    assert count_matched_events([15], [0, 30]) == 1
    assert count_matched_events([0, 100], [60, 160]) == 2


def most_pairs(truth: tuple[float, ...], estimate: tuple[float, ...]) -> int:
    if not truth:
        return 0
    choices = [i for i, t in enumerate(estimate) if abs(t - truth[0]) <= 60]
    return max(
        most_pairs(truth[1:], estimate),
        *(1 + most_pairs(truth[1:], estimate[:i] + estimate[i + 1 :]) for i in choices),
        0,
    )


onsets = st.lists(st.integers(0, 300), max_size=5, unique=True).map(
    lambda times: tuple(sorted(map(float, times)))
)


@given(onsets, onsets)
def test_no_pairing_matches_more_onsets(truth: tuple[float, ...], estimate: tuple[float, ...]):
    assert count_matched_events(truth, estimate) == most_pairs(truth, estimate)


def test_errors_of_two_houses_at_the_same_hours_do_not_cancel():
    truth = np.full(48 * 600, 1000.0)
    houses = [
        scored(truth, truth + error_w)._replace(recording=i)
        for i, error_w in enumerate((100.0, -100.0))
    ]
    metrics = score(houses, KETTLE, PERIOD_S)
    assert metrics["energy_per_day_wh"] == pytest.approx(2400)
    assert metrics["sae_delta_w"] == pytest.approx(100)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2000)), min_size=1, max_size=4))
def test_energy_errors_of_several_houses_are_the_mean_over_the_days_of_each(
    parts: list[tuple[int, int]],
):
    """However the houses' clocks overlap: days are weighted, each house's own."""
    houses, days = [], []
    for i, (start_day, error_w) in enumerate(parts):
        begin = datetime(2024, 1, 1 + start_day, tzinfo=UTC)
        truth = np.full(2 * 1440, 3000.0)
        houses.append(scored(truth, truth - error_w, begin, 60.0)._replace(recording=i))
        days += [24.0 * error_w] * 2
    metrics = score(houses, KETTLE, 60.0)
    assert metrics["energy_per_day_wh"] == pytest.approx(np.mean(days), rel=1e-4)
    assert metrics["sae_delta_w"] == pytest.approx(np.mean(days) / 24, rel=1e-4)


def test_a_missing_sample_of_the_truth_neither_splits_an_activation_nor_is_scored():
    dishwasher = find_appliance("dishwasher")
    truth = cycles((100, 900), power_w=2000)
    whole = score([scored(truth, truth)], dishwasher, PERIOD_S)
    known = np.ones(1000, dtype=bool)
    known[[300, 301, 500]] = False
    estimate = truth.copy()
    estimate[300] = 9000
    gappy = score([scored(truth, estimate)._replace(known=known)], dishwasher, PERIOD_S)
    assert whole["f1"] == gappy["f1"] == 1
    assert gappy["event_f1"] == 1
    assert gappy["mae_w"] == 0


@pytest.mark.parametrize(
    ("true", "estimated", "matched"),
    [
        ([(10, 20)], [(10, 20)], 1),
        ([(10, 20)], [(15, 20)], 1),
        ([(10, 20)], [(16, 20)], 0),
        ([(10, 20)], [(10, 31)], 0),
        ([(10, 20)], [(10, 15), (16, 20)], 1),
        ([(10, 15), (16, 20)], [(10, 20)], 1),
        ([(10, 20), (30, 40)], [(32, 41)], 1),
        ([], [(1, 2)], 0),
    ],
)
def test_a_cycle_is_found_where_it_overlaps_by_half_of_the_union(true, estimated, matched: int):
    on, estimated_on = (cycles(*spans, size=50) > 0 for spans in (true, estimated))
    assert count_matched_cycles(on, estimated_on) == matched


@given(FLAGS)
def test_cycles_pair_one_to_one_as_often_as_they_can(pairs: list[tuple[bool, bool]]):
    truth, estimate = (np.array(flags) for flags in zip(*pairs, strict=True))
    true, estimated = cycle_sets(truth), cycle_sets(estimate)
    fits = [[2 * len(a & b) >= len(a | b) for b in estimated] for a in true]

    def most(i: int, left: frozenset[int]) -> int:
        if i == len(true):
            return 0
        choices = [1 + most(i + 1, left - {j}) for j in left if fits[i][j]]
        return max([most(i + 1, left), *choices])

    assert count_matched_cycles(truth, estimate) == most(0, frozenset(range(len(estimated))))


def test_a_prediction_of_all_day_finds_no_cycle():
    truth = cycles((100, 400), (600, 900))
    metrics = score([scored(truth, np.full_like(truth, 2500.0))], KETTLE, PERIOD_S)
    assert (metrics["cycle_precision"], metrics["cycle_recall"]) == (0, 0)
