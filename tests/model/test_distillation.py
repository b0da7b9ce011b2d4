"""A student becomes like its teacher, which stays as it is."""

import pytest
import torch

from model.distillation import Distillation
from model.losses import cross_entropy
from model.presets import PAPER, build


@pytest.fixture
def distillation() -> Distillation:
    torch.manual_seed(0)
    return Distillation(build("small"), build(PAPER))


def test_the_teacher_answers_at_the_size_of_the_clip(distillation: Distillation) -> None:
    clips = torch.randint(0, 256, (1, 2, 32, 48, 3), dtype=torch.uint8)
    answer, maps = distillation.train().teach(clips)
    assert answer.shape == (1, 2, 32, 48)
    assert [tuple(m.shape[3:]) for m in maps] == [(16, 24), (8, 12), (4, 6)]
    # As large as the teacher wants it, nothing is lost on the way but interpolation.
    flat = torch.full((1, 2, 32, 64, 3), 90, dtype=torch.uint8)
    larger = torch.full((1, 2, 64, 128, 3), 90, dtype=torch.uint8)
    wanted = torch.nn.functional.avg_pool2d(distillation.teacher.foreground(larger), 2)
    torch.testing.assert_close(distillation.teach(flat)[0], wanted)


def test_a_clip_that_the_teacher_cannot_see_is_refused(distillation: Distillation) -> None:
    with pytest.raises(ValueError, match="multiples of 32, got 40x96"):
        distillation.teach(torch.zeros(1, 2, 20, 48, 3, dtype=torch.uint8))


def test_likeness_is_that_of_directions(distillation: Distillation) -> None:
    projected = [torch.randn(1, c, 2, 4, 4) for c in (64, 128, 256)]
    wanted = [
        projection(own.movedim(1, -1)).movedim(-1, 1).detach()
        for projection, own in zip(distillation.projections, projected, strict=True)
    ]
    assert distillation.unlikeness(projected, wanted).item() == pytest.approx(0, abs=1e-6)
    opposite = [-3 * goal for goal in wanted]
    assert distillation.unlikeness(projected, opposite).item() == pytest.approx(2, abs=1e-6)


def test_steps_bring_the_student_closer_and_leave_the_teacher_alone(
    distillation: Distillation,
) -> None:
    student = build(PAPER)
    distillation = Distillation(distillation.teacher, student).train()
    before = {name: value.clone() for name, value in distillation.teacher.state_dict().items()}
    clips = torch.randint(0, 256, (1, 2, 32, 48, 3), dtype=torch.uint8)
    answer, wanted = distillation.teach(clips)
    learning = [*student.parameters(), *distillation.projections.parameters()]
    optimizer = torch.optim.Adam(learning, lr=1e-3)
    losses = []
    for _ in range(6):
        logits, maps = student.score_with_maps(clips)
        loss = cross_entropy(logits, answer) + distillation.unlikeness(maps, wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
    for name, value in distillation.teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_teacher_that_sees_the_same_size_is_compared_with_coarser_maps() -> None:
    torch.manual_seed(0)
    distillation = Distillation(build("small"), build(PAPER), scale=1)
    clips = torch.randint(0, 256, (1, 2, 32, 64, 3), dtype=torch.uint8)
    answer, wanted = distillation.teach(clips)
    assert answer.shape == (1, 2, 32, 64)
    maps = build(PAPER).encoder(torch.zeros(1, 3, 2, 32, 64))
    for projection, own, other in zip(distillation.projections, maps[1:], wanted, strict=True):
        assert own.shape[3:] == other.shape[3:]
        assert projection.in_features == own.shape[1]
    assert 0 <= distillation.unlikeness(maps, wanted).item() <= 2


def test_a_student_with_fewer_maps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have 4 feature maps or more .*, got 3"):
        Distillation(build(PAPER), build("small"))
