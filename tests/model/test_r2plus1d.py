"""The R(2+1)D encoder: torchvision's keys, exact temporal dilation, and the checkpoint loader."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from model.r2plus1d import Block, R2Plus1D, TemporalSize, load_kinetics

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def torchvision_keys(blocks: tuple[int, int, int, int]) -> set[str]:
    """The keys of torchvision's VideoResNet of (2+1)-D convolutions, without `fc`."""
    convolutions = ["stem.0", "stem.3"]
    norms = ["stem.1", "stem.4"]
    for layer, count in enumerate(blocks, start=1):
        for block in range(count):
            at = f"layer{layer}.{block}"
            for part in ("conv1", "conv2"):
                convolutions += [f"{at}.{part}.0.0", f"{at}.{part}.0.3"]
                norms += [f"{at}.{part}.0.1", f"{at}.{part}.1"]
        if layer > 1:
            convolutions.append(f"layer{layer}.0.downsample.0")
            norms.append(f"layer{layer}.0.downsample.1")
    return {f"{name}.weight" for name in convolutions} | {
        f"{name}.{key}" for name in norms for key in NORM
    }


def shapes(encoder: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in encoder.state_dict().items()}


def parameters(encoder: nn.Module) -> int:
    return sum(p.numel() for p in encoder.parameters())


@pytest.fixture(scope="module")
def original() -> R2Plus1D:
    """The undilated network with running statistics that differ from channel to channel."""
    torch.manual_seed(0)
    encoder = R2Plus1D(temporal_size=1)
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm3d):
            assert module.running_mean is not None
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.weight, 0.8, 1.6)
            nn.init.uniform_(module.bias, -0.2, 0.2)
        elif isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight)
    return encoder.eval()


def dilated(original: R2Plus1D, temporal_size: TemporalSize) -> R2Plus1D:
    encoder = R2Plus1D(temporal_size=temporal_size).eval()
    encoder.load_state_dict(original.state_dict())
    return encoder


def maps(encoder: R2Plus1D, frames: int = 32) -> list[Tensor]:
    clip = torch.randn(1, 3, frames, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features: list[Tensor] = encoder(clip)
    return features


def test_the_18_has_torchvisions_keys_shapes_and_size() -> None:
    with torch.device("meta"):
        encoder = R2Plus1D(18)
    found = shapes(encoder)
    assert set(found) == torchvision_keys((2, 2, 2, 2))
    assert len(found) == 222
    # torchvision documents 31,505,325 with the classifier of 400 classes.
    assert parameters(encoder) + 512 * 400 + 400 == 31_505_325
    assert found["stem.0.weight"] == (45, 3, 1, 7, 7)
    assert found["stem.3.weight"] == (64, 45, 3, 1, 1)
    assert found["layer1.0.conv1.0.0.weight"] == (144, 64, 1, 3, 3)
    assert found["layer1.0.conv1.0.3.weight"] == (64, 144, 3, 1, 1)
    assert found["layer2.0.conv1.0.0.weight"] == (230, 64, 1, 3, 3)
    assert found["layer2.0.conv2.0.0.weight"] == (230, 128, 1, 3, 3)
    assert found["layer2.1.conv1.0.0.weight"] == (288, 128, 1, 3, 3)
    assert found["layer3.0.conv2.0.1.running_var"] == (460,)
    assert found["layer4.0.conv1.0.3.weight"] == (512, 921, 3, 1, 1)
    assert found["layer4.0.downsample.0.weight"] == (512, 256, 1, 1, 1)
    assert found["layer4.1.conv2.1.weight"] == (512,)


def test_the_34_has_the_middle_widths_of_ig65m() -> None:
    with torch.device("meta"):
        encoder = R2Plus1D(34)
    found = shapes(encoder)
    assert set(found) == torchvision_keys((3, 4, 6, 3))
    second = [found[f"layer{layer}.0.conv2.0.0.weight"][0] for layer in (1, 2, 3, 4)]
    assert second == [144, 288, 576, 1152]
    first = [found[f"layer{layer}.0.conv1.0.0.weight"][0] for layer in (1, 2, 3, 4)]
    assert first == [144, 230, 460, 921]
    assert {m.eps for m in encoder.modules() if isinstance(m, nn.BatchNorm3d)} == {1e-3}


@pytest.mark.parametrize("temporal_size", [1, 2, 4])
def test_the_coarsest_map_of_8_frames_has_the_temporal_size(temporal_size: TemporalSize) -> None:
    with torch.device("meta"):
        features = R2Plus1D(temporal_size=temporal_size)(torch.empty(1, 3, 8, 320, 320))
    assert [tuple(f.shape[1:]) for f in features[:2]] == [(64, 8, 160, 160), (128, 4, 80, 80)]
    assert features[2].shape[1:] == (256, max(2, temporal_size), 40, 40)
    assert features[3].shape[1:] == (512, temporal_size, 20, 20)


@pytest.mark.parametrize(("temporal_size", "steps"), [(2, (1, 2)), (4, (2, 4))])
def test_dilation_gives_the_originals_features_between_which_new_ones_lie(
    original: R2Plus1D, temporal_size: TemporalSize, steps: tuple[int, int]
) -> None:
    wanted = maps(original)
    found = maps(dilated(original, temporal_size))
    for level, step in zip((2, 3), steps, strict=True):
        scale = wanted[level].abs().max()
        assert scale > 0.1
        difference = (found[level][:, :, ::step] - wanted[level]).abs().max() / scale
        assert difference < 1e-4


def test_dilating_every_convolution_alike_does_not(original: R2Plus1D) -> None:
    naive = dilated(original, 4)
    for layer, dilation in ((naive.layer3, 2), (naive.layer4, 4)):
        for block in layer:
            assert isinstance(block, Block)
            for part in (block.conv1, block.conv2):
                temporal = part.get_submodule("0.3")
                assert isinstance(temporal, nn.Conv3d)
                temporal.dilation, temporal.padding = (dilation, 1, 1), (dilation, 0, 0)
    wanted, found = maps(original)[3], maps(naive)[3][:, :, ::4]
    assert (found - wanted).abs().max() / wanted.abs().max() > 0.1


def test_a_checkpoint_with_its_classifier_loads_unchanged(
    original: R2Plus1D, tmp_path: Path
) -> None:
    checkpoint = dict(original.state_dict())
    checkpoint |= {"fc.weight": torch.zeros(400, 512), "fc.bias": torch.zeros(400)}
    del checkpoint["stem.1.num_batches_tracked"]
    torch.save(checkpoint, tmp_path / "kinetics.pth")
    encoder = R2Plus1D()
    load_kinetics(encoder, tmp_path / "kinetics.pth")
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, original.state_dict()[key]), key


