"""What the manifest calls the files of a shot."""

from fileseq.constants import PAD_STYLE_HASH1
from fileseq.filesequence import FileSequence

from .frames import Shot


def source_bytes(shot: Shot) -> int | None:
    """The size of a shot's files; None for a sequence, which may still grow."""
    return None if shot.kind == "sequence" else sum(path.stat().st_size for path in shot.paths)


def source_names(shot: Shot) -> list[str]:
    """The paths of a shot as the user gave them; a sequence as one pattern, `plates/shot.####.exr`, however long."""
    if shot.kind == "sequence":
        sequences = FileSequence.findSequencesInList(list(map(str, shot.paths)), pad_style=PAD_STYLE_HASH1)
        return [sequence.format("{dirname}{basename}{padding}{extension}") for sequence in sequences]
    return [str(path) for path in shot.paths]
