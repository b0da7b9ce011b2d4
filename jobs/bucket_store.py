"""The files of jobs in an object store, an object each, and copies of those in use on the disk."""

import logging
import os
import secrets
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, TextIO

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from jobs.cache import Cache, Original
from jobs.errors import StoreAway, StoreRefuses
from jobs.folder_store import remove_older
from jobs.store import JobFile, JobStore, checked

if TYPE_CHECKING:  # they are no classes that could be imported
    from obstore import GetResult, ObjectMeta

BLOCK_BYTES = 2**20
# Large files are put in parts; so many of them are in memory at once.
PART_BYTES = 8 * 2**20
PARTS_AT_ONCE = 4
AGAIN_AFTER_S = 1.0
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")

_log = logging.getLogger(__name__)


class BucketStore(JobStore):
    """Keeps the files of jobs under a URL such as `s3://BUCKET/PREFIX`, and copies in `data_dir`.

    Credentials, region and endpoint come from the environment variables that obstore knows, such as
    AWS_ACCESS_KEY_ID, AWS_REGION and AWS_ENDPOINT_URL. Copies, but for those in use, take at most
    `cache_bytes`.

    An object store has no folders that could be gone, so the upload stands for its job: it is put
    first and deleted first, and whoever writes looks for it afterwards. If it is still there, a
    `delete` that follows finds what was written; if not, the writer removes that itself.
    """

    def __init__(self, data_dir: Path, url: str, cache_bytes: int) -> None:
        super().__init__(data_dir)
        self._url = url
        self._cache = Cache(data_dir / "cache", cache_bytes)
        self._bucket = _connect(url, answer_s=15, retry_s=10)
        self._probed = _connect(url, answer_s=3, retry_s=0)

    def require(self) -> None:
        """Try all that the store must allow; raises StoreAway or StoreRefuses."""
        endpoint = next((os.environ[name] for name in ENDPOINTS if name in os.environ), "")
        if endpoint.startswith("http://") and not _allows_http():
            raise StoreRefuses(
                f"The endpoint must be https without AWS_ALLOW_HTTP=true, got {endpoint}."
            )
        key = f"check/{secrets.token_hex(8)}"  # others that start now have their own
        try:
            self._bucket.put(key, b"Whether files can be kept here.")
            self._bucket.list_with_delimiter("check")
            self._bucket.get(key).bytes()
            self._bucket.delete(key)
        except (FileNotFoundError, PermissionDeniedError, UnauthenticatedError) as error:
            raise StoreRefuses(
                f"{self._url} must be a bucket that may be written, read, listed and deleted "
                f"from, and the object store refuses. {_reason(error)}"
            ) from error
        except BaseError as error:
            raise StoreAway(
                f"The object store of {self._url} can't be reached. {_reason(error)}"
            ) from error

    def check(self) -> None:
        with _answering():
            self._probed.list_with_delimiter("check")

    def adopt(self, job_id: str) -> None:
        incoming, upload = self.incoming(job_id), self.upload(job_id)
        if incoming.exists() and self.exists(upload):
            raise FileExistsError(f"There is a job {job_id} already.")
        self._put(upload, incoming)
        self._cache.take(incoming, _copy_name(upload))

    def exists(self, file: JobFile) -> bool:
        with _answering():
            try:
                self._bucket.head(_key(file))
            except FileNotFoundError:
                return False
        return True

    def open(self, file: JobFile) -> TextIO:
        copy = SpooledTemporaryFile(max_size=BLOCK_BYTES, dir=str(self.uploads.parent))  # noqa: SIM115 - for the caller
        try:
            for block in self._get(file).blocks:
                copy.write(block)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return TextIOWrapper(copy, encoding="utf-8")

    @contextmanager
    def local(self, file: JobFile) -> Iterator[Path]:
        with self._cache.copy(_copy_name(file), lambda: self._get(file)) as path:
            yield path

    @contextmanager
    def writing(self, file: JobFile, patience_s: float = 0.0) -> Iterator[Path]:
        with self._cache.unfinished() as path:
            yield path
            self._put_patiently(file, path, time.monotonic() + patience_s)
        if not self.exists(self.upload(file.job_id)):
            self.remove(file)
            raise FileNotFoundError(f"There is no job {file.job_id} to write into.")

    def abandon(self, file: JobFile) -> None:  # noqa: ARG002 - what was left says no name
        self._cache.tidy()

    def remove(self, file: JobFile) -> None:
        with _answering():
            self._bucket.delete(_key(file))

    def remove_scaffolding(self, job_id: str) -> None:
        for name in ("parts", "trackers"):
            self._delete_all(_key(JobFile(job_id, name)))

    def delete(self, job_id: str) -> None:
        self.remove(self.upload(job_id))
        self._delete_all(_folder(job_id))
        self._cache.drop(job_id)

    def size(self, job_id: str | None = None) -> int:
        with _answering():
            folder = "jobs" if job_id is None else _folder(job_id)
            return sum(each["size"] for some in self._list(folder) for each in some)

    def sweep(self, known: Container[str], older_than_s: float) -> None:
        before = time.time() - older_than_s
        remove_older(self.uploads, before)
        self.tidy()
        with _answering():
            folders = self._bucket.list_with_delimiter("jobs")["common_prefixes"]
        for job_id in (folder.rpartition("/")[2] for folder in folders):
            if job_id not in known and self._changed_at(job_id) < before:
                self.delete(job_id)

    def tidy(self) -> None:
        self._cache.tidy()

    def _put_patiently(self, file: JobFile, path: Path, until: float) -> None:
        while True:
            try:
                return self._put(file, path)
            except StoreAway:
                if time.monotonic() >= until:
                    raise
            time.sleep(AGAIN_AFTER_S)

    def _put(self, file: JobFile, path: Path) -> None:
        path.stat()  # below, a FileNotFoundError is the store's
        with _answering():
            try:
                self._bucket.put(
                    _key(file), path, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
                )
            except FileNotFoundError as error:
                raise StoreAway("The store of the jobs' files is gone.") from error

    def _get(self, file: JobFile) -> Original:
        with _answering():
            found = self._bucket.get(_key(file))
        changed_at = found.meta["last_modified"].timestamp()
        return Original(found.meta["size"], changed_at, _blocks(found))

    def _delete_all(self, folder: str) -> None:
        with _answering():
            for some in self._list(folder):
                self._bucket.delete([each["path"] for each in some])

    def _changed_at(self, job_id: str) -> float:
        with _answering():
            times = [each["last_modified"] for some in self._list(_folder(job_id)) for each in some]
        return max(times).timestamp() if times else 0.0

    def _list(self, folder: str) -> Iterator[Sequence["ObjectMeta"]]:
        return iter(self._bucket.list(folder, chunk_size=1000))


