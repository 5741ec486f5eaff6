import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from tracking.forms.sites import SiteDeleteForm, SiteForm
from tracking.models import Site
from tracking.tests.factories import SiteFactory

pytestmark = pytest.mark.django_db


def filled(owner: User, **fields: str) -> SiteForm:
    data = {"domain": "example.com", "name": "", "time_zone": "Europe/Berlin"} | fields
    return SiteForm(data, instance=Site(owner=owner))


def test_a_pasted_address_becomes_the_domain(owner: User) -> None:
    site = filled(owner, domain="https://www.BÜCHER.example/shop", keep_ip="on").save()

    stored = Site.objects.values("owner", "domain", "name", "time_zone", "keep_ip").get(pk=site.pk)
    assert stored == {
        "owner": owner.pk,
        "domain": "bücher.example",
        "name": "",
        "time_zone": "Europe/Berlin",
        "keep_ip": True,
    }


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"domain": ""}, {"domain": ["Give a domain, as in example.com."]}),
        (
            {"domain": "nowhere"},
            {"domain": ["“nowhere” is not a domain. Give it as in example.com."]},
        ),
        ({"time_zone": "Mars/Olympus"}, {"time_zone": ["“Mars/Olympus” is not a time zone."]}),
    ],
)
def test_bad_input_is_refused_at_its_field(
    owner: User, fields: dict[str, str], errors: dict[str, list[str]]
) -> None:
    assert filled(owner, **fields).errors == errors


@pytest.mark.parametrize(
    "again", ["bücher.example", "xn--bcher-kva.example", "https://www.Bücher.example/"]
)
def test_a_double_is_refused_however_it_is_spelled(owner: User, again: str) -> None:
    SiteFactory(owner=owner, domain="bücher.example")

    assert filled(owner, domain=again).errors == {
        "domain": ["bücher.example has been added already."]
    }


def test_two_people_may_each_add_the_same_domain(site: Site, stranger: User) -> None:
    assert filled(stranger, domain=site.domain).is_valid()


def test_a_site_may_keep_its_domain_but_not_take_another_ones(site: Site) -> None:
    SiteFactory(owner=site.owner, domain="other.example")
    data = {"name": "New name", "time_zone": "UTC"}

    assert SiteForm(data | {"domain": site.domain}, instance=site).is_valid()
    assert SiteForm(data | {"domain": "other.example"}, instance=site).errors == {
        "domain": ["other.example has been added already."]
    }


@pytest.mark.parametrize(("zone", "asked"), [("UTC", True), ("Europe/Berlin", False)])
def test_the_browser_is_asked_for_a_zone_only_where_nobody_chose_one(
    zone: str, asked: bool
) -> None:
    owner = UserFactory(time_zone=zone)

    form = SiteForm(instance=Site(owner=owner, time_zone=owner.time_zone))

    assert form["time_zone"].initial == zone
    assert ("data-detect-time-zone" in str(form["time_zone"])) is asked


def test_a_zone_chosen_in_a_refused_form_is_left_alone(owner: User) -> None:
    form = filled(owner, domain="nowhere", time_zone="UTC")

    assert "data-detect-time-zone" not in str(form["time_zone"])


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ("bücher.example", {}),
        ("xn--bcher-kva.example", {}),
        ("https://Bücher.example/", {}),
        ("", {"domain": ["Give a domain, as in example.com."]}),
        (
            "example.com",
            {"domain": ["This is another domain. Type bücher.example to delete this site."]},
        ),
    ],
)
def test_deleting_is_confirmed_by_the_domain_in_either_spelling(
    typed: str, errors: dict[str, list[str]]
) -> None:
    site = SiteFactory(domain="bücher.example")

    assert SiteDeleteForm({"domain": typed}, site=site).errors == errors


def test_help_and_error_are_tied_to_their_input(owner: User) -> None:
    html = str(filled(owner, domain="<script>"))

    assert 'aria-describedby="id_domain_helptext id_domain_error"' in html
    assert 'id="id_domain_helptext"' in html
    assert 'id="id_domain_error"' in html
    assert "“&lt;script&gt;” is not a domain." in html
    assert "<script>" not in html
