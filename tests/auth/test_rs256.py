"""Our RS256 takes the same signatures as another library.

It takes none that can be forged where a check is missing.
"""

import hashlib
import random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jwt import InvalidKeyError
from jwt.algorithms import RSAAlgorithm

from chalicelib.auth.rs256 import PublicKey

SIZE = 256  # bytes of a 2048-bit key's signature
# The bytes before the digest: RFC 8017, 9.2.
INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
MESSAGE = b"header.claims"
DIGEST = hashlib.sha256(MESSAGE).digest()

# Such a key must be refused.
TOO_SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    # Signatures are easiest to forge for this exponent.
    return rsa.generate_private_key(3, 2048)


@pytest.fixture(scope="module")
def ours(key: rsa.RSAPrivateKey) -> PublicKey:
    return PublicKey(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))


def taken(ours: PublicKey, message: bytes, signature: bytes) -> bool:
    return bool(ours.Algorithm.verify(message, ours.key, signature))


def encoded(rest: bytes, start: bytes = b"\0\1", fill: bytes = b"\xff") -> bytes:
    """Return an encoded message: start, fill up to the key's size, a zero byte and the rest."""
    return start + fill * (SIZE - len(start) - 1 - len(rest)) + b"\0" + rest


def raw(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    numbers = key.private_numbers()
    return pow(int.from_bytes(message, "big"), numbers.d, numbers.public_numbers.n).to_bytes(
        SIZE, "big"
    )


def test_only_the_one_encoding_is_taken(key: rsa.RSAPrivateKey, ours: PublicKey) -> None:
    right = encoded(INFO + DIGEST)
    assert taken(ours, MESSAGE, raw(key, right))
    wrong = {
        "another hash": encoded(SHA1_INFO + hashlib.sha1(MESSAGE, usedforsecurity=False).digest()),
        "no DigestInfo": encoded(DIGEST),
        "something after the digest": b"\0\1"
        + b"\xff" * 8
        + b"\0"
        + INFO
        + DIGEST
        + b"\x55" * (SIZE - 62),
        "a short digest": encoded(INFO + DIGEST[:-1]),
        "padding for encryption": encoded(INFO + DIGEST, start=b"\0\2"),
        "padding of type 0": encoded(INFO + DIGEST, start=b"\0\0", fill=b"\0"),
        "padding of other bytes": encoded(INFO + DIGEST, fill=b"\xfe"),
        "padding with a hole": right[:40] + b"\0" + right[41:],
    }
    assert all(len(each) == SIZE for each in wrong.values())
    assert [
        name for name, message in wrong.items() if taken(ours, MESSAGE, raw(key, message))
    ] == []


def test_a_cube_root_is_no_signature(ours: PublicKey) -> None:
    """Check that a forged cube root is refused for an exponent of 3 (Bleichenbacher, 2006).

    It is taken where nobody looks at what follows the digest.
    """
    aimed = int.from_bytes(
        b"\0\1" + b"\xff" * 8 + b"\0" + INFO + DIGEST + b"\0" * (SIZE - 62), "big"
    )
    low, high = 0, 1 << 8 * SIZE
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**3 < aimed else (low, middle)
    assert (low**3).to_bytes(SIZE, "big").startswith(b"\0\1" + b"\xff" * 8 + b"\0" + INFO + DIGEST)
    assert not taken(ours, MESSAGE, low.to_bytes(SIZE, "big"))


def test_the_same_are_taken_as_by_another_library(key: rsa.RSAPrivateKey, ours: PublicKey) -> None:
    chance, n = random.Random(7), key.public_key().public_numbers().n
    good = key.sign(MESSAGE, padding.PKCS1v15(), SHA256())
    tried = [
        good,
        b"",
        good[1:],
        b"\0" + good,
        good + b"\0",
        bytes(SIZE),
        n.to_bytes(SIZE, "big"),
        (int.from_bytes(good, "big") + n).to_bytes(SIZE + 1, "big"),
        good[::-1],
    ]
    tried += [
        bytes(each ^ (at == spot) << chance.randrange(8) for at, each in enumerate(good))
        for spot in chance.sample(range(SIZE), 100)
    ]

    def theirs(signature: bytes) -> bool:
        try:
            key.public_key().verify(signature, MESSAGE, padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    both = [(taken(ours, MESSAGE, each), theirs(each)) for each in tried]
    assert both[0] == (True, True)
    assert set(both[1:]) == {(False, False)}
    assert not taken(ours, MESSAGE + b"x", good)


@pytest.mark.parametrize(
    "change",
    [
        {"n": None},
        {"n": 7},
        {"n": "%"},
        {"n": "AQAB"},
        {"e": ""},
        {"e": "AQ"},  # e = 1: each message is its own signature
        {"n": RSAAlgorithm.to_jwk(TOO_SHORT.public_key(), as_dict=True)["n"]},
    ],
)
def test_what_is_no_key_is_refused(key: rsa.RSAPrivateKey, change: dict[str, object]) -> None:
    jwk = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), **change}
    with pytest.raises(InvalidKeyError):
        PublicKey({name: value for name, value in jwk.items() if value is not None})