def _allows_http() -> bool:
    return os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"true", "1"}


def _connect(url: str, answer_s: float, retry_s: float) -> S3Store:
    return S3Store.from_url(
        url,
        client_options={
            "allow_http": _allows_http(),
            "connect_timeout": timedelta(seconds=min(answer_s, 5)),
            "read_timeout": timedelta(seconds=answer_s),
            # Of a whole answer, which is as long as the file is large.
            "timeout": timedelta(hours=1),
        },
        retry_config={"retry_timeout": timedelta(seconds=retry_s)},
    )


@contextmanager
def _answering() -> Iterator[None]:
    """Turn every error of the object store but an absent object into StoreAway."""
    try:
        yield
    except BaseError as error:
        _log.warning("the object store fails", extra={"reason": _reason(error)})
        raise StoreAway("The store of the jobs' files doesn't answer; try later.") from error


def _reason(error: Exception) -> str:
    """Return what obstore says without its debugging output."""
    return str(error).partition("\n\n")[0]


def _blocks(found: "GetResult") -> Iterator[bytes]:
    with _answering():
        yield from found.stream(BLOCK_BYTES)


def _folder(job_id: str) -> str:
    return f"jobs/{checked(job_id)}"


def _key(file: JobFile) -> str:
    return f"jobs/{file}"


def _copy_name(file: JobFile) -> str:
    return str(file).replace("/", ".")
