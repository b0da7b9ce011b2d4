"""The networks that have names: `paper`, as published, and `small` and its kin, for CPUs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import nn

from model import checkpoint
from model.action_motion import MotionScores
from model.actions import ActionHead
from model.convolution import Kind
from model.cues import Cues
from model.efficientnet import Branch, EfficientNetEncoder
from model.encoder import Encoder
from model.network import SegmentationNetwork
from model.r2plus1d import R2Plus1D
from model.weight_averaging import MOTION


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How one network is built; a variant is `dataclasses.replace(PAPER, convolution="standard")`.

    `skips` are the encoder's maps that the decoder takes, by index, coarse to fine, as its widths.
    Two `classes` are background and foreground scores, one is their difference. `branch` builds the
    action head's own deep stages on the map `branch_from`; None reads that map itself.
    """

    encoder: Callable[[], Encoder]
    pyramid_channels: int
    rates: tuple[int, ...]
    frame_features: bool
    skips: tuple[int, ...]
    decoder_widths: tuple[int, ...]
    convolution: Kind
    temporal: bool = True
    classes: int
    clip_length: int
    cues: bool = False
    branch: Callable[[], Branch] | None = None
    branch_from: int = -1


# Source: Hou et al., BMVC 2019, Sections 3.2 and 4. The widths aren't in it: these are inferred,
# since with them the operations of its Table 5 come out (see `model.operations`).
PAPER = Preset(
    encoder=partial(R2Plus1D, depth=18, temporal_size=4),
    pyramid_channels=128,
    rates=(6, 12, 18),
    frame_features=True,
    skips=(2, 1),
    decoder_widths=(192, 192),
    convolution="separable",
    classes=2,
    clip_length=8,
)

# The map before the pyramid is half the side of the paper's crop or less, hence the rates.
# With its skip each concatenation is a multiple of 16 wide, as the CPU kernels of training want it.
SMALL = Preset(
    encoder=EfficientNetEncoder,
    pyramid_channels=128,
    rates=(3, 6, 9),
    frame_features=True,
    skips=(1, 0),
    decoder_widths=(88, 40, 48),
    convolution="separable",
    classes=1,
    clip_length=8,
    branch=Branch,
    branch_from=1,
)

# The same without time: what motion adds is measured against it.
SMALL_STILL = replace(
    SMALL,
    encoder=partial(EfficientNetEncoder, temporal=False),
    temporal=False,
    branch=partial(Branch, temporal=False),
)
SMALL_LITE1 = replace(
    SMALL, encoder=partial(EfficientNetEncoder, "lite1"), branch=partial(Branch, "lite1")
)
SMALL_LITE2 = replace(
    SMALL,
    encoder=partial(EfficientNetEncoder, "lite2"),
    decoder_widths=(80, 40, 48),
    branch=partial(Branch, "lite2"),
)

# With motion.
MOTION_LITE2 = replace(SMALL_LITE2, cues=True)

PRESETS = {
    "paper": PAPER,
    "small": SMALL,
    "small-still": SMALL_STILL,
    "small-lite1": SMALL_LITE1,
    "small-lite2": SMALL_LITE2,
    "motion-lite2": MOTION_LITE2,
}


def build(preset: str | Preset, labels: Sequence[str] = ()) -> SegmentationNetwork:
    """Build a network with random weights; it has an action head if there are labels."""
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}.")
        preset = PRESETS[preset]
    encoder = preset.encoder()
    return SegmentationNetwork(
        encoder,
        pyramid_channels=preset.pyramid_channels,
        rates=preset.rates,
        frame_features=preset.frame_features,
        decoder_widths=preset.decoder_widths,
        skips=preset.skips,
        convolution=preset.convolution,
        temporal=preset.temporal,
        classes=preset.classes,
        actions=_head(preset, encoder, labels) if labels else None,
        cues=Cues(encoder.channels) if preset.cues else None,
    )


def _head(preset: Preset, encoder: Encoder, labels: Sequence[str]) -> ActionHead:
    if preset.branch is None:
        channels = encoder.channels[preset.branch_from]
        return ActionHead(
            labels, source=preset.branch_from, branch=nn.Identity(), channels=channels
        )
    branch = preset.branch()
    return ActionHead(
        labels,
        source=preset.branch_from,
        branch=branch,
        channels=branch.channels,
        motion=MotionScores(labels) if preset.cues else None,
    )


def restore(preset: str | None, path: Path) -> tuple[SegmentationNetwork, dict[str, object]]:
    """Build the network that weights are of, with their action head if any; return their `about`.

    Without a preset they say which. CheckpointError if they don't, can't be read or don't fit.
    """
    about = checkpoint.about(path)
    if preset is None:
        preset = str(about.get("preset"))
        if preset not in PRESETS:
            raise checkpoint.CheckpointError(
                f"The preset of {path} must be one of {', '.join(PRESETS)}, got {preset}."
            )
    labels = about.get("labels", ())
    if not isinstance(labels, list | tuple):
        raise checkpoint.CheckpointError(f"The labels in {path} must be a list, got {labels!r}.")
    network = build(preset, labels)
    return network, checkpoint.load(network, path, new=(MOTION,))
