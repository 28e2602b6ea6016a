"""Settings that can't work are named before anything runs; good ones raise no doubt."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from carousel import VERSION, checks, env

BASE_DIR: Path = project.BASE_DIR
PRODUCTION = {
    "SECRET_KEY": "x4-Wq7_long-and-random-enough-for-anybody-who-looks-at-it-0123456789",
    "ALLOWED_HOSTS": "carousel.example.com,.example.org",
    "HTTPS": "True",
    "DATABASE_URL": "postgresql://carousel:password@db.example.com:5432/carousel",
    "REDIS_URL": "rediss://:password@redis.example.com:6379/0",
    "SCRAPECREATORS_API_KEY": "key-of-an-account",
}


def example() -> dict[str, str]:
    """The variables of .env.example with the comment above each."""
    found: dict[str, str] = {}
    comment = ""
    for line in (BASE_DIR / ".env.example").read_text().splitlines():
        if match := re.fullmatch(r"([A-Z0-9_]+)=(.*)", line):
            assert match[2] == "", "the file as it is must mean: all defaults"
            found[match[1]], comment = comment, ""
        else:
            comment = f"{comment} {line.lstrip('# ')}" if line.startswith("#") else ""
    return found


def read_by_settings() -> set[str]:
    """First arguments of the readers of ``carousel.env`` in settings.py."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((BASE_DIR / "carousel/settings.py").read_text())):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).startswith("env.")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            names.add(str(node.args[0].value))
    return names


def manage(*args: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run("manage.py", *args, env=env)


def run(*args: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What Python says when told nothing but ``env``."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *args],
        cwd=BASE_DIR,
        env={**clean, "CAROUSEL_IGNORE_ENV_FILE": "True", **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_example_names_every_variable_and_no_other() -> None:
    assert set(example()) == read_by_settings() - {"CAROUSEL_IGNORE_ENV_FILE"}
    assert all(comment.strip() for name, comment in example().items() if name[:3] != "R2_")


def test_the_example_says_what_production_needs() -> None:
    assert {n for n, comment in example().items() if "Production." in comment} == set(PRODUCTION)


def test_only_settings_read_the_environment() -> None:
    allowed = {"carousel/env.py", "carousel/settings.py", "manage.py"}
    for file in BASE_DIR.glob("*/**/*.py"):
        name = file.relative_to(BASE_DIR).as_posix()
        if name.startswith((".", "carousel/embedded/", "benchmarks/")) or "/tests/" in name:
            continue
        text = file.read_text()
        text = text.replace('os.environ.setdefault("DJANGO_SETTINGS_MODULE"', "")
        assert name in allowed or not re.search(r"os\.(environ|getenv)\b", text), name


def test_production_settings_are_clean() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", env=PRODUCTION)
    assert "no issues" in done.stdout + done.stderr, done.stdout + done.stderr
    assert done.returncode == 0


def test_a_checkout_without_settings_is_refused_in_production() -> None:
    done = manage("check", "--deploy", env={"DEBUG": "True"})
    assert done.returncode == 1
    for word in ("E010", "E011", "E012", "E013", "W014", "W015", "W016"):
        assert f"(carousel.{word})" in done.stderr, word
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"SENTRY_DSN": "https://sentry.example.com"}, "SENTRY_DSN: write https://key@host"),
        ({"SENTRY_SAMPLE_RATE": "2"}, "SENTRY_SAMPLE_RATE: must be from 0 to 1"),
        ({"DATABASE_URL": "postgresql://h:notaport:1/x y"}, "DATABASE_URL"),
        ({"GEMINI_BASE_URL": "http://127.0.0.1:1"}, "GEMINI_API_KEY is not"),
        ({"R2_ACCESS_KEY_ID": "a"}, "R2_SECRET_ACCESS_KEY"),
        ({"WEB_PORT": "eighty"}, "WEB_PORT: write a whole number"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: must begin with postgresql://"),
        ({"REDIS_URL": "redis://127.0.0.1:99999/0"}, "REDIS_URL: write redis://"),
        ({"OCR_ENGINE": "gemini"}, "GEMINI_API_KEY is not set"),
    ],
)
def test_a_value_that_cannot_work_stops_the_start(env: dict[str, str], words: str) -> None:
    done = manage("check", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("carousel: ")
    assert words in line


def test_a_folder_that_can_not_hold_the_key_is_named(tmp_path: Path) -> None:
    assert env.checkout_secret(tmp_path / "data") == env.checkout_secret(tmp_path / "data")
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=r"Give this user a .*/file that can be written"):
        env.checkout_secret(tmp_path / "file")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("celery -A carousel worker -Q ocr", 1),
        ("celery -A carousel beat", 1),
        ("gunicorn carousel.wsgi --bind 127.0.0.1:0 --no-control-socket --log-level critical", 3),
    ],
)
def test_neither_does_any_process_start_with_it(command: str, code: int) -> None:
    done = run("-m", *command.split(), env={"R2_BUCKET_NAME": "media"})
    assert done.returncode == code, done.stderr
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith("carousel: R2_BUCKET_NAME is set but R2_ACCESS_KEY_ID")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"R2_ENDPOINT_URL": "http://storage.example.com"}, "E001"),
        ({"GEMINI_BASE_URL": "http://10.0.0.7:80"}, "E001"),
        ({"MEDIA_ALLOWED_HOSTS": ("*.tiktokcdn.com",)}, "E002"),
        ({"MEDIA_ALLOWED_HOSTS": ()}, "E002"),
        ({"MEDIA_ALLOWED_HOSTS": (".com",)}, "E003"),
        ({"USE_S3": False, "MEDIA_ROOT": Path(__file__) / "media"}, "E004"),
        ({"MEDIA_TIMEOUT_SECONDS": 240}, "E005"),
        ({"CELERY_TASK_TIME_LIMIT": 300}, "E005"),
        ({"QUEUES": ("ocr", "media-cache")}, "E006"),
        ({"CELERY_TASK_ROUTES": {}}, "E006"),
    ],
)
def test_what_parses_but_cannot_work_is_an_error(
    settings: Any, changes: dict[str, Any], expected: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert {m.id for m in run_checks(tags=["carousel"])} == {f"carousel.{expected}"}


def test_the_tests_own_settings_raise_no_doubt() -> None:
    assert run_checks() == []


def test_services_on_this_machine_may_do_without_https(settings: Any) -> None:
    settings.R2_ENDPOINT_URL = "http://127.0.0.1:8333"
    settings.SCRAPECREATORS_BASE_URL = "http://localhost:8090"
    settings.GEMINI_BASE_URL = "http://[::1]:8090"
    assert checks.keys_travel_encrypted(None) == []


def test_any_host_is_refused_in_production(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["carousel.example.com", "*"]
    assert [m.id for m in checks.hosts(None)] == ["carousel.E012"]


def test_the_version_is_stated_once() -> None:
    assert f'version = "{VERSION}"' in (BASE_DIR / "pyproject.toml").read_text()
