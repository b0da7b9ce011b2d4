"""A network with cues starts as the one without, and learns from them."""

import torch

from model.cues import without_cues
from model.losses import cross_entropy
from model.presets import build


def test_network_with_cues_starts_as_the_one_without() -> None:
    torch.manual_seed(0)
    plain, told = build("small-lite2").eval(), build("motion-lite2").eval()
    told.load_state_dict(plain.state_dict(), strict=False)
    clips = torch.randint(0, 256, (1, 8, 64, 96, 3), dtype=torch.uint8)
    cues = torch.randint(0, 256, (1, 8, 32, 48, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(told(clips, cues), plain(clips))


def test_no_cues_are_cues_of_which_all_is_zero() -> None:
    torch.manual_seed(0)
    network = build("motion-lite2").eval()
    assert network.cues is not None
    for weight in network.cues.joins.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    clips = torch.randint(0, 256, (1, 8, 64, 96, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(network(clips), network(clips, without_cues(clips)))


def test_cues_alone_tell_what_moves_after_some_steps() -> None:
    torch.manual_seed(0)
    network = build("motion-lite2")
    assert network.cues is not None
    optimizer = torch.optim.Adam(network.cues.parameters(), 3e-3)
    masks = torch.zeros(1, 8, 64, 96, dtype=torch.bool)
    masks[:, :, 16:48, 32:64] = True
    cues = torch.zeros(1, 8, 32, 48, 3, dtype=torch.uint8)
    cues[:, :, 8:24, 16:32] = 200
    maps = [
        torch.zeros(1, channels, 8, 64 // scale, 96 // scale)
        for channels, scale in zip(network.encoder.channels, (4, 8, 16), strict=True)
    ]
    losses = []
    for _ in range(12):
        _, own = network.cues(maps, cues)
        loss = cross_entropy(network.cues.score(own, (8, 64, 96)), masks)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
