"""Exports trained weights as an ONNX file: `python -m export --preset motion-lite2 ...`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from export import onnx_file
from model import checkpoint
from model.presets import PRESETS, restore
from pipeline.network.spec import ModelSpec, actions_file, features_file

MULTIPLE = 32  # the encoders halve a picture five times

# What the weights may be used for follows from what they were trained on.
LICENCE = (
    "Research use only: trained on DAVIS-2016 (CC BY-NC 4.0) and on the research sets DUTS, ECSSD "
    "and J-HMDB. The code is Apache-2.0."
)
DATA = (
    "ImageNet (initial weights); DUTS-TR and ECSSD, stills set in motion and put together; "
    "DAVIS-2016 train; J-HMDB split 1 train without what is held out."
)


def main(arguments: Sequence[str]) -> None:
    parsed = _parser().parse_args(arguments)
    network, about = restore(parsed.preset, parsed.weights)
    if about.get("preset", parsed.preset) != parsed.preset:
        sys.exit(f"Weights must be of preset {parsed.preset}, got {about['preset']}.")
    spec = ModelSpec(
        name=parsed.preset,
        version=parsed.version,
        clip_length=PRESETS[parsed.preset].clip_length,
        short_side=parsed.short_side,
        long_side=parsed.long_side or 2 * parsed.short_side,
        multiple=MULTIPLE,
        licence=LICENCE,
        data=DATA,
        measured=_metrics(parsed.measured),
        git_revision=str(about.get("git_revision", "unknown")),
        labels=network.actions.labels if network.actions is not None else (),
        cues=network.cues is not None,
    )
    onnx_file.write(network, spec, parsed.out, half=parsed.half)
    written = [parsed.out]
    if spec.labels:
        written += [features_file(parsed.out), actions_file(parsed.out)]
    if parsed.weights_out is not None:
        checkpoint.save(network, parsed.weights_out, about, half=parsed.half)
        written.append(parsed.weights_out)
    for path in written:
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


def _metrics(files: Sequence[Path]) -> dict[str, float]:
    """Read the metrics of whole data sets that `python -m evaluation --json` wrote."""
    return {
        f"{path.stem} {name}": round(value, 4)
        for path in files
        for name, value in json.loads(path.read_text()).items()
        if isinstance(value, float)
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    parser.add_argument(
        "--weights-out", type=Path, help="a .safetensors file to write the weights to, too"
    )
    parser.add_argument("--version", default="0", help="of the weights, such as 2026.11.1")
    parser.add_argument(
        "--short-side", type=int, default=256, help="frames are scaled to it, in pixels"
    )
    parser.add_argument("--long-side", type=int, help="at most, in pixels; twice the short side")
    parser.add_argument(
        "--measured",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="what --json of `python -m evaluation` wrote, for the metadata, by the file's name",
    )
    parser.add_argument(
        "--half", action="store_true", help="keep the weights as float16: files half as large"
    )
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
