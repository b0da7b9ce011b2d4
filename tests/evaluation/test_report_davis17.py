"""The protocol of DAVIS-2017, unsupervised, beside TrackEval's, and worked out by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from trackeval.metrics import JAndF

from dataset.values import DatasetError
from evaluation.numbered import Objects
from evaluation.report_davis17 import MAX_PROPOSALS, metrics, score
from pipeline.objects import rle
from pipeline.values import Rle
from tests.evaluation.masks import smooth_masks


def _frames(masks: Mapping[int, NDArray[np.bool_]]) -> list[Objects]:
    """Turn {number: (T, H, W) bool} to objects of each frame; empty masks aren't there."""
    count = len(next(iter(masks.values())))
    return [
        {number: rle.encode(of[at]) for number, of in masks.items() if of[at].any()}
        for at in range(count)
    ]


def _by_track_eval(truth: Sequence[Objects], found: Sequence[Objects]) -> Mapping[str, float]:
    data: dict[str, Any] = {"num_timesteps": len(truth)}
    for name, frames in (("gt", truth), ("tracker", found)):
        numbers = sorted({number for frame in frames for number in frame})
        data |= {
            f"num_{name}_ids": len(numbers),
            f"{name}_ids": [[numbers.index(number) for number in frame] for frame in frames],
            f"{name}_dets": [[_packed(mask) for mask in frame.values()] for frame in frames],
        }
    metric = JAndF()
    metric.optim_type = "J&F"
    measured: Mapping[str, float] = metric.eval_sequence(data)
    return measured


def _packed(mask: Rle) -> dict[str, Any]:
    return {"size": [mask.height, mask.width], "counts": mask.counts.encode("ascii")}


@pytest.mark.parametrize("tracks", [2, 3, 6])
def test_agrees_with_track_eval(tracks: int) -> None:
    true = {number: smooth_masks(number, 13, part=0.2) for number in (1, 2, 5)}
    true[2][:4] = False
    found = {
        10 + order: np.roll(masks, 4 + order, axis=2) ^ smooth_masks(20 + order, 13, part=0.1)
        for order, masks in enumerate([true[5], true[2], true[1], true[1], true[2], true[5]])
        if order < tracks
    }
    truth, proposals = _frames(true), _frames(found)
    ours = metrics({"one": score(truth, proposals)})
    theirs = _by_track_eval(truth, proposals)
    for name in ("mean", "recall", "decay"):
        for measure in ("J", "F"):
            wanted = theirs[f"{measure}-{name.capitalize()}"]
            assert ours[f"{measure}_{name}"] == pytest.approx(wanted, abs=1e-9)
    assert ours["J_and_F_mean"] == pytest.approx(theirs["J&F"])


def _squares(*places: int) -> NDArray[np.bool_]:
    masks = np.zeros((len(places), 40, 200), bool)
    for mask, place in zip(masks, places, strict=True):
        mask[10:30, place : place + 20] = True
    return masks


def test_a_track_that_changes_its_object_is_of_the_one_that_it_fits_longer() -> None:
    truth = _frames({1: _squares(*[10] * 10), 2: _squares(*[150] * 10)})
    found = _frames({7: _squares(*[10] * 6, *[150] * 4)})
    first, second = score(truth, found)
    assert (first.region.mean, first.contour.mean) == (0.6, 0.6)
    assert (second.region.mean, second.region.recall) == (0, 0)
    summed = metrics({"a": [first, second], "b": score(truth[:6], truth[:6])[:1]})
    assert (summed["objects"], summed["J_mean"]) == (3, pytest.approx(1.6 / 3))
    assert summed["per_sequence"]["a"]["J_and_F_mean"] == pytest.approx(0.3)


def test_what_can_not_be_scored_is_refused() -> None:
    truth = _frames({1: _squares(10, 10)})
    with pytest.raises(DatasetError, match="masks of 2 frames, got 1"):
        score(truth, truth[:1])
    with pytest.raises(DatasetError, match="at least one true object"):
        score([{}, {}], truth)
    many = _frames({number: _squares(10, 10) for number in range(1, MAX_PROPOSALS + 2)})
    with pytest.raises(DatasetError, match="20 tracks of a sequence, got 21"):
        score(truth, many)
