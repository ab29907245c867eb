"""household.html as text: the figures are the home's, and it needs nothing else."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.report.household.homes import REPORTS, make_home, make_noisy_year

from seq2point.household import ApplianceReport, Tariff
from seq2point.household.energy_table import find_decimals
from seq2point.household.home_energy import MAINS
from seq2point.report.household import render_page
from seq2point.report.household.amounts import format_kwh
from seq2point.report.household.energy_periods import Use, list_parts
from seq2point.report.household.page import list_shares
from seq2point.report.household.stacked_bars import HEIGHT, STRIP

MOST_BYTES = 3_000_000


class Tables(HTMLParser):
    """The rows of all tables, each as its cells' words."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("th", "td")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())


def read_rows(page: str) -> dict[str, list[str]]:
    """Return the rows of a page's tables by their heads."""
    tables = Tables()
    tables.feed(page)
    return {row[0]: row[1:] for row in tables.rows if row}


def test_days_weeks_and_months_are_those_of_the_table_of_energy():
    home = make_home()
    rows = read_rows(render_page(home))
    for head, period, start in (
        ("Fri 31 Jan 2025", "day", "2025-01-31"),
        ("Week of 27 Jan 2025", "week", "2025-01-27"),
        ("January 2025", "month", "2025-01-01"),
    ):
        frame = home.energy.filter(home.energy["period"] == period)
        frame = frame.filter(frame["start"].cast(str) == start)
        energy = dict(zip(frame["name"], frame["kwh"], strict=True))
        (cost,) = frame.filter(frame["name"] == "mains")["cost"]
        names = ("always_on", *home.power_w, "other")
        expected = [f"{energy['mains']:.2f}", f"£{cost:.2f}", *(f"{energy[n]:.2f}" for n in names)]
        assert rows[head][:-1] == expected


def test_the_whole_is_shared_out():
    home = make_home()
    rows = read_rows(render_page(home))
    names = ("always on", "kettle good", "fridge not tested elsewhere", "other")
    assert set(names) < set(rows)
    whole = float(rows["mains"][1])
    assert rows["kettle good"][:4] == ["3 %", "0.56", "£0.14", "6"]
    assert whole == pytest.approx(home.mains_w.sum(dtype=np.float64) / 60_000, abs=0.01)


def test_what_is_unknown_is_never_zero():
    home = make_home(4, unknown=slice(1440, 2 * 1440 + 360))
    page = render_page(home)
    rows = read_rows(page)
    assert rows["Fri 31 Jan 2025"] == ["–"] * 8 + ["0 of 24"]
    assert rows["Sat 1 Feb 2025"][-1] == "18 of 24"
    assert "30 hours are not known" in page
    bars = page.partition('id="bars"')[2].partition("</section>")[0].partition("<figure")[2]
    hatched = re.findall(r'<rect class="unknown" [^>]*y="([\d.]+)" height="([\d.]+)"', bars)
    assert hatched
    assert all(float(y) > HEIGHT and float(height) == STRIP for y, height in hatched)


def test_a_model_that_is_not_to_be_relied_on_is_said_to_be_so():
    page = render_page(make_home())
    models = page.partition('id="models"')[2]
    washing = models.partition("washing machine")[2].partition("</article>")[0]
    assert "Do not rely on these figures" in washing
    assert "Not to be relied on: of use in 1 of 4 homes" in washing
    assert "British houses alone." in washing
    legend = page.partition('class="legend"')[2].partition("</ul>")[0]
    assert legend.count("not to be relied on") == 1


def test_an_appliance_that_the_home_lacks_is_said_to_be_missing():
    page = render_page(make_home())
    assert "dishwasher not found in this home" in read_rows(page)


def test_notes_tariff_and_reading_are_told():
    page = render_page(make_home(notes=("the clock jumps",), interpretation="time 't', mains 'm'"))
    assert "<li>The clock jumps.</li>" in page
    assert "Tariff: 0.25 GBP a kWh." in page
    assert "time &#39;t&#39;, mains &#39;m&#39;" in page


def test_without_a_tariff_there_is_no_money():
    page = render_page(make_home(tariff=None))
    assert "£" not in page
    assert "The share of the energy" in page
    assert not any("cost" in row for row in read_rows(page).values())


