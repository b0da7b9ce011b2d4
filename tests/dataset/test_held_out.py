"""What is held out is held out whole: by sequence and by film."""

from pathlib import Path

from dataset import davis
from dataset.held_out import split_davis, split_jhmdb
from dataset.jhmdb import ActionClip
from tests.dataset.folders import write_davis


def test_davis_is_parted_by_name(tmp_path: Path) -> None:
    videos = davis.load(write_davis(tmp_path, {"bear": 2, "swan": 2, "surf": 2}), "train")
    training, held_out = split_davis(videos)
    assert [video.name for video in training] == ["bear", "swan"]
    assert [video.name for video in held_out] == ["surf"]


def test_clips_of_one_film_stay_together() -> None:
    clips = [
        ActionClip(f"Film{film}_{part}_run_f_nm_np1_ri_med_{part}", "run", Path(), Path())
        for film in "abcdefghijklmnopqrst"
        for part in range(3)
    ]
    training, held_out = split_jhmdb(clips)
    assert {clip.film for clip in training}.isdisjoint(clip.film for clip in held_out)
    assert sorted(clip.name for clip in training + held_out) == [clip.name for clip in clips]
    # About a fifth of the films.
    assert 0 < len(held_out) <= len(clips) / 2
