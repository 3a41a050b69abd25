"""Verify a bundle without mlgolf, by docs/ledger.md alone: python verify_bundle.py FILE [KEY]

Prints who signed it, and exits with 1 if any byte is not as it was sealed, or KEY (64 hexadecimal
digits) did not sign it. Needs `cryptography` for the signature, and nothing else.
"""

import json
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def verify(content: bytes) -> str | None:
    """The key that signed it, or None if nobody did. Raises: ValueError, saying what is wrong."""
    comment = content[content.rindex(b"PK\x05\x06") + 22 :]
    seal = json.loads(comment)
    if canonical(seal) != comment or seal["bundle"] != 1:
        raise ValueError("the seal is not written as seals are")
    if sha256(content[: -len(comment)]).hexdigest() != seal["sha256"]:
        raise ValueError("a byte before the seal was changed")
    key, signature = seal.get("key"), seal.pop("signature", None)
    if (key is None) != (signature is None):
        raise ValueError("a key without a signature, or a signature without a key")
    if key is not None:
        message = b"mlgolf bundle 1\n" + canonical(seal)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        try:
            public.verify(bytes.fromhex(signature), message)
        except InvalidSignature:
            raise ValueError("the key did not sign this") from None
    return key


def check_files(path: Path) -> None:
    """Raises: ValueError for a file that is not as the manifest and the Merkle root say."""
    with zipfile.ZipFile(path) as archive:
        names, seal = archive.namelist(), json.loads(archive.comment)
        files = {name: archive.read(name) for name in names}
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    listed = {file["path"]: file["sha256"] for file in json.loads(files["manifest.json"])["files"]}
    if names != ["manifest.json", *listed] or any(hashes[name] != listed[name] for name in listed):
        raise ValueError("the manifest lists other files")
    leaves = [
        sha256(
            b"\x00" + bytes.fromhex(hashes[name]) + len(content).to_bytes(8, "big") + name.encode()
        ).digest()
        for name, content in files.items()
    ]
    if root(leaves).hex() != seal["merkle_root"]:
        raise ValueError("the Merkle root is of other files")


def main(path: Path, expected: str | None = None) -> int:
    try:
        key = verify(path.read_bytes())
        check_files(path)
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        print(f"{path}: NOT valid: {error}")
        return 1
    print(f"{path}: {'unsigned' if key is None else f'signed by {key}'}")
    return 0 if expected in (None, key) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
