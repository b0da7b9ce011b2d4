"""Settings: their names, their ranges and their descriptions."""

import pytest

from service.settings import PREFIX, Settings, SettingsError, load_settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENT_PORT", "9000")
    monkeypatch.setenv("SEGMENT_DEVICE", "cuda")
    monkeypatch.setenv("SEGMENT_MAX_PIXELS", "1000")
    settings = load_settings()
    assert (settings.port, settings.device, settings.limits.max_pixels) == (9000, "cuda", 1000)


def test_an_unknown_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENT_DEVISE", "cuda")
    with pytest.raises(SettingsError, match=r"SEGMENT_DEVISE, wanted one of .*SEGMENT_DEVICE"):
        load_settings()


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
    with pytest.raises(SettingsError, match=f"{PREFIX}{name}: got '{value}'"):
        load_settings()


def test_sites_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENT_CORS_ORIGINS", "https://a.example, http://localhost:3000")
    assert load_settings().cors_origins == ("https://a.example", "http://localhost:3000")
    monkeypatch.setenv("SEGMENT_CORS_ORIGINS", "https://a.example/path")
    with pytest.raises(SettingsError, match=r"SEGMENT_CORS_ORIGINS: got 'https://a.example/path'"):
        load_settings()


def test_the_default_wait_may_not_pass_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMENT_WAIT_S", "30")
    monkeypatch.setenv("SEGMENT_MAX_WAIT_S", "20")
    with pytest.raises(SettingsError, match="SEGMENT_WAIT_S=30 above SEGMENT_MAX_WAIT_S=20"):
        load_settings()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description
