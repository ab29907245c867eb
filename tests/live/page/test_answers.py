"""What the page is told of a home: the answers' own figures, by the minute, the day and the run."""

import sqlite3

import numpy as np
import pytest
from tests.live.page.live_home import BEGIN, STEP_S, LiveHome

from seq2point.appliances import APPLIANCES

PARTS = ["always_on", "fridge", "kettle", "other"]


def wait_for_answers(home, watts):
    """Wait until all is answered but what waits for half a window."""
    end_s = BEGIN.timestamp() + STEP_S * len(watts)
    home.wait_until(
        lambda now: now["answered_s"] and end_s - now["answered_s"] <= now["delay_s"] + STEP_S
    )
    return home.ask("/api/now")


def test_now_has_the_mains_as_read_and_parts_that_add_up(home, watts):
    now = wait_for_answers(home, watts)
    assert now["mains_w"] == pytest.approx(float(watts[-1]), abs=0.1)
    assert sorted(now["parts_w"]) == PARTS
    assert sum(now["parts_w"].values()) == pytest.approx(now["answered_mains_w"], abs=0.5)
    assert now["home"] == "elm street 4"
    health = now["health"]
    assert health["readings"] == len(watts)
    assert health["step_s"] == STEP_S
    assert health["coverage"] == 1
    assert not health["is_stale"]


def test_what_is_always_on_is_unknown_at_first(watts):
    home = LiveHome("--page-port", "0")
    home.send(watts[:200])
    now = wait_for_answers(home, watts[:200])
    assert now["parts_w"]["always_on"] is None
    assert now["parts_w"]["other"] == pytest.approx(now["answered_mains_w"], abs=0.1)
    home.send(watts[200:700])
    now = wait_for_answers(home, watts[:700])
    assert now["parts_w"]["always_on"] > 0
    assert sum(now["parts_w"].values()) == pytest.approx(now["answered_mains_w"], abs=0.5)
    home.stop()


def test_it_says_why_an_appliance_that_draws_power_does_not_count_as_on(watts):
    home = LiveHome("--page-port", "0")
    first = 400
    home.send(watts[:first])
    reasons = []
    for at in range(first, len(watts), 7):
        home.send(watts[at : at + 7])
        now = wait_for_answers(home, watts[: at + 7])
        on = {each["name"] for each in now["running"]}
        drawing = {name for name in ("fridge", "kettle") if (now["parts_w"][name] or 0) >= 0.5}
        assert now["not_on"].keys() == drawing - on
        reasons += [(name, now["parts_w"][name], why) for name, why in now["not_on"].items()]
        if {key for _, _, why in reasons for key in why} >= {"from_w"} and len(reasons) > 5:
            break
    assert reasons
    for name, power_w, why in reasons:
        if "from_w" in why:
            assert power_w <= why["from_w"] == APPLIANCES[name].on_power_w
    home.stop()


