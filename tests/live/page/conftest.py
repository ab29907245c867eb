import pytest

pytest.importorskip("starlette", reason="the page is an extra: pip install 'seq2point[live]'")
pytest.importorskip("sse_starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("aiomqtt")
pytest.importorskip("onnxruntime")

from tests.live.page.live_home import LiveHome, simulate_watts


@pytest.fixture(scope="session")
def watts():
    """A day and a half of a simulated home's mains, a reading a minute."""
    return simulate_watts(1.5)


@pytest.fixture(scope="session")
def home(watts, tmp_path_factory):
    """A home that is live, with all its readings sent and its source still open."""
    folder = tmp_path_factory.mktemp("live")
    words = ["--store", folder / "home.sqlite", "--commit-every", "0", "--page-port", "0"]
    home = LiveHome(*words, "--tariff", "0.30 GBP, 0.12 23:00-07:00", "--home", "elm street 4")
    home.send(watts)
    yield home
    home.stop()
