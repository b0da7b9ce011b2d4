"""The decoder: sizes from the skips, widths and errors."""

import pytest
import torch

from model.decoder import Decoder, upsample


def test_each_stage_takes_the_size_of_its_skip() -> None:
    decoder = Decoder(8, [5, 3], [6, 4])
    skips = [torch.randn(2, 5, 4, 5, 7), torch.randn(2, 3, 8, 9, 13)]
    result = decoder(torch.randn(2, 8, 2, 3, 4), skips)
    assert result.shape == (2, decoder.channels, 8, 9, 13)
    assert decoder.channels == 4 + 3


def test_the_finest_skip_stands_unchanged_beside_the_last_convolution() -> None:
    decoder = Decoder(8, [3], [4])
    skip = torch.randn(1, 3, 2, 6, 6)
    torch.testing.assert_close(decoder(torch.randn(1, 8, 2, 3, 3), [skip])[:, 4:], skip)


def test_one_more_width_fuses_the_last_concatenation() -> None:
    decoder = Decoder(8, [5, 3], [6, 4, 10])
    skips = [torch.randn(1, 5, 2, 4, 4), torch.randn(1, 3, 2, 8, 8)]
    assert decoder(torch.randn(1, 8, 2, 2, 2), skips).shape == (1, 10, 2, 8, 8)
    assert decoder.channels == 10


@pytest.mark.parametrize("widths", [[4], [4, 4, 4, 4]])
def test_widths_that_fit_no_skips_are_refused(widths: list[int]) -> None:
    with pytest.raises(ValueError, match=f"2 widths, .*, got {len(widths)}"):
        Decoder(8, [5, 3], widths)


def test_upsampling_keeps_a_ramp_a_ramp_in_time_and_space() -> None:
    ramp = torch.arange(4.0).view(1, 1, 4, 1, 1).expand(1, 1, 4, 4, 4)
    doubled = upsample(ramp, (8, 8, 8))
    inside = doubled[0, 0, 1:-1, 3, 3]
    torch.testing.assert_close(inside.diff(), torch.full((5,), 0.5))
    torch.testing.assert_close(doubled[..., :1, :1].expand_as(doubled), doubled)
