import contextlib
import http.server
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import requests
import responses
from pytest_django import Settings

from tracking.processing import geodata, watched_file
from tracking.processing.geodata import (
    NOWHERE,
    SPECIAL,
    CityFile,
    Geodata,
    GeodataService,
    Places,
    get_geodata,
    is_surely_public,
    public_address,
)
from tracking.tests.city_files import write, write_flat, write_nested

LOS_ANGELES = Geodata(
    "Los Angeles", "90001", "California", "US", Decimal("34.05"), Decimal("-118.25")
)
SERVICE = "https://geo.example/json/{ip}"
ANSWER = {
    "ip": "1.2.3.4",
    "city": "Los Angeles",
    "region_name": "California",
    "zip_code": "90001",
    "country_code": "US",
    "country_name": "United States",
    "latitude": 34.05,
    "longitude": -118.25,
}
NOT_PUBLIC = [
    "", "-", "unknown", "1.2.3", "1.2.3.4:80", "999.1.1.1", "x" * 100_000, "\0", "１.２.３.４",
    "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.0.1", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "240.0.0.1", "224.0.0.1", "192.0.2.1", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1",
]  # fmt: skip


class Clock:
    """Stands in for `time.monotonic`, and goes on only when told to."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(geodata, "monotonic", clock)
    monkeypatch.setattr(watched_file, "monotonic", clock)
    return clock


@pytest.fixture
def service(settings: Settings) -> None:
    settings.GEOIP_URL = SERVICE
    geodata.service_at.cache_clear()


def test_without_file_and_service_nothing_is_known() -> None:
    assert get_geodata("1.2.3.4") == Geodata("", "", "", "", None, None)


# From a file


@pytest.mark.parametrize("write_file", [write_nested, write_flat])
@pytest.mark.parametrize("ip", ["1.2.3.4", "::ffff:1.2.3.4", "::ffff:102:304"])
def test_both_shapes_of_city_files_are_read(
    write_file: Callable[[Path], Path], ip: str, settings: Settings
) -> None:
    write_file(settings.GEOIP_PATH)
    assert get_geodata(ip) == LOS_ANGELES


def test_records_that_differ_are_different_places() -> None:
    places = Places()
    flat = {"city": "Halle", "state1": "Saxony-Anhalt", "country_code": "DE", "latitude": 51.48}
    nested = {"city": {"names": {"en": "Halle"}}, "country": {"iso_code": "DE"}}
    place = places.of(dict(flat))
    assert place == Geodata(city="Halle", region="Saxony-Anhalt", country="DE")
    assert places.of(dict(flat)) is place
    assert places.of({**flat, "state1": "Westphalia"}).region == "Westphalia"
    assert places.of({**flat, "country_code": "BE"}).country == "BE"
    place = places.of(nested)
    assert place == Geodata(city="Halle", country="DE")
    assert places.of({**nested}) is place
    assert places.of({**nested, "country": {"iso_code": "BE"}}).country == "BE"


def test_a_number_beyond_all_numbers_costs_no_place() -> None:
    assert Places().of({"city": "Halle", "network": 2**100}) == Geodata(city="Halle")


def test_ipv6_is_looked_up(settings: Settings) -> None:
    write_nested(settings.GEOIP_PATH)
    assert get_geodata("2a01:4f8::1") == Geodata(country="DE")


def test_ipv6_is_not_known_to_a_file_of_ipv4(settings: Settings) -> None:
    write_flat(settings.GEOIP_PATH)
    assert get_geodata("2a01:4f8::1") == NOWHERE


def test_an_address_that_the_file_lacks_is_nowhere(settings: Settings) -> None:
    write_nested(settings.GEOIP_PATH)
    assert get_geodata("8.8.8.8") == NOWHERE


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_other_than_public_addresses_are_not_looked_up_in_a_file(
    ip: str, settings: Settings
) -> None:
    everything = {"0.0.0.0/0": {"country_code": "US"}, "2000::/3": {"country_code": "US"}}
    write(settings.GEOIP_PATH, "city", 6, everything)
    assert get_geodata(ip) == NOWHERE


def test_a_replaced_file_is_noticed(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "city.mmdb"
    file = CityFile(path)
    assert file.current() is None
    write_nested(path)
    clock.now += 4
    assert file.current() is None, "looked at too often"
    clock.now += 1
    assert city_of("1.2.3.4", file) == "Los Angeles"
    os.replace(write_nested(tmp_path / "new", "Long Beach"), path)
    clock.now += 5
    assert city_of("1.2.3.4", file) == "Long Beach"
    path.unlink()
    clock.now += 5
    assert file.current() is None


def city_of(ip: str, file: CityFile) -> str:
    locate = file.current()
    assert locate
    return locate(ip).city


def test_a_broken_file_is_logged_once_and_nothing_is_known(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GEOIP_PATH.write_bytes(b"no database")
    assert [get_geodata("1.2.3.4"), get_geodata("1.2.3.5")] == [NOWHERE, NOWHERE]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert str(settings.GEOIP_PATH) in caplog.text


# From a web service


@pytest.mark.usefixtures("service")
@responses.activate
def test_the_service_is_asked_once_for_an_address() -> None:
    responses.get("https://geo.example/json/1.2.3.4", json=ANSWER)
    assert [get_geodata("1.2.3.4"), get_geodata("::ffff:1.2.3.4")] == [LOS_ANGELES, LOS_ANGELES]
    assert len(responses.calls) == 1


@pytest.mark.usefixtures("service")
@responses.activate
def test_the_service_is_not_asked_where_there_is_a_file(settings: Settings) -> None:
    write_nested(settings.GEOIP_PATH)
    assert get_geodata("8.8.8.8") == NOWHERE
    assert len(responses.calls) == 0


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("ip", NOT_PUBLIC)
@responses.activate
def test_the_service_is_not_asked_for_other_than_public_addresses(ip: str) -> None:
    assert get_geodata(ip) == NOWHERE
    assert len(responses.calls) == 0


@pytest.mark.usefixtures("service")
@responses.activate
def test_the_service_is_asked_for_ipv6() -> None:
    responses.get("https://geo.example/json/2a01:4f8::1", json={"country_code": "DE"})
    assert get_geodata("2a01:4f8:0::1") == Geodata(country="DE")


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ({"city": "Bonn", "zipcode": 53111}, Geodata("Bonn", "53111")),
        ({"postal": "53111", "country": "de"}, Geodata("", "53111", "", "DE")),
        ({"country": "Germany", "region": "Hesse"}, Geodata(region="Hesse")),
        (
            {"lat": "50.73743", "lon": "7.0982"},
            Geodata(latitude=Decimal("50.7374"), longitude=Decimal("7.0982")),
        ),
        ({"city": "", "country_code": "", "latitude": 0, "longitude": 0}, NOWHERE),
        ({"latitude": 91, "longitude": 10}, NOWHERE),
        ({"latitude": "NaN", "longitude": "inf"}, NOWHERE),
        ({"latitude": 50.7}, NOWHERE),
        ({"city": None, "zip_code": [], "region_name": 1.5, "latitude": {}}, NOWHERE),
        ({"city": "B\0nn " + "x" * 200}, Geodata(city=("B nn " + "x" * 200)[:100])),
        ({"error": "quota"}, NOWHERE),
    ],
)
@responses.activate
def test_answers_are_read_with_tolerance(answer: object, place: Geodata) -> None:
    responses.get("https://geo.example/json/1.2.3.4", json=answer)
    assert GeodataService(SERVICE).locate("1.2.3.4") == place


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 500},
        {"status": 429},
        {"body": "<html>"},
        {"json": [1]},
        {"body": "[" * 100_000},
        {"body": requests.ReadTimeout("https://geo.example/json/1.2.3.4?key=secret")},
        {"body": requests.ConnectionError("https://geo.example/json/1.2.3.4?key=secret")},
    ],
)
@responses.activate
def test_a_failing_service_is_logged_and_left_alone(
    failure: dict, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    failing = responses.get("https://geo.example/json/1.2.3.4", **failure)
    service = GeodataService(SERVICE)
    assert [service.locate("1.2.3.4") for _ in range(5)] == [NOWHERE] * 5
    assert failing.call_count == 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
    assert "left alone for 60 seconds" in caplog.messages[2]
    assert "1.2.3.4" not in caplog.text
    assert "secret" not in caplog.text

    responses.replace("GET", "https://geo.example/json/1.2.3.4", json=ANSWER)
    assert service.locate("1.2.3.4") == NOWHERE
    clock.now += 60
    assert service.locate("1.2.3.4") == LOS_ANGELES


@responses.activate
def test_single_failures_do_not_add_up() -> None:
    service = GeodataService(SERVICE)
    for number in range(1, 9):
        responses.get(f"https://geo.example/json/1.2.3.{number}", status=500)
        responses.get(f"https://geo.example/json/1.2.4.{number}", json=ANSWER)
        service.locate(f"1.2.3.{number}")
        assert service.locate(f"1.2.4.{number}") == LOS_ANGELES


@responses.activate
def test_an_address_that_the_service_does_not_know_is_no_failure() -> None:
    unknown = responses.get("https://geo.example/json/1.2.3.4", status=404)
    service = GeodataService(SERVICE)
    assert [service.locate("1.2.3.4") for _ in range(5)] == [NOWHERE] * 5
    assert unknown.call_count == 1


@responses.activate
def test_answers_are_remembered_for_a_day_and_not_without_bound(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(GeodataService, "REMEMBERED", 2)
    asked = [responses.get(f"https://geo.example/json/1.2.3.{n}", json=ANSWER) for n in range(3)]
    service = GeodataService(SERVICE)
    for number in (0, 1, 2, 2, 1, 0):
        service.locate(f"1.2.3.{number}")
    assert [answer.call_count for answer in asked] == [2, 1, 1]
    clock.now += 86_400
    service.locate("1.2.3.0")
    assert asked[0].call_count == 3


@responses.activate
def test_the_service_has_two_seconds() -> None:
    in_two_seconds = responses.matchers.request_kwargs_matcher({"timeout": 2.0})
    responses.get("https://geo.example/json/1.2.3.4", json=ANSWER, match=[in_two_seconds])
    assert GeodataService(SERVICE).locate("1.2.3.4") == LOS_ANGELES


@pytest.mark.integration
@pytest.mark.skipif("GEOIP_TEST_URL" not in os.environ, reason="GEOIP_TEST_URL is not set")
def test_a_real_service_answers() -> None:
    """GEOIP_TEST_URL=https://host/json/{ip} pytest -m integration"""
    place = GeodataService(os.environ["GEOIP_TEST_URL"]).locate("8.8.8.8")
    assert place.country == "US"
    assert place.latitude is not None


