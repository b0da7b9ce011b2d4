"""The command line: `python -m client segment VIDEO ...`, and what its exit status says."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

from client.connection import URL
from client.options import Format, Instances, Options, Priority, Quality
from client.segment_command import Asked, run
from client.sync_client import Client

STATUS = """exit status:
  0    all that was asked for is there
  1    a job failed or was canceled, or a result couldn't be written
  2    the command line is wrong, or a file is there already; nothing was sent
  3    the service can't be reached, or refuses
  130  interrupted; the job that ran was canceled
of several, the highest"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    asked = _asked(given)
    if fault := asked.fault():
        given.command.error(fault)
    try:
        client = Client(given.url, given.key)
    except ValueError as error:
        given.command.error(str(error))
    with client:
        return run(client, asked)


def _asked(given: argparse.Namespace) -> Asked:
    overlay: list[Format] = ["overlay.mp4"] if given.overlay else []
    formats: list[Format] = [*given.format, *overlay]
    names = Options.__annotations__
    options = {name: value for name, value in vars(given).items() if name in names}
    return Asked(
        sources=tuple(given.videos),
        out=given.out,
        formats=tuple(dict.fromkeys(formats)) or ("json",),
        options=cast(Options, {n: value for n, value in options.items() if value is not None}),
        overwrite=given.overwrite,
        as_json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m client", description="Ask the service.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    segment = commands.add_parser(
        "segment",
        help="segment videos and keep their results as files",
        description="Have videos segmented, one after another, and keep their results as files.",
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    segment.set_defaults(command=segment)
    segment.add_argument("videos", nargs="+", metavar="VIDEO", help="a file, or a URL")
    _add_files(segment)
    _add_options(segment)
    _add_service(segment)
    return parser


def _add_files(segment: argparse.ArgumentParser) -> None:
    add = segment.add_argument
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
    add("--json", action="store_true", help="write a JSON object a video to standard output")


def _add_options(segment: argparse.ArgumentParser) -> None:
    add = segment.add_argument
    add("--quality", choices=get_args(Quality), help="default: fast")
    add("--instances", choices=get_args(Instances), help="default: primary")
    add("--actions", action=argparse.BooleanOptionalAction, help="say what objects do")
    add("--start", dest="start_s", type=float, metavar="S", help="first second to segment")
    add("--end", dest="end_s", type=float, metavar="S", help="second to stop before")
    add("--priority", choices=get_args(Priority), help="among your own jobs")


def _add_service(segment: argparse.ArgumentParser) -> None:
    add = segment.add_argument
    url = os.environ.get("ROTOGRAPH_URL", URL)
    add("--url", default=url, help=f"of the service (default: ROTOGRAPH_URL, or {URL})")
    key = os.environ.get("ROTOGRAPH_KEY")
    add("--key", default=key, help="API key (default: ROTOGRAPH_KEY; others can see arguments)")


if __name__ == "__main__":
    sys.exit(main())
