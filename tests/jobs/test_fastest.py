"""A worker that may take any device tries them once, and agrees with those beside it."""

from pathlib import Path

import onnxruntime
import pytest

from jobs.fastest import FastestDevice
from jobs.worker import WorkerSettings, _load
from pipeline.network.trial import CPU_DEVICES
from tests.tiny_model import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.onnx")


def note_of(data_dir: Path) -> Path:
    (note,) = (data_dir / "devices").iterdir()
    return note


def test_what_one_worker_chose_the_next_one_takes(tmp_path: Path, model: Path) -> None:
    first = FastestDevice(tmp_path, model, 1)
    chosen = first.choose()
    assert chosen in CPU_DEVICES
    assert note_of(tmp_path).read_text() == chosen
    other = next(device for device in CPU_DEVICES if device != chosen)
    note_of(tmp_path).write_text(other)
    assert FastestDevice(tmp_path, model, 1).choose() == other
    first.forget()
    assert not list((tmp_path / "devices").iterdir())


def test_a_worker_that_was_slower_to_choose_gives_in(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slower, faster = (FastestDevice(tmp_path, model, 1) for _ in range(2))
    trial = slower._try()
    other = next(device for device in CPU_DEVICES if device != trial.device)

    def noted_meanwhile() -> object:
        faster._note.parent.mkdir(exist_ok=True)
        faster._note.write_text(other)
        return trial

    monkeypatch.setattr(slower, "_try", noted_meanwhile)
    assert slower.choose() == other


def test_a_choice_is_of_the_model_and_the_threads(tmp_path: Path, model: Path) -> None:
    notes = {FastestDevice(tmp_path, model, threads)._note for threads in (1, 2, 1)}
    notes.add(FastestDevice(tmp_path, write_model(model, channels=3, metadata={}), 1)._note)
    assert len(notes) == 3


def test_a_noted_device_that_fails_now_is_chosen_anew(tmp_path: Path, model: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has the CUDA provider")
    fastest = FastestDevice(tmp_path, model, 1)
    fastest.choose()
    note_of(tmp_path).write_text("cuda")
    session = _load(WorkerSettings(data_dir=tmp_path, model=model, threads=1))
    assert session.device in CPU_DEVICES
    assert note_of(tmp_path).read_text() == session.device
