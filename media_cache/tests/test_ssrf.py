"""Every URL, address, DNS answer and redirect that is meant to get inside gets its verdict."""

from __future__ import annotations

import io
import ipaddress
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from media_cache.download import Downloader, DownloadError, DownloadPolicy
from media_cache.download.addresses import is_public
from media_cache.download.routes import locate, redirected
from media_cache.tests.origin import Origin, answer

CORPUS = Path(settings.BASE_DIR).parent / "shared" / "corpora" / "ssrf"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"needs {CORPUS}")
ANY_HOST = DownloadPolicy(allowed_hosts=("*",))
GUARDS = {"bad_url", "host_not_allowed", "blocked_address"}
PUBLIC = "151.101.1.1"
INSIDE = {
    "localhost": "127.0.0.1",
    "localhost.localdomain": "127.0.0.1",
    "ip6-localhost": "::1",
    "ip6-loopback": "::1",
    "metadata.google.internal": "169.254.169.254",
    "metadata": "169.254.169.254",
    "kubernetes.default.svc": "10.96.0.1",
    "host.docker.internal": "192.168.65.2",
}


def resolve(host: str, port: int) -> list[str]:
    """What a system's resolver would say: inet_aton's odd spellings, inside names, else public."""
    bare = host.rstrip(".").lower().removesuffix(".nip.io")
    try:
        return [socket.inet_ntoa(socket.inet_aton(bare))]
    except (OSError, UnicodeEncodeError):
        pass
    if "." not in bare:
        return [INSIDE.get(bare, "10.0.0.7")]
    return [INSIDE.get(bare, PUBLIC)]


@pytest.fixture
def closed_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a connection to {address} was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)


def verdict(url: str, policy: DownloadPolicy = ANY_HOST) -> str:
    try:
        locate(url, policy, resolve)
    except DownloadError as error:
        return error.code
    return "allow"


def url_cases() -> list[dict[str, Any]]:
    path = CORPUS / "url_cases.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@needs_corpus
@pytest.mark.usefixtures("closed_sockets")
def test_every_url_meant_to_get_inside_is_refused_before_a_connection() -> None:
    hostile = [case["url"] for case in url_cases() if case["expect"].startswith("block")]
    redirector = next(url for url in hostile if "/redir-http-" in url)
    hostile.remove(redirector)  # a public host, which then sends us inside
    assert verdict(redirected(redirector, "https://169.254.169.254:80/")) in GUARDS
    downloader = Downloader(ANY_HOST, resolve=resolve)
    assert len(hostile) > 300
    for url in hostile:
        # A second time as https, so that the scheme alone doesn't decide.
        for spelling in (url, url.replace("http://", "https://", 1)):
            with pytest.raises(DownloadError) as caught:
                downloader.fetch(spelling, io.BytesIO())
            assert caught.value.code in GUARDS, spelling
            assert not caught.value.retryable


@needs_corpus
def test_loopback_in_development_opens_nothing_but_loopback() -> None:
    policy = DownloadPolicy(allowed_hosts=("*",), allow_loopback=True)
    for case in url_cases():
        if case["expect"] != "block" or verdict(case["url"], policy) in GUARDS:
            continue
        for address in locate(case["url"], policy, resolve).addresses:
            assert ipaddress.ip_address(address).is_loopback, case["url"]


@needs_corpus
def test_ordinary_urls_pass() -> None:
    for case in url_cases():
        if case["expect"] == "allow":
            assert verdict(case["url"].replace("http://", "https://", 1)) == "allow", case["url"]
        elif case["expect"] != "block":
            assert verdict(case["url"]) in GUARDS, case["url"]


def test_plain_http_is_refused_even_for_a_public_address() -> None:
    assert verdict("http://151.101.1.1/x.jpg") == "bad_url"


@needs_corpus
def test_every_address_has_its_verdict() -> None:
    lines = (CORPUS / "ip_cases.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t")[:2] for line in lines if line]
    assert len(rows) > 60
    for address, expect in rows:
        assert is_public(ipaddress.ip_address(address)) == (expect == "allow"), address


