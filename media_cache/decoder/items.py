"""HEIF's items: where the HEVC data of its picture are (ISO/IEC 14496-12, 23008-12).

Only what cameras and servers write every day is understood: one coded picture, or a grid of them,
that is shown as it was coded. For all else the answer is None, and libheif decodes the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Properties that change nothing about the pixels. Any other (rotation, crop, ...) isn't plain.
_HARMLESS = {b"ispe", b"hvcC", b"colr", b"pixi"}
_MOST_TILES = 1024


class _NotPlain(Exception):
    """Something that is not understood here, or wrong."""


@dataclass(frozen=True)
class Coded:
    """A picture as pieces of one size and one ``configuration`` (an HEVC decoder's; ISO/IEC
    14496-15), row by row. Sizes in pixels; pieces may reach over the right and bottom edge."""

    size: tuple[int, int]
    piece_size: tuple[int, int]
    columns: int
    configuration: bytes
    pieces: list[bytes]


def plain(data: bytes) -> Coded | None:
    """The primary picture of a HEIF file, None if it isn't plainly HEVC of 8 bits and 4:2:0."""
    try:
        return _primary(_Meta(data))
    except (_NotPlain, KeyError):
        return None


class _Reader:
    """Big-endian numbers and boxes between two places. Raises _NotPlain where they end."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        if not 0 <= start <= end <= len(data):
            raise _NotPlain
        self._data = data
        self._at = start
        self._end = end

    def take(self, count: int) -> bytes:
        if self._at + count > self._end:
            raise _NotPlain
        self._at += count
        return self._data[self._at - count : self._at]

    def rest(self) -> bytes:
        return self.take(self._end - self._at)

    def number(self, count: int) -> int:
        """An unsigned number of ``count`` bytes; 0 for none."""
        return int.from_bytes(self.take(count))

    def version(self, newest: int) -> tuple[int, int]:
        """Version and flags of a full box."""
        version, flags = self.number(1), self.number(3)
        if version > newest:
            raise _NotPlain
        return version, flags

    def boxes(self) -> Iterator[tuple[bytes, _Reader]]:
        """What is left, as boxes. Sizes of 64 bits and without an end aren't understood."""
        while self._at < self._end:
            start, size, kind = self._at, self.number(4), self.take(4)
            if size < 8:
                raise _NotPlain
            inner = _Reader(self._data, self._at, start + size)
            if start + size > self._end:
                raise _NotPlain
            self._at = start + size
            yield kind, inner


class _Meta:
    """The ``meta`` box: items by their number. Raises KeyError for what isn't there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._unclaimed = len(data)
        box = _only(_Reader(data, 0, len(data)))[b"meta"]
        box.version(0)
        self._boxes = _only(box)
        self.types = self._types()
        self.tiles = self._tiles()
        self._places = self._all_places()
        self._properties = self._all_properties()

    def primary(self) -> int:
        box = self._boxes[b"pitm"]
        box.version(0)
        return box.number(2)

    def content(self, item: int) -> bytes:
        """The item's bytes. Items that share some aren't plain: all memory could be asked for."""
        method, extents = self._places[item]
        self._unclaimed -= sum(length for _, length in extents)
        if self._unclaimed < 0:
            raise _NotPlain
        if method == 0:
            return b"".join(_Reader(self._data, at, at + n).rest() for at, n in extents)
        inner = self._boxes[b"idat"].rest() if method == 1 else b""
        return b"".join(_Reader(inner, at, at + n).rest() for at, n in extents)

    def properties(self, item: int) -> dict[bytes, bytes]:
        """The item's properties by kind; of ``colr``, which may come twice, the last."""
        found = self._properties[item]
        if not {kind for kind, _ in found} <= _HARMLESS:
            raise _NotPlain
        return dict(found)

    def _types(self) -> dict[int, bytes]:
        box = self._boxes[b"iinf"]
        version, _ = box.version(1)
        box.number(4 if version else 2)
        types = {}
        for kind, entry in box.boxes():
            version, _ = entry.version(2)
            if kind != b"infe" or version != 2:
                raise _NotPlain
            number, protection = entry.number(2), entry.number(2)
            types[number] = b"" if protection else entry.take(4)
        return types

    def _tiles(self) -> dict[int, list[int]]:
        """Of each picture that is derived from others: which they are."""
        box = self._boxes.get(b"iref")
        if box is None:
            return {}
        box.version(0)
        return {
            entry.number(2): [entry.number(2) for _ in range(entry.number(2))]
            for kind, entry in box.boxes()
            if kind == b"dimg"
        }

    def _all_places(self) -> dict[int, tuple[int, list[tuple[int, int]]]]:
        """Of each item how and where it is stored: offsets and lengths."""
        box = self._boxes[b"iloc"]
        version, _ = box.version(1)
        widths = box.number(1), box.number(1)
        offset, length, base, index = (n for pair in widths for n in (pair >> 4, pair & 15))
        places = {}
        for _ in range(box.number(2)):
            item = box.number(2)
            method = box.number(2) if version else 0
            elsewhere, start = box.number(2), box.number(base)
            extents = []
            for _ in range(box.number(2)):
                box.number(index if version else 0)
                extents.append((start + box.number(offset), box.number(length)))
            if not elsewhere:
                places[item] = method, extents
        return places

    def _all_properties(self) -> dict[int, list[tuple[bytes, bytes]]]:
        boxes = _only(self._boxes[b"iprp"])
        every = [(kind, box.rest()) for kind, box in boxes[b"ipco"].boxes()]
        box = boxes[b"ipma"]
        _, flags = box.version(0)
        width = 2 if flags & 1 else 1
        numbers = {
            box.number(2): [box.number(width) for _ in range(box.number(1))]
            for _ in range(box.number(4))
        }
        essential = 0x80 << 8 * (width - 1)
        return {item: _chosen(every, found, essential) for item, found in numbers.items()}


