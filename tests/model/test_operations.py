"""The counts: Equations 1 to 5 on the convolutions as built, and Table 5 on the network."""

import pytest
import torch
from torch import nn

from model.convolution import Kind, conv3d, middle_channels
from model.operations import count_operations, print_table5, table5

T, H, W, M, N = 4, 6, 5, 12, 20
KERNEL = KT, KH, KW = (3, 5, 7)
STANDARD = H * W * T * M * N * KH * KW * KT


def multiplications(kind: Kind, dilation: int = 1) -> int:
    layer = conv3d(kind, M, N, kernel=KERNEL, spatial_dilation=dilation)
    return count_operations(layer.eval(), torch.zeros(1, M, T, H, W)).multiplications


def test_the_standard_convolution_costs_equation_1() -> None:
    assert multiplications("standard") == STANDARD


def test_the_separable_convolution_costs_equations_2_and_3() -> None:
    channel_wise = H * W * T * M * KH * KW * KT
    point_wise = H * W * T * M * N
    assert multiplications("separable") == channel_wise + point_wise


def test_the_separable_convolution_saves_what_equation_4_says() -> None:
    ratio = multiplications("separable") / multiplications("standard")
    assert ratio == pytest.approx(1 / N + 1 / (KH * KW * KT))


def test_r2plus1d_costs_equation_5() -> None:
    middle = middle_channels(M, N, KERNEL)
    ratio = multiplications("r2plus1d") / multiplications("standard")
    assert ratio == pytest.approx(middle / (N * KT) + middle / (M * KH * KW))


@pytest.mark.parametrize("kind", ["standard", "r2plus1d", "separable"])
def test_dilation_costs_nothing(kind: Kind) -> None:
    assert multiplications(kind, dilation=2) == multiplications(kind)


def test_the_papers_example_of_512_channels_costs_a_25th() -> None:
    with torch.device("meta"):
        given = torch.empty(1, 512, 4, 20, 20)
        kinds: tuple[Kind, Kind] = ("standard", "separable")
        costs = [count_operations(conv3d(kind, 512, 512), given).total for kind in kinds]
    assert round(costs[0] / costs[1]) in (25, 26)


def test_parameters_and_sizes_of_a_part() -> None:
    network = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 7))
    cost = count_operations(network, torch.zeros(2, 3), [network[1]])
    assert cost.multiplications == 2 * 5 * 7
    assert cost.total == 2 * cost.multiplications
    assert cost.parameters == 5 * 7 + 7
    assert cost.megabytes == pytest.approx(42 * 4 / 1e6)


def test_counting_leaves_no_hook_behind() -> None:
    layer = nn.Linear(3, 5)
    count_operations(layer, torch.zeros(2, 3))
    assert not layer._forward_hooks


def test_table_5_comes_out() -> None:
    standard, r2plus1d, separable = table5("standard"), table5("r2plus1d"), table5("separable")
    assert round(standard.total / 1e9) == 136
    assert round(r2plus1d.total / 1e9) == 136
    assert round(separable.total / 1e9) == 6
    assert standard.total / separable.total >= 17
    assert standard.parameters / separable.parameters >= 12
    assert r2plus1d.parameters == pytest.approx(standard.parameters, rel=0.01)


def test_the_table_is_printed_beside_the_papers(capsys: pytest.CaptureFixture[str]) -> None:
    print_table5()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["standard", "136.16", "G", "136", "G", "5.749", "M", "23.0", "MB"]
    assert lines[4].split()[:5] == ["separable", "6.10", "G", "6", "G"]
