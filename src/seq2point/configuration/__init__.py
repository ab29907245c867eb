"""Every option of the package, declared once: a class a concern, a field an option.

A class is imported when it is asked for: a command takes a few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2point.configuration.columns import DEFAULT_COLUMNS, ColumnsConfig
    from seq2point.configuration.declare import UNSET, Config, LazyType, accept_fields, option
    from seq2point.configuration.export import ExportConfig, ExportOptions, Tolerances
    from seq2point.configuration.fleet import FleetConfig
    from seq2point.configuration.household import HouseholdConfig, TariffConfig
    from seq2point.configuration.live import (
        BrokerConfig,
        HomeAssistantConfig,
        KeepConfig,
        LiveConfig,
        MeterConfig,
        PaceConfig,
        PageConfig,
    )
    from seq2point.configuration.machine import MachineConfig
    from seq2point.configuration.study import StudyConfig
    from seq2point.configuration.training import (
        AdaptConfig,
        AdaptOptions,
        AppliancePower,
        AugmentationConfig,
        LearningConfig,
        MaterialConfig,
        NetworkConfig,
        PruningConfig,
        RunConfig,
        SessionConfig,
        TrainingConfig,
        TrainOptions,
        TransferConfig,
        TransferOptions,
    )
    from seq2point.configuration.workers import ClusterConfig

__all__ = [
    "DEFAULT_COLUMNS",
    "UNSET",
    "AdaptConfig",
    "AdaptOptions",
    "AppliancePower",
    "AugmentationConfig",
    "BrokerConfig",
    "ClusterConfig",
    "ColumnsConfig",
    "Config",
    "ExportConfig",
    "ExportOptions",
    "FleetConfig",
    "HomeAssistantConfig",
    "HouseholdConfig",
    "KeepConfig",
    "LazyType",
    "LearningConfig",
    "LiveConfig",
    "MachineConfig",
    "MaterialConfig",
    "MeterConfig",
    "NetworkConfig",
    "PaceConfig",
    "PageConfig",
    "PruningConfig",
    "RunConfig",
    "SessionConfig",
    "StudyConfig",
    "TariffConfig",
    "Tolerances",
    "TrainOptions",
    "TrainingConfig",
    "TransferConfig",
    "TransferOptions",
    "accept_fields",
    "option",
]

_HOMES = {
    "columns": ("DEFAULT_COLUMNS", "ColumnsConfig"),
    "declare": ("UNSET", "Config", "LazyType", "accept_fields", "option"),
    "export": ("ExportConfig", "ExportOptions", "Tolerances"),
    "fleet": ("FleetConfig",),
    "household": ("HouseholdConfig", "TariffConfig"),
    "live": (
        "BrokerConfig",
        "HomeAssistantConfig",
        "KeepConfig",
        "LiveConfig",
        "MeterConfig",
        "PaceConfig",
        "PageConfig",
    ),
    "machine": ("MachineConfig",),
    "study": ("StudyConfig",),
    "workers": ("ClusterConfig",),
}
"""The names of each module; all others are training's."""


def __getattr__(name: str) -> Any:
    """Import the class that is asked for."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    home = next((home for home, names in _HOMES.items() if name in names), "training")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
