"""Progress on standard error: one live line in a terminal, one line a stack in a log."""

from typing import TextIO


class Progress:
    """Called with a stack, what happened to it, and the seconds since its start."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._running: dict[str, str] = {}

    def __call__(self, stack: str, event: str, seconds: float) -> None:
        if event in ("ok", "failed"):
            self._running.pop(stack, None)
            if not self._live:
                print(f"{stack}: {'done' if event == 'ok' else 'could not run'} in {seconds:.1f} s", file=self._stream)
        else:
            self._running[stack] = "" if event == "start" else f" ({event})"
        if self._live:
            text = ", ".join(f"{name}{state}" for name, state in self._running.items())
            # Cut to one line: it is rewritten in place.
            print(f"\r\x1b[K{f'running {text}'[:99] if text else ''}", end="", file=self._stream, flush=True)

    def end(self) -> None:
        """Leave a live line that still stands there: what is printed next begins a line of its own."""
        if self._live and self._running:
            self._running.clear()
            print(file=self._stream, flush=True)
