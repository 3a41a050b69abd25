"""The bytes of a zip archive around its files, as bundles have them: one way to write each.

Files are stored as they are and not compressed, in order, with one time and one mode for all. So
the archive follows from names and contents alone, a reader can compare every byte, and no file is
larger unpacked than packed.
Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import struct

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
LOCAL_MARK, _CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_VERSION = 20  # of the format that a reader has to know
_UNIX = 3 << 8  # who made it: the mode below is one of Unix
_UTF8 = 0x800  # names are UTF-8
_STORED = 0
_TIME, _DATE = 0, 1 << 5 | 1  # midnight of 1 January 1980, the first that there is
_MODE = 0o100644 << 16  # an ordinary file

LARGEST = 2**32 - 2  # bytes of an archive, without the extensions for larger ones
MOST_FILES = 2**16 - 2
END_BYTES = _END.size


def local_header(name: str, crc: int, size: int) -> bytes:
    """What stands before the bytes of a file."""
    return _LOCAL.pack(
        LOCAL_MARK, _VERSION, _UTF8, _STORED, _TIME, _DATE, crc, size, size, len(name.encode()), 0
    ) + name.encode()


def central_header(name: str, crc: int, size: int, offset: int) -> bytes:
    """Its entry in the directory at the end. Args: offset: of its local header."""
    return _CENTRAL.pack(
        _CENTRAL_MARK, _UNIX | _VERSION, _VERSION, _UTF8, _STORED, _TIME, _DATE, crc, size, size,
        len(name.encode()), 0, 0, 0, 0, _MODE, offset,
    ) + name.encode()


def end_record(count: int, directory_bytes: int, offset: int, comment_bytes: int) -> bytes:
    """What stands after the directory, and before the comment. Args: offset: of the directory."""
    return _END.pack(END_MARK, 0, 0, count, count, directory_bytes, offset, comment_bytes)


def local_size(header: bytes) -> int | None:
    """How many bytes the file after this beginning of a local header has; None if it is none."""
    if len(header) < _LOCAL.size or not header.startswith(LOCAL_MARK):
        return None
    return _LOCAL.unpack_from(header)[8]


def comment_of(tail: bytes) -> bytes | None:
    """The comment, where these last bytes of an archive end with one; else None."""
    at = tail.rfind(END_MARK)
    if at < 0 or at + END_BYTES > len(tail):
        return None
    comment = tail[at + END_BYTES :]
    return comment if _END.unpack_from(tail, at)[-1] == len(comment) else None
