"""Lists of profiles: what is recognised, and what is told about each line."""

from __future__ import annotations

import time

import pytest
from pytest_django import DjangoAssertNumQueries

from carousel.lib.work import Status
from tiktok.models import ProfileMonitoringLog, Trigger
from tiktok.services.importing import Entry, Malformed, classify, decode, read_entries
from tiktok.tests.factories import make_profile


def handles(text: str) -> list[str]:
    return [each.handle for each in read_entries(text.split("\n")) if isinstance(each, Entry)]


def complaints(text: str) -> list[int]:
    return [each.line for each in read_entries(text.split("\n")) if isinstance(each, Malformed)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anna\n@Bob \nhttps://www.tiktok.com/@carl?lang=en\nm.tiktok.com/@dora/", "abcd"),
        ("\ufeffanna\r\n\r\n# a comment\r\nbob  # another\r\n", "ab"),
        ("handle\nanna\nbob", "ab"),
        ("Handle,Name\nanna,Anna A.\nbob,", "ab"),
        ("Name;TikTok URL\nAnna;https://www.tiktok.com/@anna\nBob;tiktok.com/@bob", "ab"),
        ("name\tusername\tlink\nA\tanna\tx\nB\t\thttps://tiktok.com/@bob", "ab"),
        ('user_name|bio\nanna|"two\nlines | and a bar"\nbob|one', "ab"),
        ('Handles,Bio\nanna,"said ""hi"", then left"\nbob,5" tall', "ab"),
        ("sep=;\nhandle;x\nanna;1\nbob;2", "ab"),
        ("@anna,@bob,@carl", "abc"),
        ("@anna;Anna;12\n@bob;Bob;7", "ab"),
        ("Anna;https://www.tiktok.com/@anna\nBob;https://www.tiktok.com/@bob", "ab"),
        ("anna,https://www.tiktok.com/@anna\nbob,https://www.tiktok.com/@bob", "ab"),
        ('"anna"\n"@bob"', "ab"),
        ("https://www.tiktok.com/@anna/video/7540000301621841183", "a"),
    ],
)
def test_every_spelling_of_a_list_is_read(text: str, expected: str) -> None:
    names = {"a": "anna", "b": "bob", "c": "carl", "d": "dora"}
    assert handles(text) == [names[letter] for letter in expected]
    assert not complaints(text)


def test_an_account_called_tiktok_is_no_header() -> None:
    assert handles("tiktok\nanna") == ["tiktok", "anna"]
    assert handles("@user\nanna") == ["user", "anna"]


def test_what_names_nobody_is_told_with_its_line() -> None:
    text = "handle,x\nanna,1\n,2\ntwo words,3\nhttps://vm.tiktok.com/ZM1/,4\nbob,5"
    assert handles(text) == ["anna", "bob"]
    assert complaints(text) == [3, 4, 5]


def test_a_stray_quote_swallows_nothing() -> None:
    lines = ["handle,bio", 'anna,"never closed', *(f"user{n},x" for n in range(100))]
    assert handles("\n".join(lines)) == ["anna", *(f"user{n}" for n in range(100))]


def test_files_of_other_systems_are_decoded() -> None:
    assert decode("\ufeffanna".encode()) == "anna"
    assert decode("anna\r\nbøb".encode("utf-16")) == "anna\r\nbøb"
    assert decode("Zoë".encode("cp1252")) == "Zoë"
    with pytest.raises(ValueError, match="not a text file"):
        decode(b"PK\x03\x04\x00\x00")


@pytest.mark.django_db
def test_known_ones_are_found_by_any_case_and_by_former_handles() -> None:
    current = make_profile(1, handle="Anna.Now", previous_handles=["anna.old"])
    other = make_profile(2, handle="taken", previous_handles=[])
    gone = make_profile(3, handle="", previous_handles=["taken"])
    preview = classify(["@ANNA.NOW", "anna.old", "taken", "nobody", "@Nobody", "?"])
    assert [(k.entry.line, k.profile_id, k.profile_handle) for k in preview.known] == [
        (1, current.pk, "Anna.Now"), (2, current.pk, "Anna.Now"), (3, other.pk, "taken"),
    ]  # fmt: skip
    assert gone.pk not in {known.profile_id for known in preview.known}
    assert preview.new == [Entry(4, "nobody")]
    assert [(each.entry.line, each.first_line) for each in preview.duplicates] == [(5, 4)]
    assert [each.line for each in preview.malformed] == [6]
    assert preview.total == 6


@pytest.mark.django_db
def test_whose_adding_broke_off_before_the_first_page_is_still_to_be_added() -> None:
    for number, fields in enumerate([{"status": Status.FAILED}, {"status": Status.PENDING}, {}]):
        profile = make_profile(number)
        run = {"trigger": Trigger.ADDED, "pages_scraped": 0} | fields
        if fields:
            ProfileMonitoringLog.objects.create(profile=profile, **run)
    preview = classify(["user0", "user1", "user2"])
    assert [entry.handle for entry in preview.new] == ["user0"]


@pytest.mark.django_db
def test_ten_thousand_lines_take_a_moment_and_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make_profile(1, handle="user77")
    lines = [f"https://www.tiktok.com/@user{n}?lang=en" for n in range(10_000)]
    began = time.monotonic()
    with django_assert_max_num_queries(10):
        preview = classify([*lines, *lines])
    assert time.monotonic() - began < 10
    counts = (len(preview.new), len(preview.known), len(preview.duplicates))
    assert counts == (9_999, 1, 10_000)
