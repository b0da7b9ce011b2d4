"""Opens the store of the jobs' files: a folder, or an object store by its URL."""

from pathlib import Path

from jobs.bucket_store import BucketStore
from jobs.cache import DEFAULT_BYTES
from jobs.folder_store import FolderStore
from jobs.store import JobStore


def open_store(
    data_dir: Path, url: str | None = None, cache_bytes: int = DEFAULT_BYTES
) -> JobStore:
    """Open a URL such as `s3://BUCKET/PREFIX`, or `data_dir`; raises StoreAway or StoreRefuses."""
    if url is None:
        return FolderStore(data_dir)
    store = BucketStore(data_dir, url, cache_bytes)
    store.require()
    return store
