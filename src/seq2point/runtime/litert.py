"""LiteRT (TensorFlow Lite) files in LiteRT's interpreter, on the CPU."""

from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from seq2point.errors import ModelFileError
from seq2point.recording import Watts
from seq2point.runtime.facts import Facts, text_of
from seq2point.runtime.runtime import Runtime

INPUT, OUTPUT, METADATA = "mains_w", "power_w", "seq2point"


class LiteRtRuntime(Runtime):
    """A LiteRT file with an interpreter, whose batch follows what comes."""

    def __init__(self, facts: Facts, interpreter: Any):
        super().__init__(facts)
        self._interpreter = interpreter

    def _run(self, mains_w: Watts) -> Watts:
        return answers(self._interpreter, mains_w)


def open_interpreter(content: str | bytes, threads: int | None = None) -> Any:
    """An interpreter on a file, by its path, or on a file's content, with so many threads (LiteRT's choice by default)."""
    how = {"model_path": content} if isinstance(content, str) else {"model_content": content}
    return Interpreter(**how, num_threads=threads)


def answers(interpreter: Any, mains_w: Watts) -> Watts:
    """What an interpreter answers to a batch of windows, f32[B, W] to f32[B, A]."""
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    if interpreter.get_input_details()[0]["shape"][0] != len(mains_w):
        interpreter.resize_tensor_input(into, mains_w.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(into, mains_w)
    interpreter.invoke()
    power_w: Watts = interpreter.get_tensor(out)
    return power_w


def open_model(path: Path, threads: int | None = None) -> LiteRtRuntime:
    """Open a file; raises ModelFileError for one that was not exported by seq2point, and is not whole."""
    facts = Facts.of(text_of(path), path)
    try:
        return LiteRtRuntime(facts, open_interpreter(str(path), threads))
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path}: LiteRT refuses it ({error})") from error
