"""Looking at something all the time while something else goes on."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Sampling:
    """Numbers seen in a thread of its own, from entering to leaving the block.

    Args:
        look: what to look at; it must use no client that another thread uses.
    """

    def __init__(self, look: Callable[[], int]) -> None:
        self._look = look
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-sampling", daemon=True)
        self._failure: Exception | None = None
        self.seen: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        if self._failure is not None and kind is None:
            raise self._failure

    @property
    def lowest(self) -> int:
        return min(self.seen)

    def _run(self) -> None:
        try:
            while not self._end.wait(0.02):
                self.seen.append(self._look())
        except Exception as error:  # noqa: BLE001  it is raised again where the block ends
            self._failure = error
