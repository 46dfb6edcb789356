"""Which words of letters and digits a text has, as bits: most detectors can tell from these that there is nothing."""

from __future__ import annotations

ANY = 1
"""A bit that every text has."""
LONG = 26
"""Words of so many characters and more have one bit together."""
_SHAPES = (b"a", b"ddd", b"aadd", b"ddda", b"dddddd", b"aadddddda", b"dddddddda", b"addddddda", b"aaaaaaddaddaddda")
_BITS = {shape: 1 << LONG + 1 + at for at, shape in enumerate(_SHAPES)}
_APART = bytes(code if chr(code) in "ad" else 32 for code in range(256))


class _Known(dict[bytes, int]):
    """The bits of a word's shape; short ones are kept, of which there are few."""

    def __missing__(self, shape: bytes) -> int:
        bits = words(len(shape)) | _BITS.get(shape, 0)
        if len(shape) <= 9:
            self[shape] = bits
        return bits


_known = _Known()


def words(*wanted: int | bytes) -> int:
    """The bits of words of a length, or of a shape: letters ``a``, digits ``d``.

    >>> words(2) | words(3) == words(2, 3)
    True
    """
    return sum(_BITS[each] if isinstance(each, bytes) else 1 << min(each, LONG) for each in wanted)


def words_in(shape: bytes) -> int:
    """The bits of all words of a text's shape.

    >>> words_in(b"aa dddd-dddd") == ANY | words(2, 4)
    True
    """
    bits = ANY
    for word in {*shape.translate(_APART).split()}:
        bits |= _known[word]
    return bits
