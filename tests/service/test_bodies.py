"""Uploads: forms that are right, wrong, cut, stalled and too large."""

import hashlib
import itertools
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from service.bodies import FORM_BYTES, Form, filename_in, receive_form
from service.errors import (
    InvalidRequest,
    MalformedBody,
    ServiceError,
    UploadTooLarge,
    UploadTooSlow,
)
from service.receiving import UploadLimits

LIMITS = UploadLimits(max_bytes=2**20, idle_timeout_s=5)
OPTIONS = ("threshold", "every")
MULTIPART = "multipart/form-data; boundary=cut"
FILE = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="dog.mp4"\r\n\r\n%s\r\n'
OPTION = b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
END = b"--cut--\r\n"


class Chunks:
    """A request body in chunks that counts how many were taken."""

    def __init__(self, chunks: Iterable[bytes], *, leaves: bool = False) -> None:
        self._chunks = iter(chunks)
        self._leaves = leaves
        self.taken = 0

    async def receive(self) -> Message:
        chunk = next(self._chunks, None)
        if chunk is None and self._leaves:
            return {"type": "http.disconnect"}
        self.taken += 1
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}


def receive(
    chunks: Chunks, to: Path, content_type: str = MULTIPART, headers: Iterable[str] = ()
) -> Form:
    raw = [(b"content-type", content_type.encode())]
    raw += [(b"content-length", length.encode()) for length in headers]
    request = Request({"type": "http", "method": "POST", "headers": raw}, chunks.receive)
    return anyio.run(receive_form, request, to, OPTIONS, LIMITS)


@settings(max_examples=50)
@given(
    content=st.binary(min_size=1, max_size=300) | st.just(b"\r\n--cut" * 9 + b"x\r\n--cu"),
    cuts=st.lists(st.integers(0, 700), max_size=8),
    option_first=st.booleans(),
)
def test_a_form_reads_the_same_however_it_is_cut_and_ordered(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int], option_first: bool
) -> None:
    content = content.replace(b"\r\n--cut", b"\r\n--kut")
    option = OPTION % (b"threshold", b"0.25")
    parts = [option, FILE % content] if option_first else [FILE % content, option]
    body = b"".join(parts) + END
    edges = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    chunks = Chunks(body[a:b] for a, b in itertools.pairwise(edges))
    to = tmp_path_factory.mktemp("upload") / "file"

    form = receive(chunks, to)

    sha256 = hashlib.sha256(content).hexdigest()
    assert form == Form("dog.mp4", len(content), {"threshold": "0.25"}, sha256)
    assert to.read_bytes() == content


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (b'filename="dog.mp4"', "dog.mp4"),
        ('filename="d\u00f6g.mp4"'.encode(), "d\u00f6g.mp4"),
        (b'filename="d\xf6g.mp4"', "d\ufffdg.mp4"),
        (b"filename=\"dog.mp4\"; filename*=UTF-8''d%C3%B6g%3A%201.mp4", "d\u00f6g_ 1.mp4"),
        (b"filename*=iso-8859-1'de'd%F6g.mp4; filename=dog.mp4", "d\u00f6g.mp4"),
        (b"filename*=UTF-8''..%2F..%2Fdog.mp4", "dog.mp4"),
        (b"filename*0*=UTF-8''d%C3; filename*1*=%B6g.mp4", "d\u00f6g.mp4"),
        (b'filename="dog.mp4"; filename*=nonsense', "dog.mp4"),
        (b"filename=\"dog.mp4\"; filename*=undefined''d%F6g.mp4", "dog.mp4"),
        (b'filename="=?utf-8?B?ZMO2Zy5tcDQ=?="', "d\u00f6g.mp4"),
        (b'filename="=?iso-8859-1?Q?d=F6g?=.mp4"', "d\u00f6g.mp4"),
        (b'filename="=?utf-8?B?ZMO2?= =?utf-8?B?Zy5tcDQ=?="', "d\u00f6g.mp4"),
        (b'filename="=?klingon?B?ZMO2?=.mp4"', "=_klingon_B_ZMO2_=.mp4"),
        (b'filename="=?undefined?B?ZMO2?=.mp4"', "=_undefined_B_ZMO2_=.mp4"),
        (b'filename=".."', "upload"),
        (b'filename=""', "upload"),
        ('filename="10:30\u202fPM.mp4"'.encode(), "10_30 PM.mp4"),
        (("\u5b57" * 200).join(['filename="', '.mp4"']).encode(), "\u5b57" * 65 + ".mp4"),
    ],
)
def test_a_file_name_is_decoded_and_made_safe(tmp_path: Path, parameters: bytes, name: str) -> None:
    body = (FILE % b"a").replace(b'filename="dog.mp4"', parameters) + END
    assert receive(Chunks([body]), tmp_path / "file").filename == name


@given(st.binary(max_size=60) | st.text("=?'*; \"%0utf8BQ\u00fc", max_size=60).map(str.encode))
def test_any_file_name_is_taken(text: bytes) -> None:
    assert isinstance(filename_in(b"form-data; filename*=" + text, text), str)


