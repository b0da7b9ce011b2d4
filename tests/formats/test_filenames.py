"""File names of whatever clients send, checked by the library's own validator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import validate_filename

from formats.filenames import safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dog.mp4", "dog.mp4"),
        ("dög 1.tar.gz", "dög 1.tar.gz"),
        ("..", "video"),
        ("...", "video"),
        ("", "video"),
        ("/", "video"),
        ("../..", "video"),
        (".mp4", "mp4"),
        ("..mp4", "mp4"),
        ("../clips\\dog.mp4", "dog.mp4"),
        ("10:30:15.mp4", "10_30_15.mp4"),
        ('a"b<c>d|e?f*.mp4', "a_b_c_d_e_f_.mp4"),
        ("con.mp4", "con_.mp4"),
        ("CON .mp4", "CON_.mp4"),
        ("nul.", "nul_"),
        ("com1", "com1_"),
        ("dog.mp4. . ", "dog.mp4"),
        (" .dog .mp4", "dog.mp4"),
        ("a\u202fb\u3000c\u00a0d\te.mp4", "a b c d e.mp4"),
        ("\u202egpj.mp4\x00\x1f\ufeff", "gpj.mp4"),
        (
            "Auf\u200clage \U0001f468\u200d\U0001f469.mp4",
            "Auf\u200clage \U0001f468\u200d\U0001f469.mp4",
        ),
        ("a\ud800b.mp4", "ab.mp4"),
        ("字" * 200 + ".mp4", "字" * 65 + ".mp4"),
        ("a" * 300 + ".labelstudio", "a" * 188 + ".labelstudio"),
        ("a" * 300, "a" * 200),
        ("Mr. " + "a" * 300, "Mr. " + "a" * 196),
    ],
)
def test_a_name_is_safe_and_readable(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.text() | st.text("./\\ conCON:\u200d\u3000字", max_size=300))
def test_any_text_becomes_one_component(text: str) -> None:
    name = safe_name(text)
    validate_filename(name, platform="universal")
    assert name not in {".", ".."}
    assert len(name.encode()) <= 201
    assert safe_name(name) == name
