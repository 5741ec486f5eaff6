"""Small city files for tests, in the shapes in which the real ones come."""

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

IPV4, IPV6 = "1.2.3.0/24", "2a01:4f8::/32"


def write_nested(path: Path, city: str = "Los Angeles") -> Path:
    """As MaxMind and DB-IP publish them: IPv4 and IPv6 in one file, names in many languages."""
    place = {
        "city": {"names": {"de": f"{city} (de)", "en": city}},
        "country": {"iso_code": "US", "names": {"en": "United States"}},
        "location": {"latitude": 34.05, "longitude": -118.25, "time_zone": "America/Los_Angeles"},
        "postal": {"code": "90001"},
        "subdivisions": [
            {"iso_code": "CA", "names": {"en": "California"}},
            {"names": {"en": "Los Angeles County"}},
        ],
    }
    return write(path, "GeoLite2-City", 6, {IPV4: place, IPV6: {"country": {"iso_code": "DE"}}})


def write_flat(path: Path) -> Path:
    """As ip-location-db publishes them: one file for each IP version."""
    place = {
        "city": "Los Angeles",
        "country_code": "US",
        "latitude": 34.05,
        "longitude": -118.25,
        "postcode": "90001",
        "state1": "California",
        "state2": "",
        "timezone": "",
    }
    return write(path, "city ipv4", 4, {IPV4: place})


def write(path: Path, kind: str, ip_version: int, records: dict[str, Any]) -> Path:
    writer = MMDBWriter(ip_version, kind, ["en"], "Made up", ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path
