"""Masks for one step: the weights they drop take no part in it, and survive it to the bit."""

from collections.abc import Callable
from typing import Any, ClassVar

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn

from seq2point.compression.pruning import Pruner, PruneState, StepInfo
from seq2point.network.masks import Masks
from seq2point.training import TrainingResult

Train = Callable[..., TrainingResult]
HIDDEN = 8


class Drawn(Pruner):
    """Drops every hidden unit and every (channel, tap) of the second convolution for a step with
    probability a half.
    """

    name: ClassVar[str] = "drawn"
    ends_at: int = 30

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        return PruneState(
            final=info.step >= self.ends_at, memory={**state.memory, "step": info.step}
        )

    def masks_for_step(self, state: PruneState) -> Masks | None:
        if state.final:
            return None
        generator = torch.Generator().manual_seed(
            int(1000 * state.memory["seed"] + state.memory.get("step", 0))
        )
        units = torch.rand(HIDDEN, generator=generator) < 0.5
        columns = torch.rand(1, 4, 3, generator=generator) < 0.5
        return {
            "hidden.weight": units[:, None],
            "hidden.bias": units,
            "convolutions.1.weight": columns,
        }


class Around(pl.Callback):
    """Keeps the weights before and after every step, what was dropped in it, and the weights that
    the step was made with.
    """

    def __init__(self) -> None:
        self.before: list[dict[str, Tensor]] = []
        self.during: list[dict[str, Tensor]] = []
        self.after: list[dict[str, Tensor]] = []
        self.gradients: list[dict[str, Tensor]] = []

    def _weights(self, module: pl.LightningModule) -> dict[str, Tensor]:
        return {name: t.clone() for name, t in module.get_submodule("network").state_dict().items()}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.before.append(self._weights(pl_module))

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.during.append(self._weights(pl_module))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        self.after.append(self._weights(pl_module))
        self.before.append(self._weights(pl_module))
        named = pl_module.get_submodule("network").named_parameters()
        self.gradients.append({name: p.grad.clone() for name, p in named if p.grad is not None})


SLIDING = {"engine": "sliding", "chunk": 40, "batch_size": 80}


@pytest.mark.parametrize("engine", [{}, SLIDING], ids=["windows", "sliding"])
def test_what_a_step_drops_is_zero_in_it_gets_no_gradient_and_stands_after_it_as_before(
    train: Train, engine: dict[str, Any]
):
    around = Around()
    train(pruning=Drawn(), callbacks=[around], **engine)
    moved = 0
    for step in range(30):
        memory: dict[str, Tensor | float] = {"seed": 0} if step == 0 else {"seed": 0, "step": step}
        for name, mask in (Drawn().masks_for_step(PruneState(memory=memory)) or {}).items():
            before, during, after = (
                kept[step][name] for kept in (around.before, around.during, around.after)
            )
            dropped = ~mask.expand_as(before)
            assert not during[dropped].any()
            assert not around.gradients[step][name][dropped].any()
            assert torch.equal(after[dropped], before[dropped])
            moved += int((after[~dropped] != before[~dropped]).sum())
    assert moved > 0
    assert not any(
        torch.equal(around.before[35][name], around.after[35][name])
        for name in ("hidden.weight", "hidden.bias")
    )


def test_a_validation_never_sees_a_draw(train: Train):
    seen: list[Tensor] = []

    class Look(pl.Callback):
        def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            seen.append(pl_module.get_parameter("network.hidden.weight").detach().clone())

    trained = train(pruning=Drawn(), callbacks=[Look()])
    assert all(weight.ne(0).all() for weight in seen)
    assert trained.model.masks == {}


def test_a_training_with_draws_that_is_stopped_and_resumed_gives_the_same_bits(
    train: Train, stopped: Callable[..., None], tmp_path: Any
):
    kept = {"out": tmp_path, "checkpoint_every_s": 0, "pruning": Drawn()}
    stopped(7, **kept)
    resumed, whole = train(resume=True, **kept).model, train(pruning=Drawn()).model
    ours = whole.network.state_dict()
    assert all(torch.equal(t, ours[name]) for name, t in resumed.network.state_dict().items())
