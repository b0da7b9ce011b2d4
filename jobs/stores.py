"""Opens the store of the jobs' files: a folder, or an object store by its URL."""

from pathlib import Path

from jobs.bucket_store import BucketStore
from jobs.cache import DEFAULT_BYTES
from jobs.folder_store import FolderStore
from jobs.store import JobStore


def open_store(
    data_dir: Path, url: str | None = None, cache_bytes: int = DEFAULT_BYTES
) -> JobStore:
    """Open the store of the jobs' files, and make sure that it takes and gives them.

    Args:
        data_dir: keeps the files; where they have a URL, what is received, written or read now.
        url: of the files, such as `s3://BUCKET/PREFIX`; None for `data_dir`.
        cache_bytes: that copies of files with a URL may take, but for those in use.

    Raises:
        StoreAway: the object store can't be reached.
        StoreRefuses: it doesn't exist, or doesn't let us use it.
    """
    if url is None:
        return FolderStore(data_dir)
    store = BucketStore(data_dir, url, cache_bytes)
    store.require()
    return store
