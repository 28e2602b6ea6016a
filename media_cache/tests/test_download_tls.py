"""TLS belongs to the host's name, although the connection goes to a checked address."""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from carousel.tests.certificates import certificate as make_certificate
from media_cache.download import Downloader, DownloadError, DownloadPolicy
from media_cache.tests.origin import Origin, answer

POLICY = DownloadPolicy(allowed_hosts=(".cdn.test",), allow_loopback=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody knows, and its key, for media.cdn.test."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "origin.pem", "media.cdn.test")


@pytest.fixture
def origin(certificate: Path) -> Iterator[Origin]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Origin(context) as server:
        server.answers["/a"] = [answer(b"sealed" * 50_000)]
        yield server


def fetch(origin: Origin, host: str, trusted: Path | None) -> bytes:
    context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    downloader = Downloader(POLICY, resolve=lambda *_: ["127.0.0.1"], ssl_context=context)
    file = io.BytesIO()
    try:
        downloader.fetch(f"https://{host}:{origin.port}/a", file)
        downloader.fetch(f"https://{host}:{origin.port}/a", file)
    finally:
        downloader.close()
    return file.getvalue()


def test_the_certificate_of_the_name_is_accepted_at_the_address(
    origin: Origin, certificate: Path
) -> None:
    assert fetch(origin, "media.cdn.test", certificate) == b"sealed" * 50_000
    assert origin.connections == 1
    assert f"Host: media.cdn.test:{origin.port}\r\n" in origin.requests[0]


def test_a_certificate_of_another_name_is_refused(origin: Origin, certificate: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(origin, "other.cdn.test", certificate)
    assert caught.value.code == "connection_failed"
    assert origin.requests == []


def test_an_unknown_issuer_is_refused(origin: Origin) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(origin, "media.cdn.test", None)
    assert caught.value.code == "connection_failed"
    assert origin.requests == []
