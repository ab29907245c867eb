"""The options of the functions that train: typed, spelled out in their signatures, and refused by
name where unknown.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from pathlib import Path
from types import UnionType
from typing import Any, ParamSpec, TypedDict, TypeVar, Union, get_args, get_origin, get_type_hints

import lightning.pytorch as pl
from pydantic import ConfigDict, InstanceOf, TypeAdapter, ValidationError

from seq2point.choices import Device, Scaling
from seq2point.compression.pruning import Pruner
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import RecordingsLike
from seq2point.recording.windows import Scale
from seq2point.training.config import (
    CommonOptions,
    SettingsOptions,
    invalid_setting,
    unknown_setting,
)

P = ParamSpec("P")
R = TypeVar("R")


class RunOptions(TypedDict, total=False):
    """The options of `train_with_history` that any function which trains passes on to it."""

    validation: RecordingsLike | None
    hold_out: float
    pruning: str | Pruner | None
    sparsity: float | None
    pruning_settings: Mapping[str, Any] | None
    resume: bool
    overwrite: bool
    device: Device
    devices: int
    threads: int | None
    progress: bool
    callbacks: Sequence[pl.Callback]
    checkpoint_every_s: float


class TransferOptions(RunOptions, CommonOptions, total=False):
    """What a transfer passes on: the model brings network, scaling and where to start."""

    out: str | Path | None


class ExperimentOptions(RunOptions, SettingsOptions, total=False):
    """What an experiment passes on: it names the folder itself."""

    network: str | Architecture | None
    window: int | None
    start: Model | None
    scaling: Scaling | Scale
    provenance: Mapping[str, Any] | None


def spell_out(*sources: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Put the options that a function takes as `**options: Unpack[...]` into its signature, one by
    one, and check the others.

    The defaults are those of the same names in `sources`. Recordings and the options themselves are
    left to whom they are passed on to. The function raises UsageError for an option that it does
    not have, with the nearest that it has, and for a value of the wrong type.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = _spelled_out(function, sources)
        own = inspect.signature(function).parameters.values()
        checked = [p for p in own if p.kind is p.KEYWORD_ONLY and p.name != "validation"]
        annotations = {parameter.name: parameter.annotation for parameter in checked}

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name, value in kwargs.items():
                if name not in signature.parameters:
                    raise unknown_setting(name, _names(signature))
                if name in annotations:
                    kwargs[name] = _typed(name, value, annotations[name])
            return function(*args, **kwargs)

        call.__signature__ = signature  # type: ignore[attr-defined]
        return call

    return decorate


def share_parameters(source: Callable[P, Any]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Give a function that passes on whatever it gets the parameters of the function that it passes
    them on to.
    """

    def decorate(function: Callable[..., R]) -> Callable[P, R]:
        returned = inspect.signature(function).return_annotation
        function.__signature__ = inspect.signature(source).replace(return_annotation=returned)  # type: ignore[attr-defined]
        return function

    return decorate


def _names(signature: inspect.Signature) -> list[str]:
    return [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]


def _spelled_out(
    function: Callable[..., Any], sources: Sequence[Callable[..., Any]]
) -> inspect.Signature:
    """The signature with its options one by one, as it is read: types without their bounds."""
    own, plain = inspect.signature(function), get_type_hints(function)
    *parameters, options = (p.replace(annotation=plain[p.name]) for p in own.parameters.values())
    (table,) = get_args(options.annotation)
    known = {
        p.name: p
        for source in reversed(sources)
        for p in inspect.signature(source).parameters.values()
    }
    parameters += [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=known[name].default, annotation=annotation
        )
        for name, annotation in get_type_hints(table).items()
    ]
    return own.replace(parameters=parameters)


def _typed(name: str, value: Any, annotation: Any) -> Any:
    try:
        return _adapter(annotation).validate_python(value)
    except ValidationError as error:
        raise invalid_setting(error, name) from None


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_by_instance(annotation), config=ConfigDict(arbitrary_types_allowed=True))


def _by_instance(annotation: Any) -> Any:
    """An annotation whose classes are met by their instances alone, and not by what one could be
    made of.
    """
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(_by_instance(one) for one in get_args(annotation))]  # noqa: UP007
    ours = isinstance(annotation, type) and annotation.__module__.startswith("seq2point.")
    return InstanceOf[annotation] if ours else annotation  # type: ignore[misc]
