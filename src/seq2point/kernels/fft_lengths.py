"""Lengths at which an FFT is fast."""


def find_fast_length(least: int) -> int:
    """Return the shortest even length of at least `least` with no prime factor above 5."""
    length = least + least % 2
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 2
