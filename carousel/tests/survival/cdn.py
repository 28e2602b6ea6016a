"""A media origin on a machine's own loopback: small pictures, each another one, some time late.

Run as ``python cdn.py PORT LATENCY``, in seconds.
"""

from __future__ import annotations

import hashlib
import io
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

_BLOCKS = (6, 8)


def picture(number: int) -> bytes:
    """A JPEG of coloured blocks; the same bytes for the same number on every machine."""
    width, height = _BLOCKS
    colours = hashlib.shake_256(str(number).encode()).digest(3 * width * height)
    image = Image.frombytes("RGB", _BLOCKS, colours)
    out = io.BytesIO()
    image.resize((96, 128), Image.Resampling.NEAREST).save(out, "JPEG", quality=90)
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    latency = 0.0

    def do_GET(self) -> None:
        body = picture(int(self.path.rpartition("/")[2]))
        time.sleep(self.latency)
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing to standard error."""


if __name__ == "__main__":
    Handler.latency = float(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
