"""Two machines share one queue of files; one is cut off in the middle, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.conf import settings

from carousel.tests.running import temporary_folder, wait_until_gone
from carousel.tests.survival.machines import machines, why_not
from carousel.tests.survival.scale_out import ROWS


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_machine_cut_off_in_the_middle_of_work_loses_nothing(tell: Callable[[str], None]) -> None:
    if why := why_not():
        pytest.skip(f"no machines can be made here: {why}")
    with temporary_folder() as folder, machines(2) as (hub, *others):
        told = [word for each in others for word in (each.namespace, each.address, each.cable)]
        script = [sys.executable, "-m", "carousel.tests.survival.scale_out", str(folder), *told]
        bare = ("PATH", "HOME", "LANG", "TMPDIR")
        done = subprocess.run(
            hub.command(script),
            cwd=settings.BASE_DIR,
            env={name: os.environ[name] for name in bare if name in os.environ},
            capture_output=True,
            text=True,
            timeout=360,
        )
        logs = "\n".join(
            f"{log}\n{log.read_text('utf-8', 'replace')[-2000:]}"
            for log in folder.glob("carousel-*/*.log")
        )
        assert done.returncode == 0, f"{done.stderr[-4000:]}\n{logs}"
        wait_until_gone(folder)
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["until_cut"]) == 2
    assert sum(found["in_the_end"].values()) == found["rows"] > ROWS
    tell(f"a machine cut off: {found}")
