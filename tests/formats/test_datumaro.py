"""COCO JSON and CVAT's XML, imported by Datumaro, which reads masks of COCO and boxes of CVAT."""

from pathlib import Path

import numpy as np
from datumaro.components.annotation import AnnotationType, Bbox, Mask
from datumaro.components.dataset import Dataset

from formats.coco import coco
from formats.cvat import cvat
from tests.formats.results import EVERY, sample


def test_datumaro_imports_each_mask_of_coco(tmp_path: Path) -> None:
    made = sample()
    for name in ("annotations", "images"):
        (tmp_path / name).mkdir()
    file = tmp_path / "annotations" / "instances_default.json"
    file.write_text("".join(coco(made.result)), "utf-8")
    imported = Dataset.import_from(str(tmp_path), "coco_instances")
    labels = imported.categories()[AnnotationType.label]
    assert [label.name for label in labels] == ["object"]
    assert {int(item.id): len(item.annotations) for item in imported} == {
        index: 2 * len(masks)
        for index, masks in made.masks.items()  # a mask, and its box
    }
    for item in imported:
        masks = sorted((a for a in item.annotations if isinstance(a, Mask)), key=lambda a: a.id)
        found = made.masks[int(item.id)].items()
        for mask, (track, expected) in zip(masks, found, strict=True):
            np.testing.assert_array_equal(mask.image.astype(bool), expected)
            assert mask.attributes["score"] == 0.75
            assert mask.attributes.get("action") == ("run" if track == 2 else None)


def test_datumaro_imports_each_box_of_cvat(tmp_path: Path) -> None:
    made = sample(with_masks=False)
    (tmp_path / "annotations.xml").write_text("".join(cvat(made.result)), "utf-8")
    imported = Dataset.import_from(str(tmp_path), "cvat")
    seen = {}
    for item in imported:
        for box in item.annotations:
            assert isinstance(box, Bbox)
            if not box.attributes["outside"]:
                seen[item.attributes["frame"], box.attributes["track_id"]] = box.points
    assert set(seen) == {(i, track) for i, masks in made.masks.items() for track in masks}
    for (index, track), corners in seen.items():
        rows, columns = np.nonzero(made.masks[index][track])
        assert corners == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert len(seen) == 13
    assert max(seen)[0] == 8 * EVERY
