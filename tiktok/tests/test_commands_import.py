"""``import_profiles``: says first what it will do, adds what is new, and can go on later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carousel.tests.commands import run_command
from tiktok.models import TikTokProfile
from tiktok.tests.factories import make_profile

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_rate_limit")]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(
        b"\xef\xbb\xbfHandle;Name\r\n@creator.3;x\r\n# comment\r\n"
        b"https://www.tiktok.com/@Creator.5;y\r\nno body;z\r\nCREATOR.3;again\r\ncreator.9;k\r\n"
    )
    return path


def stored() -> set[str]:
    return set(TikTokProfile.objects.values_list("handle", flat=True))


def test_a_dry_run_tells_and_asks_nobody(sandbox: Any, listed: Path) -> None:
    make_profile(handle="creator.9")
    answer = run_command("import_profiles", str(listed), "--dry-run", "--json")
    preview = answer.document["preview"]
    assert preview["new"] == [
        {"line": 2, "handle": "creator.3"},
        {"line": 4, "handle": "creator.5"},
    ]
    assert [each["line"] for each in preview["known"]] == [7]
    assert preview["duplicates"] == [{"line": 6, "handle": "creator.3", "firstLine": 2}]
    assert [each["line"] for each in preview["malformed"]] == [5]
    assert answer.document["dryRun"]
    assert (sandbox.account.calls, stored()) == ([], {"creator.9"})
    words = run_command("import_profiles", str(listed), "--dry-run").out
    assert words.startswith(
        "5 entries: 2 new, 1 known, 1 named twice, 1 malformed\nline 5: 'no body'"
    )


def test_what_is_new_is_added_and_known_ones_cost_nothing(sandbox: Any, listed: Path) -> None:
    answer = run_command("import_profiles", str(listed), "--monitor")
    assert "3 added, 0 failed, 0 left." in answer.out
    assert stored() == {"creator.3", "creator.5", "creator.9"}
    assert TikTokProfile.objects.filter(monitoring_enabled=True).count() == 3
    calls = len(sandbox.account.calls)
    again = run_command("import_profiles", str(listed), "--json")
    assert (again.failure, again.document["added"]) == ("", 0)
    assert len(sandbox.account.calls) == calls


def test_without_credits_it_stops_says_how_many_are_left_and_goes_on_later(
    sandbox: Any, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(f"creator.{n}" for n in range(11, 17)))
    sandbox.account.set_balance(5)  # two profiles and a third one without its posts
    answer = run_command("import_profiles", str(path), "--json")
    assert answer.code == 1
    assert "ScrapeCreators is out of credits." in answer.failure
    assert "4 of 6 are left: the same command goes on with them." in answer.failure
    assert (answer.document["added"], answer.document["left"]) == (2, 4)
    sandbox.account.set_balance(100)
    answer = run_command("import_profiles", str(path), "--json")
    assert (answer.failure, answer.document["added"]) == ("", 4)
    assert TikTokProfile.objects.filter(total_posts=5).count() == 6


def test_handles_that_nobody_has_are_told_with_their_lines(sandbox: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("nobody.here\n\ncreator.3\n")
    answer = run_command("import_profiles", str(path), "--json")
    assert answer.failure.startswith("1 of 2 could not be added. Line 1: There is no account")
    assert [(each["line"], each["errorCode"]) for each in answer.document["failed"]] == [
        (1, "not_found")
    ]
    assert stored() == {"creator.3"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory. Name a text or CSV file, or -"),
        (b"", "names no profile: it is empty"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        (b"two words\n", "No line names a profile. Line 1: 'two words' is not"),
    ],
)
def test_a_file_that_can_not_be_read_is_told(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "list"
    if content is not None:
        path.write_bytes(content)
    answer = run_command("import_profiles", str(path))
    assert words in answer.failure
