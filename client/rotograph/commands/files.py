"""The files that results become: where they go, what they are called, and what is there already."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from rotograph import Client, Job
from rotograph.commands.progress import progress
from rotograph.options import Format
from rotograph.uploads import url_of

# Of a name without its ending: with it file systems take 255.
_MOST_BYTES = 200


@dataclass(frozen=True)
class Files:
    """What is to be written for each video."""

    out: Path
    formats: tuple[Format, ...]
    overwrite: bool = False

    def target(self, source: str, form: Format) -> Path:
        """Return where the result of a video goes in a format.

        >>> Files(Path("out"), ()).target("https://example.org/my%20dog.mp4?a=b", "cvat.xml")
        PosixPath('out/my dog.cvat.xml')
        """
        stem = Path(name_of(source)).stem or "video"
        short = stem.encode(errors="surrogateescape")[:_MOST_BYTES].decode(errors="ignore")
        return self.out / f"{short}.{form}"

    def check(self, sources: Iterable[str]) -> None:
        """Raise ValueError for results without a place of their own."""
        taken: dict[Path, str] = {}
        for source in sources:
            for form in self.formats:
                target = self.target(source, form)
                if target in taken:
                    raise ValueError(f"{taken[target]!r} and {source!r} would both be {target}.")
                taken[target] = source
                if target.exists() and not self.overwrite:
                    raise ValueError(f"{target} is there already; --overwrite replaces it.")

    def download(self, client: Client, job: Job, source: str, form: Format) -> Path:
        self.out.mkdir(parents=True, exist_ok=True)
        with progress(f"{name_of(source)}: {form}", "B") as move:
            return client.download(job, form, self.target(source, form), on_progress=move)


def name_of(source: str) -> str:
    url = url_of(source)
    return PurePosixPath(unquote(urlsplit(url).path)).name if url else Path(source).name
