"""The benchmark's results as JSON, as tables in Markdown and as a plot."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.operations import HEIGHT, WIDTH
from benchmarks.results import BARE, LITSERVE, Results, Run

STAGES = ("decode", "motion", "postprocess")


def write(results: Results, to: Path) -> None:
    """Write `bench.json`, `bench.md` and `bench.png` into a folder, which is made."""
    store(results, to)
    text = "\n".join(tables(results))
    (to / "bench.md").write_text(f"# The benchmark's tables\n\n{text}\n")
    plot(results, to / "bench.png")
    print(text)


def store(results: Results, to: Path) -> None:
    """Write `bench.json` into a folder, which is made."""
    to.mkdir(parents=True, exist_ok=True)
    (to / "bench.json").write_text(json.dumps(asdict(results), indent=1) + "\n")


def tables(results: Results) -> Iterator[str]:
    """Yield the lines of all tables."""
    yield ", ".join(f"{name} {value}" for name, value in results.about.items()) + ".\n"
    yield from _speed(results)
    yield from _stages(results)
    yield from _short(results)
    yield from _servers(results)
    yield from _long(results)
    yield from _clients(results)
    yield from _devices(results)


def _speed(results: Results) -> Iterator[str]:
    yield "| video | what | frames/s (least, most) | of LitServe | of bare | CPU s, 100 frames |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for size, runs in results.runs.items():
        for name, its in runs.items():
            bare = f"{BARE}, {name.rpartition(', ')[2]}"
            fps = [run.fps for run in its]
            cpu_s = statistics.median(100 * run.cost.cpu_s / run.frames for run in its)
            yield (
                f"| {size} | {name} | {_spread(fps)} | {_ratio(its, runs.get(LITSERVE))} "
                f"| {_ratio(its, runs.get(bare))} | {cpu_s:.2f} |"
            )
    yield ""


def _ratio(runs: Sequence[Run], others: Sequence[Run] | None) -> str:
    """Return how much faster runs were than others of the same repeats, in the median."""
    if not others:
        return ""
    # Fewer of what is measured once, or of a run that was interrupted.
    ratios = [run.fps / other.fps for run, other in zip(runs, others, strict=False)]
    return f"{statistics.median(ratios):.2f}"


def _stages(results: Results) -> Iterator[str]:
    yield f"| CPU ms a frame | {' | '.join(STAGES)} | network, stitching, smoothing |"
    yield f"| --- | {'--- | ' * len(STAGES)}--- |"
    for size, runs in results.runs.items():
        for name, its in runs.items():
            if not its[0].stage_s:
                continue
            frames = sum(run.frames for run in its)
            each = [1000 * sum(r.stage_s.get(stage, 0) for r in its) / frames for stage in STAGES]
            rest = 1000 * sum(run.cost.cpu_s for run in its) / frames - sum(each)
            told = " | ".join(f"{ms:.1f}" for ms in (*each, rest))
            yield f"| {size}, {name} | {told} |"
    yield ""


def _short(results: Results) -> Iterator[str]:
    yield "| clip of 2 s, from post to result | median | 95 % within |"
    yield "| --- | --- | --- |"
    for name, seconds in results.short_s.items():
        p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
        yield f"| {name} | {statistics.median(seconds):.2f} s | {p95:.2f} s |"
    yield ""


def _servers(results: Results) -> Iterator[str]:
    yield "| server | start to ready (least, most) | peak memory of the process with the model |"
    yield "| --- | --- | --- |"
    for name, seconds in results.start_s.items():
        peaks = results.memory_mib.get(name)
        peak = f"{max(peaks):.0f} MiB" if peaks else ""
        yield f"| {name} | {_spread(seconds)} s | {peak} |"
    yield ""


def _long(results: Results) -> Iterator[str]:
    if not results.long:
        return
    yield "| one video, 640x360 | frames/s | peak memory | of the first |"
    yield "| --- | --- | --- | --- |"
    first = next(iter(results.long.values()))
    for minutes, it in results.long.items():
        ratio = it.peak_mib / first.peak_mib
        yield f"| {minutes} min | {it.run.fps:.1f} | {it.peak_mib:.0f} MiB | {ratio:.3f} |"
    yield ""


def _clients(results: Results) -> Iterator[str]:
    if not any(results.crowds.values()):
        return
    yield "| clips of 1 s | clients | clips/s | median | 95 % within | fairness (Jain) |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, crowds in results.crowds.items():
        for crowd in crowds:
            yield (
                f"| {name} | {crowd.clients} | {crowd.clips_per_s:.2f} | {crowd.p50_s:.1f} s "
                f"| {crowd.p95_s:.1f} s | {crowd.fairness:.3f} |"
            )
    yield ""


def _devices(results: Results) -> Iterator[str]:
    yield (
        f"| device | clip of 8x{HEIGHT}x{WIDTH} | GFLOP/s | of a matrix product's "
        "| largest difference of a probability | masks differ at |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for device, it in results.devices.items():
        share = "" if it.peak is None else f"{it.gflops / it.peak:.0%} of {it.peak:.0f}"
        yield (
            f"| {device} | {it.clip_ms:.0f} ms | {it.gflops:.0f} | {share} "
            f"| {it.difference:.1e} | {it.changed:.3%} |"
        )
    yield ""


def _spread(values: Sequence[float]) -> str:
    middle = f"{statistics.median(values):.1f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.1f}, {max(values):.1f})"


def plot(results: Results, to: Path) -> None:
    """Draw the frames a second of everything on each video, with their spread."""
    # Here, since it takes a second and the tables don't need it.
    from matplotlib.figure import Figure  # noqa: PLC0415

    names = list(dict.fromkeys(name for runs in results.runs.values() for name in runs))
    figure = Figure(figsize=(9, 0.35 * len(names) * len(results.runs) / 2 + 2), layout="tight")
    axes = figure.add_subplot()
    height = 0.8 / max(1, len(results.runs))
    for index, (size, runs) in enumerate(results.runs.items()):
        fps = [[run.fps for run in runs[name]] if name in runs else [0.0] for name in names]
        medians = [statistics.median(each) for each in fps]
        errors = [
            [middle - min(each) for middle, each in zip(medians, fps, strict=True)],
            [max(each) - middle for middle, each in zip(medians, fps, strict=True)],
        ]
        places = [place + index * height for place in range(len(names))]
        axes.barh(places, medians, height, xerr=errors, label=size)
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("frames/s; the lines go from the least to the most of the repeats")
    axes.legend()
    figure.savefig(to, dpi=110)
