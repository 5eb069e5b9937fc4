"""What one SMS can say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.outbox import sms

# GSM 03.38, as 3GPP TS 23.038 has it in section 6.2.1, without the escape.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


def test_the_alphabet_is_that_of_the_standard() -> None:
    assert len(BASIC) == 127
    assert sms.length(BASIC) == 127
    assert sms.spell(BASIC) == BASIC
    assert sms.length(EXTENSION) == 2 * len(EXTENSION)
    assert sms.spell(EXTENSION) == EXTENSION


@pytest.mark.parametrize("letter", "ç–„č`\t\xa0\x1b折")
def test_other_letters_have_no_length(letter: str) -> None:
    with pytest.raises(ValueError, match=r"not in GSM 03\.38"):
        sms.length(letter)


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("Rückruf für Größe", "Rückruf für Größe"),
        ("u\u0308ber", "über"),
        ("„Münzen“ – ‚Barren‘…", "\"Münzen\" - 'Barren'..."),
        ("Façade à Český", "Facade à Cesky"),
        ("9–17\xa0Uhr", "9-17 Uhr"),
        ("折", "?"),
    ],
)
def test_what_an_sms_lacks_is_spelt_otherwise(written: str, spelt: str) -> None:
    assert sms.spell(written) == spelt


def test_the_link_stands_behind_the_text_where_it_fits() -> None:
    link = "https://x.example/"
    for room in (160, 161):
        text = "x" * (room - len(link) - 1)
        assert sms.fit(text, link) == (f"{text} {link}" if room == 160 else text)
    tilde = "https://x.example/~"  # counts twice
    assert sms.fit("x" * 140, tilde) == "x" * 140
    assert sms.fit("x" * 139, tilde).endswith(tilde)
    assert sms.fit("x", "https://ç.example") == "x"
    assert sms.fit("€" * 100) == "€" * 80


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_is_one_sms(text: str, link: str) -> None:
    assert sms.length(sms.fit(text, link)) <= 160
