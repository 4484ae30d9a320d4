"""Log, clock and randomness: the host's, so that a recorded call replays to the same
answer. `time.time()`, `random` and files do not exist in a component."""

from __future__ import annotations

from . import host


class log:
    """Messages for the run's log. Never log customers' values."""

    @staticmethod
    def debug(message: str) -> None:
        """For the author of the connector."""
        host.current().log("debug", message)

    @staticmethod
    def info(message: str) -> None:
        """For the curious."""
        host.current().log("info", message)

    @staticmethod
    def warn(message: str) -> None:
        """Something is odd; the call goes on."""
        host.current().log("warn", message)

    @staticmethod
    def error(message: str) -> None:
        """The call fails."""
        host.current().log("error", message)


class clock:
    """The only clock. It stands still during a call."""

    @staticmethod
    def now() -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        return host.current().now()


class random:
    """The only randomness: seeded per call."""

    @staticmethod
    def bytes(count: int) -> bytes:
        """So many bytes, at most 65,536."""
        return host.current().random(count)
