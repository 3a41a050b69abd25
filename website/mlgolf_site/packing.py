"""A submission's folder as one zip, of the files that the referee would freeze."""

from dataclasses import dataclass
from pathlib import Path

from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import bytes_in_words, several
from mlgolf.referee.freeze import find_submission, frozen_files
from mlgolf_site.entries.uploads import Upload

NAMED = 3  # files that are largest


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    name: str
    content: bytes
    files: dict[str, int]  # with their bytes

    def check(self, limits: dict[str, int]) -> None:
        """Against what a site takes in. Raises: SubmissionError naming the largest files."""
        for what, found, most in (
            ("zipped", len(self.content), limits["upload_bytes"]),
            ("unpacked", sum(self.files.values()), limits["unpacked_bytes"]),
        ):
            if found > most:
                largest = sorted(self.files.items(), key=lambda file: -file[1])[:NAMED]
                named = ", ".join(f"{name} ({bytes_in_words(size)})" for name, size in largest)
                raise SubmissionError(
                    f"{self.name}: {what} it has {bytes_in_words(found)}; allowed are "
                    f"{bytes_in_words(most)}. Largest: {named}"
                )
        if len(self.files) > limits["upload_files"]:
            raise SubmissionError(
                f"{self.name}: found {len(self.files):,} files; allowed are "
                f"{limits['upload_files']:,}: {several(sorted(self.files))}"
            )


def pack(submission: str, framework: str) -> Packed:
    """The same bytes each time. Raises: SubmissionError, UnknownName."""
    source = find_submission(submission, framework)
    files: dict[str, Path] = frozen_files(source)
    contents = {name: file.read_bytes() for name, file in files.items()}
    return Packed(
        name=source.name, content=Upload(files=contents).as_zip("submission"),
        files={name: len(content) for name, content in contents.items()},
    )
