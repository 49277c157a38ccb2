"""nbgrader's exchange over Passerelle's HTTP API.

nbgrader's commands and the Lab's assignment list use these seven classes once `passerelle_lab.nbgrader_config.text()`
is in an `nbgrader_config.py`. They raise `ExchangeError` and nothing else, and their waits are short: the assignment
list runs them in its event loop.
"""

from passerelle_lab.exchange.base import Exchange
from passerelle_lab.exchange.fellow import ExchangeFetchAssignment, ExchangeFetchFeedback, ExchangeSubmit
from passerelle_lab.exchange.listing import ExchangeList
from passerelle_lab.exchange.trainer import ExchangeCollect, ExchangeReleaseAssignment, ExchangeReleaseFeedback

__all__ = [
    "Exchange",
    "ExchangeCollect",
    "ExchangeFetchAssignment",
    "ExchangeFetchFeedback",
    "ExchangeList",
    "ExchangeReleaseAssignment",
    "ExchangeReleaseFeedback",
    "ExchangeSubmit",
]
