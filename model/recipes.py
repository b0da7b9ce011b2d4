"""How each preset is trained: the paper's recipe, and a short one for CPUs."""

from dataclasses import dataclass, replace
from typing import Literal

from model.augmentation import Crop

Precision = Literal["32-true", "bf16-mixed"]
"""Of training, as Lightning Fabric names it."""

Trained = Literal["network", "masks", "decoder", "actions", "classifier"]
"""The part of a network that a recipe trains."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The choices of one training run; shares are of all clips, 0 to 1, videos give the rest.

    In composites only motion tells the object; stills take their place where a clip is one picture.
    Steps take `clip_lengths` in turn, and `frames_per_step` on each device. In clips whose action
    is learnt people are seen whole, hence `action_scales`. `still_share` of the clips lack motion.

    `trained` is the whole network; all that the action head doesn't stand on (`masks`); all but
    encoder and action head (`decoder`); that head (`actions`); or its last layer (`classifier`).

    Rates are AdamW's and fall to 0 after a warm-up (`cosine`) or by 0.95 an epoch (`exponential`),
    which shows each video frame once. Losses beside the cross-entropy have weights; no action head
    is trained, or no cues are drawn, at a weight of 0. `teacher_weight` is the teacher's part in
    what masks shall be. `average` is the decay a step of the weights' exponential moving average, 0
    for none. After the share `fixed_norm_from` of the run batch norm keeps its statistics.
    """

    crop: Crop
    clip_lengths: tuple[int, ...]
    frames_per_step: int
    stills_share: float
    composites_share: float = 0.0
    actions_share: float
    action_scales: tuple[float, float]
    action_weight: float
    cue_weight: float = 0.0
    still_share: float = 0.0
    close_up_share: float = 0.0
    trained: Trained
    learning_rate: float
    encoder_learning_rate: float
    weight_decay: float
    decay: Literal["cosine", "exponential"]
    epochs: int
    iou_weight: float
    teacher_weight: float
    hint_weight: float
    average: float
    fixed_norm_from: float
    precision: Precision


# Source: Hou et al., BMVC 2019, Section 4, "Implementation details". The batch isn't given there.
PAPER = Recipe(
    crop=Crop(height=384, width=384, short_side=480, scales=(0.5, 2.0)),
    clip_lengths=(8,),
    frames_per_step=16,
    stills_share=0.0,
    actions_share=0.0,
    action_scales=(0.8, 1.3),
    action_weight=0.0,
    trained="network",
    learning_rate=1e-4,
    encoder_learning_rate=1e-4,
    weight_decay=0.0,
    decay="exponential",
    epochs=100,
    iou_weight=0.0,
    teacher_weight=0.0,
    hint_weight=0.0,
    average=0.0,
    fixed_norm_from=1.0,
    precision="32-true",
)

# Short clips show twice the stills for the same work; both lengths keep time's borders familiar.
SMALL = Recipe(
    crop=Crop(height=224, width=320, short_side=256, scales=(0.75, 1.75)),
    clip_lengths=(8, 4),
    frames_per_step=16,
    stills_share=0.6,
    actions_share=0.0,
    action_scales=(0.8, 1.3),
    action_weight=0.0,
    trained="network",
    learning_rate=1e-3,
    encoder_learning_rate=1e-4,
    weight_decay=1e-2,
    decay="cosine",
    epochs=24,
    iou_weight=1.0,
    teacher_weight=0.0,
    hint_weight=0.0,
    average=0.998,
    fixed_norm_from=0.6,
    precision="bf16-mixed",
)

# For weights that `small` gave. Every other step shows single pictures, as many different ones as
# it has frames, where clips of stills would show each over and over; and people who act come in.
FURTHER = replace(
    SMALL,
    clip_lengths=(8, 1, 4, 1),
    actions_share=0.12,
    learning_rate=5e-4,
    fixed_norm_from=0.0,
)

# For weights that `small` or `further` gave, of a network with cues. Clips in which motion decides
# come from the first step: on clips that are fitted already it would not be learnt.
MOTION = replace(
    SMALL,
    clip_lengths=(8, 8, 8, 4),
    stills_share=0.2,
    composites_share=0.4,
    actions_share=0.1,
    cue_weight=0.3,
    still_share=0.2,
    close_up_share=0.3,
    trained="decoder",
    fixed_norm_from=0.0,
)

# For weights that `motion` gave. The encoder's deep stages come along, and every other step shows
# single pictures, as in `further`: of the stills there are more than any other recipe gets through.
MOTION_FURTHER = replace(
    MOTION,
    clip_lengths=(8, 1, 8, 1),
    stills_share=0.4,
    composites_share=0.3,
    actions_share=0.05,
    trained="masks",
    learning_rate=5e-4,
)

# What `small` and `further` do, in one run for a GPU: steps of four times as many frames.
MIXED = replace(
    FURTHER,
    frames_per_step=64,
    stills_share=0.55,
    actions_share=0.2,
    learning_rate=2e-3,
    encoder_learning_rate=2e-4,
    epochs=230,
    average=0.999,
    fixed_norm_from=0.6,
)

# For weights that `small` or `further` gave, which get an action head. Half of the clips are of
# people who act; short ones among them show more of the 21 actions in a step.
ACTIONS = replace(
    SMALL,
    clip_lengths=(8, 2, 8, 1),
    stills_share=0.3,
    actions_share=0.5,
    action_weight=0.5,
    learning_rate=5e-4,
    fixed_norm_from=0.0,
)

# The same for the head alone, which is a quick start: the decoder isn't run, and no mask changes.
ACTIONS_HEAD = replace(
    ACTIONS,
    clip_lengths=(8, 2, 4, 1),
    stills_share=0.1,
    actions_share=0.75,
    action_weight=1.0,
    trained="actions",
    learning_rate=1e-3,
)

# A linear classifier on what ImageNet's weights tell of a box: trained whole, the head learns the
# few films by heart.
ACTIONS_PROBE = replace(ACTIONS_HEAD, clip_lengths=(2, 1), trained="classifier", learning_rate=1e-2)

# For R(2+1)D-18 on a CPU, where there is no Kinetics checkpoint: small pictures, and a trained
# `small` as the teacher. Clips of two frames show four times the pictures in a step.
DISTIL = replace(
    SMALL,
    crop=Crop(height=96, width=128, short_side=128, scales=(0.75, 1.75)),
    clip_lengths=(8, 2),
    frames_per_step=8,
    actions_share=0.12,
    encoder_learning_rate=1e-3,
    teacher_weight=0.5,
    hint_weight=1.0,
    average=0.995,
    fixed_norm_from=0.8,
)

RECIPES = {
    "paper": PAPER,
    "small": SMALL,
    "further": FURTHER,
    "motion": MOTION,
    "motion-further": MOTION_FURTHER,
    "mixed": MIXED,
    "actions": ACTIONS,
    "actions-head": ACTIONS_HEAD,
    "actions-probe": ACTIONS_PROBE,
    "distil": DISTIL,
}
