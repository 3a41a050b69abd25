"""Keys of hosts and signatures by them: Ed25519 (RFC 8032), by the library `cryptography`.

    key.pem      a private key, PKCS #8 in PEM: for its owner alone
    known.toml   public keys that somebody trusts: "a name" = "64 hexadecimal digits"

The library is imported where it is used: scores and reports of bundles rest on hashes alone.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlgolf.core.disk import naming
from mlgolf.core.errors import BundleError
from mlgolf.core.text import quoted
from mlgolf.results.bundles.canonical import is_hex

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_DIGITS, SIGNATURE_DIGITS = 64, 128  # hexadecimal
_LARGEST = 1_000_000  # bytes of a file of keys


class Signer:
    """A host's key."""

    def __init__(self, path: Path) -> None:
        """Raises: BundleError for a file that is no such key, or that others may read."""
        self._key = _private_key(path)
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        return self._key.sign(message).hex()


def make_key(path: Path) -> None:
    """A new key, for its owner alone. Raises: FileExistsError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    text = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with naming(path), open(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _private_key(path: Path) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _small_file(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise BundleError(
            f"{path}: others may read this key. Make it yours alone: chmod 600 {quoted(path)}; if "
            "somebody has read it, make another ledger"
        )
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise BundleError(f"{path}: the key is encrypted; give one without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BundleError(
            f"{path}: no private key in PEM. mlgolf ledger new FOLDER makes one"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{path}: a key of another kind; expected Ed25519")
    return key


def is_signature(public: str, signature: str, message: bytes) -> bool:
    """Whether the key signed the message. Args: public, signature: hexadecimal digits."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(
            bytes.fromhex(signature), message
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def known_keys(given: str | Path) -> Mapping[str, str]:
    """Names of public keys, by key.

    Args: given: a TOML file of names with their keys, or one key, which is its own name.
    Raises: BundleError naming what is wrong with the file.
    """
    if is_hex(str(given), KEY_DIGITS):
        return {str(given): str(given)}
    path = Path(given)
    if not path.exists():
        raise BundleError(
            f"{given}: neither a file of keys nor a key, which has {KEY_DIGITS} hexadecimal digits "
            "in small letters"
        )
    try:
        table = tomllib.loads(_small_file(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(
            f"{path}: not TOML: {error}. Write a line for each key: \"name\" = \"64 digits\""
        ) from None
    names: dict[str, str] = {}
    for name, key in table.items():
        if not isinstance(key, str) or not is_hex(key, KEY_DIGITS):
            raise BundleError(
                f"{path}: {name}: found {key!r}, which is no public key. It has {KEY_DIGITS} "
                "hexadecimal digits in small letters, as mlgolf ledger show prints it"
            )
        if key in names:
            raise BundleError(f"{path}: {name} and {names[key]} are one key; keep one of the names")
        names[key] = name
    return names


def _small_file(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise BundleError(f"{path}: larger than {_LARGEST:,} bytes; expected a file of keys")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}; expected a file of keys") from None
