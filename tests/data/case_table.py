"""Files as people reported them, and what each must be read as; the files are in `cases/`.

All are made up. Most are the reference day, `reference/house.csv`, in another dress; long ones are
cut to its first eight hours. A row says what is right: watts, a refusal that names the problem and
the remedy, or either.
"""

from datetime import UTC, datetime

import numpy as np
from tests.data.right_readings import (
    CUT,
    DAY_W,
    KETTLE_W,
    Case,
    Right,
    hold_changes,
    make_day,
    make_house,
    make_three_days,
    read_column,
    read_green_button,
    read_numbers,
    read_own,
    read_smart_home,
    refuse,
)

KILOWATTS = r"(?i)kW|kilowatt"
COMMA = r"(?i)comma"
IMPORT_W = read_column("solar/mains.csv", 1)
SOLAR = Right(np.where(IMPORT_W < 0, np.nan, IMPORT_W), notes=[r"\b417\b", "(?i)solar"])
MORNING = range(300, 900)
AUTUMN = datetime(2017, 11, 5, 3, tzinfo=UTC)
UCI = {"mains": "Global_active_power", "unit": "kW"}
UCI_DAY = make_day(start=datetime(2006, 12, 16, tzinfo=UTC), within_w=0.5)
PHASES = "a_act_power+b_act_power+c_act_power"
TWO_SENSORS = refuse(r"sensor\.mains_power", r"sensor\.kettle_plug_power", r"sensor")

