"""Every option of the package, declared once: a class a concern, a field an option."""

from seq2point.configuration.columns import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.configuration.declare import UNSET, Config, LazyType, accept_fields, option
from seq2point.configuration.export import ExportConfig, ExportOptions, Tolerances
from seq2point.configuration.household import HouseholdConfig
from seq2point.configuration.live import (
    BrokerConfig,
    HomeAssistantConfig,
    KeepConfig,
    LiveConfig,
    MeterConfig,
    PaceConfig,
)
from seq2point.configuration.training import (
    AdaptConfig,
    AdaptOptions,
    AppliancePower,
    AugmentationConfig,
    LearningConfig,
    MachineConfig,
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

__all__ = [
    "DEFAULT_COLUMNS",
    "UNSET",
    "AdaptConfig",
    "AdaptOptions",
    "AppliancePower",
    "AugmentationConfig",
    "BrokerConfig",
    "ColumnsConfig",
    "Config",
    "ExportConfig",
    "ExportOptions",
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
    "PruningConfig",
    "RunConfig",
    "SessionConfig",
    "Tolerances",
    "TrainOptions",
    "TrainingConfig",
    "TransferConfig",
    "TransferOptions",
    "accept_fields",
    "option",
]
