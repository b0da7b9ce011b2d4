"""Nothing gets out, whatever a file does to the decoder."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BrokenVideo, DecoderFailed
from pipeline.media.decoder_child import DecoderChild
from pipeline.media.sandbox import Sandbox
from pipeline.values import ScannedVideo
from tests.pipeline.media.hostile_decoder import ESCAPES, LIES
from tests.pipeline.media.sandboxes import COUNT, LIMITS


def test_a_video_that_must_be_decoded_to_be_listed_has_its_own_length_for_it(
    hostile: Callable[..., Sandbox], clip: Path
) -> None:
    assert hostile("list-slowly").scan(clip, LIMITS, timeout_s=3).info.frame_count == COUNT


@pytest.mark.parametrize("deed", ESCAPES)
def test_a_file_that_took_over_its_decoder_gets_nowhere(
    hostile: Callable[..., Sandbox], clip: Path, deed: str
) -> None:
    sandbox = hostile(deed)
    if sandbox.lacks():
        pytest.skip(f"this system can't: {sandbox.lacks()}")
    before = sorted(clip.parent.iterdir()), clip.read_bytes(), clip.stat().st_mode
    with pytest.raises(BrokenVideo, match=r"^denied: (1|13)$"):  # EPERM, EACCES
        sandbox.scan(clip, LIMITS, 60)
    assert (sorted(clip.parent.iterdir()), clip.read_bytes(), clip.stat().st_mode) == before


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("crash", r"ended by SIGSEGV\.$"),
        ("leave", "makes no sense"),
        ("allocate", "more than 4096 MiB of memory"),
        ("raise", "The log tells how"),
        ("hang", "longer than 1 s to list"),
        ("spin", "longer than 1 s to list"),
    ],
)
def test_whatever_befalls_the_decoder_the_scan_fails_with_the_reason(
    hostile: Callable[..., Sandbox], clip: Path, deed: str, told: str
) -> None:
    sandbox = hostile(deed)
    started = time.monotonic()
    with pytest.raises(DecoderFailed, match=told) as failure:
        sandbox.scan(clip, LIMITS, 1 if deed in {"hang", "spin"} else 60)
    assert "/a/path/of/ours" not in str(failure.value)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("crash", r"ended by SIGSEGV\.$"),
        ("leave", "ended by exit status 3"),
        ("hang", "No frame of the video could be decoded within 1 s"),
        ("drip", "No frame of the video could be decoded within 1 s"),
        ("small-frame", "makes no sense"),
        ("large-frame", "makes no sense"),
    ],
)
def test_whatever_befalls_the_decoder_decoding_fails_with_the_reason(
    hostile: Callable[..., Sandbox], clip: Path, video: ScannedVideo, deed: str, told: str
) -> None:
    sandbox = hostile(deed, stall_s=1 if deed in {"hang", "drip"} else 60)
    with pytest.raises(DecoderFailed, match=told):
        list(sandbox.decode(clip, video, range(COUNT)))


@pytest.mark.parametrize("lie", LIES)
def test_answers_that_cannot_be_are_refused(
    hostile: Callable[..., Sandbox], clip: Path, lie: str
) -> None:
    with pytest.raises(DecoderFailed, match="makes no sense"):
        hostile(lie).scan(clip, LIMITS, 60)


def test_a_message_of_a_decoder_is_cut(hostile: Callable[..., Sandbox], clip: Path) -> None:
    with pytest.raises(BrokenVideo) as refused:
        hostile("talk").scan(clip, LIMITS, 60)
    assert str(refused.value) == "x" * 1000


def test_closing_ends_a_decoder_that_hangs(
    hostile: Callable[..., Sandbox],
    clip: Path,
    video: ScannedVideo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox = hostile("hang")
    waits = threading.Event()
    receive_head = DecoderChild.receive_head

    def note(*arguments: Any) -> tuple[bytes, int]:
        waits.set()
        return receive_head(*arguments)

    def close() -> None:
        waits.wait(60)
        sandbox.close()

    monkeypatch.setattr(DecoderChild, "receive_head", note)
    with ThreadPoolExecutor(1) as closer:
        closing = closer.submit(close)
        with pytest.raises(DecoderFailed, match="SIGKILL"):
            list(sandbox.decode(clip, video, range(COUNT)))
        closing.result()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.scan(clip, LIMITS, 60)


def test_a_process_that_was_paused_does_not_blame_the_decoder(clip: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from pipeline.media.sandbox import Sandbox;"
        "from pipeline.media.decode import scan;"
        "from tests.pipeline.media.sandboxes import HOSTILE, LIMITS;"
        "sandbox = Sandbox(stall_s=4, program=(sys.executable, str(HOSTILE), 'slow'));"
        "path = Path(sys.argv[1]); video = scan(path, LIMITS); print('decoding', flush=True);"
        "print(sum(1 for _ in sandbox.decode(path, video, range(3)))); sandbox.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(clip)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "decoding\n"
        time.sleep(1)
        process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "3\n"


def test_a_program_that_does_not_start_is_no_fault_of_the_file(clip: Path) -> None:
    sandbox = Sandbox(program=(sys.executable, "-c", "raise SystemExit(7)"))
    with pytest.raises(RuntimeError, match="before it saw the file: exit status 7"):
        sandbox.scan(clip, LIMITS, 60)
    sandbox.close()


def test_a_decoder_ends_with_the_process_that_asked(clip: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from pipeline.media.sandbox import Sandbox;"
        "import threading; import time; from tests.processes import descendants;"
        "from tests.pipeline.media.sandboxes import HOSTILE, LIMITS;"
        "sandbox = Sandbox(program=(sys.executable, str(HOSTILE), 'spin'));"
        "threading.Thread(target=sandbox.scan, args=(Path(sys.argv[1]), LIMITS, 600)).start();"
        "time.sleep(3); print(*descendants(os.getpid()), flush=True); os.kill(os.getpid(), 9)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(clip)], capture_output=True, text=True, check=False
    ).stdout.split()
    assert len(told) == 2  # and the server that it was forked from
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{child}").exists() for child in told):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
