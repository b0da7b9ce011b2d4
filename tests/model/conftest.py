"""Tests of networks, on one thread: two that wait for each other are slow on a busy machine."""

import torch

torch.set_num_threads(1)
