"""The options of a training, and of a transfer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from seq2point.choices import Engine, Freeze, LearningRateSchedule, Rescale, Scaling
from seq2point.configuration.declare import Config, LazyType, option
from seq2point.configuration.machine import MachineConfig

if TYPE_CHECKING:
    from lightning.pytorch import Callback

    from seq2point.appliances import Appliance
    from seq2point.compression.pruning import Pruner
    from seq2point.datasets.traces import Trace
    from seq2point.model.model_file import Model
    from seq2point.network import Architecture
    from seq2point.recording import RecordingsLike
    from seq2point.recording.scaling import Scale

    ApplianceLike = str | Appliance
else:
    ApplianceLike = Any  # `resolve_appliance` says more of what it does not take
    Callback = Annotated[Any, LazyType("lightning.pytorch.Callback")]
    Pruner = Annotated[Any, LazyType("seq2point.compression.pruning.Pruner")]
    Model = Annotated[Any, LazyType("seq2point.model.model_file.Model")]
    Architecture = Annotated[Any, LazyType("seq2point.network.Architecture")]
    RecordingsLike = Any
    Trace = Annotated[Any, LazyType("seq2point.datasets.traces.Trace")]
    Scale = Annotated[Any, LazyType("seq2point.recording.scaling.Scale")]

LEARNING_RATES: dict[Engine, float] = {"sliding": 3e-3, "windows": 1e-3}
TRANSPLANT, GAIN, ABSOLUTE = 0.7, 0.3, 0.2
TRACED = 0.3
HELD_OUT = 0.2
MOST_STEPS, LONGEST_S, MOST_WINDOWS = 10**9, 1e8, 10**6
HIGHEST_SEED = 2**32 - 1
ADAPT_BUDGET_S, ADAPT_RATE, ADAPT_TRANSPLANT = 300.0, 5e-4, 0.9
PRUNERS = (  # a test holds it to the table
    "magnitude, global_magnitude, lamp, structured, spp, entropic, threshold or random"
)
WINDOWS = "599 at 6 s and 8 s, 511 at 30 s, 255 at 60 s"  # a test holds it to the table
CHECKPOINT_EVERY_S = 60.0


class AppliancePower(Config):
    """When an appliance counts as on, for one of your own or otherwise than in the table."""

    on_power_w: PositiveFloat | None = option(
        None,
        "Power above which the appliance is on; needed for one that the table lacks.",
        unset="the table's",
    )
    max_power_w: PositiveFloat | None = option(
        None, "Its highest power.", unset="the table's, or the highest in training"
    )
    min_on_s: float | None = option(
        None, "Drop activations shorter than this.", unset="the table's, or 0", ge=0
    )
    min_off_s: float | None = option(
        None, "Merge activations closer than this.", unset="the table's, or 0", ge=0
    )


class NetworkConfig(Config):
    """The network to train, where its weights start, and its scaling constants."""

    network: str | Architecture | None = option(
        None,
        "One of seq2point, reduced, dropout or reduced_dropout.",
        unset="seq2point",
    )
    window: PositiveInt | None = option(None, "Readings in a window, odd.", unset=WINDOWS)
    target_point: float | None = option(
        None,
        "Place in the window of the reading to predict, 0 to 1; later answers sooner live.",
        unset="0.5",
        ge=0,
        le=1,
    )
    narrow: PositiveInt | None = option(
        None,
        "Hidden units of the first nine tenths of the training.",
        unset="all",
    )
    start: Model | None = option(
        None, "Model to start from: its weights, network, scaling and masks."
    )
    scaling: Scaling | Scale = option(
        "published", "Scaling constants: published, or fitted on the training houses."
    )


class PruningConfig(Config):
    """The pruning method and its settings."""

    pruning: str | Pruner | None = option(
        None,
        f"Pruning method: none, {PRUNERS}; tfmot is another name of magnitude.",
        unset="none",
    )
    sparsity: float | None = option(None, "Fraction to remove, 0 to below 1.", unset="by method")
    pruning_settings: Mapping[str, Any] | None = option(
        None, "A setting of the pruning method, see `seq2point pruners`; repeat for several."
    )

    @model_validator(mode="after")
    def _check_sparsity(self) -> Self:
        if self.sparsity is not None and "sparsity" in (self.pruning_settings or {}):
            raise ValueError("`sparsity` and the setting sparsity are the same: give one of them")
        return self


class MaterialConfig(Config):
    """How much is learned from simulated houses and from traces of appliances alone."""

    simulated: float = option(
        0.0, "Share of chunks whose appliance is of a simulated house.", ge=0, lt=1
    )
    simulated_mains: float | None = option(
        None,
        "Share of transplants whose mains are of a simulated house.",
        unset="as `simulated`",
        ge=0,
        le=1,
    )
    traced: float | None = option(
        None,
        "Share of chunks whose appliance is of a trace.",
        unset=f"{TRACED} where there are traces of the appliance",
        ge=0,
        lt=1,
    )
    distractors_per_day: float = option(
        2.0, "Uses of other traces' appliances to add to the mains, a day.", ge=0, absurd_above=1e4
    )

    @property
    def simulated_mains_share(self) -> float:
        """The share of simulated mains, or the default."""
        return self.simulated if self.simulated_mains is None else self.simulated_mains

    @property
    def traced_share(self) -> float:
        """The share of traces, or the default."""
        return TRACED if self.traced is None else self.traced

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.simulated + (self.traced or 0) >= 1:
            raise ValueError("`simulated` and `traced` together are all: leave some for the houses")
        return self


class AugmentationConfig(Config):
    """How the training data are varied, and what error is minimised."""

    active: float = option(
        0.5,
        "Fraction of chunks drawn by how much the appliance varies in them, and weighted.",
        ge=0,
        lt=1,
    )
    transplant: float | None = option(
        None,
        "Fraction of chunks whose appliance is put in the mains of another time or house.",
        unset=f"{TRANSPLANT}, or 0 with engine windows or frozen layers",
        ge=0,
        le=1,
    )
    gain: float | None = option(
        None,
        "How far the appliance's power is scaled up and down, as a fraction.",
        unset=f"{GAIN}, or 0 with engine windows or frozen layers",
        ge=0,
        lt=1,
    )
    loads: float = option(0.0, "Synthetic loads a day to add to the mains.", ge=0, absurd_above=1e4)
    stretch: float = option(
        0.0,
        "How far a transplanted activation's duration goes from 1, as a factor.",
        ge=0,
        absurd_above=100,
    )
    missing: float = option(
        0.0, "Highest share of readings that go missing in a chunk, and are filled.", ge=0, lt=1
    )
    absolute: float | None = option(
        None,
        "Weight of the absolute error beside the squared one.",
        unset=f"{ABSOLUTE}, or 0 with engine windows",
        ge=0,
        absurd_above=1e6,
    )
    on_off: float = option(
        0.0,
        "Weight of the cross-entropy of the on state beside the squared error.",
        ge=0,
        absurd_above=1e6,
    )
    distil: float = option(
        0.5, "Weight of the teachers' mean prediction in the target, with `teachers`.", ge=0, le=1
    )
    clipped: bool | None = option(
        None,
        "Count a prediction below zero as zero where the appliance is off.",
        unset="yes, but not with engine windows",
    )


class LearningConfig(AugmentationConfig, MaterialConfig):
    """How long and how fast a network learns.

    At most one of `epochs`, `steps` and `budget_s` is given; without any it is ten epochs. The
    absolute error's minimum is the soft-thresholded expected power. Without it an unsure network
    predicts a few watts at all times, and a rare appliance is predicted worse than by zero
    (docs/lab). Training stops early after `patience` validations without a better loss.
    """

    epochs: PositiveFloat | None = option(
        None, "Times to see every window.", unset="10", absurd_above=1e6
    )
    steps: PositiveInt | None = option(
        None, "Optimiser steps, instead of epochs.", absurd_above=MOST_STEPS
    )
    budget_s: PositiveFloat | None = option(
        None, "Time to train, instead of epochs: 90s, 10m, 1.5h.", absurd_above=LONGEST_S
    )
    engine: Engine = option(
        "sliding", "Learn from chunks of neighbouring windows at once, or from single windows."
    )
    batch_size: PositiveInt | None = option(
        None,
        "Windows in a step.",
        unset="sixteen chunks, or 1000 with engine windows",
        absurd_above=MOST_WINDOWS,
    )
    chunk: PositiveInt | None = option(
        None,
        "Windows in a chunk of engine sliding.",
        unset="by the network",
        absurd_above=MOST_WINDOWS,
    )
    learning_rate: PositiveFloat | None = option(
        None,
        "Adam's highest learning rate.",
        unset=f"{LEARNING_RATES['sliding']}, or {LEARNING_RATES['windows']} with engine windows",
    )
    schedule: LearningRateSchedule = option(
        "linear", "Course of the learning rate; all but constant end at zero."
    )
    validation_frequency: PositiveInt | None = option(
        None, "Epochs between validations.", unset="about twenty validations in a training"
    )
    patience: PositiveInt = option(10, "Validations without progress before stopping.")
    seed: NonNegativeInt = option(
        0, "Seed of weights, order and pruning.", absurd_above=HIGHEST_SEED
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(value is not None for value in (self.epochs, self.steps, self.budget_s)) > 1:
            raise ValueError("give one of `epochs`, `steps` and `budget_s`, not several")
        if self.engine == "windows" and any(
            (self.transplant, self.gain, self.loads, self.stretch, self.missing)
        ):
            raise ValueError(
                "`transplant`, `gain`, `loads`, `stretch` and `missing` change whole chunks: use"
                " them with `engine` sliding"
            )
        return self


class TrainingConfig(LearningConfig):
    """How a network is trained."""

    freeze: Freeze = option(
        "none", "Layers that do not learn: the convolutions, or all but the output."
    )

    @property
    def initial_learning_rate(self) -> float:
        """The learning rate, or the engine's default."""
        return self.learning_rate or LEARNING_RATES[self.engine]

    @property
    def augmentation_amounts(self) -> tuple[float, float, float, float, float]:
        """The amounts of transplant, gain, loads, stretch and missing, or the defaults."""
        unchanged = self.engine == "windows" or self.freeze != "none"
        transplant, gain = (0.0, 0.0) if unchanged else (TRANSPLANT, GAIN)
        return (
            transplant if self.transplant is None else self.transplant,
            gain if self.gain is None else self.gain,
            self.loads,
            self.stretch,
            self.missing,
        )

    @property
    def absolute_weight(self) -> float:
        """The weight of the absolute error, or the engine's default."""
        default = ABSOLUTE if self.engine == "sliding" else 0.0
        return default if self.absolute is None else self.absolute

    @property
    def clips_predictions(self) -> bool:
        """Whether predictions below zero count as zero where the appliance is off."""
        return self.engine == "sliding" if self.clipped is None else self.clipped


