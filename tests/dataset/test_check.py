"""What the checker says of folders that are right, and of each thing that can be wrong."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from dataset.__main__ import main
from dataset.check import (
    Checked,
    Finding,
    check_davis,
    check_jhmdb,
    check_segtrack,
    check_stills,
)
from tests.dataset.folders import write_davis, write_jhmdb, write_segtrack, write_stills

MASK = "Annotations/480p/swan/00001.png"
FRAME = "JPEGImages/480p/swan/00001.jpg"


def _found(checked: Iterator[Checked]) -> list[Finding]:
    """All findings but how many sequences the official release has."""
    found = [finding for _, findings in checked for finding in findings]
    return [finding for finding in found if "official" not in finding.message]


def _davis(root: Path) -> list[str]:
    return [f"{finding.kind}: {finding.message}" for finding in _found(check_davis(root, "train"))]


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    return write_davis(tmp_path, {"swan": 3})


def test_nothing_is_wrong_with_folders_that_are_right(tmp_path: Path) -> None:
    assert _found(check_davis(write_davis(tmp_path / "d", {"swan": 2, "bear": 2}), "train")) == []
    assert _found(check_segtrack(write_segtrack(tmp_path / "s", {"bmx": 2}))) == []
    assert _found(check_stills(write_stills(tmp_path / "p", 2))) == []
    clips = write_jhmdb(tmp_path / "j", {"run": ["a", "b"]}, masks=9)
    assert _found(check_jhmdb(clips, 1)) == []


def test_names_each_sequence(tmp_path: Path) -> None:
    checked = check_davis(write_davis(tmp_path, {"swan": 1, "bear": 2}), "train")
    assert [name for name, _ in checked] == ["swan", "bear", tmp_path.name]


def test_counts_are_held_against_the_release(davis: Path) -> None:
    *_, (_, findings) = check_davis(davis, "train")
    message = "1 and 3 sequences and frames; the official release has 30 and 2079"
    assert [(finding.kind, finding.message) for finding in findings] == [("note", message)]


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        (MASK, "wrong: 1 frames have no mask, first 00001"),
        (FRAME, "wrong: 1 frames are missing, first 00001"),
    ],
)
def test_missing_files(file: str, wanted: str, davis: Path) -> None:
    (davis / file).unlink()
    assert _davis(davis) == [wanted]


def test_frames_beside_the_list(davis: Path) -> None:
    (davis / FRAME).with_stem("00009").write_bytes((davis / FRAME).read_bytes())
    assert _davis(davis) == ["note: 1 frames aren't in the split's list, first 00009"]


def test_truncated_pictures(davis: Path) -> None:
    for file in (FRAME, MASK):
        whole = (davis / file).read_bytes()
        (davis / file).write_bytes(whole[: len(whole) // 2])
    found = _davis(davis)
    assert len(found) == 2
    assert "00001.jpg can't be read" in found[0]
    assert "00001.png can't be read" in found[1]


def _foreground(davis: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Image.open(davis / MASK) as picture:
        return np.asarray(picture) // 255


@pytest.mark.parametrize(
    ("mode", "top", "wanted"),
    [
        ("L", 1, ["note: 1 masks are 0 and 1, which viewers show as black"]),
        ("LA", 255, ["note: 1 masks are grey with alpha (LA); the alpha is ignored"]),
        ("P", 7, ["note: 1 masks hold several objects as palette indices"]),
        ("RGB", 255, ["wrong: 1 masks hold colours"]),
        ("L", 128, ["wrong: 1 masks hold values besides 0, 1 and 255"]),
        ("L", 0, ["note: 1 of 3 masks are empty"]),
    ],
)
def test_kinds_of_masks(mode: str, top: int, wanted: list[str], davis: Path) -> None:
    values = Image.fromarray(_foreground(davis) * np.uint8(top))
    if mode == "P":
        values.putpalette(list(range(256)) * 3)
        values.save(davis / MASK)
    else:
        values.convert(mode).save(davis / MASK)
    found = _davis(davis)
    assert len(found) == len(wanted)
    assert all(text.startswith(start) for text, start in zip(found, wanted, strict=True)), found


def test_255_and_1_in_one_mask(davis: Path) -> None:
    values = _foreground(davis) * np.uint8(255)
    values[0, 0] = 1
    Image.fromarray(values).save(davis / MASK)
    assert _davis(davis) == ["wrong: 1 masks hold both 1 and 255, e.g. 00001"]


def test_no_foreground_at_all(davis: Path) -> None:
    for index in range(3):
        Image.new("L", (90, 60)).save((davis / MASK).with_stem(f"{index:05d}"))
    assert _davis(davis) == ["wrong: no mask holds any foreground"]


def test_sizes(tmp_path: Path) -> None:
    davis = write_davis(tmp_path, {"swan": 3}, mask_scale=2)
    assert _davis(davis) == [
        "note: frames are 90x60, masks 180x120; masks are predicted at their size"
    ]
    Image.new("L", (90, 60)).save(davis / MASK)
    assert _davis(davis)[1] == "wrong: masks must be of one size, got 2: [(90, 60), (180, 120)]"
    for index in range(3):
        Image.new("L", (80, 60), 255).save((davis / MASK).with_stem(f"{index:05d}"))
    assert _davis(davis) == ["wrong: frames are 90x60, masks 80x60: not the same picture"]


def test_segtrack_objects_are_checked_apart(tmp_path: Path) -> None:
    write_segtrack(tmp_path, {"bmx": 2, "worm": 1})
    (tmp_path / "GroundTruth/bmx/2/bmx_00001.png").unlink()
    (tmp_path / "GroundTruth/worm").rename(tmp_path / "GroundTruth/worms")
    assert [(f.where, f.message) for f in _found(check_segtrack(tmp_path))] == [
        ("bmx, object 2", "1 frames have no mask, first bmx_00001"),
        ("worm", "no folder in GroundTruth/"),
    ]


def test_jhmdb_clips(tmp_path: Path) -> None:
    write_jhmdb(tmp_path, {"run": ["fine", "silent", "small", "empty"]}, masks=8)
    (tmp_path / "ReCompress_Videos/run/silent.avi").unlink()
    masks = tmp_path / "puppet_mask/run"
    scipy.io.savemat(masks / "small/puppet_mask.mat", {"part_mask": np.ones((32, 40, 12))})
    scipy.io.savemat(masks / "empty/puppet_mask.mat", {"part_mask": np.zeros((64, 96, 9))})
    left_out = "frames past the last mask are left out"
    found = _found(check_jhmdb(tmp_path, 1))
    assert [(f.kind, f.where) for f in found] == [
        ("note", "fine"),
        ("wrong", "silent"),
        ("wrong", "small"),
        ("wrong", "small"),
        ("wrong", "empty"),
    ]
    assert found[0].message == f"9 frames and 8 masks; {left_out}"
    assert "Clip silent is missing" in found[1].message
    assert found[2].message.startswith("9 frames and 12 masks")
    assert found[3].message == "frames are 96x64, masks 40x32: not the same picture"
    assert found[4].message == "no mask holds any foreground"


@pytest.mark.parametrize("part", ["images", "masks"])
def test_stills_lack_a_folder(part: str, tmp_path: Path) -> None:
    (write_stills(tmp_path, 1) / part).rename(tmp_path / "elsewhere")
    (finding,) = _found(check_stills(tmp_path))
    assert finding.message.startswith(f"A folder of stills must hold {part}, ")


def test_each_still_has_a_size_of_its_own(tmp_path: Path) -> None:
    write_stills(tmp_path, 2)
    Image.new("L", (40, 32), 255).save(tmp_path / "masks/001.png")
    Image.new("RGB", (40, 32)).save(tmp_path / "images/001.png")
    assert _found(check_stills(tmp_path)) == []


def test_the_command_fails_if_something_is_wrong(
    davis: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", "davis", str(davis), "--split", "train"])
    assert "nothing is wrong" in capsys.readouterr().out
    (davis / MASK).unlink()
    with pytest.raises(SystemExit, match=r": 1 wrong\."):
        main(["check", "davis", str(davis), "--split", "train"])
    assert "wrong: swan: 1 frames have no mask, first 00001" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["davis"], ["segtrack"], ["jhmdb", "--split", "2"], ["stills"]]
)
def test_an_empty_folder_is_explained(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["check", *arguments, str(tmp_path)])
    assert f"got {tmp_path}." in capsys.readouterr().out
