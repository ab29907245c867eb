"""MQTT over TLS with a real broker, passwords, and certificates that are made here."""

import asyncio
import shutil
import subprocess
import sys

import pytest

aiomqtt = pytest.importorskip("aiomqtt")

from tests.live.test_mqtt import MOSQUITTO, Mosquitto, take, until_connected  # noqa: E402

from seq2point.live.broker import PASSWORD_VARIABLE, open_broker  # noqa: E402
from seq2point.live.meters import Meter  # noqa: E402
from seq2point.live.presets import parse_channels  # noqa: E402
from seq2point.live.sources.mqtt import MqttSource  # noqa: E402

OPENSSL = shutil.which("openssl")

pytestmark = [
    pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed"),
    pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed"),
]

EXTENSIONS = """subjectAltName=DNS:localhost,IP:127.0.0.1
basicConstraints=CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def run_openssl(folder, *words):
    subprocess.run([OPENSSL, *words], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """Make an authority, ca.pem, and a server's key and certificate that it has signed."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    (folder / "extensions").write_text(EXTENSIONS)
    authority = ("-x509", "-days", "2", "-subj", "/CN=authority", "-addext", "keyUsage=keyCertSign")
    run_openssl(folder, "req", *key, *authority, "-keyout", "ca.key", "-out", "ca.pem")
    run_openssl(
        folder, "req", *key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"
    )
    run_openssl(
        folder,
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2"),
        *("-CAcreateserial", "-extfile", "extensions", "-out", "server.pem"),
    )


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A broker that speaks TLS alone and knows one password."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "home", "right"], check=True)
    (folder / "secret").write_text("right\n")
    (folder / "wrong").write_text("wrong\n")
    lines = [f"certfile {folder / 'server.pem'}", f"keyfile {folder / 'server.key'}"]
    lines += ["allow_anonymous false", f"password_file {passwords}"]
    running = Mosquitto(folder, lines)
    running.folder = folder
    yield running
    running.stop()


@pytest.mark.parametrize("place", ["file", "environment"])
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_readings_come_over_tls_with_a_password(secured, place, version, monkeypatch):
    folder = secured.folder
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    if place == "environment":
        monkeypatch.setenv(PASSWORD_VARIABLE, "right")
    secret = folder / "secret" if place == "file" else None
    address = f"mqtts://localhost:{secured.port}"
    broker = open_broker(address, "home", secret, folder / "ca.pem", version)
    assert "right" not in repr(broker) + str(broker)

    async def run():
        source = MqttSource(broker, Meter(parse_channels(["m"])), "test")
        taking = asyncio.ensure_future(take(source, 1))
        await until_connected(source)
        async with broker.make_client("meter") as client:
            await client.publish("m", "321", qos=1)
        return await asyncio.wait_for(taking, 20)

    assert [reading.watts for reading in asyncio.run(run())] == [321]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--ca {ca} --password-file {wrong}", "refuses the connection"),
        ("--ca {ca}", "refuses the connection"),
        (
            "--password-file {secret}",
            "certificate is not trusted (unable to get local issuer certificate)",
        ),
        ("--ca {secret} --password-file {secret}", "no certificates can be read from it"),
    ],
)
def test_a_wrong_password_and_an_untrusted_certificate_are_said_in_a_line(
    secured, words, complaint, monkeypatch
):
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    places = {name: secured.folder / name for name in ("secret", "wrong")}
    words = words.format(ca=secured.folder / "ca.pem", **places).split()
    options = ("--source", "mqtt", "--topic", "m", "--user", "home")
    broker = ("--broker", f"mqtts://localhost:{secured.port}")
    command = [sys.executable, "-m", "seq2point", "live", "kettle", *options, *broker, *words]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode in (1, 2)
    (line,) = answer.stderr.splitlines()
    assert complaint in line
    assert "right" not in line
    assert "wrong" not in line.replace(str(places["wrong"]), "")
