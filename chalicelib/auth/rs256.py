"""RS256 for PyJWT by PyCryptodome, a tenth of the size of the library PyJWT would use by itself.

RFC 7518, 3.3 and 6.3.1; RFC 8017, 8.2.2. It only verifies a provider's signatures, which is all
that the staff's sign-in needs.
"""

from typing import Any, NoReturn

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from jwt import InvalidKeyError, PyJWK
from jwt.algorithms import Algorithm
from jwt.utils import base64url_decode

SHORTEST = 2048  # bits of a key, by RFC 7518, 3.3


class Rs256(Algorithm):
    """RSASSA-PKCS1-v1_5 with SHA-256, as PyJWT takes an algorithm."""

    def prepare_key(self, key: RSA.RsaKey) -> RSA.RsaKey:
        """Return the key unchanged: `from_jwk` has prepared it."""
        return key

    def verify(self, msg: bytes, key: RSA.RsaKey, sig: bytes) -> bool:
        """Tell whether the owner of the key signed the message."""
        try:
            pkcs1_15.new(key).verify(SHA256.new(msg), sig)
        except (ValueError, TypeError):
            return False
        return True

    @staticmethod
    def from_jwk(jwk: Any) -> RSA.RsaKey:
        """Return the public key of a JSON Web Key. Raises InvalidKeyError."""
        try:
            n, e = (int.from_bytes(base64url_decode(jwk[part]), "big") for part in "ne")
            key = RSA.construct((n, e))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidKeyError(f"no RSA key: {error}") from error
        if key.size_in_bits() < SHORTEST:
            raise InvalidKeyError(f"a key of {key.size_in_bits()} bits is too short")
        return key

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> NoReturn:
        """Raise NotImplementedError: keys are read, never written."""
        raise NotImplementedError

    def sign(self, msg: bytes, key: Any) -> NoReturn:
        """Raise NotImplementedError: only the provider has the private key."""
        raise NotImplementedError


class PublicKey(PyJWK):
    """A provider's public RSA key from its JWKS, for RS256 and no other algorithm."""

    def __init__(self, jwk: Any) -> None:
        # This replaces PyJWK's own constructor, which needs the library that is not packaged.
        self.algorithm_name, self.Algorithm = "RS256", Rs256()
        self.key = Rs256.from_jwk(jwk)
        self._jwk_data = jwk
