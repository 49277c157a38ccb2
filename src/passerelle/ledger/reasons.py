"""What a job's `reason` says: `kind: what happened`.

The kind is what pages have a sentence for; what happened is for an operator. Neither holds what a fellow wrote,
a hidden value or a name: see grading.trouble, which makes them of errors.
"""

BOX, CHECK, COURSE, DISK = "box", "check", "course", "disk"
GRADEBOOK, FEEDBACK, ENDED, OTHER = "gradebook", "feedback", "ended", "other"
KINDS = (BOX, CHECK, COURSE, DISK, GRADEBOOK, FEEDBACK, ENDED, OTHER)


def kind_of(reason: str) -> str:
    """Return the kind of a kept reason; `other` for one that an older version wrote."""
    kind = reason.partition(": ")[0]
    return kind if kind in KINDS else OTHER


def happened(reason: str) -> str:
    """Return what happened, for an operator; nothing of a reason that an older version wrote: it may quote her."""
    kind, _, what = reason.partition(": ")
    return what if kind in KINDS else ""