@pytest.mark.parametrize(
    ("body", "error", "named"),
    [
        (
            OPTION % (b"every", b"2") + END,
            InvalidRequest,
            "file must be one part that holds the video, got nothing.",
        ),
        (FILE % b"" + END, InvalidRequest, "0 bytes"),
        (FILE % b"a" + FILE % b"b" + END, InvalidRequest, "two parts"),
        (
            OPTION % (b"every", b"2") * 2 + FILE % b"a" + END,
            InvalidRequest,
            "every must be given once",
        ),
        (
            OPTION % (b"color", b"red") + FILE % b"a" + END,
            InvalidRequest,
            "'color' is not one of file, ",
        ),
        (OPTION % (b"every", b"2" * 10_000) + FILE % b"a" + END, InvalidRequest, "8192 bytes"),
        (OPTION % (b"every", b"\xff") + FILE % b"a" + END, MalformedBody, "UTF-8"),
        (b"--cut\r\nContent-Type: video/mp4\r\n\r\na\r\n" + END, MalformedBody, "must have a name"),
        (FILE % b"a", MalformedBody, "ends before its last boundary"),
        (b"", MalformedBody, "ends before its last boundary"),
        (b"hello", MalformedBody, "isn't valid multipart"),
        (b"--cut\r\n" + b"X" * 10_000 + b": 1\r\n\r\n", MalformedBody, "header size"),
    ],
)
def test_a_wrong_form_is_told_what_was_received(
    tmp_path: Path, body: bytes, error: type[ServiceError], named: str
) -> None:
    with pytest.raises(error) as caught:
        receive(Chunks([body]), tmp_path / "file")
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("content_type", "error"),
    [
        ("multipart/form-data", MalformedBody),
        ("multipart/form-data; boundary=" + "b" * 300, MalformedBody),
    ],
)
def test_another_content_type_is_refused_before_the_body_is_read(
    tmp_path: Path, content_type: str, error: type[ServiceError]
) -> None:
    chunks = Chunks([FILE % b"a" + END])
    with pytest.raises(error):
        receive(chunks, tmp_path / "file", content_type)


def test_a_declared_length_past_the_limit_is_refused_unread(tmp_path: Path) -> None:
    chunks = Chunks([b"x"])
    too_long = str(LIMITS.max_bytes + FORM_BYTES + 1)
    with pytest.raises(UploadTooLarge, match=f"1048576 bytes .*, got a body of {too_long} bytes"):
        receive(chunks, tmp_path / "file", headers=[too_long])
    assert chunks.taken == 0


def test_an_undeclared_length_stops_at_the_limit(tmp_path: Path) -> None:
    chunks = Chunks([FILE.split(b"%s")[0], *[bytes(2**16)] * 10_000])
    with pytest.raises(UploadTooLarge):
        receive(chunks, tmp_path / "file")
    assert chunks.taken <= 1 + 2 * LIMITS.max_bytes // 2**16
    assert (tmp_path / "file").stat().st_size <= LIMITS.max_bytes


def test_bytes_behind_the_form_count_too(tmp_path: Path) -> None:
    chunks = Chunks([FILE % b"a" + END, *[bytes(2**16)] * 10_000])
    with pytest.raises(UploadTooLarge):
        receive(chunks, tmp_path / "file")


def test_a_client_that_leaves_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(ClientDisconnect):
        receive(Chunks([FILE % b"a"], leaves=True), tmp_path / "file")


def test_a_stalled_upload_times_out(tmp_path: Path) -> None:
    async def stall() -> Message:
        await anyio.sleep(60)
        return {"type": "http.disconnect"}

    headers = [(b"content-type", MULTIPART.encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, stall)
    with pytest.raises(UploadTooSlow, match=r"0\.05 s"):
        anyio.run(receive_form, request, tmp_path / "file", OPTIONS, UploadLimits(100, 0.05))


def test_an_upload_that_drips_times_out(tmp_path: Path) -> None:
    async def drip() -> Message:
        await anyio.sleep(0.02)
        return {"type": "http.request", "body": b"a", "more_body": True}

    headers = [(b"content-type", MULTIPART.encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers}, drip)
    with pytest.raises(UploadTooSlow, match=r"Only [1-9][0-9]* bytes of the body came in 0\.3 s"):
        anyio.run(receive_form, request, tmp_path / "file", OPTIONS, UploadLimits(100, 0.3))


def test_memory_does_not_grow_with_the_upload(tmp_path: Path) -> None:
    size = 64 * 2**20

    async def upload() -> Form:
        async def body() -> AsyncIterator[bytes]:
            yield FILE.split(b"%s")[0]
            for _ in range(size // 2**16):
                yield bytes(2**16)
            yield b"\r\n" + END

        chunks = body()

        async def take() -> Message:
            chunk = await anext(chunks, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        headers = [(b"content-type", MULTIPART.encode())]
        request = Request({"type": "http", "method": "POST", "headers": headers}, take)
        return await receive_form(request, tmp_path / "file", OPTIONS, UploadLimits(size, 5))

    tracemalloc.start()
    try:
        form = anyio.run(upload)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert form.size == size
    assert peak < 8 * 2**20
