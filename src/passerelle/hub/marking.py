"""The marking process: takes jobs from the ledger and marks them (`python -m passerelle.hub.marking`)."""

import signal
import threading
from types import FrameType

from passerelle.grading.service import work
from passerelle.hub import logs
from passerelle.model.settings import Settings


def main() -> None:
    """Mark until SIGTERM or SIGINT; the submission in hand is finished first."""
    settings = Settings()
    logs.set_up("marking", settings)
    stop = threading.Event()

    def ask_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_stop)
    work(settings, stop)


if __name__ == "__main__":
    main()
