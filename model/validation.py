"""How well a network does on labelled videos: region similarity J, and of its predicted actions."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dataset.davis import PEOPLE
from dataset.jhmdb import ActionClip
from dataset.values import LabelledSequence
from evaluation import predictions
from evaluation.region import region_similarity
from model.action_motion import own_flow
from model.actions import ActionHead
from model.boxes import tight_boxes
from model.network import SegmentationNetwork
from pipeline.network.motion import MotionEstimator
from pipeline.network.preprocess import fit, to_network
from pipeline.network.spec import ModelSpec
from pipeline.segmenter import Segmenter
from pipeline.values import NO_ACTION, Quality

Segment = Callable[[NDArray[np.uint8], NDArray[np.uint8] | None], NDArray[np.float32]]
"""Maps clips (N, T, H, W, 3) uint8 and their cues, as `Cues.forward` takes them, to the probability
of foreground (N, T, H, W) float32."""


def segment_with(network: nn.Module) -> Segment:
    device = next(network.parameters()).device

    def segment(clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None) -> NDArray[np.float32]:
        with torch.inference_mode():
            given = [torch.from_numpy(a).to(device) for a in (clips, cues) if a is not None]
            logits: torch.Tensor = network(*given)
        probabilities: NDArray[np.float32] = logits.float().sigmoid().cpu().numpy()
        return probabilities

    return segment


def glance(
    segment: Segment, videos: Sequence[LabelledSequence], spec: ModelSpec, clips_per_video: int = 2
) -> dict[str, float]:
    """Estimate each video's mean J from clips spread over it, at the size that the network sees."""
    scores = {}
    for video in videos:
        last = len(video) - spec.clip_length
        found: list[float] = []
        for start in np.linspace(0, last, clips_per_video + 2)[1:-1].astype(int):
            indices = range(start, start + spec.clip_length)
            # With the neighbours towards which things move.
            wider = range(max(0, start - 1), min(len(video), indices.stop + 1))
            frames = [video.frame(i) for i in wider]
            height, width, _ = frames[0].shape
            to = fit(height, width, spec)
            pictures = np.stack([to_network(frame, to) for frame in frames])
            inside_clip = slice(start - wider.start, indices.stop - wider.start)
            clip = pictures[inside_clip][None]
            cues = None
            if spec.cues:
                cues = MotionEstimator().maps(list(pictures))[np.newaxis, inside_clip]
            for index, probability in zip(indices, segment(clip, cues)[0], strict=True):
                inside = probability[: to.scaled_height, : to.scaled_width] > 0.5
                mask = cv2.resize(
                    video.mask(index).view(np.uint8),
                    (to.scaled_width, to.scaled_height),
                    interpolation=cv2.INTER_NEAREST,
                )
                found.append(region_similarity(inside, mask > 0))
        scores[video.name] = float(np.mean(found))
    return scores


def glance_actions(
    network: SegmentationNetwork,
    acting: Sequence[ActionClip],
    others: Sequence[LabelledSequence],
    spec: ModelSpec,
) -> dict[str, float]:
    """Estimate how often the right action is predicted, from the middle of each video.

    Shares are of boxes around masks that the network finds (`actions`) or true ones
    (`actions/truth`), and of `others` without people, for which `none` is right.
    """
    predicted = [(name_action(network, clip, spec), clip.action) for clip in acting]
    shares = {
        "actions": np.mean([found == action for (found, _), action in predicted]),
        "actions/truth": np.mean([known == action for (_, known), action in predicted]),
    }
    things = [video for video in others if video.name not in PEOPLE]
    if things:
        shares["none"] = np.mean([name_action(network, v, spec)[0] == NO_ACTION for v in things])
    return {name: float(share) for name, share in shares.items()}


def name_action(
    network: SegmentationNetwork, video: LabelledSequence, spec: ModelSpec
) -> tuple[str | None, str | None]:
    """Name the action in boxes around the masks found, and the true ones; None without a mask."""
    labels = _head(network).labels
    found, known = (
        None if scores is None else labels[int(scores.log_softmax(-1).mean(0).argmax())]
        for scores in score_middle(network, video, spec)
    )
    return found, known


def score_middle(
    network: SegmentationNetwork, video: LabelledSequence, spec: ModelSpec
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Score the middle of a video in boxes around the masks found, and around the true ones.

    Scores are (F, labels), unnormalised, of the F frames that have a mask; None if none has.
    """
    head = _head(network)
    start = max(0, (len(video) - spec.clip_length) // 2)
    indices = [min(start + i, len(video) - 1) for i in range(spec.clip_length)]
    frames, masks = video.read(indices)
    height, width, _ = frames[0].shape
    to = fit(height, width, spec)
    device = next(network.parameters()).device
    clip = torch.from_numpy(np.stack([to_network(frame, to) for frame in frames])[None]).to(device)
    # What of the network's picture the frame takes up; the rest is padding.
    part = np.array([to.scaled_width / to.padded_width, to.scaled_height / to.padded_height])
    with torch.inference_mode():
        maps = network.encoder(network.normalise(clip))
        found = network.decode(maps, clip.shape[1:4])[0].cpu().numpy() > 0
        features = head.describe(maps[head.source], spec.clip_length)[0]
        flow = own_flow(list(clip[0].cpu().numpy())).to(device) if head.motion else None

        def score(boxes: NDArray[np.float32]) -> torch.Tensor | None:
            seen = np.isfinite(boxes[:, 0])
            if not seen.any():
                return None
            placed = torch.from_numpy((boxes[seen] * np.tile(part, 2)).astype(np.float32))
            which = torch.from_numpy(seen).to(device)
            moves = None if flow is None else flow[which]
            scores = head.classify(features[which], placed[:, None].to(device), moves)
            return scores[:, 0].float().cpu()

        return (
            score(tight_boxes(found[:, : to.scaled_height, : to.scaled_width])),
            score(tight_boxes(np.stack(masks))),
        )


def _head(network: SegmentationNetwork) -> ActionHead:
    if network.actions is None:
        raise ValueError("The network must have an action head.")
    return network.actions


class TorchSession:
    """A torch network as `pipeline.network.infer.Session`, so that the pipeline can run it."""

    def __init__(self, network: nn.Module, spec: ModelSpec) -> None:
        self.spec = spec
        self.device, self.provider = "torch", "PyTorch"
        self._segment = segment_with(network)

    def run(
        self, clips: NDArray[np.uint8], cues: NDArray[np.uint8] | None = None, /
    ) -> NDArray[np.float32]:
        return self._segment(clips, cues)


def evaluate(
    network: nn.Module,
    videos: Sequence[LabelledSequence],
    spec: ModelSpec,
    quality: Quality = "fast",
) -> dict[str, float]:
    """Measure each video's mean J as served, the first and last frame left out, as in DAVIS."""
    segmenter = Segmenter(TorchSession(network, spec))
    scores = {}
    for video in videos:
        found = enumerate(predictions.segment(segmenter, video, quality))
        inner = [region_similarity(m, video.mask(i)) for i, m in found if 0 < i < len(video) - 1]
        scores[video.name] = float(np.mean(inner))
    return scores
