"""Run lengths read by the client, against pycocotools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import NDArray

from pipeline.objects.rle import encode
from rotograph import rle

SIDES = st.integers(1, 300)


@given(st_numpy.arrays(np.bool_, st.tuples(SIDES, SIDES), fill=st.just(False)))
def test_masks_are_those_that_were_sent(mask: NDArray[np.bool_]) -> None:
    sent = encode(mask)
    read = rle.decode(sent.height, sent.width, sent.counts)
    assert read.dtype == np.bool_
    assert np.array_equal(read, mask)


@given(st.integers(0, 2**32))
def test_noise_is_read_whole(seed: int) -> None:
    generator = np.random.default_rng(seed)
    mask = generator.random((37, 1200)) < generator.random() ** 4
    sent = encode(mask)
    assert np.array_equal(rle.decode(37, 1200, sent.counts), mask)


def test_a_mask_of_another_size_is_refused() -> None:
    sent = encode(np.ones((4, 5), bool))
    with pytest.raises(ValueError, match="of 30 pixels for 5x6, got 20"):
        rle.decode(5, 6, sent.counts)


@pytest.mark.parametrize("counts", ["", "0?`", "0\xff"])
def test_what_is_no_run_lengths_is_refused(counts: str) -> None:
    with pytest.raises(ValueError, match=r"Run lengths|ascii"):
        rle.decode(3, 5, counts)