@pytest.mark.parametrize(
    "address",
    ["::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%eth0", "3fff::1",
     "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fec0::1", "168.63.129.16", "100.100.100.200",
     "255.255.255.255", "::", "ff02::1"],
)  # fmt: skip
def test_addresses_that_lead_inside_by_another_way_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@needs_corpus
@pytest.mark.usefixtures("closed_sockets")
def test_hostile_dns_answers_are_refused() -> None:
    for case in json.loads((CORPUS / "dns_cases.json").read_text()):
        downloader = Downloader(ANY_HOST, resolve=lambda *_, answers=case["answers"]: answers[-1])
        with pytest.raises(DownloadError) as caught:
            downloader.fetch(f"https://{case['host']}/a.jpg", io.BytesIO())
        assert caught.value.code == "blocked_address", case["host"]


@needs_corpus
def test_hostile_redirects_are_refused() -> None:
    for case in json.loads((CORPUS / "redirect_cases.json").read_text()):
        first, second = case["chain"]
        first = first.replace("http://", "https://", 1)
        assert verdict(first) == "allow"
        target = redirected(first, second)
        assert verdict(target) in GUARDS
        assert verdict(target.replace("http://", "https://", 1)) in GUARDS, target


def test_a_real_redirect_to_an_inside_address_is_not_followed() -> None:
    policy = DownloadPolicy(allowed_hosts=("*",), allow_loopback=True)
    for location in ("http://169.254.169.254/latest/", "//10.0.0.1/x", "file:///etc/passwd"):
        with Origin() as origin:
            redirect = answer(status="302 Found", headers=f"Location: {location}\r\n")
            origin.answers["/a"] = [redirect]
            with pytest.raises(DownloadError) as caught:
                Downloader(policy).fetch(f"{origin.url}/a", io.BytesIO())
        assert caught.value.code in ("blocked_address", "bad_url")


def test_the_checked_address_is_the_one_connected_to() -> None:
    policy = DownloadPolicy(allowed_hosts=("rebind.test",), allow_loopback=True)
    with Origin() as first, Origin(address="127.0.0.2") as second:
        answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
        downloader = Downloader(policy, resolve=lambda *_: next(answers))
        for origin in (first, second):
            origin.answers["/a"] = [answer(b"body")]
        downloader.fetch(f"http://rebind.test:{first.port}/a", io.BytesIO())
        downloader.fetch(f"http://rebind.test:{first.port}/a", io.BytesIO())
        downloader.close()
        assert [len(first.requests), len(second.requests)] == [2, 0]
        assert f"Host: rebind.test:{first.port}\r\n" in first.requests[0]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("p16-sign.tiktokcdn.com", True),
        ("tiktokcdn.com", True),
        ("P16.TIKTOKCDN.COM", True),
        ("eviltiktokcdn.com", False),
        ("tiktokcdn.com.evil.net", False),
        ("tiktokcdn.com@evil.net", False),
        ("evil.net#.tiktokcdn.com", False),
        ("evil.net?.tiktokcdn.com", False),
        ("evil.net\\.tiktokcdn.com", False),
        ("a..tiktokcdn.com", False),
        ("tiktokcdn.com.", False),
        ("exact.net", True),
        ("sub.exact.net", False),
    ],
)
def test_the_allow_list_means_whole_labels(host: str, allowed: bool) -> None:
    policy = DownloadPolicy(allowed_hosts=(".tiktokcdn.com", "exact.net"))
    assert (verdict(f"https://{host}/a", policy) == "allow") is allowed


@pytest.mark.parametrize(
    "url",
    ["https://u:p@example.com/", "https://example.com:8443/", "https://example.com:80/",
     "https://example.com:0/", "https://example.com:99999/", "https://example.com:/",
     "https://exa mple.com/", "https://example.com/a\r\nHost: x", "https://example.com/\x00",
     "https://example.com/\u00e9", "https:///a", "https://", "//example.com/a", "example.com/a", "",
     "https://[::1/", "https://[example.com]/", "https://[127.0.0.1]/", "https://-a.com/",
     "https://example.com/" + "a" * 9000],
)  # fmt: skip
def test_malformed_urls_are_refused(url: str) -> None:
    assert verdict(url) == "bad_url"


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    policy = DownloadPolicy(allowed_hosts=("127.0.0.1",), allow_loopback=True)
    with Origin() as origin:
        origin.answers["/a"] = [answer(b"direct")]
        file = io.BytesIO()
        Downloader(policy).fetch(f"{origin.url}/a", file)
    assert file.getvalue() == b"direct"