def test_a_cost_that_is_known_in_part_is_not_given_for_the_whole():
    start = datetime(2025, 1, 30, tzinfo=UTC).timestamp()
    tariff = Tariff(
        "GBP",
        starts_s=np.array([start]),
        prices=np.array([0.2]),
        holds_s=np.array([86_400.0]),
        source="prices.csv",
    )
    page = render_page(make_home(tariff=tariff))
    rows = read_rows(page)
    assert rows["Thu 30 Jan 2025"][1].startswith("£")
    assert rows["Fri 31 Jan 2025"][1] == "–"
    assert rows["mains"][2] == "–"
    assert "The share of the energy" in page


def test_words_from_outside_are_only_words():
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    report = ApplianceReport("kettle", evil, evil, 60.0, evil, evil, None, False, (evil,))
    home = make_home(
        house=evil, notes=(evil,), interpretation=evil, appliances=(report, *REPORTS[1:])
    )
    page = render_page(home)
    assert "<img" not in page
    assert "alert(1)</script>" not in page
    assert page.count("<script>") == 1


def test_it_names_no_place_outside_itself():
    page = render_page(make_home())
    assert re.findall(r"https?://[^\"'\s]+", page) == ["http://www.w3.org/2000/svg"]
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", page) == ["data:,"]
    assert not re.search(r"\son\w+=|\sstyle=|@import", page)


def test_its_policy_lets_in_its_own_style_and_script_alone():
    page = render_page(make_home())
    policy = page.partition('Policy" content="')[2].partition('"')[0]
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy or f"sha256-{digest}" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_recording_without_times_has_numbered_days():
    home = make_home(3, datetime(1970, 1, 1, tzinfo=UTC), zone="UTC", is_dated=False)
    page = render_page(home)
    assert {"Day 1", "Day 3"} < set(read_rows(page))
    assert "Week of" not in page
    assert "1970" not in re.sub(r"<script.*?</script>|id=\"[^\"]*\"|data-\w+=\"[^\"]*\"", "", page)


def test_a_home_of_which_nothing_is_known_has_a_page():
    page = render_page(make_home(2, unknown=slice(None)))
    assert "48 hours are not known" in page
    assert read_rows(page)["mains"][1] == "–"


def test_a_home_without_models_has_a_page():
    home = make_home(power_w={}, cycles={}, appliances=())
    assert "always on" in read_rows(render_page(home))


def test_a_home_from_pandas_has_the_same_page():
    assert render_page(make_home(library="pandas")) == render_page(make_home())


def test_a_year_by_the_minute_is_below_three_megabytes():
    assert len(render_page(make_noisy_year()).encode()) < MOST_BYTES


def test_a_year_that_begins_in_winter_has_its_months_in_one_picture():
    page = render_page(make_home(70, datetime(2024, 12, 20, tzinfo=UTC)))
    assert 'data-title="Months of 2024 to 2025"' in page
    assert page.count('data-title="Weeks of') == 1


@pytest.mark.parametrize("scale", [1.0, 0.037, 90.0])
def test_the_shares_add_up_as_they_are_shown(scale: float):
    """Each row is rounded; the rows are what the whole below them says, kWh and cost alike."""
    rng = np.random.default_rng(round(scale))
    home = make_home()
    parts = list_parts(home)
    for _ in range(20):
        kwh = rng.random(len(parts)) * scale
        uses = {
            part.name: Use(float(each), float(each) * 0.2871, None, None)
            for part, each in zip(parts, kwh, strict=True)
        }
        whole = Use(float(kwh.sum()), float(kwh.sum()) * 0.2871, None, None)
        rows = list_shares(home, parts, uses | {MAINS: whole})
        for column, decimals in (("kwh", find_decimals(whole.kwh)), ("cost", 2)):
            shown = [format_kwh(getattr(row.use, column), decimals) for row in rows]
            total = format_kwh(getattr(whole, column), decimals)
            assert sum(float(each.replace(",", "")) for each in shown) == pytest.approx(
                float(total.replace(",", ""))
            )
            exact = [getattr(uses[row.part.name], column) for row in rows]
            assert (
                max(abs(float(a.replace(",", "")) - b) for a, b in zip(shown, exact, strict=True))
                < 10**-decimals
            )
