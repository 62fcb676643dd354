"""Why a sensor does not work here."""


class SensorError(OSError):
    """A sensor cannot be had; ``detail`` says why in one line, ``remedy`` what would enable it."""

    def __init__(self, code: int, detail: str, remedy: str) -> None:
        """Say that the sensor failed with errno ``code``."""
        super().__init__(code, detail)
        self.detail = detail
        self.remedy = remedy