def _only(box: _Reader) -> dict[bytes, _Reader]:
    """Boxes by kind. Which one counts of two that a file must have once is not for us to say."""
    found: dict[bytes, _Reader] = {}
    for kind, inner in box.boxes():
        if kind in found and kind not in (b"free", b"mdat"):
            raise _NotPlain
        found[kind] = inner
    return found


def _chosen(
    every: list[tuple[bytes, bytes]], numbers: list[int], essential: int
) -> list[tuple[bytes, bytes]]:
    indexes = [(number & ~essential) - 1 for number in numbers]
    if not all(0 <= index < len(every) for index in indexes):
        raise _NotPlain
    return [every[index] for index in indexes]


def _primary(meta: _Meta) -> Coded:
    item = meta.primary()
    size = _size(meta.properties(item))
    columns, tiles = 1, [item]
    if meta.types[item] == b"grid":
        columns, tiles = _grid(meta, item, size)
    first = meta.properties(tiles[0])
    for tile in tiles:
        mine = meta.properties(tile)
        same = mine[b"hvcC"] == first[b"hvcC"] and mine[b"ispe"] == first[b"ispe"]
        if meta.types[tile] != b"hvc1" or not same:
            raise _NotPlain
    piece = _size(first)
    if not all(map(_covers, piece, (columns, len(tiles) // columns), size)):
        raise _NotPlain
    pieces = [meta.content(tile) for tile in tiles]
    return Coded(size, piece, columns, _of_eight_bits(first[b"hvcC"]), pieces)


def _covers(piece: int, count: int, whole: int) -> bool:
    """Whether so many pieces side by side cover the whole, and none of them lies beside it."""
    return piece <= whole <= piece * count < whole + piece


def _grid(meta: _Meta, item: int, size: tuple[int, int]) -> tuple[int, list[int]]:
    """How many columns it has, and its tiles row by row."""
    content, tiles = meta.content(item), meta.tiles[item]
    box = _Reader(content, 0, len(content))
    wide = box.number(2)  # version and flags: sizes of 32 bits
    rows, columns = box.number(1) + 1, box.number(1) + 1
    if wide or (box.number(2), box.number(2)) != size:
        raise _NotPlain
    if len(tiles) != rows * columns or len(tiles) > _MOST_TILES:
        raise _NotPlain
    return columns, tiles


def _size(properties: dict[bytes, bytes]) -> tuple[int, int]:
    content = properties[b"ispe"]
    box = _Reader(content, 0, len(content))
    box.version(0)
    return box.number(4), box.number(4)


def _of_eight_bits(configuration: bytes) -> bytes:
    """The configuration, if it says 4:2:0 and eight bits."""
    box = _Reader(configuration, 0, len(configuration))
    box.take(16)
    if [box.number(1) & mask for mask in (3, 7, 7)] != [1, 0, 0]:
        raise _NotPlain
    return configuration
