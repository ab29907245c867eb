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
        "Machines that share every step, `devices` on each. The same command begins on all, by"
        " torchrun or with MASTER_ADDR, MASTER_PORT and NODE_RANK set.",
    )
    threads: PositiveInt | None = option(
        None, "CPU threads.", unset="all cores, or one in a training where that is faster"
    )
