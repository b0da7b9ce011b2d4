"""Which addresses are refused by the text of a URL, and which by what its name resolves to."""

import pytest

from jobs.addresses import AddressGuard
from jobs.errors import BadUrl

URL = "https://example.org/"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: other",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://exämple.org/",
        "https://example.org/" + "a" * 2000,
        "http://example.org/",
    ],
)
def test_what_is_no_address_of_https_is_refused_early(url: str) -> None:
    with pytest.raises(BadUrl, match=" must be "):
        AddressGuard().check(url)


def test_public_addresses_pass_the_early_look() -> None:
    for url in ("https://example.org", "https://example.org:8443/a/b?c=d", "https://1.1.1.1/"):
        AddressGuard().check(url)


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["1.1.1.1", "10.0.0.1"],
        ["10.0.0.1", "1.1.1.1"],
        ["2606:4700::1111", "fd00::1"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::c0a8:1"],
        ["2002:a00:1::"],
        ["0.0.0.0"],
        ["100.64.0.1"],
        ["192.0.2.1"],
        ["255.255.255.255"],
        ["ff02::1"],
        ["fec0::1"],
    ],
)
def test_a_name_with_an_address_that_is_not_public_is_refused(found: list[str]) -> None:
    guard = AddressGuard()
    with pytest.raises(BadUrl, match=r"must be a public address, got 'example.org'"):
        guard.choose(guard.check(URL), found)


def test_the_address_that_was_looked_at_is_the_one_to_connect_to() -> None:
    guard = AddressGuard()
    assert guard.choose(guard.check(URL), ["1.1.1.1", "2606:4700::1111"]) == "1.1.1.1"


def test_what_is_allowed_by_network_may_be_named_and_needs_no_tls() -> None:
    guard = AddressGuard(["10.1.0.0/16", "hooks.internal"])
    internal = guard.check("http://hooks.internal/")
    assert guard.choose(internal, ["192.168.0.1"]) == "192.168.0.1"
    assert guard.choose(guard.check(URL), ["10.1.2.3"]) == "10.1.2.3"
    with pytest.raises(BadUrl):
        guard.choose(guard.check(URL), ["10.2.0.1"])
    with pytest.raises(BadUrl, match="must be https"):
        guard.check("http://example.org/")
