import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2point.errors import DataError, UsageError
from seq2point.household.balance import balance
from seq2point.live.mains_parts import ALWAYS_ON, MAINS, OTHER, Answers
from seq2point.live.store import Cycle, Store
from seq2point.live.store_schema import MIGRATIONS

BEGIN_S = 1_700_000_000.0 - 1_700_000_000 % 86_400


def make_answers(first, count, period_s=60.0, mains_w=None):
    mains = np.full(count, 300, np.float32) if mains_w is None else np.asarray(mains_w, np.float32)
    kettle_w = np.where(np.arange(first, first + count) % 10 == 3, 2000, 0).astype(np.float32)
    times_s = BEGIN_S + period_s * np.arange(first, first + count)
    predicted = {"kettle": kettle_w}
    claims = predicted | {ALWAYS_ON: np.full(count, 50, np.float32)}
    balanced = balance(mains, claims, {"kettle": 10.0, ALWAYS_ON: 5.0})
    parts = {**balanced.parts_w, OTHER: balanced.other_w}
    return Answers(period_s, times_s, balanced.mains_w, predicted, parts, np.zeros(count, bool))


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "home.sqlite")
    yield store
    store.close()


def test_counters_minutes_and_hours_add_up_to_the_mains(store):
    store.commit([make_answers(0, 150)])
    counters = store.read_counters()
    assert counters[MAINS] == pytest.approx(300 * 2.5)
    parts = sum(wh for name, wh in counters.items() if name != MAINS)
    assert parts == pytest.approx(counters[MAINS])
    assert counters["kettle"] == pytest.approx(15 * 300 / 60)
    minutes = store.read_minutes()
    assert sum(wh for _, name, wh, _ in minutes if name == MAINS) == pytest.approx(750)
    hours = [hour for hour in store.read_hours() if hour.name == MAINS]
    assert [(h.start_s, h.wh, h.known_s, h.total_wh) for h in hours] == [
        (BEGIN_S, 300, 3600, 300),
        (BEGIN_S + 3600, 300, 3600, 600),
    ]


def test_nothing_counts_twice_and_answered_up_to_never_goes_back(store):
    store.commit([make_answers(0, 50)])
    before = store.read_counters()
    assert store.commit([make_answers(10, 40)]) == before
    store.commit([make_answers(40, 20)])
    assert store.read_counters()[MAINS] == pytest.approx(300)
    assert store.read_state()[0] == BEGIN_S + 3600


def test_unknown_is_no_energy(store):
    mains_w = np.full(60, 300.0)
    mains_w[10:30] = np.nan
    store.commit([make_answers(0, 60, mains_w=mains_w)])
    (hour,) = (hour for hour in store.read_hours() if hour.name == MAINS)
    assert (hour.wh, hour.known_s) == (pytest.approx(200), 2400)


def test_minutes_are_forgotten_after_weeks_and_hours_never(tmp_path):
    store = Store(tmp_path / "home.sqlite", keep_minutes_days=2)
    for day in range(5):
        store.commit([make_answers(1440 * day, 1440)])
    assert store.read_minutes()[0][0] == BEGIN_S + 2 * 86_400
    assert len({hour.start_s for hour in store.read_hours()}) == 120
    store.close()


def test_homes_are_kept_apart(store):
    store.commit([make_answers(0, 60)], home="one")
    store.commit([make_answers(0, 30)], {"a": 1}, home="two")
    assert store.read_counters("two")[MAINS] == store.read_counters("one")[MAINS] / 2
    assert store.read_state("two")[1] == {"a": 1}
    assert store.read_state("one")[1] is None


def test_cycles_are_kept(store):
    cycles = [Cycle("kettle", 5.0, 65.0, 30.0), Cycle("fridge", 1.0, 9.0, 2.0)]
    store.commit([], cycles=cycles)
    store.commit([], cycles=cycles[:1])
    assert store.read_cycles() == [cycles[1], cycles[0]]


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 500), max_size=4).map(sorted))
def test_counters_are_the_same_for_any_commits(cuts, tmp_path_factory):
    whole = make_answers(0, 500, mains_w=np.random.default_rng(1).uniform(0, 3000, 500))
    one, other = (Store(tmp_path_factory.mktemp("db") / "s") for _ in range(2))
    one.commit([whole])
    for a, b in zip([0, *cuts], [*cuts, 500], strict=True):
        other.commit([whole.slice(a, b)])
    assert other.read_counters() == pytest.approx(one.read_counters(), rel=1e-9)
    one.close()
    other.close()


