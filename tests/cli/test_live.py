"""The verb live: readings in, JSON lines or MQTT messages out, and what survives."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import polars as pl
import pytest

pytest.importorskip("aiomqtt")

from tests.live.test_mqtt import MOSQUITTO, Mosquitto

from seq2point import runtime
from seq2point.data.table import load_recording
from seq2point.model import pretrained
from seq2point.model.event_decisions import decide_recording, find_event_settings

BEGIN_S = 1_700_000_000
MODEL = "kettle-60s"


def make_watts(count, seed=2):
    random = np.random.default_rng(seed)
    return (np.where(np.arange(count) % 50 < 3, 2500, 200) + random.normal(0, 5, count)).round(1)


@pytest.fixture(scope="session")
def readings(tmp_path_factory):
    """A file of minutes, in the form that live reads and that disaggregate reads."""
    path = tmp_path_factory.mktemp("live") / "mains.parquet"
    times = (BEGIN_S + 60 * np.arange(700)) * 1000
    frame = pl.DataFrame({"time": times, "mains": make_watts(700)})
    frame.with_columns(pl.col("time").cast(pl.Datetime("ms", "UTC"))).write_parquet(path)
    return path


def start(*words, **streams):
    return subprocess.Popen(
        [sys.executable, "-m", "seq2point", "live", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        **streams,
    )


def read_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def expect(readings):
    recording = load_recording(readings, ())
    shipped = pretrained.find_pretrained(MODEL)
    model = runtime.load(shipped.native, 1)
    settings = find_event_settings(model, shipped.card)
    power_w = model.predict_w(recording)
    decided = decide_recording(
        recording, power_w, model.appliances, settings, share=False, causal=True
    )
    return np.minimum(decided.power_w["kettle"], recording.mains_w)


def require_predictions(lines, expected_w):
    got_w = [np.nan if line["kettle"] is None else line["kettle"] for line in lines]
    np.testing.assert_array_equal(np.isnan(got_w), np.isnan(expected_w))
    known_w, most_w = (np.array(each)[~np.isnan(expected_w)] for each in (got_w, expected_w))
    assert (known_w <= most_w + 0.1).all()
    # where it and what is always on are more than the mains each gives way
    assert np.mean(known_w >= most_w - 0.1) > 0.99


def test_a_replay_gives_what_the_batch_gives(readings, tmp_path, seq2point):
    out = tmp_path / "out.jsonl"
    answer = seq2point("live", MODEL, "--source", "replay", "--replay", readings, "--jsonl", out)
    assert answer.code == 0, answer.err
    lines = read_lines(out.read_text())
    assert [line["time"] for line in lines] == [BEGIN_S + 60 * i for i in range(700)]
    require_predictions(lines, expect(readings))
    for line in lines:
        parts = (line["kettle"] or 0) + (line["always_on"] or 0) + line["other"]
        assert parts == pytest.approx(line["mains"], abs=0.05)


def test_lines_on_standard_input_become_lines_on_standard_output(readings):
    lines = [
        json.dumps({"time": BEGIN_S + 60 * i, "mains_w": float(watts)}) + "\n"
        for i, watts in enumerate(make_watts(700))
    ]
    lines.insert(300, "nonsense\n")
    process = start(MODEL, "--source", "stdin", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, err = process.communicate("".join(lines), timeout=120)
    assert process.returncode == 0, err
    assert "warning: standard input, line 301: not JSON" in err
    require_predictions(read_lines(out), expect(readings))


WITHOUT = """
import sys
absent = ("torch", "lightning", "sklearn", "scipy", "onnxruntime", "polars", "pyarrow", "pandas")
sys.modules.update(dict.fromkeys(absent))  # to import any of them fails
from seq2point.cli import app
app(sys.argv[1:], standalone_mode=False)
"""


def test_it_needs_neither_torch_nor_onnx_runtime_nor_what_reads_files(tmp_path):
    lines = [
        json.dumps({"time": BEGIN_S + 60 * i, "mains_w": float(watts)})
        for i, watts in enumerate(make_watts(300))
    ]
    words = ["live", "--source", "stdin", "--store", tmp_path / "s"]
    command = [sys.executable, "-c", WITHOUT, *map(str, words)]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(read_lines(done.stdout)) == 300
    assert "washing_machine-60s-live: washing machine, a sample every 60 s" in done.stderr
    assert "answers come 16 min late; 'finished' is told: " in done.stderr


def test_a_model_of_a_later_target_answers_sooner_and_says_so(readings, tmp_path, seq2point):
    trained = tmp_path / "kettles.parquet"
    pl.read_parquet(readings).with_columns(kettle=pl.col("mains") - 200).write_parquet(trained)
    said = {}
    for point in ("0.5", "0.9"):
        out = tmp_path / point
        words = ["--network", "reduced", "--window", "41", "--steps", "2", "--threads", "1"]
        words += ["--target-point", point, "--out", out]
        answer = seq2point("train", "kettle", "--train", trained, *words)
        assert answer.code == 0, answer.err
        model = out / "model.safetensors"
        assert runtime.load(model).metadata.target_index == round(40 * float(point))
        answer = seq2point(
            *("live", model, "--source", "replay", "--replay", readings),
            *("--jsonl", tmp_path / f"{point}.jsonl"),
        )
        assert answer.code == 0, answer.err
        said[point] = next(line for line in answer.err.splitlines() if "'finished'" in line)
    assert said["0.5"] == "answers come 21 min late; 'finished' is told: kettle within 22 min"
    assert said["0.9"] == "answers come 5 min late; 'finished' is told: kettle within 6 min"


def test_an_answer_comes_before_the_input_ends():
    process = start(
        MODEL,
        *("--source", "stdin", "--cadence", "60s"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    for i, watts in enumerate(make_watts(400)):
        process.stdin.write(json.dumps({"time": BEGIN_S + 60 * i, "mains_w": watts}) + "\n")
    process.stdin.flush()
    first = json.loads(process.stdout.readline())
    assert first["time"] == BEGIN_S
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped after 400 readings" in err


@pytest.mark.parametrize("kills", [2, pytest.param(100, marks=pytest.mark.soak)])
def test_counters_survive_kill_9(readings, tmp_path, kills):
    words = [MODEL, *("--source", "replay", "--replay", readings)]
    words += ["--commit-every", "0", "--jsonl", tmp_path / "out.jsonl", "--store"]
    random = np.random.default_rng(kills)
    for _ in range(kills):
        process = start(*words, tmp_path / "s", "--speed", "20000")
        time.sleep(random.uniform(1.5, 4))
        process.kill()
        process.communicate()
    for store in ("s", "whole"):
        process = start(*words, tmp_path / store)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    counters = [read_counters(tmp_path / store) for store in ("s", "whole")]
    assert counters[0] == pytest.approx(counters[1], rel=1e-6)
    assert counters[0]["mains"] == pytest.approx(make_watts(700).sum() / 60, rel=1e-4)


def read_counters(path):
    file = sqlite3.connect(path)
    counters = dict(file.execute("SELECT name, wh FROM counters").fetchall())
    file.close()
    return counters


@pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed")
def test_mqtt_in_and_out_by_a_file_of_settings(tmp_path):
    import paho.mqtt.client as paho

    mosquitto = Mosquitto(tmp_path)
    settings = tmp_path / "live.toml"
    settings.write_text(
        f"""
        source = "mqtt"
        sink = ["mqtt"]
        broker = "127.0.0.1:{mosquitto.port}"
        topic = "home/mains#power"
        stamp = "at"
        models = ["{MODEL}"]
        cadence_s = 60
        store = "{tmp_path / "s"}"
        commit_every_s = 0
        """
    )
    process = start("--settings", settings, stdout=subprocess.DEVNULL)
    heard = {}
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _, __, message: heard.setdefault(message.topic, []).append(
        message.payload.decode()
    )
    try:
        client.connect("127.0.0.1", mosquitto.port)
        client.subscribe("#", qos=1)
        client.loop_start()
        now_s = int(time.time())
        first = {"power": 150, "at": now_s}
        wait_for(
            lambda: "homeassistant/device/seq2point_home/config" in heard,
            lambda: send(client, first),  # one that comes before the subscription is lost
        )
        assert "seq2point/home/availability" in heard
        send(client, {"power": 160, "at": now_s + 60})
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        wait_for(lambda: heard["seq2point/home/availability"][-1] == "offline")
    finally:
        client.loop_stop()
        client.disconnect()
        with suppress(ProcessLookupError):
            process.kill()
        mosquitto.stop()


def send(client, message):
    client.publish("home/mains", json.dumps(message), qos=1).wait_for_publish(5)


def wait_for(condition, again=lambda: None):
    for _ in range(300):
        if condition():
            return
        again()
        time.sleep(0.1)
    raise AssertionError("in vain")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("live", "--source is missing: choose mqtt, homeassistant, stdin or replay"),
        ("live --source replay", "--replay is missing"),
        ("live --source mqtt", "give --meter, for one that is known, or --topic, and not both"),
        ("live --source mqtt --meter glow", "meter 'glow' needs --meter-id: its device ID"),
        ("live --source mqtt --topic a/+/b", "wildcards would mix several meters into one"),
        ("live --source homeassistant", "--entity is missing"),
        ("live --source stdin --sink mqtt", "sink mqtt needs --store"),
        ("live --source stdin --sink fax", "sink 'fax'"),
        ("live --source stdin --sink page --page-host 0.0.0.0", "others could see your home"),
        (
            "live --source stdin --sink page --page-token-file lost",
            "lost: cannot be read",
        ),
        ("live --source stdin --sink page --page-port 70000", "--page-port: input should be less"),
        ("live --source stdin --sink page --zone Mars", "--zone: unknown time zone 'Mars'"),
        ("live --source stdin --sink page --tariff 30", "30 of what for a kWh?"),
        ("live --source stdin --tariff 30", "30 of what for a kWh?"),
        ("live --source stdin --tariff 0.30GBP", "--tariff: the page alone shows costs; add"),
        ("live --source replay --replay lost.csv --tariff 0.30GBP", "the page alone shows costs"),
        ("live --source mqtt --topic a/#", "'a/#': wildcards would mix several meters into one"),
        ("live --source mqtt --topic #", "'#': wildcards would mix several meters into one"),
        ("live teapot --source stdin", "no model of 'teapot' comes with the package"),
        ("live lost.onnx --source stdin", "lost.onnx: no such file"),
        ("live --settings lost.toml", "lost.toml: cannot be read"),
    ],
)
def test_what_cannot_be_is_refused(words, complaint, seq2point, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = seq2point(*words.split())
    assert answer.code == 2
    assert complaint in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            "time,mains\n" + "".join(f"{60 * i},{0.2 + i % 50 / 100}\n" for i in range(500)),
            "if they are kilowatts, write kW after the column's name: mains[kW]",
        ),
        (
            "time,x,y\n0,100,1\n60,200,2\n120,300,3\n",
            "name it with --mains-column; live has no such option: convert the file with it, by",
        ),
    ],
)
def test_a_file_to_replay_that_needs_an_option_is_refused_with_what_to_do(
    rows, complaint, seq2point, tmp_path
):
    (tmp_path / "home.csv").write_text(rows)
    answer = seq2point("live", "--source", "replay", "--replay", tmp_path / "home.csv")
    assert answer.code == 1
    assert complaint in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_broker_that_is_not_there_is_said_of_the_source_and_of_the_sink(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        broker = f"127.0.0.1:{taken.getsockname()[1]}"
        words = ("--source", "mqtt", "--topic", "home/mains", "--sink", "mqtt", "--broker", broker)
        process = start(MODEL, *words, "--store", tmp_path / "home.sqlite")
        lines = sorted([process.stderr.readline(), process.stderr.readline()])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert lines == [
        f"warning: {each} mqtt://{broker}: nobody answers at this port; connecting again in 1 s\n"
        for each in ("sink", "source")
    ]


def test_the_folder_of_json_lines_is_made(readings, tmp_path, seq2point):
    out = tmp_path / "new" / "deep" / "lines.jsonl"
    words = ("live", "kettle-60s", "--source", "replay", "--replay", readings, "--jsonl", out)
    assert seq2point(*words).code == 0
    assert out.stat().st_size


def test_standard_input_that_is_closed_is_said():
    process = start(
        MODEL, "--source", "stdin", stdout=subprocess.PIPE, preexec_fn=lambda: os.close(0)
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == "seq2point: --source stdin: standard input is closed\n"


def test_standard_output_that_is_closed_is_one_line_at_most(readings, tmp_path):
    words = [MODEL, *("--source", "replay", "--replay", readings, "--store", tmp_path / "s")]
    process = start(*words, preexec_fn=lambda: os.close(1))
    _, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    assert read_counters(tmp_path / "s")["mains"] > 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sauce = 'stdin'", "unknown setting 'sauce': did you mean 'source'?"),
        ("source = 'fax'", "source 'fax'"),
        ("source =", "not TOML"),
    ],
)
def test_settings_that_cannot_be_are_refused(text, complaint, seq2point, tmp_path):
    path = tmp_path / "live.toml"
    path.write_text(text)
    answer = seq2point("live", "--settings", path)
    assert answer.code == 2
    assert complaint in answer.err


def test_the_command_line_wins_over_the_file(seq2point, tmp_path):
    path = tmp_path / "live.toml"
    path.write_text("source = 'mqtt'")
    answer = seq2point("live", "--settings", path, "--source", "replay")
    assert "--replay is missing" in answer.err


def test_meters_are_listed(seq2point):
    answer = seq2point("live", "--list-meters")
    assert answer.code == 0
    assert "glow: its device ID, twelve letters and digits; it sends about each 10 s" in answer.out


def test_the_help_says_that_a_source_is_required():
    answer = subprocess.run(
        [sys.executable, "-m", "seq2point", "live", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    help_words = " ".join(answer.stdout.split())
    assert "Where readings come from. [required, here or in a file of settings]" in help_words
