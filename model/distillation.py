"""What a network learns from a trained one: its answers, and how it describes pictures."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.autocast import without_autocast
from model.network import SegmentationNetwork

TEACHER_MULTIPLE = 32  # EfficientNet halves a picture five times


class Distillation(nn.Module):
    """A trained teacher that sees a student's clips, or ones `scale` times as large, 1 or 2.

    R(2+1)D doesn't pool behind its stem: each of its maps but the first lies on the grid of one of
    EfficientNet's, or each but the last, if the teacher sees clips twice as large. Linear layers,
    trained along and then thrown away, project these to the teacher's channels. Raises ValueError
    if the student has fewer maps.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, Section 2, for
    answers; Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015, Section 2.2, for maps.
    """

    def __init__(
        self, teacher: SegmentationNetwork, student: SegmentationNetwork, scale: int = 2
    ) -> None:
        super().__init__()
        ours, theirs = student.encoder.channels, teacher.encoder.channels
        wanted = len(theirs) + 2 - scale
        if len(ours) < wanted:
            raise ValueError(
                f"A student must have {wanted} feature maps or more for the {len(theirs)} of its "
                f"teacher, got {len(ours)}."
            )
        self.teacher = teacher.requires_grad_(False)
        self.scale = scale
        self.first = 2 - scale
        self.projections = nn.ModuleList(
            nn.Linear(c, of) for c, of in zip(ours[self.first :], theirs, strict=False)
        )

    def train(self, mode: bool = True) -> "Distillation":
        """Set the mode of the projections; the teacher never trains."""
        super().train(mode)
        self.teacher.eval()
        return self

    @torch.no_grad()
    def teach(self, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the teacher's foreground probability (N, T, H, W) and its maps (N, C, T, h, w).

        Raises ValueError unless the sides that it sees are multiples of 32.
        """
        batch, length, height, width, _ = clips.shape
        size = (length, self.scale * height, self.scale * width)
        if size[1] % TEACHER_MULTIPLE or size[2] % TEACHER_MULTIPLE:
            raise ValueError(
                f"The teacher must see clips of multiples of {TEACHER_MULTIPLE}, got "
                f"{size[1]}x{size[2]}."
            )
        frames = clips.flatten(0, 1).permute(0, 3, 1, 2).float()
        larger = F.interpolate(frames, size=size[1:], mode="bilinear")
        larger = larger.permute(0, 2, 3, 1).reshape(batch, *size, 3)
        maps = self.teacher.encoder(self.teacher.normalise(larger))
        answer = self.teacher.decode(maps, size).sigmoid()
        return F.avg_pool2d(answer, self.scale), maps

    def unlikeness(self, maps: list[Tensor], wanted: list[Tensor]) -> Tensor:
        """Return one minus the cosine between projected and wanted maps, 0 to 2, averaged."""
        distances = []
        for projection, own, other in zip(
            self.projections, maps[self.first :], wanted, strict=False
        ):
            frames, rows, columns = own.shape[2:]
            with without_autocast(own.device.type):
                projected = projection(own.float().movedim(1, -1))
                goal = F.adaptive_avg_pool3d(other.float(), (frames, rows, columns))
                alike = F.cosine_similarity(projected, goal.movedim(1, -1), dim=-1)
            distances.append(1 - alike.mean())
        return torch.stack(distances).mean()
