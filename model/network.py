"""The network: encoder, pyramid pooling, decoder and scores, and an action head if wanted."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.actions import ActionHead
from model.autocast import without_autocast
from model.convolution import Kind
from model.cues import Cues, without_cues
from model.decoder import Decoder, upsample
from model.encoder import Encoder
from model.pyramid import PyramidPooling


class SegmentationNetwork(nn.Module):
    """Scores each pixel of a clip: Hou et al., BMVC 2019, Section 3.2 and Figure 2.

    `skips` are the encoder's maps that the decoder takes, by index, coarse to fine, as its widths.
    Two `classes` are the paper's background and foreground scores, one is their difference.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        pyramid_channels: int,
        rates: Sequence[int],
        frame_features: bool,
        decoder_widths: Sequence[int],
        skips: Sequence[int],
        convolution: Kind = "separable",
        temporal: bool = True,
        classes: int = 1,
        actions: ActionHead | None = None,
        cues: Cues | None = None,
    ) -> None:
        super().__init__()
        if classes not in (1, 2):
            raise ValueError(f"classes must be 1 or 2, got {classes}.")
        self.encoder = encoder
        self.skips = tuple(skips)
        self.pyramid = PyramidPooling(
            encoder.channels[-1],
            pyramid_channels,
            rates=rates,
            frame_features=frame_features,
            convolution=convolution,
            temporal=temporal,
        )
        self.decoder = Decoder(
            pyramid_channels,
            [encoder.channels[i] for i in skips],
            decoder_widths,
            convolution,
            temporal,
        )
        self.scores = nn.Linear(self.decoder.channels, classes)
        self.actions = actions
        self.cues = cues
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", _levels(encoder.mean), persistent=False)
        self.register_buffer("std", _levels(encoder.std), persistent=False)

    def forward(self, clips: Tensor, cues: Tensor | None = None) -> Tensor:
        """Map clips (N, T, H, W, 3) uint8, RGB to the logit of foreground (N, T, H, W) float32."""
        maps = self.encoder(self.normalise(clips))
        return self.decode(self.join(maps, clips, cues), clips.shape[1:4])

    def foreground(self, clips: Tensor, cues: Tensor | None = None) -> Tensor:
        logit: Tensor = self(clips, cues)
        return logit.sigmoid()

    def score_with_cues(self, clips: Tensor, cues: Tensor) -> tuple[Tensor, Tensor]:
        """Score pixels as `forward` does, and beside that by the cues alone."""
        if self.cues is None:
            raise ValueError("a network with cues is needed to score by them, got one without")
        maps, own = self.cues(self.encoder(self.normalise(clips)), cues)
        size = clips.shape[1:4]
        return self.decode(maps, size), self.cues.score(own, size)

    def join(self, maps: Sequence[Tensor], clips: Tensor, cues: Tensor | None) -> Sequence[Tensor]:
        """Return the encoder's maps with what the cues of their clips say."""
        if self.cues is None:
            return maps
        joined: list[Tensor] = self.cues(maps, without_cues(clips) if cues is None else cues)[0]
        return joined

    def score_actions(self, clips: Tensor, boxes: Tensor) -> Tensor:
        """Score the actions in the boxes (N, T, 4) of frames: (N, T, labels), unnormalised."""
        scores: Tensor = self._head()(self.encoder(self.normalise(clips)), boxes)
        return scores

    def score_with_maps(self, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
        maps = self.encoder(self.normalise(clips))
        return self.decode(maps, clips.shape[1:4]), maps

    def score_both(self, clips: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.encoder(self.normalise(clips))
        logits = self.decode(self.join(maps, clips, None), clips.shape[1:4])
        return logits, self._head()(maps, boxes)

    def share(self, clips: Tensor, cues: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the probability of foreground, and the map that `ActionHead.describe` takes."""
        maps = self.encoder(self.normalise(clips))
        logits = self.decode(self.join(maps, clips, cues), clips.shape[1:4])
        return logits.sigmoid(), maps[self._head().source]

    def _head(self) -> ActionHead:
        if self.actions is None:
            raise ValueError("The network must have an action head.")
        return self.actions

    def normalise(self, clips: Tensor) -> Tensor:
        """Map clips (N, T, H, W, 3) uint8, RGB to the (N, 3, T, H, W) float32 of the encoder."""
        # Permuted only, so that channels stay last in memory, as CPU kernels like them.
        return (clips.permute(0, 4, 1, 2, 3).float() - self.mean) / self.std

    def decode(self, maps: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Return the logit of foreground (N, *size) from the encoder's maps, finest first."""
        features = self.decoder(self.pyramid(maps[-1]), [maps[i] for i in self.skips])
        # In float32 outside autocast: a convolution with so few outputs hangs in bfloat16.
        with without_autocast(features.device.type):
            scores = self.scores(features.float().movedim(1, -1))
            # Interpolation is linear, so the difference may be taken before it.
            logit = scores[..., -1] - scores[..., 0] if scores.shape[-1] == 2 else scores[..., 0]
            return upsample(logit.unsqueeze(1), size).squeeze(1)


def _levels(fractions: tuple[float, float, float]) -> Tensor:
    """Return levels of 0 to 255 to broadcast over clips: one of each colour, or one for all."""
    if len(set(fractions)) == 1:  # runtimes are slow to broadcast over three
        return 255 * torch.tensor(fractions[0])
    return 255 * torch.tensor(fractions).view(1, 3, 1, 1, 1)
