"""How to say a setting on the command line, for the advice of the library's errors."""

from seq2point.errors import Seq2PointError

OPTIONS = {
    "appliances": "--appliances NAMES",
    "columns.appliances": "--column APPLIANCE=NAME",
    "columns.mains": "--mains-column NAME",
    "columns.repair": "--repair",
    "columns.time": "--time-column NAME",
    "columns.unit": "--unit kW",
    "device": "--device cpu",
    "folder": "-o FOLDER",
    "mains": "--mains FILE",
    "max_power_w": "--max-power WATTS",
    "min_off_s": "--min-off DURATION",
    "min_on_s": "--min-on DURATION",
    "on_power_w": "--on-power WATTS",
    "period_s": "--period DURATION",
    "processes": "--jobs NUMBER",
    "resample": "--resample",
}


def describe_error(error: Seq2PointError) -> str:
    """Return the text of an error, with the option of its setting where it has one."""
    option = OPTIONS.get(error.field or "")
    return f"{error} ({option})" if option else str(error)
