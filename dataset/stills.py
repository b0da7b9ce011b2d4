"""A folder of pictures with masks: `images/<name>.*` and `masks/<name>.png`."""

from pathlib import Path

from dataset.values import DatasetError, LabelledStill


def load(root: Path) -> list[LabelledStill]:
    for part in ("images", "masks"):
        if not (root / part).is_dir():
            raise DatasetError(f"A folder of stills must hold {part}/, got {root}.")
    pictures = sorted(path for path in (root / "images").iterdir() if path.is_file())
    if not pictures:
        raise DatasetError(f"There are no pictures in {root / 'images'}.")
    masks = {path.stem: path for path in (root / "masks").iterdir() if path.is_file()}
    lacking = [path.name for path in pictures if path.stem not in masks]
    if lacking:
        raise DatasetError(
            f"{len(lacking)} pictures of {root} lack a mask, the first is {lacking[0]}."
        )
    return [LabelledStill(path.stem, path, masks[path.stem]) for path in pictures]
