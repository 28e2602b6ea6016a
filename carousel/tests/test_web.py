"""The web server as it runs: what it refuses before Django sees it is JSON, too."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from carousel.management.commands.create_token import token_for

LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")


@pytest.fixture
def port(process_env: dict[str, str]) -> Iterator[int]:
    """Where the Procfile's own line for the web serves, on a free port and with one worker."""
    line = (settings.BASE_DIR / "Procfile").read_text().split("web: gunicorn ")[1].splitlines()[0]
    options = shlex.split(line.replace("0.0.0.0:${WEB_PORT:-8000}", "127.0.0.1:0"))
    command = [sys.executable, "-m", "gunicorn", *options, "--workers", "1"]
    process = subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=process_env, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        found = next(filter(None, map(LISTENING.search, process.stderr)))
        yield int(found.group(1))
    finally:
        process.terminate()
        process.communicate(timeout=30)


def ask(port: int, method: str, target: str, **more: Any) -> tuple[int, str, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, **more)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], json.loads(answer.read())
    finally:
        connection.close()


def test_what_is_no_request_is_refused_in_json_and_chunks_are_read(port: int) -> None:
    for headers, target, status, code in (
        ({}, "/api/tiktok/search?q=" + "x" * 9000, 414, "too_large"),
        ({"X-Long": "x" * 9000}, "/api/tiktok/posts", 431, "too_large"),
        ({"Authorization": "Token \x7f"}, "/api/tiktok/posts", 400, "invalid"),
    ):
        answer = ask(port, "GET", target, headers=headers)
        assert answer[:2] == (status, "application/json"), answer
        assert answer[2]["code"] == code
        assert len(answer[2]["detail"]) > 20

    sent = {"Authorization": f"Token {token_for('someone')}", "Content-Type": "application/json"}
    path = "/api/tiktok/profiles/bulk/monitoring"
    body = [b'{"profileIds": ["nobody"],', b' "enabled": true}']
    status, _, told = ask(port, "PATCH", path, body=body, headers=sent, encode_chunked=True)
    assert (status, told["notFound"]) == (200, ["nobody"])

    body = [b" " * 2**20] * 4
    status, _, told = ask(port, "PATCH", path, body=body, headers=sent, encode_chunked=True)
    assert (status, told["code"]) == (413, "too_large")


def test_the_address_alone_leads_to_the_admin(client: Any) -> None:
    for path in ("/", "/admin"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_the_procfile_names_every_queue() -> None:
    lines = (Path(settings.BASE_DIR) / "Procfile").read_text()
    served = {queue for names in re.findall(r" -Q (\S+)", lines) for queue in names.split(",")}
    assert served == {*settings.QUEUES, "default"}