def test_a_misfit_is_explained_and_changes_nothing(tmp_path: Path) -> None:
    encoder = R2Plus1D()
    before = encoder.state_dict()["stem.0.weight"].clone()
    given = encoder.state_dict()
    given["stem.0.weight"] = torch.zeros(64, 3, 3, 7, 7)
    given["layer5.0.weight"] = torch.zeros(1)
    del given["layer4.1.conv2.1.bias"]
    # Its values don't matter: views of one element keep the file small.
    small = {key: torch.zeros(()).expand(value.shape) for key, value in given.items()}
    torch.save(small, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="of another network") as raised:
        load_kinetics(encoder, tmp_path / "other.pth")
    message = str(raised.value)
    assert "layer4.1.conv2.1.bias is missing" in message
    assert "layer5.0.weight is unknown" in message
    assert "stem.0.weight must be (45, 3, 1, 7, 7), got (64, 3, 3, 7, 7)" in message
    assert torch.equal(encoder.state_dict()["stem.0.weight"], before)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with torch.device("meta"):
        encoder = R2Plus1D()
    (tmp_path / "page.pth").write_text("<html>404</html>")
    with pytest.raises(ValueError, match="must be a checkpoint that torch can read"):
        load_kinetics(encoder, tmp_path / "page.pth")
    torch.save({"epoch": 3}, tmp_path / "wrapped.pth")
    with pytest.raises(ValueError, match="must hold a state dict"):
        load_kinetics(encoder, tmp_path / "wrapped.pth")
    with pytest.raises(FileNotFoundError):
        load_kinetics(encoder, tmp_path / "absent.pth")


def test_no_other_depth_or_temporal_size() -> None:
    with pytest.raises(ValueError, match="depth must be 18 or 34, got 50"):
        R2Plus1D(50)  # type: ignore[arg-type] # the wrong value is the point
    with pytest.raises(ValueError, match="temporal_size must be 1, 2 or 4, got 8"):
        R2Plus1D(temporal_size=8)  # type: ignore[arg-type] # the wrong value is the point
