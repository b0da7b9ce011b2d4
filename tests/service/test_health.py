"""The card of the model, as live workers report it."""

from dataclasses import replace

import httpx

from tests.service.staging import WORKER, StagedQueue


def test_the_card_tells_what_the_file_says(url: str, queue: StagedQueue) -> None:
    queue.set_workers(replace(WORKER, id="older", card={}), WORKER)
    card = httpx.get(f"{url}/models/default").json()
    assert card["labels"] == ["none", "run"]
    assert (card["short_side"], card["licence"], card["measured"]) == (64, "Apache-2.0", {})


def test_each_model_is_listed_once(url: str, queue: StagedQueue) -> None:
    other = replace(WORKER, id="other", model="large", card={**WORKER.card, "name": "large"})
    queue.set_workers(WORKER, replace(WORKER, id="same"), other)
    models = httpx.get(f"{url}/models").json()["models"]
    assert [model["name"] for model in models] == ["tiny", "large"]
    queue.set_workers()
    assert httpx.get(f"{url}/models").json() == {"models": []}


def test_without_a_worker_there_is_no_card(url: str, queue: StagedQueue) -> None:
    queue.set_workers()
    answer = httpx.get(f"{url}/models/default")
    assert answer.status_code == 503
    assert "which model" in answer.json()["detail"]
