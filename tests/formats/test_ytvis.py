"""YouTube-VIS JSON, read back by TrackEval and pycocotools."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask
from trackeval.datasets import YouTubeVIS
from trackeval.metrics import HOTA

from formats.result import Result
from formats.ytvis import ytvis
from tests.formats.results import EVERY, FRAMES, HEIGHT, WIDTH, sample


def written() -> dict[str, Any]:
    document: dict[str, Any] = json.loads("".join(ytvis(sample().result)))
    return document


def test_each_track_has_its_mask_or_none_in_each_frame() -> None:
    made, document = sample(), written()
    (video,) = document["videos"]
    names = [f"my dög.final/{EVERY * n:05d}.jpg" for n in range(FRAMES)]
    assert (video["length"], video["file_names"]) == (FRAMES, names)
    assert (video["height"], video["width"]) == (HEIGHT, WIDTH)
    assert [track["id"] for track in document["annotations"]] == [1, 2]
    did = [track.get("attributes") for track in document["annotations"]]
    assert did == [None, {"action": "run"}]
    for track in document["annotations"]:
        for index, masks in made.masks.items():
            mask = masks.get(track["id"])
            got = {name: track[name][index // EVERY] for name in ("segmentations", "areas")}
            box = track["bboxes"][index // EVERY]
            if mask is None:
                assert (*got.values(), box) == (None, None, None)
                continue
            packed = coco_mask.frPyObjects(got["segmentations"], HEIGHT, WIDTH)
            np.testing.assert_array_equal(coco_mask.decode(packed), mask)
            assert got["areas"] == mask.sum()
            assert box == coco_mask.toBbox(packed).tolist()


def compressed(segmentation: dict[str, Any] | None) -> dict[str, Any] | None:
    """Pack run lengths as files of results have them."""
    if segmentation is None:
        return None
    packed = coco_mask.frPyObjects(segmentation, HEIGHT, WIDTH)
    return {"size": packed["size"], "counts": packed["counts"].decode()}


def test_trackeval_finds_it_equal_to_itself(tmp_path: Path) -> None:
    truth = tmp_path / "gt" / "youtube_vis_train_sub_split"
    document = written()
    results = [
        track | {"segmentations": [compressed(mask) for mask in track["segmentations"]]}
        for track in document["annotations"]
    ]
    found = tmp_path / "trackers" / "youtube_vis_train_sub_split" / "ours" / "data"
    for folder, content in ((truth, document), (found, results)):
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(content))
    dataset = YouTubeVIS(
        {
            "GT_FOLDER": f"{tmp_path}/gt/",
            "TRACKERS_FOLDER": f"{tmp_path}/trackers/",
            "PRINT_CONFIG": False,
        }
    )
    assert dataset.seq_list == ["my dög.final"]
    raw = dataset.get_raw_seq_data("ours", "my dög.final")
    assert [len(found) for found in raw["gt_dets"]] == [len(m) for m in sample().masks.values()]
    measured = HOTA({"PRINT_CONFIG": False}).eval_sequence(
        dataset.get_preprocessed_seq_data(raw, "object")
    )
    np.testing.assert_array_equal(measured["HOTA"], 1.0)


def test_a_result_of_nothing_is_valid() -> None:
    result = Result.of(sample().summary | {"tracks": []}, "a.mp4", lambda: [])
    document = json.loads("".join(ytvis(result)))
    assert (document["videos"][0]["file_names"], document["annotations"]) == ([], [])
