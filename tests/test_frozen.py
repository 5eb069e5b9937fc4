"""The wordings that people have agreed to never change: a new wording gets a new version."""

from pathlib import Path

from chalicelib.consent import Wordings

CHALICELIB = Path(__file__).parent.parent / "chalicelib"
USED = {
    "newsletter-de-1": "d1c185678f122c18cccf63d4c9f06ab7be32b1a90c409ed47ace8f5cf148cb80",
    "newsletter-en-1": "93f74b3fd6fa8069632e9ba26dc578f719c39e3493bdef4d5b166df43441cc90",
    "callback-de-1": "7c243238e4f1cdd199ac7bd35b37bd5b5547f04da3a7cf7e8a0c4ade412c9c45",
    "callback-en-1": "2b8e6de29753c015281f4b19390a0dfce8799a743fedf66d720a07071f63ea87",
}


def test_used_wordings_are_as_they_were() -> None:
    found = {
        version: wording.sha256
        for capability in ("newsletter", "callbacks")
        for version, wording in Wordings(CHALICELIB / capability / "consent").all.items()
    }
    assert found == USED
