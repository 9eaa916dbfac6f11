"""What a program, and whatever it starts, prints: captured at the file descriptors."""

import os
import sys
import threading

_MOST = 2000  # lines: half of them from the start, half from the end, where a failure tells its cause


class Captured:
    """From now on standard output and standard error of this process are kept here, line by line."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        for descriptor in (1, 2):
            os.dup2(writing, descriptor)
        os.close(writing)
        # New streams: the old ones have taken the descriptors for what they were before, files or terminals.
        sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        self._chunks: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()

    def _read(self, descriptor: int) -> None:
        while data := os.read(descriptor, 1 << 16):
            self._chunks.append(data)

    def lines(self) -> list[str]:
        """All of it, or of too many lines the first and the last. Nothing printed after this call is seen."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        # A process that the program left running keeps the pipe open; what it says later is not waited for.
        self._thread.join(timeout=0.5)
        return shortened(b"".join(self._chunks).decode(errors="backslashreplace").splitlines())


def shortened(lines: list[str]) -> list[str]:
    half, more = _MOST // 2, len(lines) - _MOST
    return lines if more <= 0 else [*lines[:half], f"... {more} lines left out ...", *lines[-half:]]
