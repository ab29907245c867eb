"""The files of a home's result: its power and its energy by day, each with the key of what made it.

    power/house=17/power.parquet      time (UTC), mains, appliances, always_on, other: watts
    energy/house=17/energy.parquet    date, hours, hours_known, name, kwh, share, uses, hours_on

The key in a file's metadata says which input, models and settings it was made of. So a result is
known again even where the manifest is lost, or a run ended between the file and its row.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.data import parquet_file
from seq2point.fleet.storage import OutputFolder, explain_store, is_remote, open_store
from seq2point.household import HomeEnergy
from seq2point.household.energy_table import tabulate_energy

KEY, SUMMARY = "fleet_key", "fleet_summary"
ENERGY_COLUMNS = ("date", "hours", "hours_known", "name", "kwh", "share", "uses", "hours_on")


def name_energy(house: str) -> str:
    """Return the file of a home's energy by day, below the folder of results."""
    return f"energy/house={quote(house, safe=' ')}/energy.parquet"


def name_power(house: str) -> str:
    """Return the file of a home's power, below the folder of results."""
    return f"power/house={quote(house, safe=' ')}/power.parquet"


def list_result_names(house: str, with_power: bool) -> list[str]:
    """Return the files of a home's result. The last one is written last."""
    return [name_energy(house), *([name_power(house)] if with_power else [])]


def write_result(
    energy: HomeEnergy, output: OutputFolder, house: str, key: str, with_power: bool
) -> dict[str, Any]:
    """Write the files of a home's result and return its summary.

    Raises OutputError where they cannot be written.
    """
    summary = summarise(energy)
    about = {KEY: key, SUMMARY: json.dumps(summary), "zone": energy.zone}
    with output.write(name_energy(house)) as path:
        _write_energy(energy, path, about)
    if with_power:
        with output.write(name_power(house)) as path:
            _write_power(energy, path, about | {"house": house})
    else:
        output.remove(name_power(house))
    return summary


def summarise(energy: HomeEnergy) -> dict[str, Any]:
    """Return what the manifest holds of a home: days, kWh by name, models and notes, as JSON."""
    watt_hours = energy.totals.watt_hours.sum(axis=0).tolist()
    return {
        "days": round(energy.coverage.days, 4),
        "days_known": round(energy.coverage.predicted_days, 4),
        "zone": energy.zone,
        "period_s": energy.period_s,
        "kwh": {n: wh / 1000 for n, wh in zip(energy.names, watt_hours, strict=True)},
        "models": {each.name: each.model for each in energy.appliances},
        "notes": list(energy.notes),
    }


def _write_energy(energy: HomeEnergy, path: Any, about: Mapping[str, str]) -> None:
    table = tabulate_energy(energy.totals, energy.names, energy.zone, ("day",))
    rows = table.rename({"start": "date"}).select(ENERGY_COLUMNS).to_arrow()
    rows = rows.cast(pa.schema([(f.name, _to_plain_type(f.type)) for f in rows.schema]))
    rows = rows.replace_schema_metadata(dict(about))
    try:
        with parquet_file.open_writer(path, rows.schema) as file:
            file.write_table(rows)
    except pa.ArrowException as error:
        raise OSError(str(error)) from error


def _to_plain_type(kind: pa.DataType) -> pa.DataType:
    is_text = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.string() if is_text else kind


def _write_power(energy: HomeEnergy, path: Any, about: Mapping[str, str]) -> None:
    columns = {"mains": energy.mains_w, **energy.parts_w}
    metadata = {
        "period_s": f"{energy.period_s:g}",
        "unit": "W",
        "nominal_time": str(not energy.is_dated).lower(),
        **about,
    }
    try:
        with parquet_file.Writer(path, list(columns), metadata) as writer:
            writer.write([energy.times_s], [[power_w] for power_w in columns.values()])
    except pa.ArrowException as error:
        raise OSError(str(error)) from error


def find_summary(output: OutputFolder, house: str, key: str, with_power: bool) -> Any:
    """Return the summary of a result whose files are all there and have the key, else None."""
    summary = None
    for name in list_result_names(house, with_power):
        metadata = _read_metadata(output.join(name))
        if metadata.get(KEY) != key:
            return None
        summary = json.loads(metadata[SUMMARY])
    return summary


def _read_metadata(address: str) -> Mapping[str, str]:
    """Return the metadata of a result's file; empty where it is missing or damaged."""
    try:
        if not is_remote(address):
            schema = pq.read_schema(address)
        else:
            store = open_store(address)
            with explain_store(address):
                if not store.exists(address):
                    return {}
                with store.open(address, "rb") as file:
                    schema = pq.read_schema(file)
    except (OSError, pa.ArrowException):
        return {}
    metadata = schema.metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items()}


def remove_result(output: OutputFolder, house: str) -> None:
    """Remove the files of a home that is set aside: they are of readings that it has no more."""
    for name in list_result_names(house, True):
        output.remove(name)
