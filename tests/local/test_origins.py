"""Further websites may call the local API; what is no origin is refused by name."""

import tempfile
import urllib.request
from pathlib import Path

import pytest

from local import origins
from local.cloud import Cloud

VITE = "http://localhost:5173"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("", ()),
        (VITE, (VITE,)),
        (f"{VITE}, https://www.site.example", (VITE, "https://www.site.example")),
        ("http://127.0.0.1:4321 http://[::1]:80", ("http://127.0.0.1:4321", "http://[::1]:80")),
    ],
)
def test_a_list_by_commas_or_blanks(written: str, found: tuple[str, ...]) -> None:
    assert origins.read(written) == found


@pytest.mark.parametrize(
    "wrong", ["localhost:5173", f"{VITE}/", "https://a.example/path", "*", "null", "ftp://a"]
)
def test_what_is_no_origin_is_named(wrong: str) -> None:
    with pytest.raises(origins.BadOrigin, match="http://localhost:5173"):
        origins.read(f"{VITE},{wrong}")


@pytest.mark.soak
def test_a_further_site_may_call_the_api(slow: None) -> None:
    with tempfile.TemporaryDirectory() as folder, Cloud(Path(folder), origins=(VITE,)) as cloud:
        for origin, allowed in ((VITE, VITE), (cloud.site, cloud.site), ("http://a.example", None)):
            asked = urllib.request.Request(f"{cloud.api}/hotline", headers={"Origin": origin})
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == allowed
