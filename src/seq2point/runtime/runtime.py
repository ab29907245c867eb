"""Runtime: an exported model that answers windows, chunks where it can, and whole recordings."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import FILL, Edges, Engine
from seq2point.errors import DataError, ModelFileError
from seq2point.predictor import Progress, disaggregate_series, to_mains_recording
from seq2point.recording import RecordingLike, Watts
from seq2point.recording.windows import predict_spans
from seq2point.runtime.metadata import ExportMetadata

BATCH = 256


class Runtime(ABC):
    """A file that a target wrote, opened; a Predictor. A format gives `_run`, all else follows.

    Recordings go to one that slides in chunks of `chunk` windows.
    """

    chunk = 4096

    def __init__(self, facts: ExportMetadata):
        self.facts = facts

    @abstractmethod
    def _run(self, mains_w: Watts) -> Watts:
        """What the file computes: f32[B, W] to f32[B, A], or where it slides f32[B, L] to f32[B, L
        - W + 1, A].
        """

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        """What it answers for, in the order of its answers."""
        return self.facts.appliances

    @property
    def period_s(self) -> float:
        """The sampling period of its mains."""
        return self.facts.period_s

    @property
    def window(self) -> int:
        """Samples of mains that one answer needs."""
        return self.facts.window

    @property
    def provenance(self) -> dict[str, Any]:
        """Where it comes from, as JSON."""
        return self.facts.provenance

    def check(self, path: Path) -> None:
        """Refuse a file whose graph is not what its metadata say, by the answer to one window of no
        power.

        Raises ModelFileError.
        """
        shape = [1, 1, len(self.appliances)] if self.facts.sliding else [1, len(self.appliances)]
        said = (
            f"metadata window {self.window}, sliding {self.facts.sliding} and {shape[-1]}"
            " appliances do not fit its graph"
        )
        try:
            answer = np.asarray(self._run(np.zeros((1, self.window), dtype=np.float32)))
        except Exception as error:
            why = str(error).partition("\n")[0]
            raise ModelFileError(f"{path}: {said} ({why})") from error
        if list(answer.shape) != shape:
            raise ModelFileError(f"{path}: {said} (it answers a window with {list(answer.shape)})")
        if not np.isfinite(answer).all():
            raise ModelFileError(
                f"{path}: its weights hold NaN or infinite values; train and export the model again"
            )

    def run(self, windows_w: Watts) -> Watts:
        """The appliances' power for windows of mains: f32[B, W] to f32[B, A], watts both.

        Raises DataError for another shape.
        """
        mains_w = np.ascontiguousarray(windows_w, dtype=np.float32)
        if mains_w.ndim != 2 or mains_w.shape[1] != self.window:
            raise DataError(
                f"windows of shape {list(mains_w.shape)}: the model needs [batch, {self.window}]"
            )
        answer = self._run(mains_w)
        return answer[:, 0] if self.facts.sliding else answer

    def run_chunk(self, chunk_w: Watts) -> Watts:
        """The appliances' power for all windows of a chunk of mains: f32[L] to f32[L - W + 1, A],
        watts both.

        Where the file does not slide, its windows go one by one, a batch at a time. Raises
        DataError for another shape.
        """
        mains_w = np.ascontiguousarray(chunk_w, dtype=np.float32)
        if mains_w.ndim != 1 or len(mains_w) < self.window:
            raise DataError(
                f"a chunk of shape {list(mains_w.shape)}: the model needs [length], of at least"
                f" {self.window}"
            )
        return (
            self._run(mains_w[None])[0] if self.facts.sliding else self._windows_of(mains_w, None)
        )

    def _windows_of(self, mains_w: Watts, progress: Progress | None) -> Watts:
        windows = np.lib.stride_tricks.sliding_window_view(mains_w, self.window)
        answers = []
        for first in range(0, len(windows), BATCH):
            answers.append(self.run(windows[first : first + BATCH]))
            if progress:
                progress(len(answers[-1]))
        return np.concatenate(answers)

    def _chunks_of(self, mains_w: Watts, progress: Progress | None) -> Watts:
        answers = []
        for first in range(0, len(mains_w) - self.window + 1, self.chunk):
            answers.append(self.run_chunk(mains_w[first : first + self.chunk + self.window - 1]))
            if progress:
                progress(len(answers[-1]))
        return np.concatenate(answers)

    def predict_w(
        self,
        recording: RecordingLike,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> Watts:
        """The appliances' power for every sample of a recording: f32[T, A] in watts, never below
        zero.

        NaN where no full window of readings reaches, see `windows.predict_spans`. A file that does
        not slide goes window by window, whatever the engine.
        """
        pieces = self._chunks_of if engine == "sliding" and self.facts.sliding else self._windows_of
        mains = to_mains_recording(self, recording)
        return predict_spans(
            mains,
            self.window,
            self.facts.target_index,
            len(self.appliances),
            lambda watts: pieces(watts, progress),
            edges,
        )

    def disaggregate(
        self, series: Any, engine: Engine = "sliding", edges: Edges = "empty", fill: int = FILL
    ) -> Any:
        """The appliances' power for a series of mains readings in watts, see
        `predictor.disaggregate_series`.
        """
        return disaggregate_series(self, series, engine, edges, fill)

    def describe(self) -> dict[str, Any]:
        """What `seq2point info` shows and reports hold of an exported model, as JSON."""
        facts = self.facts.model_dump(mode="json", exclude={"provenance", "appliances", "format"})
        return {"appliances": [a.name for a in self.appliances], **facts}