class RunConfig(Config):
    """The folder of a run."""

    out: str | Path | None = option(
        None, "Folder of the run.", unset="runs/APPLIANCE_PRUNING_NETWORK"
    )
    resume: bool = option(False, "Go on from the checkpoint in the folder.")
    overwrite: bool = option(False, "Begin anew where a run lies, finished or not.")


class SessionConfig(Config):
    """What a Python caller gives besides: data to validate on, callbacks, what to record."""

    validation: RecordingsLike | None = option(
        None, "Recordings to validate on.", unset="the last part of each training recording"
    )
    hold_out: float = option(
        HELD_OUT,
        "Part of each recording to validate on, as one block at its end; 0 learns from all.",
        ge=0,
        lt=1,
    )
    provenance: Mapping[str, Any] | None = option(None, "More to record in the model.")
    progress: bool = option(True, "Show a progress line on standard error.")
    traces: Sequence[Trace] = option(
        (), "Recordings of appliances alone: of this one to transplant, of others to distract."
    )
    teachers: Sequence[Model] = option((), "Models whose mean prediction the network learns too.")
    callbacks: Sequence[Callback] = option((), "Lightning's callbacks.")
    checkpoint_every_s: float = option(CHECKPOINT_EVERY_S, "Seconds between checkpoints.")


