"""The EfficientNet-Lite encoder."""

import pytest
import torch

from model.efficientnet import (
    Branch,
    EfficientNetEncoder,
    TemporalResidual,
    Variant,
    imagenet_state,
    load_head,
)


@pytest.fixture(scope="module")
def encoder() -> EfficientNetEncoder:
    torch.manual_seed(0)
    return EfficientNetEncoder().eval()


def test_maps_are_of_the_sizes_that_it_promises(encoder: EfficientNetEncoder) -> None:
    maps = encoder(torch.randn(2, 3, 4, 64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, 4, 64 // scale, 96 // scale)
        for channels, scale in zip(encoder.channels, (4, 8, 16), strict=True)
    ]


def test_starts_as_a_network_of_single_frames(encoder: EfficientNetEncoder) -> None:
    clips = torch.randn(1, 3, 4, 64, 64)
    together = encoder(clips)
    for t in range(4):
        alone = encoder(clips[:, :, t : t + 1])
        for m, single in zip(together, alone, strict=True):
            torch.testing.assert_close(m[:, :, t : t + 1], single, rtol=1e-4, atol=1e-5)


def test_mixes_neighbouring_frames_of_the_same_clip_only() -> None:
    mix = TemporalResidual(2)
    torch.nn.init.ones_(mix.mix.weight)
    frames = torch.zeros(8, 2, 1, 1)  # two clips of four frames
    frames[3] = 1.0  # the last frame of the first clip
    changed = (mix(frames, length=4) != 0).flatten(1).any(1)
    assert changed.tolist() == [False, False, True, True, False, False, False, False]


def test_frozen_stages_take_no_gradient() -> None:
    encoder = EfficientNetEncoder(frozen_stages=3)
    encoder(torch.randn(1, 3, 2, 32, 32))[-1].sum().backward()
    for name, parameter in encoder.named_parameters():
        frozen = name.startswith(("stem.", "stages.0.", "stages.1.", "stages.2."))
        assert (parameter.grad is None) == frozen, name


def test_folds_batch_norm_into_the_convolutions() -> None:
    """One block against the same block with its batch norms written out."""
    generator = torch.Generator().manual_seed(1)
    encoder = EfficientNetEncoder()
    state: dict[str, torch.Tensor] = {}
    blocks = [m for stage in encoder.stages.children() for m in stage.children()]
    pairs = [("_conv_stem", "_bn0", encoder.stem)]
    for index, block in enumerate(blocks):
        for conv, norm, part in (
            ("_expand_conv", "_bn0", "expand"),
            ("_depthwise_conv", "_bn1", "depthwise"),
            ("_project_conv", "_bn2", "project"),
        ):
            if getattr(block, part) is not None:
                prefix = f"_blocks.{index}."
                pairs.append((prefix + conv, prefix + norm, getattr(block, part)))
    for conv, norm, module in pairs:
        state[conv + ".weight"] = torch.randn(module.weight.shape, generator=generator)
        width = module.weight.shape[0]
        for key in ("weight", "bias", "running_mean"):
            state[f"{norm}.{key}"] = torch.randn(width, generator=generator)
        state[f"{norm}.running_var"] = torch.rand(width, generator=generator) + 0.5
    encoder.load_imagenet(state)
    frames = torch.randn(1, 3, 16, 16, generator=generator)
    convolved = torch.nn.functional.conv2d(
        torch.nn.functional.pad(frames, (0, 1, 0, 1)), state["_conv_stem.weight"], stride=2
    )
    wanted = torch.nn.functional.batch_norm(
        convolved,
        state["_bn0.running_mean"],
        state["_bn0.running_var"],
        state["_bn0.weight"],
        state["_bn0.bias"],
        eps=1e-3,
    )
    torch.testing.assert_close(encoder.stem(frames), wanted, rtol=1e-4, atol=1e-4)


def test_names_a_missing_weight() -> None:
    with pytest.raises(KeyError, match="_bn0"):
        EfficientNetEncoder().load_imagenet({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)})


@pytest.mark.parametrize("variant", ["lite0", "lite1", "lite2"])
def test_takes_every_weight_of_imagenet(variant: Variant) -> None:
    encoder = EfficientNetEncoder(variant)
    encoder.load_imagenet(imagenet_state(variant))  # fails where shapes or names don't fit
    assert encoder.channels[-1] % 16 == 0


def test_without_time_no_frame_changes_another() -> None:
    encoder = EfficientNetEncoder(temporal=False).eval()
    assert not [name for name, _ in encoder.named_parameters() if "temporal" in name]
    clips = torch.randn(1, 3, 2, 64, 64)
    alone = encoder(clips[:, :, :1])
    for m, single in zip(encoder(clips), alone, strict=True):
        torch.testing.assert_close(m[:, :, :1], single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("first", "source"), [(2, 0), (3, 1)])
def test_a_branch_goes_on_where_the_stage_before_it_ended(first: int, source: int) -> None:
    """With the weights of ImageNet it gives what the encoder's own deep stages give."""
    state = imagenet_state("lite0")
    encoder, branch = EfficientNetEncoder().eval(), Branch(first=first).eval()
    encoder.load_imagenet(state)
    branch.load_imagenet(state)
    deepest: list[torch.Tensor] = []
    encoder.reduce.register_forward_hook(lambda *call: deepest.append(call[1][0]))
    clips = torch.randn(1, 3, 2, 64, 96)
    with torch.inference_mode():
        found = branch(encoder(clips)[source])
    assert found.shape == (1, branch.channels, 2, 2, 3)
    torch.testing.assert_close(found[0].transpose(0, 1), deepest[0], rtol=1e-4, atol=1e-4)


def test_the_last_layer_before_imagenets_classes_becomes_a_linear_one() -> None:
    state = imagenet_state("lite0")
    linear = torch.nn.Linear(320, 1280)
    load_head(linear, state)
    pixel = torch.randn(1, 320, 1, 1)
    wanted = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(pixel, state["_conv_head.weight"]),
        state["_bn1.running_mean"],
        state["_bn1.running_var"],
        state["_bn1.weight"],
        state["_bn1.bias"],
        eps=1e-3,
    )
    torch.testing.assert_close(linear(pixel.flatten(1)), wanted.flatten(1), rtol=1e-4, atol=1e-4)
