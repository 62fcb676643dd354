"""A container runtime that is asked beside everything else, and left alone while it fails."""

import threading
import time
from collections.abc import Callable, Mapping

from aibom.types.processes import Container

Listed = Mapping[str, Container]

#: Seconds that a look waits for an answer; what comes later is for the next look.
WAIT_SECONDS = 0.3
#: Seconds for which a runtime that failed is not asked again, at first and at most.
REST_SECONDS = 2.0
MOST_SECONDS = 120.0


class PatientRuntime:
    """Lists containers without ever holding up who asks.

    A runtime may be restarted, hang, or lie; then containers are described by their bundles.
    """

    def __init__(self, ask: Callable[[], Listed]) -> None:
        """Call ``ask``, which raises OSError, in a thread that lives as long as the question."""
        self._ask = ask
        self._answer: Listed = {}
        self._error: str = ""
        self._asking: threading.Thread | None = None
        self._rest = REST_SECONDS
        self._again = 0.0

    def __call__(self) -> Listed:
        """Return the newest list of containers. Raises OSError while there is none to be had."""
        if self._asking is None and time.monotonic() >= self._again:
            self._asking = threading.Thread(target=self._run, name="aibom-cri", daemon=True)
            self._asking.start()
        if self._asking is not None:
            self._asking.join(WAIT_SECONDS)
            if self._asking.is_alive():
                raise OSError(self._error or "has not answered yet")
            self._asking = None
        if self._error:
            raise OSError(self._error)
        return self._answer

    def _run(self) -> None:
        try:
            self._answer, self._error = self._ask(), ""
            self._rest, self._again = REST_SECONDS, 0.0
        except Exception as error:  # noqa: BLE001 - whatever it answers, nothing ends by it
            self._error = str(error) or type(error).__name__
            self._again = time.monotonic() + self._rest
            self._rest = min(2 * self._rest, MOST_SECONDS)
