"""Training a narrow network first, then the whole one from its weights.

With few hidden units a step costs a fraction of one of the whole network, and learns about as much.
So most steps are made by a network with `narrow` hidden units. It is then widened to the whole one,
which predicts the same, and all its weights train on (Chen, Goodfellow, Shlens 2016, Net2Net, ICLR,
arXiv 1511.05641, widens by copies of the trained units; here the new ones are fresh and silent).
"""

import torch

from seq2point import network as networks
from seq2point.configuration import TrainOptions
from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.training.pace import EPOCHS
from seq2point.training.record import RunFolder

NARROW_SHARE = 0.9
"""Share of the training's steps, epochs or budget in which the network is narrow."""
NARROW_RATE = 0.5
"""The default learning rate is this share of the whole network's. At all of it a narrow network
lost all its features in one run of twelve (docs/lab/performance.md).
"""


def narrow_architecture(shape: Architecture, hidden: int) -> Architecture:
    """Return a network's shape with fewer hidden units.

    Raises UsageError where it has no more than these, and for one whose first Linear layer is in
    two factors.
    """
    if shape.rank is not None:
        raise UsageError("a network of low rank cannot be widened: leave out `narrow`")
    if hidden >= shape.hidden:
        raise UsageError(
            f"{hidden}: the network has {shape.hidden} hidden units; give fewer", field="narrow"
        )
    return shape.model_copy(update={"hidden": hidden})


def split_options(options: TrainOptions) -> tuple[TrainOptions, TrainOptions]:
    """Return the options of the narrow training and of the whole network's, which lacks its start.

    The learning rate goes on where the schedule would be, over the growth in units: Adam moves the
    output weights of all new units together.
    Raises UsageError for options that do not fit a narrow training.
    """
    if options.start is not None:
        raise UsageError("the model to start from brings its own network: leave out `narrow`")
    if options.freeze != "none":
        raise UsageError("`freeze` keeps fresh layers from learning: leave it out with `narrow`")
    if options.nodes > 1:
        raise UsageError("a narrow training runs on one machine: leave out `narrow` or `nodes`")
    if options.pruning not in (None, "none"):
        raise UsageError("`pruning` needs the whole network: prune the model that `narrow` gives")
    first_rate = options.learning_rate or NARROW_RATE * options.initial_learning_rate
    narrow = {
        **_scale_length(options, NARROW_SHARE),
        "learning_rate": first_rate,
        "out": None if options.out is None else RunFolder(options.out).narrow,
    }
    rest = 1 - NARROW_SHARE
    growth = count_hidden(options.network) / (options.narrow or 1)
    rate = first_rate / growth
    whole = {
        **_scale_length(options, rest),
        "narrow": None,
        "network": None,
        "window": None,
        "target_point": None,
        "scaling": "published",
        "learning_rate": rate if options.schedule == "constant" else rest * rate,
    }
    return options.model_copy(update=narrow), options.model_copy(update=whole)


def _scale_length(options: TrainOptions, share: float) -> dict[str, float | None]:
    """Return a share of what limits a training: steps, budget or epochs."""
    if options.steps is not None:
        first = max(round(NARROW_SHARE * options.steps), 1)
        return {"steps": first if share == NARROW_SHARE else max(options.steps - first, 1)}
    if options.budget_s is not None:
        return {"budget_s": share * options.budget_s}
    return {"epochs": share * (options.epochs or EPOCHS)}


def widen(model: Model, hidden: int, seed: int) -> Model:
    """Return a model with more hidden units that predicts the same.

    The new units look at the features with fresh weights. Their output weights are zero.
    """
    torch.manual_seed(seed)
    network = model.architecture.model_copy(update={"hidden": hidden}).build()
    output = network.architecture.output_layer.weight_name
    with torch.no_grad():
        network.get_parameter(output).zero_()
        for name, trained in model.network.named_parameters():
            network.get_parameter(name)[tuple(slice(size) for size in trained.shape)] = trained
    return Model(network.eval(), model.scale, model.appliances, model.period_s)


def count_hidden(network: str | Architecture | None) -> int:
    """Return the hidden units of a network, or of the one of a name; None is the default."""
    if isinstance(network, Architecture):
        return network.hidden
    return networks.find_network(network or "seq2point").hidden
