"""The page of a home: one HTML file with its tables, charts and minutes, whole in itself."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from seq2point.household import ApplianceReport, HomeEnergy
from seq2point.household.balance import ALWAYS_ON, MAINS
from seq2point.household.calendar import find_local_s
from seq2point.household.energy_table import find_decimals, round_column
from seq2point.model.pretrained.card import Verdict
from seq2point.recording import format_house
from seq2point.report.household import amounts
from seq2point.report.household.bar_views import list_views
from seq2point.report.household.energy_periods import Part, Use, add_up, list_parts, list_periods
from seq2point.report.household.minutes import describe_grid, find_step_s, pack_months
from seq2point.report.household.runs import list_runs
from seq2point.report.household.stacked_bars import HEIGHT, STRIP, STRIP_Y
from seq2point.report.page_parts import hash_part, join_scripts, read_part


class ShareRow(NamedTuple):
    """What an appliance, or another part, is of the whole; `report` is of appliances alone."""

    part: Part
    use: Use
    share: float | None
    report: ApplianceReport | None


class Summary(NamedTuple):
    """The figures that stand first. A mean is None where nothing is known."""

    mains: Use
    a_day_kwh: float | None
    a_day_cost: float | None
    always_on_w: float | None
    always_on_share: float | None
    hours: float
    hours_known: float


def render_page(home: HomeEnergy) -> str:
    """Return a home's page as HTML."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    currency = home.tariff.currency if home.tariff else ""
    environment.filters |= {
        "kwh": amounts.format_kwh,
        "hours": amounts.format_hours,
        "share": amounts.format_share,
        "watts": amounts.format_watts,
        "sentence": amounts.make_sentence,
        "cost": lambda amount: amounts.format_cost(amount, currency),
        "period": lambda each: amounts.format_period(
            each.start, each.last, each.period, home.is_dated
        ),
    }
    return environment.from_string(read_part(__package__, "page.html.jinja")).render(
        _describe(home)
    )


def _describe(home: HomeEnergy) -> dict[str, Any]:
    """Return all that the template shows."""
    parts, periods = list_parts(home), list_periods(home)
    totals = add_up(periods["day"])
    shares = list_shares(home, parts, totals)
    style = read_part(__package__, "page.css")
    script = join_scripts(__package__, "page.js")
    data = describe_grid(home) | {"parts": [[part.label, part.style] for part in parts]}
    return {
        "home": home,
        "house": format_house(home.house),
        "span": _describe_span(home),
        "parts": parts,
        "reports": {each.name: each for each in home.appliances},
        "common_limits": _find_common_limits(home),
        "summary": _summarise(home, totals),
        "shares": shares,
        "decimals": find_decimals(totals[MAINS].kwh) if MAINS in totals else 2,
        "largest_share": max((row.share or 0.0 for row in shares), default=0.0) or 1.0,
        "views": list_views(periods, parts, home.is_dated),
        "runs": list_runs(home, parts, totals),
        "step_minutes": find_step_s(home) // 60,
        "months": pack_months(home, parts),
        "data": _to_json(data | {"is_dated": home.is_dated}),
        "style": style,
        "script": script,
        "style_hash": hash_part(style),
        "script_hash": hash_part(script),
        "bar_height": HEIGHT,
        "strip_y": STRIP_Y,
        "strip_height": STRIP,
        "unreliable": Verdict.UNRELIABLE,
        "good": Verdict.GOOD,
        "MAINS": MAINS,
        "UNKNOWN": amounts.UNKNOWN,
    }


def list_shares(
    home: HomeEnergy, parts: Sequence[Part], totals: Mapping[str, Use]
) -> list[ShareRow]:
    """Return each part's share: of the cost where that is known, else of the energy."""
    reports = {each.name: each for each in home.appliances}
    whole = totals.get(MAINS, Use(None, None, None, None))
    rows = []
    for part in parts:
        use = totals.get(part.name, Use(None, None, None, None))
        amount, of = (use.kwh, whole.kwh) if whole.cost is None else (use.cost, whole.cost)
        share = amount / of if of and amount is not None else None
        rows.append(ShareRow(part, use, share, reports.get(part.name)))
    kwh = _round(rows, whole, lambda use: use.kwh, find_decimals(whole.kwh))
    cost = _round(rows, whole, lambda use: use.cost, 2)
    return [
        row._replace(use=row.use._replace(kwh=kwh[i], cost=cost[i])) for i, row in enumerate(rows)
    ]


def _round(
    rows: Sequence[ShareRow], whole: Use, read: Callable[[Use], float | None], decimals: int
) -> Sequence[float | None]:
    """Return a column as it is shown: its rows add up to the whole as that is shown."""
    values = [read(row.use) for row in rows]
    total, known = read(whole), [value for value in values if value is not None]
    if total is None or len(known) < len(values):
        return values
    return round_column(known, total, decimals)[:-1]


def _summarise(home: HomeEnergy, totals: Mapping[str, Use]) -> Summary:
    unknown = Use(None, None, None, None)
    mains, always_on = (totals.get(name, unknown) for name in (MAINS, ALWAYS_ON))
    known = int(np.count_nonzero(~np.isnan(home.mains_w)))
    hours_known = known * home.period_s / 3600
    days_known = hours_known / 24
    always_on_w = float(np.nansum(home.always_on_w, dtype=np.float64)) / known if known else None
    return Summary(
        mains=mains,
        a_day_kwh=mains.kwh / days_known if known and mains.kwh is not None else None,
        a_day_cost=mains.cost / days_known if known and mains.cost is not None else None,
        always_on_w=always_on_w,
        always_on_share=(always_on.kwh or 0.0) / mains.kwh if mains.kwh else None,
        hours=len(home.mains_w) * home.period_s / 3600,
        hours_known=hours_known,
    )


def _find_common_limits(home: HomeEnergy) -> list[str]:
    """Return the limits that all of several models have, which the page says once."""
    if len(home.appliances) < 2:
        return []
    first, *others = (each.limits for each in home.appliances)
    return [limit for limit in first if all(limit in limits for limits in others)]


def _describe_span(home: HomeEnergy) -> str:
    """Return the dates that a home's samples span: '6 Jan 2025 to 4 Feb 2025'."""
    end_s = home.start_s + home.period_s * len(home.mains_w)
    edges_s = find_local_s(np.array([home.start_s, max(end_s - 1, home.start_s)]), home.zone)
    first, last = (
        amounts.format_date(datetime.fromtimestamp(edge_s, UTC).date(), home.is_dated, False)
        for edge_s in edges_s.tolist()
    )
    return first if first == last else f"{first} to {last}"


def _to_json(data: Mapping[str, Any]) -> str:
    """Return JSON that can stand in a script element: nothing in it can end the element."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
