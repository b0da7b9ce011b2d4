"""The network as assembled: sizes, scores, presets, and its gradients in bfloat16."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.convolution import Kind
from model.encoder import Encoder
from model.network import SegmentationNetwork
from model.presets import PAPER, PRESETS, build


class TinyEncoder(Encoder):
    """Three maps, at 1/2, 1/4 and 1/8 of the picture and all, all and half of the frames."""

    channels = (4, 6, 8)
    mean = (0.5, 0.25, 0.0)
    std = (0.5, 0.25, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv3d(inputs, outputs, 3, stride=(time, 2, 2), padding=1)
            for inputs, outputs, time in ((3, 4, 1), (4, 6, 1), (6, 8, 2))
        )

    def forward(self, clips: Tensor) -> list[Tensor]:
        maps = []
        for layer in self.layers:
            clips = layer(clips).relu()
            maps.append(clips)
        return maps


def tiny(classes: int = 1, convolution: Kind = "separable") -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(
        TinyEncoder(),
        pyramid_channels=16,
        rates=(1, 2),
        frame_features=True,
        decoder_widths=(12, 8),
        skips=(1, 0),
        convolution=convolution,
        classes=classes,
    )


def clips(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("size", [(8, 32, 48), (5, 33, 47), (1, 17, 16)])
@pytest.mark.parametrize("classes", [1, 2])
def test_every_pixel_of_any_size_is_scored(size: tuple[int, int, int], classes: int) -> None:
    logit = tiny(classes)(clips(2, *size))
    assert logit.shape == (2, *size)
    assert logit.dtype == torch.float32


def test_foreground_is_a_probability() -> None:
    network = tiny().eval()
    given = clips(1, 4, 16, 16)
    probability = network.foreground(given)
    torch.testing.assert_close(probability, network(given).sigmoid())
    assert 0 <= probability.min() <= probability.max() <= 1


def test_two_classes_are_the_softmax_of_the_paper() -> None:
    network = tiny(classes=2).eval()
    given = clips(1, 4, 16, 24)
    scores: list[Tensor] = []
    handle = network.scores.register_forward_hook(lambda *call: scores.append(call[2]))
    probability = network.foreground(given)
    handle.remove()
    full = F.interpolate(scores[0].movedim(-1, 1), size=(4, 16, 24), mode="trilinear")
    torch.testing.assert_close(probability, full.softmax(1)[:, 1])


def test_normalisation_is_the_encoders_and_keeps_channels_last() -> None:
    network = tiny()
    pixels = torch.tensor([[255, 0, 51]], dtype=torch.uint8).expand(1, 2, 3, 4, 3)
    normalised = network.normalise(pixels.contiguous())
    assert normalised.shape == (1, 3, 2, 3, 4)
    assert normalised.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(normalised[0, :, 0, 0, 0], torch.tensor([1.0, -1.0, 0.2]))


def test_scoring_from_kept_maps_equals_scoring_the_clips() -> None:
    network = tiny().eval()
    given = clips(1, 4, 16, 16)
    maps = network.encoder(network.normalise(given))
    torch.testing.assert_close(network.decode(maps, given.shape[1:4]), network(given))


def test_scores_stay_float32_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logit = tiny()(clips(1, 4, 16, 16))
    assert logit.dtype == torch.float32


def test_three_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="classes must be 1 or 2, got 3"):
        tiny(classes=3)


def test_constants_are_not_in_the_state_dict() -> None:
    assert not {"mean", "std"} & set(tiny().state_dict())


@pytest.mark.parametrize("convolution", ["standard", "r2plus1d", "separable"])
def test_bfloat16_gradients_of_pyramid_and_decoder_point_where_float32_ones_do(
    convolution: Kind,
) -> None:
    network = tiny(convolution=convolution).eval()
    given = clips(2, 8, 48, 64)
    labels = torch.rand(2, 8, 48, 64, generator=torch.Generator().manual_seed(3))
    found: list[dict[str, Tensor]] = []
    for bfloat16 in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            # The encoder's maps are those of float32: only what follows is compared.
            with torch.no_grad(), torch.autocast("cpu", enabled=False):
                maps = network.encoder(network.normalise(given))
            logit = network.decode(maps, given.shape[1:4])
        torch.autograd.backward(F.binary_cross_entropy_with_logits(logit, labels.round()))
        parameters = network.named_parameters()
        found.append({name: p.grad.clone() for name, p in parameters if p.grad is not None})
    assert len(found[0]) > 20
    for name, wanted in found[0].items():
        cosine = F.cosine_similarity(found[1][name].flatten(), wanted.flatten(), dim=0)
        assert cosine > 0.99, name


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_scores_every_pixel(name: str) -> None:
    with torch.device("meta"):
        network = build(name).eval()
        given = torch.empty(2, PRESETS[name].clip_length, 64, 96, 3, dtype=torch.uint8)
    assert network(given).shape == (2, PRESETS[name].clip_length, 64, 96)


@pytest.mark.parametrize("convolution", ["standard", "r2plus1d", "separable"])
def test_the_paper_preset_changes_its_convolutions_by_name(convolution: Kind) -> None:
    with torch.device("meta"):
        network = build(replace(PAPER, convolution=convolution))
    depthwise = [m for m in network.modules() if isinstance(m, nn.Conv3d) and m.groups > 1]
    assert len(depthwise) == (5 if convolution == "separable" else 0)


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"preset must be one of paper, small.*, got 'large'"):
        build("large")
