"""Files of a submission that are no Python: what they are by their first bytes."""

from mlgolf.triage.entropy import compressed_bytes, entropy
from mlgolf.triage.findings import FileFacts, Kind, Seen

_BY_START = (
    (b"\x7fELF", "native code (ELF)"), (b"MZ", "native code (Windows)"),
    (b"\xcf\xfa\xed\xfe", "native code (Mach-O)"), (b"\xca\xfe\xba\xbe", "native code (Mach-O)"),
    (b"\x00asm", "native code (WebAssembly)"), (b"\x93NUMPY", "numpy array"),
    (b"PK\x03\x04", "zip archive (also .npz and torch's .pt)"), (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"), (b"\xfd7zXZ\x00", "xz data"), (b"(\xb5/\xfd", "zstandard data"),
    (b"\x80\x02", "pickle"), (b"\x80\x03", "pickle"), (b"\x80\x04", "pickle"),
    (b"\x80\x05", "pickle"), (b"\x89HDF", "HDF5 file"), (b"PAR1", "Parquet table"),
    (b"\x89PNG", "PNG image"), (b"\xff\xd8\xff", "JPEG image"), (b"SQLite format 3", "SQLite file"),
)
_BY_NAME = {
    ".onnx": "ONNX model", ".safetensors": "safetensors", ".pyc": "compiled Python",
    ".so": "native code", ".pyd": "native code", ".json": "JSON", ".toml": "TOML", ".md": "text",
    ".csv": "table of text", ".yaml": "YAML", ".yml": "YAML", ".pt": "torch's weights",
    ".pth": "torch's weights", ".npy": "numpy array", ".npz": "numpy arrays",
}
_RUNS = ("native code", "compiled Python", "pickle")
_TEXTS = ("JSON", "TOML", "text", "table of text", "YAML")
LARGE_TEXT_BYTES = 20_000  # a search space, a README or a disclosure is far below


def kind_of_file(name: str, data: bytes) -> str:
    """In words. Args: data: its first bytes will do."""
    dot = name.rfind(".")
    by_name = _BY_NAME.get(name[dot:].lower() if dot > 0 else "", "")
    by_start = next((kind for start, kind in _BY_START if data.startswith(start)), "")
    if by_start and by_name not in ("ONNX model", "compiled Python", "safetensors"):
        return by_start
    if by_name and (by_name not in _TEXTS or _is_text(data)):
        return by_name
    return "text" if _is_text(data) else "data of an unknown kind"


def _is_text(data: bytes) -> bool:
    if b"\x00" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(data) - 3 > 0  # cut within a character
    return True


def data_file(facts: FileFacts) -> list[Seen]:
    """What a host may want to look at; nothing of a short text."""
    if facts.kind in _TEXTS and facts.bytes < LARGE_TEXT_BYTES:
        return []
    size = (
        f"{facts.kind}, {facts.bytes:,} bytes with {facts.entropy:.1f} bits of entropy each, "
        f"{facts.compressed_bytes:,} compressed"
    )
    found = [Seen(Kind.DATA_FILE, size, 0)]
    if facts.kind.startswith(_RUNS):
        found.append(Seen(Kind.DYNAMIC_CODE, f"{facts.kind}: it can run, and is not read here", 0))
    return found


def file_facts(name: str, data: bytes, whole: int, kind: str, **more: int) -> FileFacts:
    """Args: data: what was read of it. whole: all of its bytes."""
    share = whole / len(data) if data else 1.0
    return FileFacts(
        name=name, kind=kind, bytes=whole, entropy=entropy(data),
        compressed_bytes=round(compressed_bytes(data) * share), **more,
    )
