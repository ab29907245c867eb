"""Homes whose mains come in several conductors: three phases, and two legs of 120 and 240 V."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.household.test_home_energy import MODELS, check_sums

from seq2point import ColumnsConfig, DataError, HomeEnergy

START = datetime(2024, 6, 3, tzinfo=UTC)
SAMPLES = 2 * 1440


def write_home(path: Path, columns: dict[str, np.ndarray]) -> Path:
    times = [START + timedelta(minutes=i) for i in range(SAMPLES)]
    pl.DataFrame({"time": times, **columns}).write_csv(path)
    return path


def make_conductors(count: int, split: tuple[float, ...]) -> tuple[list[np.ndarray], np.ndarray]:
    """A floor on each conductor, and a load of 2.9 kW that is split over them; and their sum."""
    rng = np.random.default_rng(count)
    several = [40 + 5 * rng.random(SAMPLES).round(2) for _ in range(count)]
    for first in (400, 900, 2000):
        for conductor_w, share in zip(several, split, strict=True):
            conductor_w[first : first + 5] += 2900 * share
    return several, np.sum(several, axis=0)


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (("power_l1", "power_l2", "power_l3"), (0.0, 1.0, 0.0)),  # on one of three phases
        (("power_l1", "power_l2", "power_l3"), (1 / 3, 1 / 3, 1 / 3)),  # a load of three phases
        (("phase_a", "phase_b", "phase_c"), (0.0, 0.0, 1.0)),
        (("leg_1", "leg_2"), (0.5, 0.5)),  # 240 V between two legs
        (("leg_1", "leg_2"), (1.0, 0.0)),  # 120 V on one of them
        (("mains_1", "mains_2"), (0.5, 0.5)),  # as REDD has them
    ],
)
def test_a_home_of_several_conductors_is_their_sum(
    tmp_path: Path, names: tuple[str, ...], split: tuple[float, ...]
):
    several, sum_w = make_conductors(len(names), split)
    path = write_home(tmp_path / "home.csv", dict(zip(names, several, strict=True)))
    with pytest.raises(
        DataError, match=r"for the sum of the phases set `mains` to '([\w+]+)'"
    ) as no:
        HomeEnergy.from_mains(path, MODELS, zone="UTC")  # nothing is added up unasked
    assert f"'{'+'.join(names)}'" in str(no.value)
    columns = ColumnsConfig(mains="+".join(names))
    home = HomeEnergy.from_mains(path, MODELS, columns=columns, zone="UTC")
    np.testing.assert_allclose(home.mains_w, sum_w, atol=0.02)
    assert len(home.cycles["kettle"]) == 3
    day = home.energy.filter((pl.col("period") == "day") & (pl.col("name") == "mains"))
    assert day["kwh"].sum() == pytest.approx(float(sum_w.sum()) / 60_000, abs=0.002)
    check_sums(home.energy)


def test_where_one_conductor_is_missing_the_home_is_unknown(tmp_path: Path):
    (first_w, second_w), _ = make_conductors(2, (0.5, 0.5))
    second_w[1000:1200] = np.nan
    path = write_home(tmp_path / "home.csv", {"leg_1": first_w, "leg_2": second_w})
    text = path.read_text().replace("NaN", "")
    path.write_text(text)
    columns = ColumnsConfig(mains="leg_1+leg_2")
    home = HomeEnergy.from_mains(path, MODELS, columns=columns, zone="UTC")
    assert np.isnan(home.mains_w[1020:1190]).all()
    assert np.isfinite(home.mains_w[:990]).all()
    day = home.energy.filter((pl.col("period") == "day") & (pl.col("name") == "mains"))
    assert day["hours_known"].sum() == pytest.approx(48 - 200 / 60, abs=0.2)


def test_one_phase_alone_can_be_named(tmp_path: Path):
    several, _ = make_conductors(3, (0.0, 1.0, 0.0))
    path = write_home(
        tmp_path / "home.csv", {f"power_l{i}": each for i, each in enumerate(several, 1)}
    )
    only = HomeEnergy.from_mains(path, MODELS, columns=ColumnsConfig(mains="power_l2"), zone="UTC")
    np.testing.assert_allclose(only.mains_w, several[1], atol=0.02)
