"""Metrics published before, in percent: Hou et al., BMVC 2019, Tables 1, 2 and 3."""

from collections.abc import Mapping

PAPER = "Hou et al."

# Rows of Table 1: name, and the key of our metrics.
DAVIS_MEASURES: Mapping[str, str] = {
    "J mean": "J_mean",
    "J recall": "J_recall",
    "J decay": "J_decay",
    "F mean": "F_mean",
    "F recall": "F_recall",
    "F decay": "F_decay",
    "T mean": "T_mean",
}

# One value for each of `DAVIS_MEASURES`, of all 20 sequences of val.
DAVIS: Mapping[str, tuple[float, ...]] = {
    "MotAdapt": (77.2, 87.8, 5.0, 77.4, 84.4, 3.3, 27.9),
    "LSMO": (78.2, 89.1, 4.1, 75.9, 84.7, 3.5, 21.2),
    "PDB": (77.2, 90.1, 0.9, 74.5, 84.4, -0.2, 29.1),
    "ARP": (76.2, 91.1, 7.0, 70.6, 83.5, 7.9, 39.3),
    "FSEG": (70.7, 83.5, 1.5, 65.3, 73.8, 1.8, 32.8),
    "LMP": (70.0, 85.0, 1.3, 65.9, 79.2, 2.5, 57.2),
    "FST": (55.8, 64.9, 0.0, 51.1, 51.6, 2.9, 36.6),
    "CUT": (55.2, 57.5, 2.2, 55.2, 61.0, 3.4, 27.7),
    "NLC": (55.1, 55.8, 12.6, 52.3, 51.9, 11.4, 42.5),
    PAPER: (78.3, 91.1, 2.3, 77.2, 84.7, 4.9, 22.0),
}

# Mean IoU on all 14 sequences.
SEGTRACK: Mapping[str, float] = {
    "FST": 53.5,
    "KEY": 57.3,
    "LSMO": 53.7,
    "FSEG": 61.4,
    PAPER: 62.1,
}

# Mean IoU and frame-mAP at an IoU of 0.5, each the mean of the three splits; None: not published.
JHMDB: Mapping[str, tuple[float | None, float | None]] = {
    "Lu et al.": (48.8, None),
    "Gavrilyuk et al.": (54.2, None),
    "Kalogeiton et al.": (None, 65.7),
    "Duarte et al.": (None, 64.6),
    "Hou et al. 2017": (None, 61.3),
    PAPER: (68.1, 68.9),
}
