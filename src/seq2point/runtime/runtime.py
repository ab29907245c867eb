"""Runtime: an opened model file that predicts windows, chunks and whole recordings."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import Edges, Engine
from seq2point.configuration.columns import FILL
from seq2point.errors import DataError, ModelFileError
from seq2point.predictor import Progress, disaggregate_series, to_mains_recording
from seq2point.recording import RecordingLike, Watts
from seq2point.recording.windows import predict_spans
from seq2point.runtime.metadata import ExportMetadata

BATCH = 256
"""Windows that a file which does not slide takes at a time."""


class Runtime(ABC):
    """An opened model file, which is a Predictor. Subclasses give `_run`.

    A file that slides takes recordings in chunks of `chunk` windows.
    """

    chunk = 4096

    def __init__(self, metadata: ExportMetadata):
        self.metadata = metadata

    @abstractmethod
    def _run(self, mains_w: Watts) -> Watts:
        """Return what the file computes.

        Windows f32[B, W] give f32[B, A]. Where it slides, chunks f32[B, L] give
        f32[B, L - W + 1, A].
        """

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        """Return the appliances that it predicts, in order."""
        return self.metadata.appliances

    @property
    def period_s(self) -> float:
        """Return the sampling period of its mains."""
        return self.metadata.period_s

    @property
    def window(self) -> int:
        """Return how many samples of mains a prediction needs."""
        return self.metadata.window

    @property
    def provenance(self) -> dict[str, Any]:
        """Return where the model comes from, as JSON."""
        return self.metadata.provenance

    def check(self, path: Path) -> None:
        """Raise ModelFileError for a file whose graph and metadata do not fit each other.

        The test is a prediction for one window of no power.
        """
        shape = [1, 1, len(self.appliances)] if self.metadata.sliding else [1, len(self.appliances)]
        mismatch = (
            f"metadata window {self.window}, sliding {self.metadata.sliding} and {shape[-1]}"
            " appliances do not fit its graph"
        )
        try:
            power_w = np.asarray(self._run(np.zeros((1, self.window), dtype=np.float32)))
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise ModelFileError(f"{path}: {mismatch} ({reason})") from error
        if list(power_w.shape) != shape:
            raise ModelFileError(f"{path}: {mismatch} (a window gives {list(power_w.shape)})")
        if not np.isfinite(power_w).all():
            raise ModelFileError(
                f"{path}: its weights hold NaN or infinite values; train and export the model again"
            )

    def run(self, windows_w: Watts) -> Watts:
        """Return the appliances' power f32[B, A] for windows of mains f32[B, W], both in watts.

        Raises DataError for another shape.
        """
        mains_w = np.ascontiguousarray(windows_w, dtype=np.float32)
        if mains_w.ndim != 2 or mains_w.shape[1] != self.window:
            raise DataError(
                f"windows of shape {list(mains_w.shape)}: the model needs [batch, {self.window}]"
            )
        power_w = self._run(mains_w)
        return power_w[:, 0] if self.metadata.sliding else power_w

    def run_chunk(self, chunk_w: Watts) -> Watts:
        """Return the appliances' power f32[L - W + 1, A] for all windows of a chunk of mains
        f32[L].

        Both are in watts. A file that does not slide takes the windows in batches. Raises DataError
        for another shape.
        """
        mains_w = np.ascontiguousarray(chunk_w, dtype=np.float32)
        if mains_w.ndim != 1 or len(mains_w) < self.window:
            raise DataError(
                f"a chunk of shape {list(mains_w.shape)}: the model needs [length], of at least"
                f" {self.window}"
            )
        return (
            self._run(mains_w[None])[0]
            if self.metadata.sliding
            else self._predict_windows(mains_w, None)
        )

    def _predict_windows(self, mains_w: Watts, progress: Progress | None) -> Watts:
        windows = np.lib.stride_tricks.sliding_window_view(mains_w, self.window)
        predictions = []
        for first in range(0, len(windows), BATCH):
            predictions.append(self.run(windows[first : first + BATCH]))
            if progress:
                progress(len(predictions[-1]))
        return np.concatenate(predictions)

    def _predict_chunks(self, mains_w: Watts, progress: Progress | None) -> Watts:
        predictions = []
        for first in range(0, len(mains_w) - self.window + 1, self.chunk):
            predictions.append(
                self.run_chunk(mains_w[first : first + self.chunk + self.window - 1])
            )
            if progress:
                progress(len(predictions[-1]))
        return np.concatenate(predictions)

    def predict_w(
        self,
        recording: RecordingLike,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> Watts:
        """Return the appliances' power for every sample of a recording: f32[T, A] in watts.

        It is never negative, and NaN where no full window of readings reaches. See
        `windows.predict_spans` for `edges`. A file that does not slide goes window by window,
        whatever the engine. `progress` is called with the number of windows of each step.
        Raises DataError for a data frame that cannot be read, and for another sampling period.
        """
        slides = engine == "sliding" and self.metadata.sliding
        predict = self._predict_chunks if slides else self._predict_windows
        mains = to_mains_recording(self, recording)
        return predict_spans(
            mains,
            self.window,
            self.metadata.target_index,
            len(self.appliances),
            lambda readings_w: predict(readings_w, progress),
            edges,
        )

    def disaggregate(
        self, series: Any, engine: Engine = "sliding", edges: Edges = "empty", fill: int = FILL
    ) -> Any:
        """Return the appliances' power for a series of mains readings in watts, in the same kind.

        See `predictor.disaggregate_series`.
        """
        return disaggregate_series(self, series, engine, edges, fill)

    def describe(self) -> dict[str, Any]:
        """Return what `seq2point info` shows and reports hold of an exported model, as JSON."""
        metadata = self.metadata.model_dump(
            mode="json", exclude={"provenance", "appliances", "format"}
        )
        return {"appliances": [a.name for a in self.appliances], **metadata}
