"""The dashboard and the alerts ask for metrics, and labels of them, that there are."""

import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry
from ruamel.yaml import YAML

from jobs.metrics import WorkerMetrics
from jobs.values import JobFailure, JobState
from service.metrics import Metrics
from tests.deployment.served import ROOT
from tests.service.staging import WORKER, StagedQueue

DASHBOARD = ROOT / "deploy" / "grafana" / "rotograph.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
OF_PROMETHEUS = {"job", "instance"}


def queries() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in YAML(typ="safe").load(ALERTS.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def labels_of(registry: CollectorRegistry) -> dict[str, set[str]]:
    return {
        sample.name: set(sample.labels) for each in registry.collect() for sample in each.samples
    }


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Each metric with its labels, after something has happened that makes all appear."""
    with closing(StagedQueue(tmp_path_factory.mktemp("data"))) as queue:
        api, worker = Metrics(queue), WorkerMetrics()
        api.answered("/jobs", "GET", 200, None, 0.1)
        worker.ended(JobState.FAILED, JobFailure("BrokenVideo", "Bad."))
        worker.describe(WORKER)
        return labels_of(api.registry) | labels_of(worker.registry)


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_asks_for_what_there_is(query: str, exposed: dict[str, set[str]]) -> None:
    found = re.findall(r"\b((?:rotograph|process)_\w+)(?:\{([^}]*)\})?", query)
    assert found
    grouped = {
        label.strip()
        for each in re.findall(r"\bby \(([^)]*)\)", query)
        for label in each.split(",")
    }
    for name, selectors in found:
        assert name in exposed
        named = grouped | set(re.findall(r"(\w+)\s*[=!]", selectors))
        assert named <= exposed[name] | OF_PROMETHEUS


def test_the_example_reads_the_alerts_beside_it() -> None:
    example = YAML(typ="safe").load(ALERTS.with_name("prometheus.yml").read_text())
    assert example["rule_files"] == [ALERTS.name]
    names = [job["job_name"] for job in example["scrape_configs"]]
    assert names == ["rotograph-api", "rotograph-worker"]