@pytest.mark.parametrize(("hours", "step_s"), [(6, 60), (24, 300)])
def test_the_hours_are_the_readings_and_add_up(home, watts, hours, step_s):
    wait_for_answers(home, watts)
    found = home.ask(f"/api/hours/{hours}")
    assert found["step_s"] == step_s
    mains_w = np.array(found["mains"], float)
    parts_w = np.array([found["parts"][name] for name in PARTS], float)
    known = ~np.isnan(mains_w)
    assert known.sum() > 0.6 * len(mains_w)
    np.testing.assert_allclose(np.nansum(parts_w, axis=0)[known], mains_w[known], atol=len(PARTS))
    times_s = found["first_s"] + step_s * np.arange(len(mains_w))
    first = round((times_s[0] - BEGIN.timestamp()) / STEP_S)
    whole = watts[first : first + len(mains_w) * step_s // STEP_S]
    whole = whole[: len(whole) * STEP_S // step_s * (step_s // STEP_S)]
    means_w = whole.reshape(-1, step_s // STEP_S).mean(axis=1)
    np.testing.assert_allclose(found["measured"][: len(means_w)], means_w, atol=0.51)


def test_days_are_local_and_have_their_costs(home, watts):
    now = wait_for_answers(home, watts)
    days = home.ask("/api/days")
    assert [day["date"] for day in days] == ["2025-06-10", "2025-06-11", "2025-06-12"]
    assert [day["hours_known"] for day in days[:2]] == [0.5, 24]
    answered = round((now["answered_s"] - BEGIN.timestamp()) / STEP_S)
    kwh = watts[:answered] * STEP_S / 3.6e6
    prices = np.where((np.arange(answered) - 30) // 60 % 24 < 7, 0.12, 0.30)
    prices[np.arange(answered) < 30] = 0.12  # 23:30 on the first evening
    prices[(np.arange(answered) - 30) // 60 % 24 == 23] = 0.12
    edges = [0, 30, 30 + 1440, answered]
    for day, first, end in zip(days, edges, edges[1:], strict=False):
        assert day["kwh"]["mains"] == pytest.approx(kwh[first:end].sum(), abs=0.002)
        cost = (kwh * prices)[first:end].sum()
        assert day["cost"]["mains"] == pytest.approx(cost, abs=0.001)
        parts = [day["kwh"][name] or 0 for name in PARTS]
        assert sum(parts) == pytest.approx(day["kwh"]["mains"], abs=0.005)


def test_runs_and_models_are_those_of_the_service(home, watts):
    wait_for_answers(home, watts)
    runs = home.ask("/api/runs")
    assert {run["name"] for run in runs} == {"fridge", "kettle"}
    assert all(run["start_s"] < run["end_s"] and run["kwh"] > 0 for run in runs)
    ends_s = [run["end_s"] for run in runs]
    assert ends_s == sorted(ends_s, reverse=True)
    models = {each["name"]: each for each in home.ask("/api/models")}
    assert models["kettle"]["model"] == "kettle-60s"
    assert models["kettle"]["verdict"] == "usable with care"
    assert "homes that it had not seen it told the kettle apart" in models["kettle"]["promise"]
    assert not any("`" in limit for limit in models["kettle"]["limits"])


def test_a_restart_shows_what_was_kept_and_counts_nothing_twice(watts, tmp_path):
    words = ["--store", tmp_path / "s", "--commit-every", "0", "--page-port", "0"]
    first = LiveHome(*words)
    first.send(watts[:900])
    wait_for_answers(first, watts[:900])
    before = first.ask("/api/days"), first.ask("/api/runs"), first.ask("/api/hours/6")
    first.kill()
    second = LiveHome(*words)
    second.wait_until(lambda now: now["answered_s"] is not None)
    for kept, known in zip(second.ask("/api/days"), before[0], strict=True):
        assert kept["date"] == known["date"]
        assert kept["kwh"]["mains"] == pytest.approx(known["kwh"]["mains"], abs=0.002)
        assert kept["hours_known"] == known["hours_known"]
    assert second.ask("/api/runs") == before[1]
    assert second.ask("/api/hours/6")["parts"].keys() == before[2]["parts"].keys()
    second.send(watts[850:1200], first=850)
    wait_for_answers(second, watts[:1200])
    total = sum(day["kwh"]["mains"] for day in second.ask("/api/days"))
    second.stop()
    store = sqlite3.connect(tmp_path / "s")
    counters = dict(store.execute("SELECT name, wh FROM counters").fetchall())
    store.close()
    assert total == pytest.approx(counters["mains"] / 1000, abs=0.005)


def test_nothing_is_known_before_the_first_reading(tmp_path):
    home = LiveHome("--page-port", "0")
    now = home.ask("/api/now")
    assert now["mains_w"] is None
    assert now["health"]["age_s"] is None
    assert home.ask("/api/days") == []
    assert home.ask("/api/runs") == []
    assert set(home.ask("/api/hours/6")["mains"]) == {None}
    assert home.request("/health").status == 200
    assert "stopped after 0 readings" in home.stop()