CASES = (
    Case("reference/mains.csv", right=make_day(1440)),
    Case("reference/house.csv", right=make_house(1440)),
    # 1 PM is 13:00, and 12 AM midnight.
    Case("am-pm/mains.csv", right=make_day(1440)),
    Case("am-pm/us.csv", right=make_day(1440, start=datetime(2023, 11, 25, tzinfo=UTC))),
    # The hour that the clocks go back: the zone is missing, not the order.
    Case("autumn-hour/mains.csv", refused=refuse(r"zone", never="(?i)sort|repair")),
    Case(
        "autumn-hour/mains.csv",
        {"zone": "America/Chicago"},
        read_own("autumn-hour/mains.csv", 1, start=AUTUMN),
    ),
    Case("autumn-hour/five_minutes.csv", refused=refuse(r"zone", never="(?i)sort|repair")),
    Case(
        "autumn-hour/five_minutes.csv",
        {"zone": "America/Chicago"},
        read_own("autumn-hour/five_minutes.csv", 1, start=AUTUMN, period_s=300.0),
        doors=("load", "convert", "check"),
    ),
    # Blank lines are no rows, wherever they are and whatever ends them.
    *(
        Case(f"blank-last-lines/{stem}.csv", right=make_day())
        for stem in ("commas", "crlf", "crlf_amid", "ctrl_z", "lf", "spaces")
    ),
    # A meter that reports changes alone keeps its reading until the next.
    Case(
        "changes-only/mains.csv",
        right=hold_changes(),
        refused=refuse(r"(?i)change", r"(?i)hold"),
        doors=("load", "convert"),
        period_s=60.0,
    ),
    Case(
        "changes-only/mains.csv",
        {"hold_s": 3600.0},
        hold_changes(),
        doors=("load", "convert"),
        period_s=60.0,
    ),
    # 20231105000000 is a date, and no count of milliseconds.
    Case("compact-stamps/mains.csv", right=make_day()),
    Case("compact-stamps/date_only.csv", right=make_day()),
    Case("compact-stamps/dsmr.csv", refused=refuse(r"(?i)time")),
    # Date and time in two columns are one time.
    Case("date-and-time-apart/iso.csv", right=make_day()),
    *(
        case
        for file in ("date-and-time-apart/mains.csv", "date-and-time-apart/uci.csv")
        for case in (
            Case(file, UCI, UCI_DAY),
            Case(file, right=UCI_DAY, refused=refuse("Global_active_power")),
            Case(file, UCI | {"time": "Date"}, UCI_DAY, refuse(r"(?i)time")),
        )
    ),
    # A decimal comma is one wherever the whole column shows it.
    Case("decimal-comma-in-commas/dotted_dates.csv", right=make_day()),
    Case("decimal-comma-in-commas/mains.csv", refused=refuse(COMMA, r"(?i)decimal|cells")),
    Case("decimal-comma-in-commas/mains.csv", {"unit": "kW"}, refused=refuse(COMMA)),
    *(
        case
        for file in ("decimal-comma-in-commas/quoted.csv", "decimal-comma-in-commas/semicolons.csv")
        for case in (
            Case(file, refused=refuse(rf"{KILOWATTS}|decimal")),
            Case(file, {"unit": "kW"}, make_day(within_w=0.5), refuse(r"(?i)decimal")),
            Case(file, {"unit": "kW", "decimal": ","}, make_day(within_w=0.5)),
        )
    ),
    Case("encodings/bom.csv", right=make_day()),
    Case("encodings/crlf.csv", right=make_day()),
    Case("encodings/latin1.csv", right=make_day(), refused=refuse(r"(?i)encoding")),
    Case("encodings/latin1.csv", {"encoding": "latin-1"}, make_day()),
    Case(
        "greenbutton/usage.xml",
        right=read_green_button(),
        refused=refuse("XML|Green Button"),
        doors=("load", "convert", "check"),
    ),
    # Home Assistant: 'unavailable' is a gap; two sensors are never one series.
    Case("ha-history/one.csv", right=make_day(gaps=(0, 100, 101))),
    Case("ha-history/two_after.csv", refused=TWO_SENSORS),
    Case("ha-history/two_mixed.csv", refused=TWO_SENSORS),
    Case("ha-history/two_after.csv", {"sensor": "sensor.mains_power"}, make_day(700)),
    Case("ha-history/two_mixed.csv", {"sensor": "sensor.mains_power"}, make_day()),
    Case(
        "ha-history/two_mixed.csv",
        {
            "mains": "sensor.mains_power",
            "appliances": {"kettle": "sensor.kettle_plug_power"},
        },
        make_house(),
    ),
    Case("ha-history/counter.csv", refused=refuse(r"(?i)counter|energy")),
    Case("ha-two-records/mains.csv", refused=refuse("line 8|repeat"), convert=make_day(475)),
    Case(
        "ha-two-records/mains.csv",
        {"repair": True},
        make_day(475, notes=[r"\b5\b.*repeat|repeat.*\b5\b"]),
    ),
    Case("influx-annotated/mains.csv", right=make_day()),
    Case("influx-annotated/no_comments.csv", right=make_day()),
    Case("influx-annotated/plain.csv", right=make_day()),
    Case("influx-annotated/two_tables.csv", refused=refuse("mains_power", "kettle_power")),
    Case("influx-annotated/two_tables.csv", {"sensor": "mains_power"}, make_day()),
    # A smart meter's 'power_delivered' is in kW: the P1 format says so.
    Case("meter-kw-plug-w/meter.csv", right=make_day(within_w=0.5)),
    Case("meter-kw-plug-w/meter.csv", {"unit": "kW"}, make_day(within_w=0.5)),
    Case(
        "meter-kw-plug-w/meter.csv",
        {"mains": "power_delivered[kW]"},
        make_day(within_w=0.5),
    ),
    # -1 alone below zero means that there is no reading.
    Case(
        "minus-one-is-missing/with_times.csv",
        right=make_house(1440, MORNING, notes=[r"\b600\b.*-1"]),
    ),
    Case(
        "minus-one-is-missing/2012-06-01.csv",
        right=make_day(1440, MORNING, start=None),
        refused=refuse(r"(?i)heading|no times"),
        period_s=60.0,
    ),
    Case(
        "mixed-offsets/mains.csv",
        right=read_own("mixed-offsets/mains.csv", 1, start=datetime(2023, 10, 28, 22, tzinfo=UTC)),
    ),
    Case("parquet-nilmtk-frame/meter.parquet", right=make_day(1440), refused=refuse("active")),
    Case("parquet-nilmtk-frame/meter.csv", right=make_day(), refused=refuse("active")),
    *(
        Case(file, right=Right(read_numbers(file)))
        for stem in ("decimal", "dictionary", "float16", "int16", "int16_failed", "nulls", "text")
        for file in (f"parquet-numbers/{stem}.parquet",)
    ),
    # A meter's clock after a power cut: those rows have no time.
    Case(
        "power-up-stamps/mains.csv",
        right=make_day(1440, range(600, 605)),
        refused=refuse("line 602"),
        convert=make_day(1440, range(600, 605), notes=[r"\b5\b"]),
    ),
    Case("power-up-stamps/mains.csv", {"repair": True}, make_day(1440, range(600, 605))),
    Case(
        "power-up-stamps/start.csv",
        right=make_day(1440, range(5)),
        refused=refuse("line 2"),
        convert=make_day(1440, range(5), notes=[r"\b5\b"]),
    ),
    Case("power-up-stamps/start.csv", {"repair": True}, make_day(1440, range(5))),
    Case("power-up-stamps/all_2000.csv", refused=refuse(r"(?i)time|clock", never="(?i)repair")),
    # Lines before the heading, a row of units, a row of totals.
    Case(
        "preamble-lines/sep.csv",
        right=make_day(),
        refused=refuse("line 1|PacTot|dates"),
    ),
    Case("preamble-lines/sep.csv", {"mains": "PacTot", "dates": "day-first"}, make_day()),
    Case("preamble-lines/title.csv", right=make_day()),
    Case(
        "preamble-lines/total_row.csv",
        right=make_day(),
        refused=refuse("line 482"),
        convert=make_day(),
    ),
    Case("preamble-lines/total_row.csv", {"repair": True}, make_day()),
    Case("preamble-lines/units_row.csv", right=make_house()),
    Case("ragged/short_header.csv", refused=refuse("line 2", "(?i)cells|columns")),
    Case(
        "ragged/short_rows.csv",
        right=Right(
            DAY_W[:CUT],
            appliances_w={"kettle": np.where(np.arange(CUT) % 2, KETTLE_W[:CUT], np.nan)},
        ),
    ),
    Case("ragged/trailing_comma.csv", right=make_day()),
    # The unit in a column's name is its unit, and no part of an appliance's name.
    Case(
        "smart-home-kw-names/HomeC.csv",
        {"mains": "use [kW]"},
        refused=refuse("line 482"),
        right=read_smart_home(),
        convert=read_smart_home(),
    ),
    Case(
        "smart-home-kw-names/HomeC.csv",
        {"mains": "use [kW]", "unit": "kW", "repair": True},
        read_smart_home(),
    ),
    Case("units-in-names/brackets.csv", right=make_house()),
    Case("units-in-names/square.csv", right=make_house()),
    Case("solar/mains.csv", right=SOLAR),
    Case("tabs/mains.csv", right=make_day()),
    Case("tabs/WHE.tab", right=make_day(), refused=refuse("mains", r"TS.*V.*I.*P")),
    Case("tabs/WHE.tab", {"time": "TS", "mains": "P"}, make_day()),
    # 3,070.00 without quotes is two cells.
    Case("thousands-three-columns/feed.csv", refused=refuse("line 422")),
    Case("thousands-three-columns/feed.csv", {"mains": "voltage"}, refused=refuse("line 422")),
    Case("thousands-three-columns/house.csv", refused=refuse("line 422")),
    Case("thousands-unquoted/feed.csv", refused=refuse("(?i)thousand", "line 421")),
    Case("thousands-unquoted/with_header.csv", refused=refuse("(?i)thousand", "line 422")),
    Case("thousands-unquoted/quoted.csv", right=make_day()),
    Case(
        "thousands-unquoted/quoted_integers.csv", right=make_day(), refused=refuse("(?i)thousand")
    ),
    # Phases are added up, and one is never taken for the house.
    Case("three-phases/shelly.csv", right=make_day(), refused=refuse("c_act_power", "mains")),
    Case("three-phases/shelly.csv", {"mains": PHASES}, make_day()),
    Case("three-phases/l1_power.csv", right=make_day(), refused=refuse("l1_power", "mains")),
    Case("three-phases/l1_power.csv", {"mains": "l1_power+l2_power+power"}, make_day()),
    Case("three-phases/meter.csv", right=make_day(), refused=refuse("mains", "time")),
    Case("three-phases/meter.csv", {"time": "TS", "mains": "W"}, make_day()),
    # Times in a column without a name; row numbers are none.
    Case("unnamed-index/mains.csv", right=make_day()),
    Case("unnamed-index/two.csv", right=make_house()),
    Case("unnamed-index/range.csv", right=make_day()),
    Case("unnamed-index/index_named.csv", right=make_day()),
    Case(
        "unnamed-index-6s/mains.csv",
        right=read_own("unnamed-index-6s/mains.csv", 1, period_s=6.0),
        doors=("load", "convert", "check"),
    ),
    Case("unnamed-index-6s/mains.csv", refused=refuse("every 6 s"), doors=("disaggregate",)),
    # 11/05/2023 may be 5 November: the whole column says it, or the user.
    Case(
        "us-dates/three_days.csv",
        right=make_three_days(),
        refused=refuse("dates"),
    ),
    Case("us-dates/three_days.csv", {"dates": "month-first"}, make_three_days()),
    Case("us-dates/two_digits.csv", refused=refuse("dates")),
    Case("us-dates/two_digits.csv", {"dates": "month-first"}, make_day()),
    # Watt hours an interval are no watts.
    Case("wh-per-interval/mains.csv", right=make_day(), refused=refuse("(?i)watt_hours|energy|Wh")),
    Case("wh-per-interval/mains.csv", {"measures": "energy", "unit": "Wh"}, make_day()),
)
