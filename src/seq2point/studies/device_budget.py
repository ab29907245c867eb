"""What a device has to give, and by how much a network is too large or too slow for it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from seq2point.architecture import Architecture
from seq2point.deploy.microcontroller import count_cost
from seq2point.wording import format_number

TARGETS = ("microcontroller", "onnx")


class DeviceBudget(NamedTuple):
    """What there is on the device; None is as much as it takes.

    For `onnx` flash is the file, and RAM the peak memory of a process that answers. The latency is
    that of one more answer on the machine that searches.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_s: float | None = None

    def find_excess_of_shape(self, target: str, shape: Architecture, int8: bool) -> str | None:
        """Return why no network of a shape can fit, None where one may."""
        if target == "onnx":
            return _describe_excess("file", shape.parameters * (1 if int8 else 4), self.flash_bytes)
        needs = count_cost(shape, 8)
        return _describe_excess("flash", needs.flash_bytes, self.flash_bytes) or _describe_excess(
            "RAM", needs.ram_bytes, self.ram_bytes
        )

    def find_excess(self, target: str, result: Mapping[str, Any]) -> str | None:
        """Return why what was made does not fit, None where it does."""
        flash = "file" if target == "onnx" else "flash"
        excess = _describe_excess(
            flash, result["flash_bytes"], self.flash_bytes
        ) or _describe_excess("RAM", result["ram_bytes"], self.ram_bytes)
        latency_s = self.latency_s
        if excess is None and latency_s is not None and result["latency_s"] > latency_s:
            excess = (
                f"takes {format_number(1e3 * result['latency_s'])} ms, {1e3 * latency_s:,.10g} ms"
                " are allowed"
            )
        return excess


def _describe_excess(memory: str, needs: int, there: int | None) -> str | None:
    if there is None or needs <= there:
        return None
    return f"needs {needs / 1024:,.0f} KB of {memory}, {there / 1024:,.0f} KB are there"
