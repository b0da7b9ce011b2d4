"""COCO JSON, read back by pycocotools."""

import json
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from formats.coco import coco
from formats.result import Result
from tests.formats.results import HEIGHT, WIDTH, Sample, sample


def read(made: Sample, folder: Path) -> COCO:
    file = folder / "result.json"
    file.write_text("".join(coco(made.result)), "utf-8")
    return COCO(str(file))


def test_pycocotools_reads_each_mask(tmp_path: Path) -> None:
    made = sample()
    read_back = read(made, tmp_path)
    images = read_back.loadImgs(read_back.getImgIds())
    assert [image["frame_index"] for image in images] == list(made.masks)
    for image in images:
        masks = made.masks[image["frame_index"]]
        assert (image["height"], image["width"]) == (HEIGHT, WIDTH)
        assert image["file_name"] == f"{image['frame_index']:05d}.jpg"
        annotations = read_back.imgToAnns[image["id"]]
        assert [each["track_id"] for each in annotations] == list(masks)
        for each in annotations:
            mask = masks[each["track_id"]]
            np.testing.assert_array_equal(read_back.annToMask(each), mask)
            assert each["area"] == mask.sum()
            assert each.get("attributes") == ({"action": "run"} if each["track_id"] == 2 else None)
            rows, columns = np.nonzero(mask)
            x, y, width, height = each["bbox"]
            assert (x, y) == (columns.min(), rows.min())
            assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
    assert [each["name"] for each in read_back.loadCats(read_back.getCatIds())] == ["object"]


def test_a_result_measured_against_itself_is_perfect(tmp_path: Path) -> None:
    truth = read(sample(), tmp_path)
    found = truth.loadRes(truth.loadAnns(truth.getAnnIds()))
    evaluation = COCOeval(truth, found, "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == 1.0


def test_without_masks_there_are_boxes(tmp_path: Path) -> None:
    read_back = read(sample(with_masks=False), tmp_path)
    annotations = read_back.loadAnns(read_back.getAnnIds())
    assert len(annotations) == 13
    assert all("segmentation" not in each and len(each["bbox"]) == 4 for each in annotations)


def test_it_is_written_in_pieces() -> None:
    made = sample()
    pieces = coco(made.result)
    size = len("".join(pieces))
    assert max(map(len, coco(made.result))) < size / 10
    nothing = Result.of(made.summary | {"tracks": []}, "a.mp4", lambda: [])
    empty = json.loads("".join(coco(nothing)))
    assert (empty["images"], empty["annotations"]) == ([], [])
