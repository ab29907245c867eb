"""The options of where to compute."""

from pydantic import PositiveInt

from seq2point.choices import Device
from seq2point.configuration.declare import Config, option


class MachineConfig(Config):
    """Where to compute."""

    device: Device = option("auto", "Where to compute; auto is CUDA if there is a GPU.")
    devices: PositiveInt = option(1, "Processes that share every step: GPUs, or CPU cores.")
    nodes: PositiveInt = option(
        1,
        "Machines that share every step: begin the same command on each, by torchrun.",
    )
    threads: PositiveInt | None = option(
        None, "CPU threads.", unset="all, if faster", absurd_above=1024
    )
