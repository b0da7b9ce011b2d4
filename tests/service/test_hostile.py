"""Uploads that mean harm, each posted as a client would, beside a canary that must see nothing."""

import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import httpx
import pytest

from service.settings import Settings
from tests.raw_server import RawServer
from tests.service.conftest import Serve
from tests.service.staging import FaultyStore, StagedQueue
from tests.videos import picture, write_video

BOMB_SIDE = 16_000
BOMB_MEMORY_MIB = 300

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n{more}#EXTINF:5,\n{target}\n#EXT-X-ENDLIST\n"
LISTS = {
    "hls.m3u8": HLS.replace("{more}", ""),
    "hls.mp4": HLS.replace("{more}", ""),
    "key.m3u8": HLS.replace("{more}", '#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n'),
    "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n",
    "concat.mp4": "ffconcat version 1.0\nfile '{target}'\n",
    "manifest.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<Period><AdaptationSet><Representation id='1'><BaseURL>{target}</BaseURL></Representation>"
    "</AdaptationSet></Period></MPD>",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\n",
    "vobsub.idx": "# VobSub index file, v7 (do not modify this line!)\n# {target}\n",
}


@pytest.fixture
def canary() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


def sent(url: str, name: str, content: bytes) -> httpx.Response:
    return httpx.post(f"{url}/segment", files={"file": (name, content)}, timeout=60)


def refused(answer: httpx.Response, status: int, kind: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/problems/{kind}"


def test_the_canary_is_seen_by_who_opens_a_playlist_unguarded(
    canary: RawServer, tmp_path: Path
) -> None:
    path = tmp_path / "hls.m3u8"
    path.write_text(LISTS["hls.m3u8"].format(target=f"http://127.0.0.1:{canary.port}/a.ts"))
    program = f"import av; av.open(open({str(path)!r}, 'rb'))"
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert canary.connections > 0


@pytest.mark.parametrize("name", LISTS)
def test_lists_reach_no_host(
    url: str, canary: RawServer, store: FaultyStore, queue: StagedQueue, name: str
) -> None:
    target = f"http://127.0.0.1:{canary.port}/a.ts"
    content = LISTS[name].format(target=target, port=canary.port).encode()
    refused(sent(url, name, content), 422, "not-a-video")
    assert canary.connections == 0
    assert queue.jobs == {}
    assert list(store.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "scheme"), [("hls.m3u8", ""), ("hls.m3u8", "file://"), ("concat.mp4", "file:")]
)
def test_lists_reach_no_file(
    url: str, clip: Path, queue: StagedQueue, name: str, scheme: str
) -> None:
    content = LISTS[name].format(target=f"{scheme}{clip}").encode()
    refused(sent(url, name, content), 422, "not-a-video")
    assert queue.jobs == {}


@pytest.mark.parametrize("name", ["hls.m3u8", "concat.mp4"])
def test_lists_that_are_fetched_reach_no_host_either(
    serve: Serve, canary: RawServer, queue: StagedQueue, name: str
) -> None:
    content = LISTS[name].format(target=f"http://127.0.0.1:{canary.port}/a.ts").encode()
    server = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content))
    url = serve(Settings(outbound_allow=("127.0.0.1",)))
    body = {"url": f"http://127.0.0.1:{server.port}/{name}"}
    refused(httpx.post(f"{url}/segment", json=body, timeout=60), 422, "not-a-video")
    server.close()
    assert (server.connections, canary.connections) == (1, 0)
    assert queue.jobs == {}


def bomb(path: Path, claimed: int) -> Path:
    """Write a picture of 16000x16000 in a few hundred kilobytes, of a claimed width and height."""
    packer = zlib.compressobj(9)
    row = bytes(1 + BOMB_SIDE)
    data = b"".join([*(packer.compress(row) for _ in range(BOMB_SIDE)), packer.flush()])
    side = BOMB_SIDE.to_bytes(4, "big")
    chunks = [(b"IHDR", side + side + b"\x08\x00\x00\x00\x00"), (b"IDAT", data), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = claimed, claimed, "gray"
        container.start_encoding()
        for number in range(2):
            packet = av.Packet(png)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = stream.codec_context.time_base, True
            container.mux(packet)
    return path


# Prints the most memory that a process has held in which a file was decoded.
MEMORY = """
import resource, sys
from pathlib import Path
from pipeline.errors import VideoError
from pipeline.media.sandbox import Sandbox
from pipeline.values import VideoLimits

sandbox = Sandbox()
try:
    limits = VideoLimits(max_pixels=int(sys.argv[2]), max_frames=99, max_duration_s=60)
    sandbox.scan(Path(sys.argv[1]), limits, 60)
except VideoError as error:
    pass
sandbox.close()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def memory_mib(path: Path, max_pixels: int) -> int:
    command = [sys.executable, "-c", MEMORY, str(path), str(max_pixels)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return int(told.stdout)


@pytest.mark.parametrize("claimed", [BOMB_SIDE, 64])
def test_a_bomb_is_refused_and_takes_little_memory(url: str, tmp_path: Path, claimed: int) -> None:
    path = bomb(tmp_path / "bomb.mov", claimed)
    assert path.stat().st_size < 2**20
    refused(sent(url, path.name, path.read_bytes()), 422, "broken-video")
    assert memory_mib(path, Settings().max_pixels) < BOMB_MEMORY_MIB


def test_the_bomb_is_one(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.mov", BOMB_SIDE)
    assert memory_mib(path, BOMB_SIDE**2) > BOMB_MEMORY_MIB


def test_texts_that_are_no_text_are_no_error_of_ours(url: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mkv", [picture(index) for index in range(4)])
    content = path.read_bytes()
    assert b"Lavf" in content
    odd = content.replace(b"Lavf", b"\xff\xfe\x80\x81")
    assert sent(url, "clip.mkv", odd).status_code == 200


Damage = Callable[[bytes], bytes]


def doubled_boxes(content: bytes) -> bytes:
    """Say twice what the file holds."""
    at = content.index(b"moov") - 4
    return content + content[at:]


def no_sizes(content: bytes) -> bytes:
    """Say of each sample that it is as long as can be."""
    at = content.index(b"stsz")
    return content[: at + 8] + b"\xff" * 8 + content[at + 16 :]


def no_times(content: bytes) -> bytes:
    """Say of the first samples that there are as many as can be."""
    at = content.index(b"stts")
    return content[: at + 12] + b"\x7f\xff\xff\xff" * 2 + content[at + 20 :]


def nested(content: bytes) -> bytes:
    """Put boxes into each other a thousand times, each larger than the file."""
    return content[:32] + b"\x7f\xff\xff\xffmoov" * 1000 + content[32:]


@pytest.mark.parametrize("harm", [doubled_boxes, no_sizes, no_times, nested])
def test_a_container_that_lies_is_served_or_refused(url: str, clip: Path, harm: Damage) -> None:
    answer = sent(url, "clip.mp4", harm(clip.read_bytes()))
    assert answer.status_code in {200, 413, 422}, answer.text
    assert str(clip.parent) not in answer.text
