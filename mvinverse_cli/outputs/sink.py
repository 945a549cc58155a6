"""What PyAV writes into. It calls back from C, where an error is dropped or comes out elsewhere: here it waits."""

from typing import BinaryIO, Protocol


class Sink(Protocol):
    """What bytes go into, in order; there is no way back."""

    def write(self, data: bytes) -> int:
        """Takes all of `data`. Raises OSError."""


class PatientSink:
    """Hands bytes on to a sink until that fails or the program is interrupted; from then on it takes them for nothing.

    `check` tells of it, and is to be asked after everything that may have written.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._error: BaseException | None = None

    def __enter__(self) -> None:
        """For the time of one call to what is written into."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Keeps what that call has run into, a signal as well: it would be lost on its way through C."""
        self._error = error
        return True

    def write(self, data: bytes) -> int:
        """All of `data`."""
        if self._error is None:
            with self:
                self._sink.write(data)
        return len(data)

    def give_up(self) -> None:
        """Writes nothing more, which might have to wait for a reader."""
        self._error = self._error or BrokenPipeError("given up")

    def check(self) -> None:
        """Raises what a call has run into."""
        if self._error is not None:
            raise self._error


class PatientFile(PatientSink):
    """The same of a file, whose beginning is written again when its end is known."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._file = file

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new position; after an error, nowhere."""
        if self._error is None:
            with self:  # what was waiting to be written may not fit
                return self._file.seek(offset, whence)
        return 0

    def tell(self) -> int:
        """The position; after an error, nowhere."""
        return self._file.tell() if self._error is None else 0
