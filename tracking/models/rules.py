"""Which hits a site does not count: the part of `Site` that its owner edits as exclusions."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tracking.rules.countries import clean_country
from tracking.rules.hosts import clean_host
from tracking.rules.lines import LinesField
from tracking.rules.networks import clean_network
from tracking.rules.paths import clean_path


class ExclusionRules(models.Model):
    excluded_ips = LinesField(
        _("IP addresses"),
        clean_entry=clean_network,
        help_text=_("Addresses or networks, as in 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32."),
    )
    excluded_paths = LinesField(
        _("pages"),
        clean_entry=clean_path,
        help_text=_(
            "Paths, as in /imprint. * stands for anything up to the next slash, ** for anything: "
            "/blog/** is /blog and all below it."
        ),
    )
    excluded_countries = LinesField(
        _("countries"),
        clean_entry=clean_country,
        help_text=_("Codes or names, as in DE or Germany."),
    )
    excluded_referrers = LinesField(
        _("referrers"),
        clean_entry=clean_host,
        help_text=_("Host names of websites whose links are spam; their subdomains are, too."),
    )
    excludes_spam = models.BooleanField(
        _("leave out known referrer spam"),
        default=True,
        help_text=_("Links of some 2,300 websites that are known to fake visits."),
    )
    allowed_hosts = LinesField(
        _("allowed host names"),
        clean_entry=clean_host,
        help_text=_(
            "Where these are given, hits of pages on other hosts are left out, such as copies of "
            "your site. *.example.com stands for all subdomains."
        ),
    )
    honours_do_not_track = models.BooleanField(
        _("respect Do Not Track and Global Privacy Control"),
        default=True,
        help_text=_("Visitors whose browsers say so are not counted, and nothing of them is kept."),
    )
    excludes_datacentres = models.BooleanField(
        _("leave out visits from data centres"),
        default=False,
        help_text=_(
            "Programs that pretend to be browsers mostly run there; so do the exits of some VPNs "
            "and company networks, so that people are lost as well."
        ),
    )
    hits_a_minute = models.PositiveIntegerField(
        _("most hits of a visitor in a minute"),
        null=True,
        blank=True,
        default=600,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text=_("What goes beyond is left out. Without a number there is no limit."),
    )

    class Meta:
        abstract = True
