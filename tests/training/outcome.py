"""What a training gives, to compare two of them."""

from typing import Any

from seq2point.training import TrainingResult


def everything(trained: TrainingResult) -> dict[str, Any]:
    """All that a training gives but the seconds it took."""
    model = trained.model
    weights = {name: t.tolist() for name, t in model.network.state_dict().items()}
    chosen = {name: mask.tolist() for name, mask in model.masks.items()}
    history = [
        {name: value for name, value in row.items() if name != "seconds"} for row in trained.history
    ]
    return {"weights": weights, "masks": chosen, "history": history, "provenance": model.provenance}
