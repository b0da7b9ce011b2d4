"""Many clients at once, each of which posts short clips one after the other."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks.served import Post, Served


@dataclass(frozen=True)
class Crowd:
    """How clients fared: clips a second of all together, seconds from post to result of each.

    `fairness` is Jain's index of the clients' mean times: 1 if all waited alike, 1 / clients if one
    bore it all. Source: Jain, Chiu and Hawe, DEC-TR-301, 1984.
    """

    clients: int
    clips_per_s: float
    p50_s: float
    p95_s: float
    fairness: float


def crowd(served: Served, post: Post, video: Path, clients: int, clips: int) -> Crowd:
    def act(_: int) -> list[float]:
        taken = []
        with httpx.Client(base_url=served.url, timeout=3600) as client:
            for _clip in range(clips):
                started = time.perf_counter()
                post(client, video)
                taken.append(time.perf_counter() - started)
        return taken

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        times = np.array(list(threads.map(act, range(clients))))
    seconds = time.perf_counter() - started
    means = times.mean(axis=1)
    return Crowd(
        clients,
        times.size / seconds,
        float(np.median(times)),
        float(np.percentile(times, 95)),
        float(means.sum() ** 2 / (clients * (means**2).sum())),
    )
