"""What the benchmark compares with does its work, with the model that is shipped."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pycocotools.mask as coco
import pytest

from benchmarks.inputs import repeat_video, write_video
from pipeline.media.decode import scan
from tests.pipeline.media.sandboxes import LIMITS

MODEL = Path("weights/default.onnx")


def test_litserves_app_finds_the_mask_of_each_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # LitServe itself isn't among the requirements of the tests.
    monkeypatch.setitem(sys.modules, "litserve", SimpleNamespace(LitAPI=object))
    monkeypatch.delitem(sys.modules, "benchmarks.litserve_app", raising=False)
    from benchmarks.litserve_app import Masks  # noqa: PLC0415

    app = Masks(str(MODEL))
    app.setup("cpu")
    video = write_video(tmp_path / "clip.mp4", 144, 256, seconds=0.4)
    found = app.encode_response(app.predict(io.BytesIO(video.read_bytes())))["frames"]
    masks = np.stack([coco.decode(frame) for frame in found])
    assert masks.shape == (10, 144, 256)
    assert 0 < masks.mean() < 0.9


def test_a_long_video_is_a_short_one_again_and_again(tmp_path: Path) -> None:
    part = write_video(tmp_path / "part.mp4", 144, 256, seconds=0.4)
    video = scan(repeat_video(tmp_path / "long.mp4", part, 3), LIMITS)
    assert video.info.frame_count == 30
    assert [video.time_s(index) for index in (0, 10, 29)] == [0, 0.4, 1.16]
