"""Questions answered by ClickHouse itself, from the rows: there is nothing that is reckoned before.

Each question becomes a few statements (`statements`), about visits and events that filters choose
(`conditions`) in the days of some sites (`scope`). What comes back has the form of other
databases' answers (`counts`).
"""
