"""Pictures of masks gathered in a ZIP file, one after another."""

from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile


def write_archive(members: Iterable[tuple[str, bytes]], to: Path) -> None:
    """Write files as they come and uncompressed: PNG can't be compressed further."""
    with ZipFile(to, "w", ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(name, content)
