"""DAVIS-2017's unsupervised part in its official layout.

ROOT/JPEGImages/480p/<sequence>/NNNNN.jpg
ROOT/Annotations_unsupervised/480p/<sequence>/NNNNN.png, whose values number the objects
ROOT/ImageSets/2017/<split>.txt, each line a sequence

Source: Caelles et al., "The 2019 DAVIS Challenge on VOS: Unsupervised Multi-Object Segmentation",
arXiv 1905.00737.
"""

from pathlib import Path

from dataset.values import DatasetError, LabelledVideo, pictures_in


def load(root: Path, split: str) -> list[LabelledVideo]:
    """List the sequences of a split such as `val`; `read_numbers` tells their objects apart."""
    listing = root / "ImageSets" / "2017" / f"{split}.txt"
    if not listing.is_file():
        raise DatasetError(f"DAVIS-2017 must hold {listing.relative_to(root)}, got {root}.")
    return [_video(root, name) for name in listing.read_text().split()]


def _video(root: Path, name: str) -> LabelledVideo:
    frames = pictures_in(root / "JPEGImages" / "480p" / name)
    masks = pictures_in(root / "Annotations_unsupervised" / "480p" / name)
    if not frames or frames.keys() != masks.keys():
        raise DatasetError(
            f"Each frame of sequence {name} must have a mask, got {len(frames)} frames and "
            f"{len(masks)} masks in {root}."
        )
    return LabelledVideo(name, tuple(frames.values()), tuple(masks.values()))
