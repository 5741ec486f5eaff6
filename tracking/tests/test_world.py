import re

from tracking.world import HEIGHT, WIDTH, WorldMap, flags, outlines


def test_every_country_is_within_the_map_and_has_a_flag() -> None:
    assert len(outlines()) > 230
    for code, outline in outlines().items():
        assert re.fullmatch(r"[A-Z]{2}", code)
        for x, y in re.findall(r"M(\d+) (\d+)", outline):
            assert 0 <= int(x) <= WIDTH, code
            assert 0 <= int(y) <= HEIGHT, code
    assert {code for code in outlines() if code.lower() not in flags()} == set()


def test_shades_tell_how_much_of_the_greatest_a_country_has() -> None:
    drawn = WorldMap.of({"NP": 100, "CH": 4, "DE": 0, "": 50})
    assert [(country.code, country.level) for country in drawn.countries] == [("CH", 1), ("NP", 5)]
    assert outlines()["DE"] in drawn.others
    assert outlines()["NP"] not in drawn.others
