"""The option callback_url: who may use it, and for which addresses."""

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.values import JobState
from service.settings import Settings, SettingsError, load_settings
from tests.service.conftest import Serve
from tests.service.posting import assert_problem, post
from tests.service.staging import StagedQueue

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


def test_a_service_without_a_secret_sends_no_webhooks(url: str, clip: Path) -> None:
    answer = post(url, clip, callback_url="https://example.org/hook")
    assert_problem(answer, 422, "invalid-request", "this service has no ROTOGRAPH_WEBHOOK_SECRET")


def test_addresses_are_looked_at_before_the_job_is_made(
    serve: Serve, clip: Path, queue: StagedQueue
) -> None:
    url = serve(Settings(webhook_secret=SecretStr(SECRET), outbound_allow=("10.0.0.0/8",)))
    for refused in ("https://192.168.0.1/", "http://example.org/", "file:///etc/passwd", "x"):
        assert_problem(post(url, clip, callback_url=refused), 422, "bad-url", "must be ")
    assert queue.jobs == {}
    queue.outcome = JobState.QUEUED
    for accepted in ("https://example.org/hook", "http://10.0.0.1/hook"):
        job = post(url, clip, "respond-async", callback_url=accepted).json()
        assert job["request"]["callback_url"] == accepted


@pytest.mark.parametrize("secret", ["short", "whsec_" + "%" * 40, "a" * 50])
def test_a_wrong_secret_is_refused_and_not_told(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("ROTOGRAPH_WEBHOOK_SECRET", secret)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "ROTOGRAPH_WEBHOOK_SECRET" in str(refused.value)
    assert secret not in str(refused.value)


def test_the_secret_is_read_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTOGRAPH_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("ROTOGRAPH_OUTBOUND_ALLOW", "hooks.internal,10.1.0.0/16")
    settings = load_settings()
    assert settings.webhooks is not None
    assert settings.webhooks.secret == bytes(32)
    assert settings.webhooks.allow == ("hooks.internal", "10.1.0.0/16")
    assert SECRET not in repr(settings)
