"""Seq2Point behind the interface of NILMTK's Disaggregator, as its API and nilmbench call it."""

import copy
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from seq2point import network as networks
from seq2point.appliances import canonical_name, to_snake_case
from seq2point.compression.compaction import compact
from seq2point.errors import DataError, ModelFileError, UsageError
from seq2point.integrations.nilmtk.frames import (
    Pair,
    get_index,
    join_windows,
    list_chunks,
    make_chunk,
    pad_recording,
    pair_chunks,
    read_appliance,
    read_mains,
    read_numbers,
    split_chunk,
)
from seq2point.integrations.nilmtk.params import NAME, Normalisation, Params, find_appliance_row
from seq2point.model.model_file import Model
from seq2point.network import Seq2Point as Network
from seq2point.recording import Recording, Watts, is_same_period
from seq2point.recording.scaling import Scale
from seq2point.system.device import choose_device
from seq2point.training import train_with_history
from seq2point.wording import format_seconds

if TYPE_CHECKING:
    import pandas as pd

CHUNKS_A_STEP = 8
FLAT_W, STD_OF_FLAT_W = 1.0, 100.0
"""An appliance with a standard deviation below the first gets the second, nilmtk-contrib's."""
PRETRAINED = "pretrained"

Frames = Sequence["pd.DataFrame"]


