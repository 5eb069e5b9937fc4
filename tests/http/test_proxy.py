"""What a CDN or proxy writes of the visitor, and whether it is believed."""

import pytest

from chalicelib import settings
from chalicelib.http import proxy

FULL = "2001:db8:1:2:3:4:5:6"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("  203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:46532", "203.0.113.7"),
        (FULL, FULL),
        (f"{FULL}:46532", FULL),
        (f"[{FULL}]", FULL),
        (f"[{FULL}]:443", FULL),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("", ""),
        ("unknown", ""),
        ("_hidden", ""),
        ("203.0.113.7, 198.51.100.1", ""),
        ("203.0.113.256", ""),
        ("203.0.113.07", ""),
        ("203.0.113", ""),
        ("3405803783", ""),
        ("203.0.113.7:", ""),
        ("203.0.113.7:port", ""),
        ("203.0.113.7:123456", ""),
        ("٢٠٣.0.113.7", ""),
        ("[203.0.113.7", ""),
        ("localhost", ""),
        ("1:2:3", ""),
        (":" * 10_000, ""),
        ("1" * 10_000, ""),
    ],
    ids=lambda text: text[:30],
)
def test_forms_of_an_address(written: str, address: str) -> None:
    assert proxy.address(written) == address


@pytest.mark.parametrize(
    ("sent", "secrets", "believed"),
    [
        ("new", ["old", "new"], True),
        ("old", ["old", "new"], True),
        ("other", ["old", "new"], False),
        ("", ["old"], False),
        ("", [""], False),
        ("ol", ["old"], False),
        ("Old", ["old"], False),
        ("\udc80", ["old"], False),
        ("old", [], False),
    ],
)
def test_a_proxy_is_known_by_one_of_its_secrets(
    sent: str, secrets: list[str], believed: bool
) -> None:
    assert proxy.vouches({"x-origin-secret": sent}, secrets) is believed


def test_without_its_header_nobody_is_a_proxy() -> None:
    assert proxy.vouches({}, ["old", ""]) is False


@pytest.mark.parametrize("header", ["TRUSTED_ADDRESS_HEADER", "TRUSTED_AGENT_HEADER"])
def test_no_header_is_trusted_without_a_secret(header: str) -> None:
    with pytest.raises(settings.BadSetting, match="ORIGIN_SECRET_ARN"):
        settings.parse({header: "X-Visitor"})
    assert settings.parse({header: "X-Visitor", "ORIGIN_SECRET_ARN": "arn"}).origin_secret_arn
