"""How events are numbered: by the place in the queue where their hit was accepted.

A hit read a second time has the same number again, so that storing it twice can be noticed
also where there are no transactions. Files are numbered by the database and never twice, hence
so are events; numbers ascend with the order of arrival, which keeps indexes dense.
"""

from tracking.models import QueueFile

OFFSET_BITS = 31


def event_id(file: QueueFile, offset: int) -> int:
    """The id of the event whose line begins `offset` bytes (below 2 GiB) into `file`."""
    return file.pk << OFFSET_BITS | offset
