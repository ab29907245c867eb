"""The facts of the machine that figures belong to."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "polars", "torch", "pandas")


def describe_machine() -> dict[str, str]:
    """Return what figures depend on: processor, cores, memory, load, system, and versions."""
    facts = {
        "processor": find_processor(),
        "cores": f"{len(os.sched_getaffinity(0))}, {os.environ.get('OMP_NUM_THREADS', 'all')} used",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "load": f"{os.getloadavg()[0]:.1f} when it began",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "absent"
    return facts | {"kernels": find_kernels()}


def find_processor() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def find_kernels() -> str:
    """Return whether the C kernels are prebuilt, compiled, or absent."""
    from seq2point.kernels import load_kernels

    kernels = load_kernels()
    if kernels is None:
        return "absent, NumPy computes"
    return "prebuilt" if "prebuilt" in kernels._c._name else "compiled here"
