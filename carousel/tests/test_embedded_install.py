"""Setting up `.venv`: real environments, without the network."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from carousel.embedded import install

PACKAGE = "carousel_test_package"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that requires one package, which is a wheel beside it."""
    wheel = tmp_path / f"{PACKAGE}-1.0-py3-none-any.whl"
    info = f"{PACKAGE}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{PACKAGE}.py", "here = True\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "requirements.txt").write_text(f"# what it needs\n{PACKAGE} @ {wheel.as_uri()}\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\n")
    return folder


def run(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, install.__file__, *options, str(checkout)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def importable(checkout: Path) -> bool:
    command = [str(checkout / ".venv/bin/python"), "-c", f"import {PACKAGE}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_it_installs_once_and_again_only_when_the_requirements_change(checkout: Path) -> None:
    first = run(checkout, "--dev")
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stdout
    assert importable(checkout)
    # What tests need includes what running needs: there is nothing left to do for either.
    assert run(checkout, "--dev").stdout == ""
    assert run(checkout).stdout == ""
    with (checkout / "requirements.txt").open("a") as file:
        file.write("# another comment\n")
    again = run(checkout)
    assert "installing packages" in again.stdout
    assert "making .venv" not in again.stdout

    # Left half-way, it is made anew.
    (checkout / ".venv" / f".carousel-{install.UNFINISHED}").touch()
    assert "making .venv" in run(checkout).stdout
    assert importable(checkout)
    missing_packages_are_one_clear_line(checkout)


def missing_packages_are_one_clear_line(checkout: Path) -> None:
    # Nothing listens on the discard port: the index can't be reached.
    (checkout / "requirements.txt").write_text(
        "--index-url=http://127.0.0.1:9/simple\ncarousel-no-such-package==1\n"
    )
    result = run(checkout)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("carousel: could not install the packages: the package index can't be")
    assert str(checkout / ".data/logs/install.log") in line
    (checkout / "requirements.txt").write_text("--no-index\ncarousel-no-such-package==1\n")
    result = run(checkout)
    (line,) = result.stderr.splitlines()
    assert "there is no package carousel-no-such-package==1 for this Python" in line


def test_requirements_are_read_through_the_files_they_include(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text(
        "django==5.2.19  # the web\n\n# work\ncelery==5.7.0\n"
    )
    (checkout / "requirements-dev.txt").write_text("-r requirements.txt\nruff\n")
    found = list(install.read_requirements(checkout / "requirements-dev.txt"))
    assert found == ["django==5.2.19", "celery==5.7.0", "ruff"]
