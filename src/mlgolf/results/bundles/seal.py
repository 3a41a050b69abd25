"""The seal of a bundle: what all of its bytes come to, and who vouches for that.

It is the comment at the end of the archive, canonical JSON:

    {"bundle":1,"key":"…","merkle_root":"…","sha256":"…","signature":"…"}

`sha256` is that of every byte before the comment, the length of the comment among them. `key` and
`signature` are there if it is signed: of PREFIX and the seal without its `signature`.
"""

from dataclasses import dataclass

from mlgolf.results.bundles.canonical import canonical, check_version, is_hex, parsed
from mlgolf.results.bundles.signatures import (
    KEY_DIGITS,
    SIGNATURE_DIGITS,
    Signer,
    is_signature,
)

VERSION = 1
PREFIX = b"mlgolf bundle 1\n"
LONGEST = 1000  # bytes; a longer comment is no seal
_DIGITS = {
    "key": KEY_DIGITS, "merkle_root": 64, "sha256": 64, "signature": SIGNATURE_DIGITS,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    merkle_root: str
    sha256: str
    key: str | None = None  # None: unsigned
    signature: str | None = None

    @property
    def is_signed_rightly(self) -> bool:
        """By the key that it names, whoever has it."""
        if self.key is None or self.signature is None:
            return False
        return is_signature(self.key, self.signature, _message(self._unsigned()))

    def _unsigned(self) -> dict[str, object]:
        fields = {"bundle": VERSION, "merkle_root": self.merkle_root, "sha256": self.sha256}
        return fields if self.key is None else {**fields, "key": self.key}

    def as_bytes(self) -> bytes:
        signature = {} if self.signature is None else {"signature": self.signature}
        return canonical({**self._unsigned(), **signature})


def _message(unsigned: dict[str, object]) -> bytes:
    return PREFIX + canonical(unsigned)


def sealed(merkle_root: str, sha256: str, signer: Signer | None) -> Seal:
    if signer is None:
        return Seal(merkle_root=merkle_root, sha256=sha256)
    unsigned = Seal(merkle_root=merkle_root, sha256=sha256, key=signer.public)
    signature = signer.sign(_message(unsigned._unsigned()))
    return Seal(merkle_root=merkle_root, sha256=sha256, key=signer.public, signature=signature)


def seal_bytes(*, signed: bool) -> int:
    """How long a seal is: all have the same length, so it can be told before anything is hashed."""
    fields = {name: digits * "0" for name, digits in _DIGITS.items()}
    if not signed:
        fields = {name: fields[name] for name in ("merkle_root", "sha256")}
    return len(Seal(**fields).as_bytes())


def read_seal(name: str, comment: bytes) -> Seal | None:
    """None for what is no seal as it is written, to the byte.

    Args: name: of the bundle, for errors.
    Raises: BundleError for one of a newer version.
    """
    fields = parsed(comment)
    if not isinstance(fields, dict):
        return None
    check_version(name, fields.pop("bundle", None), VERSION, "bundle")
    if fields.keys() not in ({"merkle_root", "sha256"}, _DIGITS.keys()):
        return None
    if not all(is_hex(value, _DIGITS[key]) for key, value in fields.items()):
        return None
    seal = Seal(**fields)
    return seal if seal.as_bytes() == comment else None
