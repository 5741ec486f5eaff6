import gzip
import io
import logging
import tarfile
from collections.abc import Callable
from pathlib import Path
from traceback import format_exception

import pytest
import requests
import responses
import time_machine
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tracking.processing import geodata_download
from tracking.tests.city_files import write, write_flat, write_nested

NOVEMBER = "https://download.db-ip.com/free/dbip-city-lite-2026-11.mmdb.gz"
DECEMBER = "https://download.db-ip.com/free/dbip-city-lite-2026-12.mmdb.gz"
MAXMIND = (
    "https://download.maxmind.com/app/geoip_download"
    "?edition_id=GeoLite2-City&suffix=tar.gz&license_key=s3cret"
)
MIRROR = "https://mirror.example/city"


@pytest.fixture
def city_file(tmp_path: Path) -> bytes:
    return write_nested(tmp_path / "source.mmdb").read_bytes()


@pytest.fixture
def in_place(settings: Settings, tmp_path: Path) -> Path:
    """A city file that is there already, alone in its folder."""
    path = tmp_path / "geo" / "city.mmdb"
    path.parent.mkdir()
    path.write_bytes(b"the old one")
    settings.GEOIP_PATH = path
    return path


def tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, data in (("GeoLite2/LICENSE.txt", b"..."), (name, content)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def is_untouched(path: Path) -> bool:
    return path.read_bytes() == b"the old one" and [*path.parent.iterdir()] == [path]


@time_machine.travel("2026-12-03")
@responses.activate
def test_the_file_of_the_month_is_fetched_and_attributed(
    settings: Settings, city_file: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.GEOIP_PATH = settings.DATA_DIR / "new folder" / "city.mmdb"
    responses.get(DECEMBER, body=gzip.compress(city_file))
    call_command("update_geoip")
    assert settings.GEOIP_PATH.read_bytes() == city_file
    assert [*settings.GEOIP_PATH.parent.iterdir()] == [settings.GEOIP_PATH]
    first, attribution = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{settings.GEOIP_PATH} is GeoLite2-City of ")
    assert attribution == "IP geolocation by DB-IP (https://db-ip.com), licensed under CC BY 4.0."


@time_machine.travel("2026-12-01")
@responses.activate
def test_last_months_file_is_taken_until_the_new_one_is_there(
    in_place: Path, city_file: bytes
) -> None:
    responses.get(DECEMBER, status=404)
    responses.get(NOVEMBER, body=gzip.compress(city_file))
    call_command("update_geoip")
    assert in_place.read_bytes() == city_file


@responses.activate
def test_maxminds_file_is_taken_with_a_licence_key(
    in_place: Path, city_file: bytes, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MAXMIND_LICENSE_KEY = "s3cret"
    responses.get(MAXMIND, body=tar("GeoLite2-City_20261201/GeoLite2-City.mmdb", city_file))
    call_command("update_geoip")
    assert in_place.read_bytes() == city_file
    assert "DB-IP" not in capsys.readouterr().out


@pytest.mark.parametrize("write_file", [write_nested, write_flat])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: tar("x/city.mmdb", data)])
@responses.activate
def test_a_given_url_is_taken_however_it_is_packed(
    pack: Callable[[bytes], bytes],
    write_file: Callable[[Path], Path],
    in_place: Path,
    tmp_path: Path,
) -> None:
    city_file = write_file(tmp_path / "source.mmdb").read_bytes()
    responses.get(MIRROR, body=pack(city_file))
    call_command("update_geoip", url=MIRROR)
    assert in_place.read_bytes() == city_file
    assert [*in_place.parent.iterdir()] == [in_place]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"status": 404}, "mirror.example has no such file (404). Is the address right?"),
        ({"status": 503}, "The download from mirror.example failed: it answered 503."),
        (
            {"body": requests.ConnectTimeout(MIRROR)},
            "mirror.example could not be reached. Is there a way to the internet?",
        ),
        (
            {"body": b"half of it", "headers": {"Content-Length": "20"}},
            "The download from mirror.example failed: ChunkedEncodingError.",
        ),
        (
            {"body": gzip.compress(b"x" * 10_000)[:-20]},
            "The file that was downloaded cannot be unpacked: ",
        ),
        (
            {"body": tar("GeoLite2/README.txt", b"")},
            "The archive that was downloaded holds no .mmdb file.",
        ),
        ({"body": b"<html>Sign in</html>"}, "What was downloaded is no city file: "),
        ({"body": b""}, "What was downloaded is no city file: "),
    ],
)
@responses.activate
def test_what_goes_wrong_is_told_and_changes_nothing(
    answer: dict, complaint: str, in_place: Path
) -> None:
    responses.get(MIRROR, **answer)
    with pytest.raises(CommandError) as error:
        call_command("update_geoip", url=MIRROR)
    assert str(error.value).startswith(complaint)
    assert str(error.value).endswith(" The city file is as it was.")
    assert is_untouched(in_place)


@responses.activate
def test_without_a_city_file_and_internet_it_tells_where_to_put_one(settings: Settings) -> None:
    responses.get(MIRROR, body=requests.ConnectionError(MIRROR))
    with pytest.raises(CommandError) as error:
        call_command("update_geoip", url=MIRROR)
    assert str(error.value) == (
        "mirror.example could not be reached. Is there a way to the internet? There is no city "
        f"file yet: put one at {settings.GEOIP_PATH}, or set GEOIP_PATH to where one is."
    )


@responses.activate
def test_a_database_without_places_is_refused(in_place: Path, tmp_path: Path) -> None:
    record = {"autonomous_system_number": 15169}
    networks = write(tmp_path / "asn", "GeoLite2-ASN", 4, {"8.8.8.0/24": record})
    responses.get(MIRROR, body=networks.read_bytes())
    with pytest.raises(CommandError, match=r"What was downloaded \(GeoLite2-ASN\) knows no places"):
        call_command("update_geoip", url=MIRROR)
    assert is_untouched(in_place)


@pytest.mark.parametrize("failure", [{"status": 401}, {"body": requests.ConnectionError(MAXMIND)}])
@responses.activate
def test_the_licence_key_is_not_told(
    failure: dict, in_place: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MAXMIND_LICENSE_KEY = "s3cret"
    responses.get(MAXMIND, **failure)
    with caplog.at_level(logging.DEBUG), pytest.raises(CommandError) as error:
        call_command("update_geoip")
    assert "download.maxmind.com" in str(error.value)
    assert "s3cret" not in "".join(format_exception(error.value)) + caplog.text
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert is_untouched(in_place)


@responses.activate
def test_an_interrupted_download_leaves_nothing_behind(
    in_place: Path, city_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(geodata_download, "unpack", ctrl_c)
    responses.get(MIRROR, body=city_file)
    with pytest.raises(KeyboardInterrupt):
        call_command("update_geoip", url=MIRROR)
    assert is_untouched(in_place)


@responses.activate
def test_a_folder_that_cannot_be_written_is_told(settings: Settings, city_file: bytes) -> None:
    (settings.DATA_DIR / "file").touch()
    settings.GEOIP_PATH = settings.DATA_DIR / "file" / "city.mmdb"
    responses.get(MIRROR, body=city_file)
    with pytest.raises(CommandError, match=r"city\.mmdb could not be written: "):
        call_command("update_geoip", url=MIRROR)
