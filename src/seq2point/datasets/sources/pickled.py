"""Plain data of a pickle, read without unpickling: nothing is imported, called or built.

PyTables, and so pandas and NILMTK, keep attributes of HDF5 files as pickles. Lists, tuples, dicts,
strings, numbers, booleans and None are read. Anything else (a date, a time zone) becomes `UNREAD`.
"""

import pickletools
from typing import Any, Final

UNREAD: Final = object()

_VALUES = {
    "INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NEW = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_TAKEN_FOR_UNREAD = {
    "GLOBAL": 0,
    "STACK_GLOBAL": 2,
    "REDUCE": 2,
    "NEWOBJ": 2,
    "NEWOBJ_EX": 3,
    "BUILD": 2,
}


def read_plain_pickle(data: bytes) -> Any:
    """Return the value of a pickle of plain data.

    Dicts with tuples for keys are refused: hashing a tuple that is nested deeply would end the
    process.
    Raises ValueError for other data and for bytes that are no pickle.
    """
    try:
        return _Reader().read(data)
    except Exception as error:  # whatever pickletools and a damaged stack lead to
        raise ValueError(f"not a pickle of plain data ({error})") from None


class _Reader:
    """The pickle machine's stack, for the operations that plain data needs."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def read(self, data: bytes) -> Any:
        for operation, argument, _ in pickletools.genops(data):
            name = operation.name
            if name == "STOP":
                return self.stack.pop()
            if name in _VALUES:
                self.stack.append(argument)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in _NEW:
                self.stack.append(_NEW[name]())
            elif name in _TUPLES:
                self.stack.append(tuple(self._pop(_TUPLES[name])))
            elif name in _TAKEN_FOR_UNREAD:
                self._pop(_TAKEN_FOR_UNREAD[name])
                self.stack.append(UNREAD)
            else:
                self._build(name, argument)
        raise ValueError("the pickle ends early")

    def _build(self, name: str, argument: Any) -> None:
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                self.marks.append(len(self.stack))
            case "LIST" | "TUPLE" | "DICT":
                items = self._pop(len(self.stack) - self.marks.pop())
                if name == "LIST":
                    self.stack.append(items)
                elif name == "TUPLE":
                    self.stack.append(tuple(items))
                else:
                    self.stack.append(dict(_pair(items)))
            case "APPEND" | "APPENDS":
                items = self._pop(1 if name == "APPEND" else len(self.stack) - self.marks.pop())
                self.stack[-1].extend(items)
            case "SETITEM" | "SETITEMS":
                items = self._pop(2 if name == "SETITEM" else len(self.stack) - self.marks.pop())
                self.stack[-1].update(_pair(items))
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case _:
                raise ValueError(f"a pickle of more than plain data ({name})")

    def _pop(self, count: int) -> list[Any]:
        """Remove the top items from the stack and return them in order."""
        if count > len(self.stack):
            raise ValueError("the pickle is damaged")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items


def _pair(items: list[Any]) -> list[tuple[Any, Any]]:
    if any(isinstance(key, tuple) for key in items[::2]):
        raise ValueError("a dict with a tuple for a key")
    return list(zip(items[::2], items[1::2], strict=True))
