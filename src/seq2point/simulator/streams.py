"""Random numbers by purpose and day, from one generator that is set anew for each."""

import hashlib

import numpy as np


class Streams:
    """The random numbers of one house.

    Each purpose has its own numbers on each day, a function of (seed, purpose, day). So the habits
    of a date stay the same whatever else changes. The digest of the three is the state of the
    generator: to set it takes a tenth of the time in which NumPy makes a generator of a seed.
    """

    def __init__(self, seed: int) -> None:
        self._prefix = f"{seed} ".encode()
        self._bits = np.random.PCG64(0)
        self._rng = np.random.Generator(self._bits)

    def open(self, purpose: str, day: int = 0) -> np.random.Generator:
        """Return the house's generator, at the begin of a purpose's numbers on a day.

        It is the same object at every call: draw all that you need before the next one.
        """
        digest = hashlib.blake2b(self._prefix + f"{day} {purpose}".encode(), digest_size=32)
        drawn = digest.digest()
        self._bits.state = {
            "bit_generator": "PCG64",
            "state": {
                "state": int.from_bytes(drawn[:16], "little"),
                "inc": int.from_bytes(drawn[16:], "little") | 1,  # PCG64's increments are odd
            },
            "has_uint32": 0,
            "uinteger": 0,
        }
        return self._rng
