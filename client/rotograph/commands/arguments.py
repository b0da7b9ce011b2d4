"""What the command line may have, and the command that it becomes."""

import argparse
import os
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

from rotograph._version import __version__
from rotograph.commands.files import Files
from rotograph.commands.jobs import Cancel, Delete, ListJobs, Results, Status
from rotograph.commands.outcome import EXIT_STATUS
from rotograph.commands.segment import Segment
from rotograph.connection import URL
from rotograph.job import State
from rotograph.options import (
    Format,
    Instances,
    JobFilter,
    Masks,
    Options,
    Priority,
    Quality,
)


def parser() -> argparse.ArgumentParser:
    """Return a parser whose result has `make`, which makes a command of it."""
    whole = argparse.ArgumentParser(
        prog="rotograph", description="Have videos segmented by a service of Rotograph."
    )
    whole.add_argument("--version", action="version", version=f"rotograph {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=EXIT_STATUS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(parser=made)
        return made

    _add_segment(command("segment", "segment videos and keep their results as files"))
    _add_status(command("status", "show how jobs stand"))
    _add_result(command("result", "wait for jobs and keep their results as files"))
    _add_cancel(command("cancel", "cancel jobs"))
    _add_delete(command("delete", "delete jobs with their videos and results"))
    _add_list(command("list", "list jobs, newest first"))
    return whole


def _add_segment(segment: argparse.ArgumentParser) -> None:
    add = segment.add_argument
    add("videos", nargs="+", metavar="VIDEO", help="a file, or a URL that the service fetches")
    _add_files(segment)
    add("--no-wait", action="store_true", help="show the job of each video and leave it")
    _add_options(segment)
    add("--fresh", action="store_true", help="work also where the same was asked for before")
    _add_common(segment)

    def make(given: argparse.Namespace) -> Segment:
        names = Options.__annotations__
        chosen = vars(given) | {"labels": dict(given.labels) or None}
        options = {n: v for n, v in chosen.items() if n in names and v is not None}
        return Segment(
            sources=tuple(given.videos),
            files=None if given.no_wait else _files(given),
            options=cast(Options, options),
            fresh=given.fresh,
            as_json=given.json,
        )

    segment.set_defaults(make=make)


def _add_status(status: argparse.ArgumentParser) -> None:
    status.add_argument("jobs", nargs="+", metavar="JOB", help="id of a job")
    _add_common(status)
    status.set_defaults(make=lambda given: Status(tuple(given.jobs), given.json))


def _add_result(result: argparse.ArgumentParser) -> None:
    result.add_argument("jobs", nargs="+", metavar="JOB", help="id of a job")
    _add_files(result)
    _add_common(result)
    result.set_defaults(make=lambda given: Results(tuple(given.jobs), _files(given), given.json))


def _add_cancel(cancel: argparse.ArgumentParser) -> None:
    cancel.add_argument("jobs", nargs="+", metavar="JOB", help="id of a job")
    _add_common(cancel)
    cancel.set_defaults(make=lambda given: Cancel(tuple(given.jobs), given.json))


def _add_delete(delete: argparse.ArgumentParser) -> None:
    delete.add_argument("jobs", nargs="+", metavar="JOB", help="id of a job")
    _add_common(delete)
    delete.set_defaults(make=lambda given: Delete(tuple(given.jobs), given.json))


def _add_list(listing: argparse.ArgumentParser) -> None:
    add = listing.add_argument
    states = get_args(State)
    add("--state", action="append", default=[], choices=states, help="only those; repeatable")
    _add_labels(listing, "only those that have it; repeatable")
    time = datetime.fromisoformat
    add("--after", type=time, metavar="TIME", help="accepted then or later, as 2026-11-28T09:30")
    add("--before", type=time, metavar="TIME", help="accepted earlier")
    add("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    _add_common(listing)

    def make(given: argparse.Namespace) -> ListJobs:
        wanted = JobFilter(tuple(given.state), dict(given.labels), given.after, given.before)
        return ListJobs(wanted, given.limit, given.json)

    listing.set_defaults(make=make)


def _add_labels(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument(
        "--label",
        dest="labels",
        action="append",
        default=[],
        type=_label,
        metavar="NAME=VALUE",
        help=help,
    )


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, got {text!r}")
    return name, value


def _add_files(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("-o", "--out", type=Path, default=Path(), help="folder of the results (default: here)")
    add(
        "--format",
        action="append",
        default=[],
        choices=get_args(Format),
        metavar="FORMAT",
        help=f"one of {', '.join(get_args(Format))}; may be repeated (default: json)",
    )
    add("--overlay", action="store_true", help="the same as --format overlay.mp4")
    add("--overwrite", action="store_true", help="replace results that are there already")


def _files(given: argparse.Namespace) -> Files:
    overlay: list[Format] = ["overlay.mp4"] if given.overlay else []
    formats: list[Format] = [*given.format, *overlay]
    return Files(given.out, tuple(dict.fromkeys(formats)) or ("json",), given.overwrite)


def _add_options(segment: argparse.ArgumentParser) -> None:
    add = segment.add_argument_group("options of the job").add_argument
    add("--quality", choices=get_args(Quality), help="default: fast")
    add("--instances", choices=get_args(Instances), help="default: primary")
    add(
        "--min-track", dest="min_track_s", type=float, metavar="S", help="leave out what is briefer"
    )
    add("--masks", choices=get_args(Masks), help="default: rle")
    add("--actions", action=argparse.BooleanOptionalAction, help="say what objects do")
    add("--threshold", type=float, metavar="P", help="probability from which a pixel is in a mask")
    add("--start", dest="start_s", type=float, metavar="S", help="first second to segment")
    add("--end", dest="end_s", type=float, metavar="S", help="second to stop before")
    add("--every", type=int, metavar="N", help="segment each n-th frame")
    add("--priority", choices=get_args(Priority), help="among your own jobs")
    add("--callback-url", metavar="URL", help="posted to when the job has ended")
    _add_labels(segment, "to find the job by in lists; repeatable")


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--json", action="store_true", help="a JSON object a line on standard output")
    url = os.environ.get("ROTOGRAPH_URL", URL)
    add("--url", default=url, help=f"of the service (default: ROTOGRAPH_URL, or {URL})")
    key = os.environ.get("ROTOGRAPH_KEY")
    add("--key", default=key, help="API key (default: ROTOGRAPH_KEY; others can see arguments)")
