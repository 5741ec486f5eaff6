"""Dates as the lists write them, wherever Django writes one by itself: read alike by people on
both sides of the Atlantic."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
