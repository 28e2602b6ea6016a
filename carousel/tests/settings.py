"""The settings of the tests: a checkout without any configuration, on servers of its own.

What the developer's environment says never reaches a test. Each pytest process (each xdist
worker, too) has its own folder, PostgreSQL and Valkey; conftest.py starts them on first use.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

from carousel.embedded.locations import locations_in

_settings_file = Path(__file__).resolve().parent.parent / "settings.py"
for _name in re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', _settings_file.read_text()):
    os.environ.pop(_name, None)

_memory = Path("/dev/shm")
_roomy = os.access(_memory, os.W_OK) and shutil.disk_usage(_memory).free > 2 * 2**30
TEST_DIR = Path(tempfile.mkdtemp(prefix="carousel-test-", dir=_memory if _roomy else "/tmp"))
TEST_DIR.chmod(0o755)  # the embedded PostgreSQL may run as another user
_owner = os.getpid()


@atexit.register
def _remove() -> None:
    if os.getpid() == _owner:
        shutil.rmtree(TEST_DIR, ignore_errors=True)


SERVERS = locations_in(TEST_DIR / "servers")
os.environ.update(
    DATABASE_URL=SERVERS.database_url,
    REDIS_URL=SERVERS.redis_url,
    SECRET_KEY="for-tests-only-and-long-enough-to-be-a-key-of-its-own-kind",
    MEDIA_ROOT=str(TEST_DIR / "media"),
    MEDIA_ALLOW_LOOPBACK="True",
    SCRAPECREATORS_API_KEY="sandbox",
    SCRAPECREATORS_BASE_URL="http://127.0.0.1:9",  # nobody: the sandbox fixture sets the real one
    SCRAPECREATORS_CALLS_PER_MINUTE="100000",
    GEMINI_CALLS_PER_MINUTE="100000",
    OCR_ENGINE="local",
    API_RATE="1000000/min",
    CAROUSEL_IGNORE_ENV_FILE="True",
)

from carousel.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed; nothing to protect