class DrippingServer(http.server.BaseHTTPRequestHandler):
    """Sends its answer so slowly that no single read takes too long."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(0.05)

    def log_message(self, *arguments: object) -> None:
        pass


def test_an_answer_has_to_be_complete_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GeodataService, "TIMEOUT", 0.3)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), DrippingServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        service = GeodataService(f"http://127.0.0.1:{server.server_port}/{{ip}}")
        assert service.locate("1.2.3.4") == Geodata()
        assert 0.2 < time.monotonic() - began < 2
        server.shutdown()


@responses.activate
def test_an_answer_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GeodataService, "MAX_BYTES", 50)
    responses.get("https://geo.example/json/1.2.3.4", json={"city": "x" * 100})
    responses.get("https://geo.example/json/1.2.3.5", json={"city": "Bonn"})
    service = GeodataService(SERVICE)
    assert service.locate("1.2.3.4") == Geodata()
    assert service.locate("1.2.3.5") == Geodata(city="Bonn")


@responses.activate
def test_a_slow_service_does_not_hold_up_the_visits(clock: Clock) -> None:
    def answer(request: object) -> tuple[int, dict[str, str], str]:
        clock.now += 1.5
        return 200, {}, '{"city": "Bonn"}'

    responses.add_callback("GET", re.compile("https://geo.example/json/.*"), answer)
    service = GeodataService(SERVICE)
    cities = [service.locate(f"1.2.3.{number}").city for number in range(100)]
    assert cities == ["Bonn"] * 3 + [""] * 97
    clock.now += 10
    assert service.locate("1.2.4.1").city == "Bonn"


def test_which_addresses_are_surely_public() -> None:
    first_numbers = [f"{number}.{rest}" for number in range(256) for rest in ("0.0.0", "88.99.9")]
    for ip in first_numbers:
        assert is_surely_public(ip) is (int(ip.partition(".")[0]) not in SPECIAL)
        assert not is_surely_public(ip) or public_address(ip)
    private = ["192.168.1.1", "172.20.0.1", "169.254.1.1", "100.64.0.1", "198.51.100.7"]
    others = ["", "::1", "1.2.3", "1.2.3.x", "1.2.3.4 "]
    assert [ip for ip in private + others if is_surely_public(ip)] == []
