"""Checks a folder of labelled videos or stills: `python -m dataset check davis ROOT`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from dataset.check import Checked, check_davis, check_jhmdb, check_segtrack, check_stills
from dataset.jhmdb import SPLITS


def main(arguments: Sequence[str]) -> None:
    parsed = _parser().parse_args(arguments)
    checked: Iterator[Checked] = parsed.check(parsed)
    wrong = 0
    with tqdm(desc="checking", unit="sequence", disable=None) as bar:
        for _, findings in checked:
            bar.update()
            for finding in findings:
                wrong += finding.kind == "wrong"
                tqdm.write(f"{finding.kind}: {finding.where}: {finding.message}")
    if wrong:
        sys.exit(f"{parsed.root}: {wrong} wrong.")
    print(f"{parsed.root}: nothing is wrong.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dataset", description=__doc__)
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="explain what is wrong with a folder")
    kinds = check.add_subparsers(required=True, metavar="KIND")
    davis = kinds.add_parser("davis", help="DAVIS-2016")
    davis.set_defaults(check=lambda parsed: check_davis(parsed.root, parsed.split))
    davis.add_argument("--split", default="val", help="default: val")
    segtrack = kinds.add_parser("segtrack", help="SegTrack-v2")
    segtrack.set_defaults(check=lambda parsed: check_segtrack(parsed.root))
    jhmdb = kinds.add_parser("jhmdb", help="J-HMDB")
    jhmdb.set_defaults(check=lambda parsed: check_jhmdb(parsed.root, parsed.split))
    jhmdb.add_argument("--split", type=int, choices=SPLITS, default=1, help="default: 1")
    stills = kinds.add_parser("stills", help="a folder of images/ and masks/")
    stills.set_defaults(check=lambda parsed: check_stills(parsed.root))
    for kind in (davis, segtrack, jhmdb, stills):
        kind.add_argument("root", type=Path)
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