class TrainOptions(
    TrainingConfig, MachineConfig, RunConfig, PruningConfig, NetworkConfig, SessionConfig
):
    """All options of `seq2point.train`."""


class TransferConfig(Config):
    """What a transfer learns from, and what of the model stays."""

    appliance: ApplianceLike | None = option(None, "Appliance to learn.", unset="the model's")

    freeze: Freeze | None = option(
        None,
        "Layers that do not learn.",
        unset="convolutions for another appliance, none for another house",
    )
    days: float | None = option(
        None, "Days of readings to learn from, from each house's first on.", unset="all", ge=0
    )
    skip: float = option(0.0, "Days of readings to leave out at each house's start.", ge=0)
    rescale: Rescale = option(
        "keep", "Keep the model's scaling constants, or fit them to these houses."
    )


class TransferOptions(
    TransferConfig, LearningConfig, MachineConfig, RunConfig, PruningConfig, SessionConfig
):
    """All options of a transfer: the model brings network, scaling and where to start."""


class AdaptConfig(LearningConfig):
    """How a model adapts to one home without labels.

    Two trainings share the budget: the second one checks the first. `steps` and `epochs` are those
    of each.
    """

    budget_s: PositiveFloat | None = option(
        None,
        "Time for both trainings together: 90s, 10m, 1.5h.",
        unset="5m",
        absurd_above=LONGEST_S,
    )
    learning_rate: PositiveFloat | None = option(
        None, "Adam's highest learning rate.", unset=f"{ADAPT_RATE}"
    )
    transplant: float | None = option(
        None,
        "Fraction of chunks whose appliance is put in other hours of the home.",
        unset=f"{ADAPT_TRANSPLANT}",
        ge=0,
        le=1,
    )
    hold_out: float = option(
        HELD_OUT, "Last part of the recording, to check on and not to learn from.", gt=0, lt=1
    )


class AdaptOptions(AdaptConfig, MachineConfig, SessionConfig):
    """All options of `training.adaptation.adapt`."""
