"""The option of what many tasks run on, beside this machine."""

from seq2point.configuration.declare import Config, option


class ClusterConfig(Config):
    """Which cluster works off the tasks."""

    cluster: str | None = option(
        None,
        "Ray cluster to run on: HOST:6379, ray://HOST:10001 or auto.",
        unset="this machine alone",
    )
