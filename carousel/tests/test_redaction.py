from __future__ import annotations

import pytest

from carousel.lib.redaction import REDACTED, Redactor

KEY = "sk-live-4f9a8b7c6d5e"


@pytest.mark.parametrize(
    "text",
    [
        "GET https://p16.tiktokcdn.com/a.webp?x-expires=1&x-signature=%2FSECRETVALUE%3D failed",
        "GET /media/ab/cd.jpeg?expires=1&signature=SECRETVALUE HTTP/1.1",
        "postgresql://carousel:SECRETVALUE@db.internal:5432/carousel refused",
        "redis://:SECRETVALUE@cache:6379/0",
        "{'Authorization': 'Token SECRETVALUE00000000'}",
        "authorization: Bearer SECRETVALUE000000",
        "x-api-key=SECRETVALUE",
        "x-goog-api-key: SECRETVALUE",
        "Cookie: sessionid=SECRETVALUE; csrftoken=SECRETVALUE",
        "R2_SECRET_ACCESS_KEY=SECRETVALUE",
        '{"password": "SECRETVALUE"}',
        "https://v16.tiktokcdn.com/0123456789abcdef0123456789abcdef/6543abcd/video/tos/x.mp4",
    ],
)
def test_secrets_disappear_whatever_surrounds_them(text: str) -> None:
    clean = Redactor().text(text)
    assert "SECRETVALUE" not in clean
    assert "0123456789abcdef0123456789abcdef" not in clean
    assert REDACTED in clean


@pytest.mark.parametrize("text", [KEY, f"({KEY})", f"x{KEY}y", "a%2Fb%3Dsecret"])
def test_configured_secrets_disappear_anywhere(text: str) -> None:
    assert Redactor([KEY, "a/b=secret"]).text(text).replace(REDACTED, "") in ("", "()", "xy")


@pytest.mark.parametrize(
    "text",
    [
        "Stored 9 of 10 assets; 412 tokens in 3 s",
        "input_tokens: 4123456 output_tokens=1234567",
        "https://www.tiktok.com/@some.handle/photo/7540000000000000000",
        "Is this a question? Yes = no",
        "@handle: 404 no such profile (not_found)",
        'Traceback (most recent call last):\n  File "a.py", line 1, in b',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor([KEY, "", "short"]).text(text) == text


def test_nested_data_loses_secrets_and_keeps_its_shape() -> None:
    data = {
        "request": {
            "url": "https://host/a",
            "query_string": "token=abcdefgh",
            "headers": {"X-Api-Key": "abcdefgh", "Accept": "text/html"},
        },
        "list": [1, None, True, 2.5, ("https://h/p?sig=abcdef", b"raw")],
        "input_tokens": 12,
        "key": KEY,
    }
    assert Redactor([KEY]).data(data) == {
        "request": {
            "url": "https://host/a",
            "query_string": REDACTED,
            "headers": {"X-Api-Key": REDACTED, "Accept": "text/html"},
        },
        "list": [1, None, True, 2.5, [f"https://h/p?{REDACTED}", "b'raw'"]],
        "input_tokens": 12,
        "key": REDACTED,
    }


def test_data_that_contains_itself_ends() -> None:
    data: dict[str, object] = {}
    data["self"] = data
    assert REDACTED in str(Redactor().data(data))
