"""The decoder's process: a file that kills, stalls or fills it takes nothing else along."""

from __future__ import annotations

import base64
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from media_cache.convert import DecodeLimits, Decoder, DecoderPool, MediaRejected
from media_cache.convert.process import _picture
from media_cache.decoder import protocol

pillow_heif.register_heif_opener()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.heic"
    Image.new("RGB", (64, 64), "teal").save(path, "HEIF")
    return path


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 48 million pixels: a third of a second, and more than 200 MB."""
    path = tmp_path_factory.mktemp("slow") / "slow.png"
    Image.new("RGB", (8000, 6000), "teal").save(path, compress_level=1)
    return path


def works(decoder: Decoder | DecoderPool, small: Path, folder: Path) -> bool:
    return decoder.process(small, folder / "out", "image/heic").width == 64


def is_gone(pid: int) -> bool:
    """Ended, if perhaps not yet reaped by a parent that isn't us."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def kill_when_busy(pid: int) -> None:
    ticks = cpu_ticks(pid)
    wait_until(lambda: cpu_ticks(pid) > ticks + 4)
    os.kill(pid, signal.SIGKILL)


def test_a_decoder_that_is_killed_is_an_error_and_is_replaced(
    small: Path, slow: Path, tmp_path: Path
) -> None:
    with Decoder() as decoder:
        assert works(decoder, small, tmp_path)
        first = decoder.pid
        assert first is not None
        threading.Thread(target=kill_when_busy, args=(first,)).start()
        with pytest.raises(MediaRejected) as caught:
            decoder.process(slow, tmp_path / "out", "image/png")
        assert (caught.value.code, caught.value.retryable) == ("decoder_died", True)
        assert "SIGKILL" in str(caught.value)
        assert works(decoder, small, tmp_path)
        assert decoder.pid != first


def test_a_decoder_that_died_while_idle_is_replaced_unnoticed(small: Path, tmp_path: Path) -> None:
    with Decoder() as decoder:
        decoder.start()
        assert decoder.pid is not None
        os.kill(decoder.pid, signal.SIGSEGV)
        time.sleep(0.1)
        assert works(decoder, small, tmp_path)


def test_a_file_that_takes_too_long_is_given_up(small: Path, slow: Path, tmp_path: Path) -> None:
    with Decoder(DecodeLimits(seconds=0.15)) as decoder:
        decoder.start()
        time.sleep(0.3)
        pid = decoder.pid
        with pytest.raises(MediaRejected) as caught:
            decoder.process(slow, tmp_path / "out", "image/png")
        assert caught.value.code == "decode_timeout"
        assert pid is not None
        assert is_gone(pid)
    with Decoder() as decoder:
        assert works(decoder, small, tmp_path)


def test_memory_is_bounded(small: Path, slow: Path, tmp_path: Path) -> None:
    with Decoder(DecodeLimits(memory_bytes=200 * 1024 * 1024)) as decoder:
        assert works(decoder, small, tmp_path)
        with pytest.raises(MediaRejected) as caught:
            decoder.process(slow, tmp_path / "out", "image/png")
        assert caught.value.code in ("decode_failed", "decoder_died")
        assert works(decoder, small, tmp_path)


def test_the_largest_picture_allowed_fits_into_the_memory_allowed(tmp_path: Path) -> None:
    source, tags = tmp_path / "large.jpg", Image.Exif()
    tags[0x0112] = 6
    Image.new("RGB", (8000, 6200), "teal").save(source, exif=tags)
    with Decoder() as decoder:
        picture = decoder.process(source, tmp_path / "out", "image/jpeg", thumbnail=32)
    assert (picture.width, picture.height) == (6200, 8000)


def test_a_decoder_is_renewed_after_its_share_of_files(small: Path, tmp_path: Path) -> None:
    with Decoder(DecodeLimits(jobs_per_process=2)) as decoder:
        seen = []
        for _ in range(4):
            decoder.start()
            seen.append(decoder.pid)
            assert works(decoder, small, tmp_path)
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert seen[1] != seen[2]


def test_a_decoder_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R2_SECRET_ACCESS_KEY", "topsecret")
    with Decoder() as decoder:
        decoder.start()
        assert b"topsecret" not in Path(f"/proc/{decoder.pid}/environ").read_bytes()


