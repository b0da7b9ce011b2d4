"""Predicted masks: those of the evaluation are those of the service."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset import davis
from dataset.values import LabelledVideo
from evaluation.predictions import PredictionError, path_of, read, read_fitting, segment
from pipeline.media.decode import scan
from pipeline.network.infer import load
from pipeline.objects import rle
from pipeline.segmenter import Segmenter
from pipeline.values import VideoLimits
from tests.dataset.folders import write_davis
from tests.evaluation.folders import write_predictions
from tests.tiny_model import write_model
from tests.videos import write_video

LIMITS = VideoLimits(max_pixels=10**6, max_frames=100, max_duration_s=60)


@pytest.fixture
def swan(tmp_path: Path) -> LabelledVideo:
    (video,) = davis.load(write_davis(tmp_path / "davis", {"swan": 11}), "train")
    return video


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return Segmenter(load(write_model(tmp_path / "tiny.onnx"), "cpu", threads=1))


def test_frames_of_a_data_set_are_segmented_as_a_posted_video(
    swan: LabelledVideo, segmenter: Segmenter, tmp_path: Path
) -> None:
    pixels = list(swan.frames())
    path = write_video(tmp_path / "swan.mkv", pixels, codec="ffv1", pix_fmt="bgr0")
    served = segmenter.segment(path, scan(path, LIMITS), range(11))
    wanted = [rle.decode(frame.objects[0].mask) for frame in served]
    found = list(segment(segmenter, swan))
    assert len(found) == 11
    for mask, served_mask in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mask, served_mask)
    assert all(mask.any() and not mask.all() for mask in found)


def test_masks_are_of_the_size_of_the_true_ones(tmp_path: Path, segmenter: Segmenter) -> None:
    write_davis(tmp_path / "d", {"swan": 3}, mask_scale=2)
    (video,) = davis.load(tmp_path / "d", "train")
    assert {mask.shape for mask in segment(segmenter, video)} == {(120, 180)}


def test_a_frame_without_an_object_has_an_empty_mask(
    swan: LabelledVideo, segmenter: Segmenter
) -> None:
    for path in swan.frame_paths:
        Image.new("RGB", (90, 60)).save(path)
    masks = list(segment(segmenter, swan))
    assert [mask.any() for mask in masks] == [False] * 11
    assert {mask.shape for mask in masks} == {(60, 90)}


def test_masks_are_kept_as_files_of_0_and_255(swan: LabelledVideo, tmp_path: Path) -> None:
    write_predictions(tmp_path, [swan])
    path = tmp_path / "swan" / "00007.png"
    assert path_of(tmp_path, swan, 7) == path
    with Image.open(path) as picture:
        assert picture.mode == "L"
        assert set(np.unique(np.asarray(picture))) == {0, 255}
    found = read(tmp_path, swan, 7)
    assert found is not None
    np.testing.assert_array_equal(found, swan.mask(7))


def test_a_missing_mask_is_an_error_or_empty(swan: LabelledVideo, tmp_path: Path) -> None:
    truth = swan.mask(0)
    assert read(tmp_path, swan, 0) is None
    assert not read_fitting(tmp_path, swan, 0, truth, required=False).any()
    with pytest.raises(PredictionError, match=r"predicted mask, .*swan/00000\.png is missing"):
        read_fitting(tmp_path, swan, 0, truth, required=True)


def test_a_mask_of_another_size_is_refused(swan: LabelledVideo, tmp_path: Path) -> None:
    (tmp_path / "swan").mkdir()
    Image.new("L", (45, 30)).save(tmp_path / "swan" / "00000.png")
    with pytest.raises(PredictionError, match=r"00000\.png must be 90x60 .*, got 45x30"):
        read_fitting(tmp_path, swan, 0, swan.mask(0), required=False)