def test_a_backup_is_a_store(store, tmp_path):
    store.commit([make_answers(0, 60)], {"a": 1})
    store.back_up(tmp_path / "backup.sqlite")
    copy = Store(tmp_path / "backup.sqlite")
    assert copy.read_counters() == store.read_counters()
    assert copy.read_state() == store.read_state()
    copy.close()
    with pytest.raises(UsageError, match="exists"):
        store.back_up(tmp_path / "backup.sqlite")


def test_an_older_file_is_migrated_and_backed_up(tmp_path):
    path = tmp_path / "home.sqlite"
    file = sqlite3.connect(path)
    file.executescript(MIGRATIONS[0])
    file.execute("INSERT INTO counters VALUES ('', 'kettle', 12.5)")
    file.execute("INSERT INTO homes VALUES ('', ?, NULL)", (BEGIN_S,))
    file.execute("PRAGMA user_version=1")
    file.execute(f"PRAGMA application_id={0x53325031}")
    file.commit()
    file.close()
    store = Store(path)
    store.commit([make_answers(0, 60)])
    assert store.read_counters()["kettle"] == pytest.approx(12.5 + 6 * 300 / 60)
    store.close()
    backup = sqlite3.connect(tmp_path / "home.sqlite.version-1")
    assert backup.execute("SELECT wh FROM counters").fetchall() == [(12.5,)]
    backup.close()


@pytest.mark.parametrize(
    ("pragma", "complaint"),
    [
        ("user_version=99", "written by a later seq2point"),
        ("application_id=7", "of another program"),
    ],
)
def test_files_of_others_are_refused(tmp_path, pragma, complaint):
    Store(tmp_path / "s").close()
    file = sqlite3.connect(tmp_path / "s")
    file.execute(f"PRAGMA {pragma}")
    file.close()
    with pytest.raises(DataError, match=complaint):
        Store(tmp_path / "s")


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "s").write_bytes(b"no database at all" * 200)
    with pytest.raises(DataError, match="damaged"):
        Store(tmp_path / "s")
    with pytest.raises(DataError, match="cannot be used"):
        Store(tmp_path)


def test_a_file_in_use_is_refused(store, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k | {"timeout": 0.01}))
    store.commit([])
    with pytest.raises(DataError, match="in use by another process"):
        Store(store.path)


COUNT_ON = """
import sys
sys.path.insert(0, {folder!r})
from tests.live.test_store import make_answers
from seq2point.live.store import Store
store = Store({path!r})
answered_s, state = store.read_state()
at = state["at"] if state else 0
while at < {total}:
    store.commit([make_answers(at, 7)], {{"at": at + 7}})
    at += 7
print("done")
"""


def count_on(path, total):
    folder = str(Path(__file__).parents[2])
    program = COUNT_ON.format(folder=folder, path=str(path), total=total)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_counters_survive_kill_9(tmp_path, kills):
    path, total = tmp_path / "s", 7 * 50 * kills
    random = np.random.default_rng(kills)
    highest_wh = 0.0
    for _ in range(kills):
        process = count_on(path, total)
        while not path.exists():
            time.sleep(0.01)
        time.sleep(random.uniform(0.05, 0.6))
        process.kill()
        process.wait()
        process.stdout.close()
        store = Store(path)
        wh = store.read_counters().get(MAINS, 0)
        _, state = store.read_state()
        store.close()
        assert wh >= highest_wh
        assert wh == pytest.approx(5.0 * (state["at"] if state else 0))
        highest_wh = wh
    process = count_on(path, total)
    assert process.communicate(timeout=120)[0] == "done\n"
    store = Store(path)
    expected = Store(tmp_path / "expected")
    expected.commit([make_answers(0, total)])
    assert store.read_counters() == pytest.approx(expected.read_counters(), rel=1e-9)
    assert [h.known_s for h in store.read_hours()] == [h.known_s for h in expected.read_hours()]
    store.close()
    expected.close()


def test_energy_by_the_quarter_adds_up_to_the_minutes(store):
    store.commit([make_answers(0, 400)])
    minutes, quarters = store.read_minutes(), store.read_energy(900)
    assert {start % 900 for start, *_ in quarters} == {0}
    for name in {row[1] for row in minutes}:
        by_minute = [row for row in minutes if row[1] == name]
        by_quarter = [row for row in quarters if row[1] == name]
        for column in (2, 3):
            whole = sum(row[column] for row in by_minute)
            assert sum(row[column] for row in by_quarter) == pytest.approx(whole)