def test_a_decoder_loads_nothing_of_the_product() -> None:
    code = (
        "import sys, media_cache.decoder.__main__; "
        "print([m for m in sys.modules if m.split('.')[0] in ('django', 'carousel', 'celery')])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_no_decoder_outlives_a_parent_that_is_killed(slow: Path, tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, threading, time\n"
        "from media_cache.convert import Decoder\n"
        "idle, busy = Decoder(), Decoder()\n"
        "idle.start(), busy.start(), time.sleep(0.3)\n"
        "source, target = map(pathlib.Path, sys.argv[1:])\n"
        "threading.Thread(target=busy.process, args=(source, target, 'image/png')).start()\n"
        "time.sleep(0.1)\n"
        "print(idle.pid, busy.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(slow), str(tmp_path / "out")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert not any(is_gone(pid) for pid in pids)
        parent.kill()
    assert len(pids) == 2
    assert wait_until(lambda: all(is_gone(pid) for pid in pids))


def test_a_forked_worker_starts_a_decoder_of_its_own(small: Path, tmp_path: Path) -> None:
    with Decoder() as decoder:
        assert works(decoder, small, tmp_path)
        code = (
            "import os, pathlib, sys\n"
            "from media_cache.convert import Decoder\n"
            "decoder = Decoder()\n"
            "source, target = map(pathlib.Path, sys.argv[1:])\n"
            "run = lambda: decoder.process(source, target, 'image/heic').width\n"
            "run(); mine = decoder.pid\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    good = run() == 64 and decoder.pid != mine\n"
            "    decoder.close(); os._exit(0 if good else 1)\n"
            "status = os.waitpid(child, 0)[1]\n"
            "print(status, run(), decoder.pid == mine)\n"
        )
        command = [sys.executable, "-c", code, str(small), str(tmp_path / "out2")]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["0", "64", "True"]


def test_a_pool_serves_many_threads_with_few_processes(small: Path, tmp_path: Path) -> None:
    with DecoderPool(2) as pool:
        results: list[int] = []

        def work(number: int) -> None:
            for _ in range(5):
                picture = pool.process(small, tmp_path / f"out{number}", "image/heic")
                results.append(picture.width)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pids = pool.pids
        assert len(pids) <= 2
        assert results == [64] * 30
    assert all(is_gone(pid) for pid in pids)


def test_one_file_that_kills_a_decoder_takes_no_other_with_it(
    small: Path, slow: Path, tmp_path: Path
) -> None:
    with DecoderPool(2) as pool:
        pool.start()
        codes: list[str] = []

        def doomed() -> None:
            try:
                pool.process(slow, tmp_path / "doomed", "image/png")
            except MediaRejected as error:
                codes.append(error.code)

        thread = threading.Thread(target=doomed)
        time.sleep(0.5)  # both have started up
        idle = {pid: cpu_ticks(pid) for pid in pool.pids}
        thread.start()
        assert wait_until(lambda: any(cpu_ticks(pid) > ticks + 4 for pid, ticks in idle.items()))
        busy = max(idle, key=lambda pid: cpu_ticks(pid) - idle[pid])
        os.kill(busy, signal.SIGKILL)
        for _ in range(3):
            assert works(pool, small, tmp_path)
        thread.join()
    assert codes == ["decoder_died"]


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_decoder_that_answers_nonsense_is_not_believed() -> None:
    good = {
        "content_type": "image/jpeg", "width": 1, "height": 1, "converted": False,
        "animated": False, "luma": base64.b64encode(bytes(4)).decode(),
    }  # fmt: skip
    assert _picture(good, 2).width == 1
    for wrong in (
        {"content_type": "text/html"},
        {"width": "wide"},
        {"luma": "!"},
        {"luma": base64.b64encode(bytes(5)).decode()},
        {"sha256": "abc"},
    ):
        with pytest.raises(MediaRejected) as caught:
            _picture(good | wrong, 2)
        assert caught.value.code == "decoder_died"


def test_frames_survive_the_pipe_and_half_a_frame_is_an_end() -> None:
    frame = protocol.pack({"why": "ünïcode"})
    assert protocol.read(io.BytesIO(frame)) == {"why": "ünïcode"}
    for length in range(len(frame)):
        assert protocol.read(io.BytesIO(frame[:length])) is None
    with pytest.raises(ValueError, match="frame"):
        protocol.pack({"why": "a" * 300_000})
