"""DAVIS-2016 in its official layout.

ROOT/JPEGImages/480p/<sequence>/NNNNN.jpg
ROOT/Annotations/480p/<sequence>/NNNNN.png
ROOT/ImageSets/480p/<split>.txt, each line "/JPEGImages/480p/... /Annotations/480p/..."

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object
Segmentation", CVPR 2016.
"""

from pathlib import Path

from dataset.values import DatasetError, LabelledVideo

# Temporal stability is averaged over these sequences of `val` only: the release flags them, since
# occlusions in the others change contours that a perfect prediction would change too.
EVAL_T = frozenset(
    {
        "blackswan",
        "camel",
        "car-roundabout",
        "car-shadow",
        "cows",
        "drift-straight",
        "kite-surf",
        "paragliding-launch",
        "scooter-black",
        "soapbox",
    }
)

# Sequences of either split whose object is a person, or a person with what they ride or push: what
# moves in the others is an animal, a vehicle or a ball.
PEOPLE = frozenset(
    {
        "bmx-bumps",
        "bmx-trees",
        "breakdance",
        "breakdance-flare",
        "dance-jump",
        "dance-twirl",
        "hike",
        "hockey",
        "horsejump-high",
        "horsejump-low",
        "kite-surf",
        "kite-walk",
        "lucia",
        "motocross-bumps",
        "motocross-jump",
        "motorbike",
        "paragliding",
        "paragliding-launch",
        "parkour",
        "rollerblade",
        "scooter-black",
        "scooter-gray",
        "soapbox",
        "stroller",
        "surf",
        "swing",
        "tennis",
    }
)


def load(root: Path, split: str) -> list[LabelledVideo]:
    """List the sequences of a split in its file's order; DatasetError if files are missing."""
    videos = read_list(root, split)
    missing = [
        path
        for video in videos
        for path in (*video.frame_paths, *video.mask_paths)
        if not path.is_file()
    ]
    if missing:
        raise DatasetError(
            f"{len(missing)} files that {split}.txt lists are missing, first {missing[0]}."
        )
    return videos


def read_list(root: Path, split: str) -> list[LabelledVideo]:
    """Read a split's file without looking for the files that it lists."""
    listing = root / "ImageSets" / "480p" / f"{split}.txt"
    if not listing.is_file():
        raise DatasetError(f"DAVIS must hold {listing.relative_to(root)}, got {root}.")
    frames: dict[str, list[Path]] = {}
    masks: dict[str, list[Path]] = {}
    for number, line in enumerate(listing.read_text().splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 2:
            raise DatasetError(
                f"Line {number} of {listing} must be a frame and a mask, got {line!r}."
            )
        frame, mask = (root / part.lstrip("/") for part in parts)
        frames.setdefault(frame.parent.name, []).append(frame)
        masks.setdefault(frame.parent.name, []).append(mask)
    return [LabelledVideo(name, tuple(frames[name]), tuple(masks[name])) for name in frames]
