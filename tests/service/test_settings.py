"""Settings: their names, their ranges and their descriptions."""

import pytest

from service.command import require_protections
from service.settings import PREFIX, Settings, SettingsError, asked_log_format, load_settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTOGRAPH_PORT", "9000")
    monkeypatch.setenv("ROTOGRAPH_DEVICE", "cuda")
    monkeypatch.setenv("ROTOGRAPH_MAX_PIXELS", "1000")
    settings = load_settings()
    assert (settings.port, settings.device, settings.limits.max_pixels) == (9000, "cuda", 1000)


def test_a_name_that_nobody_knows_is_told_and_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ROTOGRAPH_DEVISE", "cuda")
    monkeypatch.setenv("ROTOGRAPH_SERVICE_HOST", "10.0.0.7")
    assert load_settings().device == "auto"
    told = {vars(record)["setting"]: vars(record)["meant"] for record in caplog.records}
    assert told == {
        "ROTOGRAPH_DEVISE": "ROTOGRAPH_DEVICE",
        "ROTOGRAPH_SERVICE_HOST": "",
    }


def test_the_former_prefix_is_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SEGMENT_MAX_QUEUED", "7")
    monkeypatch.setenv("SEGMENT_LOG_FORMAT", "json")
    monkeypatch.setenv("SEGMENT_WRITE_KEY", "of somebody else's")
    assert load_settings().max_queued == 7
    assert asked_log_format() == "json"
    assert {record.getMessage() for record in caplog.records} == {"a setting has a new name"}
    monkeypatch.setenv("ROTOGRAPH_MAX_QUEUED", "7")
    assert load_settings().max_queued == 7
    monkeypatch.setenv("ROTOGRAPH_MAX_QUEUED", "8")
    with pytest.raises(SettingsError, match="SEGMENT_MAX_QUEUED and ROTOGRAPH_MAX_QUEUED must"):
        load_settings()


@pytest.mark.parametrize("prefix", ["ROTOGRAPH", "SEGMENT"])
def test_what_kubernetes_sets_for_a_service_of_that_name_is_no_port(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv(f"{prefix}_PORT", "tcp://10.0.0.7:8000")
    monkeypatch.setenv(f"{prefix}_PORT_8000_TCP_PROTO", "tcp")
    assert load_settings().port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("DEVICE", "gpu"),
        ("THREADS", "0"),
        ("MAX_UPLOAD_MIB", "-1"),
        ("MAX_DURATION_S", "nan"),
        ("WAIT_S", "-1"),
        ("ALLOW_ANONYMOUS", "maybe"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError, match=f"{PREFIX}{name} must .*, got '{value}'\\."):
        load_settings()


def test_sites_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTOGRAPH_CORS_ORIGINS", "https://a.example, http://localhost:3000")
    assert load_settings().cors_origins == ("https://a.example", "http://localhost:3000")
    monkeypatch.setenv("ROTOGRAPH_CORS_ORIGINS", "https://a.example/path")
    with pytest.raises(
        SettingsError, match=r"ROTOGRAPH_CORS_ORIGINS must .*, got 'https://a.example/path'"
    ):
        load_settings()


def test_the_default_wait_may_not_pass_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTOGRAPH_WAIT_S", "30")
    monkeypatch.setenv("ROTOGRAPH_MAX_WAIT_S", "20")
    with pytest.raises(SettingsError, match=r"_WAIT_S must be at most .*_MAX_WAIT_S=20, got 30"):
        load_settings()


def test_a_sandbox_that_lacks_something_is_refused_unless_it_is_allowed() -> None:
    lacks = ["Landlock, which denies other files: Function not implemented."]
    with pytest.raises(SettingsError, match=r"lacks Landlock.*ROTOGRAPH_ALLOW_UNSANDBOXED=true"):
        require_protections(Settings(), lacks)
    require_protections(Settings(allow_unsandboxed=True), lacks)
    require_protections(Settings(), [])


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description