class Seq2Point:
    """A seq2point network for each appliance, trained and run through NILMTK's interface.

    `params` is a dict of `Params`. Every row of a chunk gets a prediction: beyond a chunk's ends,
    and beyond a gap in its times, zeros fill the windows, as in nilmtk-contrib. Its windows also
    run across gaps; these do not. Predictions are never negative. `models` holds the networks by
    appliance, under the caller's names.
    """

    MODEL_NAME = "Seq2Point"

    def __init__(self, params: Mapping[str, Any] | None = None):
        parsed = Params.parse(params)
        networks.find_network(parsed.network, parsed.sequence_length)
        self.params = parsed
        self.sequence_length = parsed.sequence_length
        self.n_epochs = parsed.n_epochs
        self.batch_size = parsed.batch_size
        self.chunk_wise_training = parsed.chunk_wise_training
        self.mains_mean, self.mains_std = parsed.mains_mean, parsed.mains_std
        self.appliance_params = {
            name: row.model_dump() for name, row in parsed.appliance_params.items()
        }
        self.save_model_path = parsed.save_model_path
        self.load_model_path = parsed.pretrained_model_path
        self._fitted: OrderedDict[str, Model] = OrderedDict()
        if self.load_model_path is not None:
            self.load_model()

    @classmethod
    def of_models(
        cls, models: Mapping[str, Model | str | Path], params: Mapping[str, Any] | None = None
    ) -> Self:
        """Return a Disaggregator of trained models, by the name that each appliance has in NILMTK.

        NILMTK's API takes it for a pretrained one and does not train it. Raises ModelFileError for
        a file that is not a model of seq2point, and UsageError for a model of several appliances.
        """
        disaggregator = cls(params)
        disaggregator._use(cls._open_models(models))
        disaggregator.load_model_path = Path(PRETRAINED)  # without one NILMTK's API would train
        return disaggregator

    @staticmethod
    def _open_models(models: Mapping[str, Model | str | Path]) -> OrderedDict[str, Model]:
        opened = OrderedDict(
            (name, m if isinstance(m, Model) else Model.load(m)) for name, m in models.items()
        )
        for name, model in opened.items():
            if len(model.appliances) != 1:
                raise UsageError(
                    f"the model for '{name}' has {len(model.appliances)} appliances; give a model"
                    " of one"
                )
        return opened

    @property
    def models(self) -> OrderedDict[str, Network]:
        """Return the networks by appliance."""
        return OrderedDict((name, model.network) for name, model in self._fitted.items())

    def model(self, appliance: str) -> Model:
        """Return the model of an appliance, to save, prune or deploy.

        Raises UsageError for an appliance without a model.
        """
        if appliance not in self._fitted:
            raise UsageError(
                f"no model for '{appliance}': there are models for"
                f" {', '.join(self._fitted) or 'no appliance'}"
            )
        return self._fitted[appliance]

    def partial_fit(
        self,
        train_main: Frames,
        train_appliances: Iterable[tuple[str, Frames]] | Mapping[str, Frames],
        do_preprocessing: bool = True,
        current_epoch: int = 0,
        **_: Any,
    ) -> None:
        """Train a network for each appliance, or train it further.

        `train_main` are chunks of mains, `train_appliances` pairs of a name and its chunks. The
        last 15 % of each chunk is held out to choose the best weights. Normalisation that the
        params lack is fitted on these chunks. Without preprocessing the chunks are windows and
        targets as `call_preprocessing` makes them. A chunk without rows is left out, and marks of
        missing readings and readings below zero are gaps, each with a warning. Raises DataError for
        chunks that do not fit together, without any rows, in kilowatts, or of counters of energy.
        """
        train_main = list_chunks(train_main, "mains")
        if isinstance(train_appliances, Mapping):
            train_appliances = tuple(train_appliances.items())
        chunks = [(name, list_chunks(frames, f"'{name}'")) for name, frames in train_appliances]
        pairs = [(name, pair_chunks(train_main, frames, name)) for name, frames in chunks]
        if do_preprocessing:
            self.set_appliance_params(
                (name, frames) for name, frames in chunks if name not in self.appliance_params
            )
        for name, usable in pairs:
            recordings = [self._make_recording(pair, name, do_preprocessing) for pair in usable]
            if all(np.isnan(each.appliance_w(canonical_name(name))).all() for each in recordings):
                raise DataError(f"'{name}' has no reading in these chunks")
            self._fitted[name] = self._train(name, recordings)
        if self.save_model_path is not None:
            self.save_model()

    def _make_recording(self, pair: Pair, name: str, raw: bool) -> Recording:
        """Return a chunk to train on, padded for the windows of its first and last samples."""
        mains, frame = pair.mains, pair.appliance
        house, period_s = f"chunk {pair.number}", self.params.period_s
        around = self.sequence_length // 2
        if raw:
            return pad_recording(
                make_chunk(mains, {canonical_name(name): frame}, period_s, house).recording, around
            )
        row = self._normalisation(name)
        mains_w = join_windows(mains, self.sequence_length) * np.float32(
            self.mains_std
        ) + np.float32(self.mains_mean)
        power_w = read_numbers(frame, house, name) * np.float32(row.std) + np.float32(row.mean)
        if len(power_w) != len(mains_w) - 2 * around:
            raise DataError(
                f"{house}: {len(power_w)} targets of {name} for {len(mains_w) - 2 * around} windows"
            )
        if period_s is None:
            raise DataError(
                f"{house}: windows have no times; give their sampling period as params['period_s']"
            )
        return Recording(
            house,
            period_s,
            mains_w,
            {canonical_name(name): np.pad(power_w, around, constant_values=np.nan)},
        )

    def _train(self, name: str, chunks: list[Recording]) -> Model:
        column = canonical_name(name)
        start = self._fitted[name] if name in self._fitted else self._start_model(name, chunks)
        parts = [split_chunk(chunk, column, start.architecture.window) for chunk in chunks]
        options: dict[str, Any] = {
            "batch_size": self.batch_size,
            "learning_rate": self.params.learning_rate,
        }
        if self.params.engine == "sliding":
            options["chunk"] = max(self.batch_size // CHUNKS_A_STEP, 1)
        trained = train_with_history(
            [training for training, _ in parts],
            start.appliances[0],
            validation=[validation for _, validation in parts],
            start=start,
            pruning=self.params.pruning,
            sparsity=self.params.sparsity,
            pruning_settings=self.params.pruning_settings,
            epochs=self.n_epochs,
            engine=self.params.engine,
            schedule="constant" if self.chunk_wise_training else "linear",
            seed=self.params.seed or 0,
            device=self.params.device_choice,
            threads=self.params.threads,
            progress=self.params.verbose,
            **options,
        )
        model = (
            compact(trained.model) if self.params.compact and trained.model.masks else trained.model
        )
        model.provenance[NAME] = name
        return model

    def _start_model(self, name: str, chunks: list[Recording]) -> Model:
        """Return an untrained model that predicts the appliance's mean."""
        row, column = self._normalisation(name), canonical_name(name)
        known_w = np.concatenate([chunk.appliance_w(column) for chunk in chunks])
        scale = Scale(
            mains_mean_w=self.mains_mean,
            mains_std_w=self.mains_std,
            appliance_mean_w=(row.mean,),
            appliance_std_w=(row.std,),
        )
        torch.manual_seed(self.params.seed or 0)
        network = networks.find_network(self.params.network, self.sequence_length).build()
        network.set_output_bias_((float(np.nanmean(known_w)) - row.mean) / row.std)
        return Model(
            network,
            scale,
            (find_appliance_row(name, row, float(np.nanmax(known_w))),),
            chunks[0].period_s,
        )

    def _normalisation(self, name: str) -> Normalisation:
        if name not in self.appliance_params:
            raise UsageError(
                f"no mean and std for '{name}': give params['appliance_params']['{name}']"
            )
        return Normalisation.model_validate(self.appliance_params[name])

    def set_appliance_params(self, train_appliances: Iterable[tuple[str, Frames]]) -> None:
        """Fit mean and standard deviation on chunks of each appliance.

        A flat appliance has nilmtk-contrib's standard deviation of 100 W. Raises DataError for an
        appliance without a reading.
        """
        for name, frames in train_appliances:
            power_w = np.concatenate(
                [
                    np.empty(0),
                    *(
                        read_appliance(frame, f"chunk {number}", name)
                        for number, frame in enumerate(list_chunks(frames, f"'{name}'"))
                        if len(frame)
                    ),
                ]
            )
            if np.isnan(power_w).all():
                raise DataError(f"'{name}' has no reading to fit a mean and std to")
            std = float(np.nanstd(power_w))
            self.appliance_params[name] = {
                "mean": float(np.nanmean(power_w)),
                "std": std if std >= FLAT_W else STD_OF_FLAT_W,
            }

    def disaggregate_chunk(
        self,
        test_main_list: Frames,
        model: Mapping[str, Model | str | Path] | None = None,
        do_preprocessing: bool = True,
    ) -> list["pd.DataFrame"]:
        """Return the power of every appliance for every row of chunks of mains.

        The results are f32 frames in watts with the chunks' own index. Rows whose mains are missing
        are NaN. `model` replaces the models, by name. Raises UsageError where no model was trained
        or loaded, and DataError for chunks of another period than the models', in kilowatts, or
        of a counter of energy.
        """
        import pandas as pd

        if model is not None:
            self._use(self._open_models(model))
        if not self._fitted:
            raise UsageError(
                "no model was trained or loaded yet: call partial_fit or load_model first"
            )
        device = choose_device(self.params.device_choice)
        predictions = []
        for number, mains in enumerate(list_chunks(test_main_list, "mains")):
            columns = {}
            for name, fitted in self._fitted.items():
                fitted.network.to(device)
                columns[name] = (
                    self._predict_chunk(fitted, mains, number)
                    if do_preprocessing
                    else self._predict_windows(fitted, mains)
                )
            predictions.append(pd.DataFrame(columns, index=get_index(mains), dtype="float32"))
        return predictions

    def _predict_chunk(self, model: Model, mains: "pd.DataFrame", number: int) -> Watts:
        if not len(mains):
            return np.empty(0, dtype=np.float32)
        chunk = make_chunk(
            mains,
            {},
            self.params.period_s or (model.period_s if len(mains) < 2 else None),
            f"chunk {number}",
        )
        period_s = chunk.recording.period_s
        if not is_same_period(period_s, model.period_s):
            raise DataError(
                f"chunk {number}: a reading every {format_seconds(period_s)}, the model needs "
                f"one every {format_seconds(model.period_s)}"
            )
        power_w = model.predict_w(chunk.recording, edges="zeros")
        return (chunk.grid.at_readings(power_w) if chunk.grid else power_w)[:, 0]

    def _predict_windows(self, model: Model, windows: Any) -> Watts:
        """Return the predictions for windows that `call_preprocessing` cut and scaled."""
        if not len(windows):
            return np.empty(0, dtype=np.float32)
        shape = model.architecture
        if shape.window != self.sequence_length or shape.target_index != self.sequence_length // 2:
            raise UsageError(
                f"a model of {shape.window} samples that predicts sample {shape.target_index}"
                f" cannot read windows of {self.sequence_length}: leave the preprocessing to"
                " disaggregate_chunk"
            )
        series = join_windows(windows, self.sequence_length) * np.float32(
            self.mains_std
        ) + np.float32(self.mains_mean)
        around = self.sequence_length // 2
        return model.predict_w(Recording("windows", model.period_s, series))[
            around : len(series) - around, 0
        ]

    def call_preprocessing(
        self,
        mains_lst: Frames,
        submeters_lst: Sequence[tuple[str, Frames]] | None = None,
        method: str = "test",
    ) -> Any:
        """Return chunks as nilmtk-contrib's networks take them: scaled windows, zeros at the ends.

        The `method` 'test' gives a list of frames of windows, 'train' also pairs of a name and
        frames of scaled targets. The networks here do not need it; other code may call it.
        """
        import pandas as pd

        around = self.sequence_length // 2
        windows = []
        for number, mains in enumerate(list_chunks(mains_lst, "mains")):
            rows_w = read_mains(mains, f"chunk {number}")
            padded = np.pad(rows_w, around)
            cut = (
                np.lib.stride_tricks.sliding_window_view(padded, self.sequence_length)
                if len(rows_w)
                else np.empty((0, self.sequence_length))
            )
            scaled_w = (cut - self.mains_mean) / self.mains_std
            windows.append(pd.DataFrame(scaled_w, index=get_index(mains), dtype="float32"))
        if method == "test":
            return windows
        targets = []
        for name, frames in submeters_lst or []:
            row = self._normalisation(name)
            scaled = [
                pd.DataFrame(
                    (read_appliance(frame, f"chunk {number}", name) - row.mean) / row.std,
                    index=get_index(frame),
                    dtype="float32",
                )
                for number, frame in enumerate(list_chunks(frames, f"'{name}'"))
            ]
            targets.append((name, scaled))
        return windows, targets

    def save_model(self, folder_name: str | Path | None = None) -> None:
        """Write a model file for each appliance into a folder, by default that of the params."""
        folder = folder_name or self.save_model_path
        if folder is None:
            raise UsageError("no folder to save to: give one, or params['save_model_path']")
        for name, fitted in self._fitted.items():
            saved = replace(
                fitted,
                network=copy.deepcopy(fitted.network).cpu(),
                provenance=fitted.provenance | {NAME: name},
            )
            saved.save(Path(folder) / f"{to_snake_case(name)}.safetensors")

    def load_model(self, folder_name: str | Path | None = None) -> None:
        """Read all model files of a folder, by default that of the params.

        An appliance has the name that `save_model` saved it under, or else that of its model
        ('washing machine'). Raises ModelFileError for a folder without a model file.
        """
        folder = folder_name or self.load_model_path
        if folder is None:
            raise UsageError("no folder to load from: give one, or params['pretrained_model_path']")
        files = sorted(Path(folder).glob("*.safetensors"))
        if not files:
            raise ModelFileError(f"{folder}: holds no model file (.safetensors)")
        loaded = [Model.load(file) for file in files]
        self._use(
            self._open_models({m.provenance.get(NAME, m.appliances[0].label): m for m in loaded})
        )

    def _use(self, models: OrderedDict[str, Model]) -> None:
        """Take these models from now on, and the params that they were made with."""
        self._fitted = models
        for name, model in models.items():
            scale = model.scale
            self.sequence_length, self.mains_mean, self.mains_std = (
                model.architecture.window,
                scale.mains_mean_w,
                scale.mains_std_w,
            )
            self.appliance_params[name] = {
                "mean": scale.appliance_mean_w[0],
                "std": scale.appliance_std_w[0],
            }
