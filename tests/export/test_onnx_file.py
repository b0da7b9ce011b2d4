"""The exported file of a tiny network, and the shipped one."""

import math
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export import onnx_file
from export.parity import Parity, compare, first_frames, orientations
from model.action_motion import MotionScores
from model.actions import ActionHead
from model.network import SegmentationNetwork
from model.presets import restore
from pipeline.errors import ModelError
from pipeline.network import infer
from pipeline.network.spec import ModelSpec
from tests import tiny_model
from tests.export.tiny_encoder import TinyEncoder
from tests.videos import picture, write_video

SHIPPED = Path(__file__).parents[2] / "weights"
SPEC = replace(tiny_model.SPEC, measured={"J": 0.5}, git_revision="abc")


@pytest.fixture(scope="module")
def network() -> SegmentationNetwork:
    torch.manual_seed(0)
    tiny = SegmentationNetwork(
        TinyEncoder(),
        pyramid_channels=8,
        rates=(2,),
        frame_features=True,
        decoder_widths=(8, 8),
        skips=(1, 0),
    ).eval()
    with torch.no_grad():
        tiny.scores.weight.mul_(20)  # probabilities away from one half
    return tiny


def write(network: SegmentationNetwork, path: Path, *, half: bool = False) -> None:
    # The exporter itself uses what PyTorch has deprecated.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        onnx_file.write(network, SPEC, path, half=half)


@pytest.fixture(scope="module")
def session(
    network: SegmentationNetwork, tmp_path_factory: pytest.TempPathFactory
) -> infer.Session:
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    write(network, path)
    assert [file.name for file in path.parent.iterdir()] == ["tiny.onnx"]
    assert str(Path(onnx_file.__file__).parent).encode() not in path.read_bytes()
    return infer.load(path, device="cpu", threads=1)


def frames_of(height: int, width: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    generator = np.random.default_rng(seed)
    return list(generator.integers(0, 256, (8, height, width, 3), dtype=np.uint8))


def test_the_file_says_what_it_is(session: infer.Session) -> None:
    assert session.spec == SPEC


@pytest.mark.parametrize("count", [1, 3])
def test_takes_any_number_of_clips_of_any_size(
    network: SegmentationNetwork, session: infer.Session, count: int
) -> None:
    clips = np.random.default_rng(1).integers(0, 256, (count, 8, 64, 160, 3), dtype=np.uint8)
    with torch.inference_mode():
        wanted = network.foreground(torch.from_numpy(clips)).numpy()
    found = session.run(clips)
    assert found.shape == (count, 8, 64, 160)
    assert found.dtype == np.float32
    assert np.ptp(found) > 0.1
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 100), (121, 75), (33, 31)])
def test_both_runtimes_agree_in_every_orientation(
    network: SegmentationNetwork, session: infer.Session, size: tuple[int, int]
) -> None:
    results = [
        compare(network, session, frames) for frames in orientations(frames_of(*size, seed=2))
    ]
    assert {result.size for result in results} >= {size, size[::-1]}
    assert all(side % 2 for result in results[1::2] for side in result.size)
    assert all(result.holds for result in results), results


def test_half_keeps_the_answers_in_half_the_file(
    network: SegmentationNetwork, tmp_path: Path
) -> None:
    wide = SegmentationNetwork(
        network.encoder,
        pyramid_channels=128,
        rates=(2,),
        frame_features=True,
        decoder_widths=(64, 64),
        skips=(1, 0),
    ).eval()
    clip = np.stack(frames_of(64, 96))[None]
    with torch.inference_mode():
        wide.scores.weight.mul_(20)  # probabilities away from one half
        whole = wide.foreground(torch.from_numpy(clip)).numpy()
    write(wide, tmp_path / "half.onnx", half=True)
    size = sum(weight.numel() for weight in wide.parameters())
    assert 2 * size < (tmp_path / "half.onnx").stat().st_size < 0.8 * 4 * size
    half = infer.load(tmp_path / "half.onnx", "cpu", threads=1).run(clip)
    np.testing.assert_allclose(half, whole, atol=2e-3)


LABELS = ("none", "clap", "run")


