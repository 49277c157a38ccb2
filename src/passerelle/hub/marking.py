"""The marking process: takes jobs from the ledger and marks them (`python -m passerelle.hub.marking`)."""

import logging
import signal
import threading
from types import FrameType

from passerelle.grading.worker import work
from passerelle.model.settings import Settings


def main() -> None:
    """Mark until SIGTERM or SIGINT; the submission in hand is finished first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stop = threading.Event()

    def ask_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_stop)
    work(Settings(), stop)


if __name__ == "__main__":
    main()
