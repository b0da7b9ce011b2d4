"""Every file of a folder posted to the service: `python -m tests.faults.folder FOLDER`."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from tests.faults.clients import listed
from tests.faults.findings import Findings
from tests.faults.traces import Traces
from tests.faults.waiting_workers import wait_until
from tests.faults.whole_service import WholeService

ANSWER_S = 120.0
JOB_S = 900.0


def main() -> int:
    """Post the files one after another, whatever they are; tell how each was answered."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.folder", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--end-s", type=float, default=1.0, help="of each video; default: 1")
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.folder.iterdir() if path.is_file())
    findings = Findings(f"{len(files)} files, {arguments.end_s:g} s of each")
    with Traces() as traces:
        settings = {"ROTOGRAPH_THREADS": "1"}
        with WholeService(traces.folder, settings=settings, real=True) as service:
            before = service.processes()
            answers: Counter[str] = Counter()
            for path in tqdm(files, "files", unit="file"):
                answer = outcome(service, path, arguments.end_s)
                tqdm.write(f"{path.name}: {answer}")
                answers[answer.partition(",")[0]] += 1
            held = service.processes() == before
            left = [
                str(path.relative_to(service.data))
                for part in ("jobs", "uploads")
                for path in (service.data / part).iterdir()
            ]
        for name, count in answers.most_common():
            findings.note(f"answer: {name}", count)
        failed = {name: count for name, count in answers.items() if name >= "5"}
        findings.hold("answers of 500 and above", listed(failed), kept=not failed)
        findings.hold("API and worker are those of the start", held, kept=held)
        findings.hold("files of jobs left", left or 0, kept=not left)
        errors = service.log.read_text().count("Traceback")
        findings.hold("errors in the service's log", errors, kept=not errors)
        traces.check(findings)
    return findings.finish()


def outcome(service: WholeService, path: Path, end_s: float) -> str:
    """Post a file, wait for its job if it becomes one, and delete that; tell the last answer."""
    headers = {"Prefer": "respond-async"}
    with httpx.Client(base_url=service.url, timeout=ANSWER_S) as client, path.open("rb") as file:
        options = {"end_s": f"{end_s:g}", "actions": "false"}
        answer = client.post("/segment", files={"file": file}, data=options, headers=headers)
        if answer.status_code != 202:
            return f"{answer.status_code} {answer.json()['type']}"
        job = answer.headers["Location"]

        def final() -> bool:
            state: dict[str, Any] = client.get(job).raise_for_status().json()
            return state["finished_at"] is not None

        wait_until(final, f"the end of {job}", JOB_S)
        answer = client.get(f"{job}/result")
        client.delete(job).raise_for_status()
    if not answer.is_success:
        return f"{answer.status_code} {answer.json()['type']}"
    frames = answer.json()["frames"]
    objects = sum(bool(frame["objects"]) for frame in frames)
    return f"{answer.status_code} result, {len(frames)} frames, objects in {objects}"


if __name__ == "__main__":
    sys.exit(main())