class Halving(nn.Module):
    """A branch that halves the sides of its map, and mixes neighbouring frames."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Conv3d(8, 6, 3, stride=(1, 2, 2), padding=1)

    def forward(self, clips: Tensor) -> Tensor:
        """Map (N, 8, T, H, W) to (N, 6, T, H / 2, W / 2)."""
        mixed: Tensor = self.part(clips)
        return mixed


@pytest.fixture(scope="module")
def acting() -> SegmentationNetwork:
    torch.manual_seed(0)
    motion = MotionScores(LABELS)
    head = ActionHead(LABELS, source=1, branch=Halving(), channels=6, width=16, motion=motion)
    with torch.no_grad():
        head.classifier.weight.mul_(20)
        motion.classifier.weight.normal_(std=0.02)
    return SegmentationNetwork(
        TinyEncoder(),
        pyramid_channels=8,
        rates=(2,),
        frame_features=True,
        decoder_widths=(8, 8),
        skips=(1, 0),
        actions=head,
    ).eval()


@pytest.fixture(scope="module")
def acting_file(acting: SegmentationNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("acting") / "tiny.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        onnx_file.write(acting, replace(SPEC, labels=LABELS), path)
    return path


def test_a_network_that_names_actions_becomes_three_files(
    acting: SegmentationNetwork, acting_file: Path
) -> None:
    names = sorted(file.name for file in acting_file.parent.iterdir())
    assert names == ["tiny-actions.onnx", "tiny-features.onnx", "tiny.onnx"]
    session = infer.load(acting_file, device="cpu", threads=1)
    assert session.spec.labels == LABELS
    assert isinstance(session, infer.ActionSession)
    results = [
        compare(acting, session, frames) for frames in orientations(frames_of(121, 75, seed=2))
    ]
    assert all(result.holds for result in results), results
    assert all(result.actions > 0 for result in results), results
    # Any number of clips, frames and boxes; masks are those of a request without actions.
    clips = np.random.default_rng(1).integers(0, 256, (3, 8, 64, 160, 3), dtype=np.uint8)
    foreground, features = session.describe(clips)
    np.testing.assert_array_equal(foreground, session.run(clips))
    assert features.shape == (3, 8, 6, 8, 20)
    boxes = np.random.default_rng(2).random((8, 5, 4)).astype(np.float32)
    boxes.sort(axis=-1)
    flow = np.random.default_rng(3).normal(0, 40, (8, 32, 80, 2)).astype(np.float32)
    scores = session.classify(features[1], boxes, flow)
    assert scores.shape == (8, 5, len(LABELS))
    np.testing.assert_allclose(np.exp(scores).sum(-1), 1, rtol=1e-5)
    alone = session.classify(features[1, 2:3], boxes[2:3, 4:], flow[2:3])
    np.testing.assert_allclose(alone[0, 0], scores[2, 4], atol=1e-5)


def test_parity_of_actions_wants_them_in_both(
    network: SegmentationNetwork, acting_file: Path
) -> None:
    session = infer.load(acting_file, device="cpu", threads=1)
    with pytest.raises(ValueError, match="must both have an action head"):
        compare(network, session, frames_of(64, 96))


def test_parity_does_not_hold_with_what_is_not_a_number() -> None:
    whole = Parity((32, 32), difference=0.0, changed=0.0)
    assert whole.holds
    assert not replace(whole, difference=math.nan).holds
    assert not replace(whole, actions=math.nan).holds


def test_a_file_of_another_export_is_refused(acting_file: Path, tmp_path: Path) -> None:
    for file in acting_file.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    model = onnx.load(tmp_path / "tiny-actions.onnx")
    onnx.helper.set_model_props(model, replace(SPEC, labels=LABELS, version="9").to_metadata())
    onnx.save(model, tmp_path / "tiny-actions.onnx")
    with pytest.raises(ModelError, match=r"tiny-actions\.onnx must be .* tiny 1, .*, got tiny 9"):
        infer.load(tmp_path / "tiny.onnx", device="cpu", threads=1)
    (tmp_path / "tiny-features.onnx").unlink()
    with pytest.raises(ModelError, match=r"no model file .*tiny-features\.onnx"):
        infer.load(tmp_path / "tiny.onnx", device="cpu", threads=1)


def test_labels_that_arent_the_networks_are_refused(
    network: SegmentationNetwork, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"labels must be \('run',\), got \(\)"):
        onnx_file.write(network, replace(SPEC, labels=("run",)), tmp_path / "no.onnx")


def test_parity_notices_other_weights(session: infer.Session) -> None:
    torch.manual_seed(5)
    other = SegmentationNetwork(
        TinyEncoder(),
        pyramid_channels=8,
        rates=(2,),
        frame_features=True,
        decoder_widths=(8, 8),
        skips=(1, 0),
    ).eval()
    assert not compare(other, session, frames_of(64, 96)).holds


def test_the_shipped_file_holds_the_shipped_weights(tmp_path: Path) -> None:
    shipped, _ = restore(None, SHIPPED / "default.safetensors")
    shipped.eval()
    session = infer.load(SHIPPED / "default.onnx", device="cpu", threads=2)
    clip = first_frames(
        write_video(tmp_path / "clip.mp4", [picture(i, 120, 210) for i in range(8)]), 8
    )
    results = [
        result
        for frames in list(orientations(clip))[1::2]
        if not (result := compare(shipped, session, frames)).holds
    ]
    assert results == []


def test_the_shipped_file_is_one_small_file() -> None:
    path = SHIPPED / "default.onnx"
    assert path.stat().st_size < 25 * 2**20
    model = onnx.load(path, load_external_data=False)
    assert not any(
        tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer
    )
    spec = ModelSpec.from_metadata({entry.key: entry.value for entry in model.metadata_props})
    assert "Research use only" in spec.licence
    assert spec.measured
    assert len(spec.git_revision) == 40


@pytest.mark.parametrize("name", ["default", "default-features", "default-actions"])
def test_no_shipped_file_tells_where_it_was_made(name: str) -> None:
    content = (SHIPPED / f"{name}.onnx").read_bytes()
    assert b"stack_trace" not in content
    assert b'File "/' not in content
