"""J-HMDB in its official layout, as videos and as frames."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import scipy.io

from dataset import jhmdb
from dataset.values import DatasetError
from tests.dataset.folders import write_jhmdb
from tests.videos import index_of, square

CLIPS = {"run": ["a_run_0", "a_run_1", "b_run_0"], "wave": ["a.b_wave_0"]}


@pytest.mark.parametrize(
    ("subset", "wanted"),
    [
        ("train", [("run", "a_run_0"), ("run", "b_run_0"), ("wave", "a.b_wave_0")]),
        ("test", [("run", "a_run_1")]),
    ],
)
def test_lists_the_clips_of_a_part(
    subset: Literal["train", "test"], wanted: list[tuple[str, str]], tmp_path: Path
) -> None:
    found = jhmdb.load(write_jhmdb(tmp_path, CLIPS), 1, subset)
    assert [(clip.action, clip.name) for clip in found] == wanted


@pytest.mark.parametrize("ending", [".avi", ".mp4", ""])
def test_frames_and_masks_belong_together(ending: str, tmp_path: Path) -> None:
    write_jhmdb(tmp_path, {"run": ["a_run_0"]}, ending=ending)
    (clip,) = jhmdb.load(tmp_path, 1, "train")
    assert len(clip) == 8  # one frame more has no mask
    assert clip.frame_names[:2] == ("00001", "00002")
    frames, masks = list(clip.frames()), list(clip.masks())
    assert [index_of(frame) for frame in frames] == list(range(8))
    for index, mask in enumerate(masks):
        wanted = np.zeros((64, 96), bool)
        wanted[square(index)] = True
        np.testing.assert_array_equal(mask, wanted)
    np.testing.assert_array_equal(clip.frame(5), frames[5])
    np.testing.assert_array_equal(clip.mask(5), masks[5])


def test_reads_frames_and_masks_in_the_order_asked_for(tmp_path: Path) -> None:
    root = write_jhmdb(tmp_path, {"run": ["film_2_run_a"]})
    (clip,) = jhmdb.load(root, 1, "train")
    frames, masks = clip.read([5, 2, 2])
    for frame, mask, index in zip(frames, masks, [5, 2, 2], strict=True):
        np.testing.assert_array_equal(frame, clip.frame(index))
        np.testing.assert_array_equal(mask, clip.mask(index))


@pytest.mark.parametrize(
    ("name", "film"),
    [
        ("The_Fugitive_3_walk_f_cm_np1_fr_med_8", "The_Fugitive"),
        ("KELVIN_shoot_ball_u_cm_np1_ba_med_1", "KELVIN"),
    ],
)
def test_names_of_clips_begin_with_their_film(name: str, film: str, tmp_path: Path) -> None:
    action = "walk" if "walk" in name else "shoot_ball"
    (clip,) = jhmdb.load(write_jhmdb(tmp_path, {action: [name]}), 1, "train")
    assert clip.film == film


def test_boxes_are_tight_with_inclusive_corners(tmp_path: Path) -> None:
    write_jhmdb(tmp_path, {"run": ["a_run_0"]})
    (clip,) = jhmdb.load(tmp_path, 1, "train")
    parts = scipy.io.loadmat(clip.masks_path)["part_mask"]
    parts[..., 1] = 0
    scipy.io.savemat(clip.masks_path, {"part_mask": parts})
    assert clip.boxes()[:3] == [(0, 32, 15, 47), None, (4, 32, 19, 47)]


def test_one_mask_without_the_last_axis_is_read(tmp_path: Path) -> None:
    path = tmp_path / "puppet_mask.mat"
    scipy.io.savemat(path, {"part_mask": np.ones((4, 6))})
    assert jhmdb.read_part_mask(path).shape == (1, 4, 6)


def test_names_the_missing_split(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="_test_split2"):
        jhmdb.load(write_jhmdb(tmp_path, CLIPS), 2, "test")


def test_names_a_line_that_is_no_clip(tmp_path: Path) -> None:
    (write_jhmdb(tmp_path, CLIPS) / "splits/run_test_split1.txt").write_text("a_run_0.avi\n")
    with pytest.raises(DatasetError, match=r"Line 1 of .*run_test_split1"):
        jhmdb.load(tmp_path, 1, "train")


def test_names_the_missing_video(tmp_path: Path) -> None:
    (write_jhmdb(tmp_path, CLIPS) / "ReCompress_Videos/run/a_run_1.avi").unlink()
    with pytest.raises(DatasetError, match=r"a_run_1 is missing.*ReCompress_Videos.*Rename_Images"):
        jhmdb.load(tmp_path, 1, "test")


def test_names_the_missing_masks(tmp_path: Path) -> None:
    (write_jhmdb(tmp_path, CLIPS) / "puppet_mask/run/a_run_1/puppet_mask.mat").unlink()
    with pytest.raises(DatasetError, match=r"1 clips have no masks, first .*a_run_1"):
        jhmdb.load(tmp_path, 1, "test")


@pytest.mark.parametrize("ending", [".avi", ""])
def test_a_clip_shorter_than_its_masks_is_refused(ending: str, tmp_path: Path) -> None:
    write_jhmdb(tmp_path, {"run": ["a"]}, length=5, masks=6, ending=ending)
    (clip,) = jhmdb.load(tmp_path, 1, "train")
    with pytest.raises(DatasetError, match=r"at least 6 frames, got 5: .* holds 6 masks"):
        list(clip.frames())


def test_names_a_video_that_is_none(tmp_path: Path) -> None:
    write_jhmdb(tmp_path, {"run": ["a"]})
    (clip,) = jhmdb.load(tmp_path, 1, "train")
    clip.source.write_text("not a video")
    with pytest.raises(DatasetError, match=r"a\.avi must be a video"):
        list(clip.frames())


def test_names_a_file_that_holds_no_masks(tmp_path: Path) -> None:
    path = tmp_path / "puppet_mask.mat"
    scipy.io.savemat(path, {"masks": np.ones((4, 6, 2))})
    with pytest.raises(DatasetError, match=r"must hold part_mask, got \['masks'\]"):
        jhmdb.read_part_mask(path)
    scipy.io.savemat(path, {"part_mask": np.ones((4, 6, 2, 2))})
    with pytest.raises(DatasetError, match=r"must be \(H, W, T\), got \(4, 6, 2, 2\)"):
        jhmdb.read_part_mask(path)
    path.write_text("not MATLAB" * 30)
    with pytest.raises(DatasetError, match="must be a MATLAB file"):
        jhmdb.read_part_mask(path)
