"""Measures predicted masks or a model on labelled videos: `python -m evaluation davis ...`."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, get_args

from dataset import davis, davis17, jhmdb, segtrack
from dataset.held_out import split_davis, split_jhmdb
from dataset.values import DatasetError, LabelledSequence, LabelledVideo
from evaluation import (
    compare,
    numbered,
    predicted_actions,
    predictions,
    report_davis,
    report_davis17,
    report_jhmdb,
    report_none,
    report_segtrack,
    report_shots,
)
from evaluation.compare import CompareError
from evaluation.confusion import write_confusion
from evaluation.predictions import PredictionError, centre_box
from evaluation.region import Mask
from evaluation.scoring import Predict, predict, score_each
from evaluation.sheet import write_sheet
from evaluation.table import write_json
from pipeline.errors import PipelineError
from pipeline.network import infer
from pipeline.network.graph import DEVICES
from pipeline.segmenter import STRIDE, Segmenter
from pipeline.values import Instances, Quality

HELD_OUT = "held-out"
"""The part of a training part that no model here was trained on."""

S = TypeVar("S", bound=LabelledSequence)
R = TypeVar("R")


def main(arguments: Sequence[str]) -> None:
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if getattr(parsed, "save", None) is not None and parsed.masks is not None:
        parser.error("--save keeps the masks that are made; with --masks there are none")
    try:
        parsed.run(parsed)
    except (CompareError, DatasetError, PredictionError, PipelineError) as error:
        sys.exit(str(error))


def _davis(parsed: argparse.Namespace) -> None:
    sequences = _davis_videos(parsed)
    scores = _score(parsed, sequences, report_davis.score, lambda score: score.region.mean)
    found = report_davis.metrics(scores)
    _report(parsed, report_davis.text(found, parsed.split), found)


def _none(parsed: argparse.Namespace) -> None:
    scores = _score(
        parsed, _davis_videos(parsed), report_none.score, lambda score: score.frames, named=True
    )
    found = report_none.metrics(scores)
    _report(parsed, report_none.text(found, parsed.split), found)


def _shots(parsed: argparse.Namespace) -> None:
    if parsed.root is not None:
        train, held_out = split_davis(davis.load(parsed.root, "train"))
        videos = held_out if parsed.split == HELD_OUT else train
        found = report_shots.score(videos, parsed.montages)
        _report(parsed, report_shots.text(found), found)
    for path, cuts, count in report_shots.files(parsed.files):
        print(f"{path.name}: {count} frames, cuts {cuts or 'none'}", flush=True)


def _tracks(parsed: argparse.Namespace) -> None:
    # TrackEval, which it imports, is among the requirements of the tests only.
    from evaluation import report_tracks  # noqa: PLC0415

    segmenter = Segmenter(infer.load(parsed.model, parsed.device))
    found: dict[str, dict[str, float | None]] = {}
    for path in parsed.videos:
        tracked = report_tracks.track(segmenter, path, parsed.instances)
        found[path.name] = report_tracks.told(tracked)
        if parsed.truth is not None:
            truth = report_tracks.read_truth(parsed.truth / path.stem)
            masks = numbered.of_tracks(tracked.frames)
            found[path.name] |= report_tracks.score(truth, masks, tracked.minutes)
    _report(parsed, report_tracks.text(found), found)


def _davis17(parsed: argparse.Namespace) -> None:
    videos = _chosen(davis17.load(parsed.root, parsed.split), parsed)
    if parsed.model is not None:
        segmenter = Segmenter(infer.load(parsed.model, parsed.device))
    scores = {}
    for video in videos:
        if parsed.model is not None:
            found = report_davis17.segment(segmenter, video, parsed.instances)
        else:
            names = (f"{name}.png" for name in video.frame_names)
            found = numbered.read(parsed.masks / video.name / name for name in names)
        scores[video.name] = report_davis17.score(numbered.read(video.mask_paths), found)
    metrics = report_davis17.metrics(scores)
    _report(parsed, report_davis17.text(metrics, parsed.split), metrics)


def _davis_videos(parsed: argparse.Namespace) -> list[LabelledVideo]:
    videos = davis.load(parsed.root, "train" if parsed.split == HELD_OUT else parsed.split)
    if parsed.split == HELD_OUT:
        _, videos = split_davis(videos)
    return _chosen(videos, parsed)


def _segtrack(parsed: argparse.Namespace) -> None:
    sequences = _chosen(segtrack.load(parsed.root), parsed)
    scores = _score(
        parsed, sequences, report_segtrack.score, lambda score: float(score.per_frame().mean())
    )
    found = report_segtrack.metrics(scores)
    _report(parsed, report_segtrack.text(found), found)


def _jhmdb(parsed: argparse.Namespace) -> None:
    held_out = parsed.subset == HELD_OUT
    if held_out and parsed.split != 1:
        raise DatasetError(f"--subset held-out needs --split 1, got {parsed.split}.")
    clips = jhmdb.load(parsed.root, parsed.split, "train" if held_out else parsed.subset)
    if held_out:
        _, clips = split_jhmdb(clips)
    clips = _chosen(clips, parsed)
    scores = _score(
        parsed,
        clips,
        report_jhmdb.score,
        lambda score: float(score.overlap.per_frame().mean()),
        named=True,
    )
    found = report_jhmdb.metrics(scores)
    if parsed.confusion is not None:
        if found["confusion"] is None:
            raise PredictionError("--confusion needs a model that names actions.")
        write_confusion(parsed.confusion, found["confusion"])
    part = f"split {parsed.split} {parsed.subset}"
    _report(parsed, report_jhmdb.text(found, part), found)


def _compare(parsed: argparse.Namespace) -> None:
    metrics = {path.stem: compare.read_metrics(path) for path in parsed.metrics}
    if len(metrics) < len(parsed.metrics):
        raise CompareError("Each file must have a name of its own, got two of one name.")
    print(compare.text(metrics))


def _chosen(sequences: Sequence[S], parsed: argparse.Namespace) -> list[S]:
    patterns = parsed.sequences
    if not patterns:
        return list(sequences)
    names = [sequence.name for sequence in sequences]
    lost = [p for p in patterns if not any(fnmatchcase(name, p) for name in names)]
    if lost:
        raise DatasetError(f"--sequences must be some of {', '.join(names)}, got {' '.join(lost)}.")
    return [s for s in sequences if any(fnmatchcase(s.name, p) for p in patterns)]


def _score(
    parsed: argparse.Namespace,
    sequences: Sequence[S],
    score: Callable[[Path, S], R],
    quality: Callable[[R], float],
    *,
    named: bool = False,
) -> dict[str, R]:
    with _predictions(parsed, sequences, named) as folder:
        scores = score_each(score, folder, sequences)
        if parsed.sheet:
            qualities = {name: quality(item) for name, item in scores.items()}
            write_sheet(parsed.sheet, folder, sequences, qualities)
    return scores


@contextmanager
def _predictions(
    parsed: argparse.Namespace, sequences: Sequence[LabelledSequence], named: bool
) -> Iterator[Path]:
    """Yield the folder of predicted masks, given or made; if `named`, it holds the actions, too."""
    if parsed.masks is not None:
        if not parsed.masks.is_dir():
            raise PredictionError(f"--masks must be a folder of predictions, got {parsed.masks}.")
        yield parsed.masks
        return
    with TemporaryDirectory() as temporary:
        folder = parsed.save or Path(temporary)
        segment = centre_box if parsed.centre_box else _segment_with(parsed, folder, named)
        predict(segment, sequences, folder)
        yield folder


def _segment_with(parsed: argparse.Namespace, folder: Path, named: bool) -> Predict:
    segmenter = Segmenter(infer.load(parsed.model, parsed.device), parsed.stride)
    if not named or not segmenter.session.spec.labels:
        return lambda sequence: predictions.segment(segmenter, sequence, parsed.quality)

    def segment_and_name(sequence: LabelledSequence) -> Iterator[Mask]:
        actions: list[predicted_actions.ActionScores] = []
        yield from predictions.segment(segmenter, sequence, parsed.quality, actions)
        predicted_actions.write(folder, sequence, actions)

    return segment_and_name


def _report(parsed: argparse.Namespace, text: str, found: dict[str, Any]) -> None:
    print(text)
    if parsed.json:
        write_json(found, parsed.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True)
    on_davis = commands.add_parser("davis", help="J, F and T on DAVIS-2016")
    on_davis.set_defaults(run=_davis)
    on_davis.add_argument(
        "--split", default="val", help="val, train, or held-out of train; default: val"
    )
    on_segtrack = commands.add_parser("segtrack", help="mean IoU on SegTrack-v2")
    on_segtrack.set_defaults(run=_segtrack)
    on_jhmdb = commands.add_parser("jhmdb", help="IoU and actions on J-HMDB")
    on_jhmdb.set_defaults(run=_jhmdb)
    on_jhmdb.add_argument("--split", type=int, choices=jhmdb.SPLITS, default=1, help="default: 1")
    on_jhmdb.add_argument(
        "--subset", choices=["train", "test", HELD_OUT], default="test", help="held-out: of train"
    )
    on_jhmdb.add_argument(
        "--confusion",
        type=Path,
        help="draw the confusion matrix of actions into this picture",
    )
    of_none = commands.add_parser("none", help="what is predicted of what does none of the actions")
    of_none.set_defaults(run=_none)
    of_none.add_argument(
        "--split", default="val", help="of DAVIS-2016, as for `davis`; default: val"
    )
    for command in (on_davis, on_segtrack, on_jhmdb, of_none):
        _add_common(command)
    on_davis17 = commands.add_parser("davis17", help="J and F of objects on DAVIS-2017")
    on_davis17.set_defaults(run=_davis17)
    on_davis17.add_argument("--root", type=Path, required=True, help="the data set's folder")
    on_davis17.add_argument("--split", default="val", help="default: val")
    source = on_davis17.add_mutually_exclusive_group(required=True)
    source.add_argument("--masks", type=Path, help="<sequence>/<frame>.png, values number tracks")
    source.add_argument("--model", type=Path, help="an .onnx file to segment with")
    on_davis17.add_argument("--device", choices=DEVICES, default="cpu", help="for --model")
    on_davis17.add_argument("--instances", choices=get_args(Instances), default="components")
    on_davis17.add_argument("--json", type=Path, help="write all metrics here, as fractions")
    on_davis17.add_argument("--sequences", nargs="+", metavar="NAME", help="only these")
    of_shots = commands.add_parser("shots", help="cuts found in montages of DAVIS, and in files")
    of_shots.set_defaults(run=_shots)
    of_shots.add_argument("--root", type=Path, help="of DAVIS, to make montages of")
    of_shots.add_argument("--split", choices=[HELD_OUT, "train"], default=HELD_OUT)
    of_shots.add_argument("--montages", type=int, default=40, help="default: 40")
    of_shots.add_argument("--files", type=Path, nargs="+", default=[], help="to list the cuts of")
    of_shots.add_argument("--json", type=Path, help="write all metrics here, as fractions")
    of_tracks = commands.add_parser("tracks", help="how well objects are followed through videos")
    of_tracks.set_defaults(run=_tracks)
    of_tracks.add_argument("videos", type=Path, nargs="+")
    of_tracks.add_argument("--model", type=Path, required=True, help="an .onnx file")
    of_tracks.add_argument("--device", choices=DEVICES, default="cpu")
    of_tracks.add_argument("--instances", choices=get_args(Instances), default="components")
    of_tracks.add_argument(
        "--truth", type=Path, help="<video's stem>/NNNNN.png, whose values number the objects"
    )
    of_tracks.add_argument("--json", type=Path, help="write all metrics here, as fractions")
    comparing = commands.add_parser("compare", help="models side by side on DAVIS-2016")
    comparing.set_defaults(run=_compare)
    comparing.add_argument(
        "metrics", type=Path, nargs="+", help="files that --json of `davis` wrote, one a model"
    )
    return parser


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--root", type=Path, required=True, help="the data set's folder")
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--masks", type=Path, help="predictions: <sequence>/<frame>.png")
    source.add_argument("--model", type=Path, help="an .onnx file to segment with")
    source.add_argument(
        "--centre-box", action="store_true", help="take the middle of each frame, as a baseline"
    )
    command.add_argument("--device", choices=DEVICES, default="cpu", help="for --model")
    command.add_argument(
        "--quality", choices=get_args(Quality), default="fast", help="of --model; default: fast"
    )
    command.add_argument(
        "--stride",
        type=int,
        choices=range(1, 9),
        default=STRIDE,
        metavar="FRAMES",
        help=f"from one clip of --model to the next; default: {STRIDE}, as the service has it",
    )
    command.add_argument("--save", type=Path, help="keep the masks that are made here")
    command.add_argument("--json", type=Path, help="write all metrics here, as fractions")
    command.add_argument("--sheet", type=Path, help="draw frames with the masks into this picture")
    command.add_argument(
        "--sequences",
        nargs="+",
        metavar="NAME",
        help="only these; * stands for anything, as in 'mallard-*'",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
