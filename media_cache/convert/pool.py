"""Several decoders behind one door."""

from __future__ import annotations

import queue
from pathlib import Path

from media_cache.convert.process import DecodeLimits, Decoder, Picture


class DecoderPool:
    """``size`` decoders; a caller waits for a free one. Thread-safe. The one used last is taken
    first, so that no more processes are started than are needed at a time."""

    def __init__(self, size: int, limits: DecodeLimits | None = None) -> None:
        if size < 1:
            raise ValueError("a pool needs at least one decoder")
        self._decoders = [Decoder(limits) for _ in range(size)]
        self._free: queue.LifoQueue[Decoder] = queue.LifoQueue()
        for decoder in self._decoders:
            self._free.put(decoder)

    def __enter__(self) -> DecoderPool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The processes that are running now."""
        return [pid for decoder in self._decoders if (pid := decoder.pid) is not None]

    def process(self, path_in: Path, path_out: Path, mime: str, *, thumbnail: int = 0) -> Picture:
        """As ``Decoder.process``. Raises ``MediaRejected``."""
        decoder = self._free.get()
        try:
            return decoder.process(path_in, path_out, mime, thumbnail=thumbnail)
        finally:
            self._free.put(decoder)

    def start(self) -> None:
        """Start every process now."""
        for decoder in self._decoders:
            decoder.start()

    def close(self) -> None:
        """End every process, each after the file it is busy with."""
        for decoder in self._decoders:
            decoder.close()
