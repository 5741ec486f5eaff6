"""What was not counted: how much of it, and for some days what it was."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from tracking.models.fields import DayField, MomentField
from tracking.models.sites import Site


class Reason(models.TextChoices):
    """The closed set of reasons, in the order of the steps. Whoever adds a rule adds its reason."""

    UNKNOWN_SITE = "unknown_site", _("Unknown site")
    PAUSED = "paused", _("Collecting paused")
    INVALID = "invalid", _("Invalid")
    OPTED_OUT = "opted_out", _("Own visit")
    DO_NOT_TRACK = "do_not_track", _("Do Not Track")
    PREFETCH = "prefetch", _("Prefetch")
    AI_CRAWLER = "ai_crawler", _("AI crawler")
    BOT = "bot", _("Bot")
    IP = "ip", _("Excluded IP address")
    DATACENTRE = "datacentre", _("Data centre")
    HOST = "host", _("Host name not allowed")
    PATH = "path", _("Excluded page")
    SPAM = "spam", _("Spam referrer")
    COUNTRY = "country", _("Excluded country")
    RATE_LIMIT = "rate_limit", _("Rate limit")
    NO_VISIT = "no_visit", _("No visit")

    @property
    def explanation(self) -> str:
        return str(EXPLANATIONS[self])

    @property
    def is_kept(self) -> bool:
        """May more than the number be kept? Not of people who asked for the contrary."""
        return self not in (
            Reason.UNKNOWN_SITE,
            Reason.OPTED_OUT,
            Reason.DO_NOT_TRACK,
            Reason.NO_VISIT,
            Reason.PAUSED,
        )

    @property
    def is_restorable(self) -> bool:
        return self.is_kept and self is not Reason.INVALID


EXPLANATIONS = {
    Reason.UNKNOWN_SITE: _("The site had been deleted when the hit was looked at."),
    Reason.PAUSED: _(
        "Whoever runs this server has paused the collecting; only their number is kept."
    ),
    Reason.INVALID: _("It named no page of a website."),
    Reason.OPTED_OUT: _(
        "From a device whose owner chose not to be counted; only their number is kept."
    ),
    Reason.DO_NOT_TRACK: _("The browser asked not to be tracked; only their number is kept."),
    Reason.PREFETCH: _("Loaded in advance by a browser, seen by nobody."),
    Reason.AI_CRAWLER: _("A program that reads pages for an AI model or assistant."),
    Reason.BOT: _("A search engine, a monitor, or another program; none of them looks at pages."),
    Reason.IP: _("From an address or network on your list."),
    Reason.DATACENTRE: _("From a network of a data centre."),
    Reason.HOST: _("From a page on a host that is not on your list."),
    Reason.PATH: _("Of a page on your list."),
    Reason.SPAM: _("Said to come from a website that fakes visits."),
    Reason.COUNTRY: _("From a country on your list."),
    Reason.RATE_LIMIT: _("More hits of one visitor in a minute than the site allows."),
    Reason.NO_VISIT: _("Told how a page was read whose view had not been counted."),
}


class ExcludedDay(models.Model):
    """How many hits of a site were not counted, by day of its calendar and reason."""

    site = models.ForeignKey(
        Site,
        on_delete=models.CASCADE,
        related_name="excluded_days",
        db_index=False,
        verbose_name=_("site"),
    )
    day = DayField(_("day"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    hits = models.PositiveBigIntegerField(_("hits"))
    kept = models.PositiveBigIntegerField(
        _("kept"), help_text=_("How many of them became an ExcludedHit.")
    )

    class Meta:
        verbose_name = _("day of excluded hits")
        verbose_name_plural = _("days of excluded hits")
        constraints = [
            models.UniqueConstraint(fields=["site", "day", "reason"], name="excluded_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.hits} {self.reason}"


class ExcludedHit(models.Model):
    """A hit that was not counted, as it would have been; without the visitor's address.

    `id` is that of the event that it would become. `arrival` has all that is needed for that,
    see `tracking.processing.excluded`; what stands beside it is for lists.
    """

    id = models.BigIntegerField(primary_key=True)
    site = models.ForeignKey(
        Site,
        on_delete=models.CASCADE,
        related_name="excluded_hits",
        db_index=False,
        verbose_name=_("site"),
    )
    day = DayField(_("day"), help_text=_("Of the site's calendar."))
    time = MomentField(_("time"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    rule = models.CharField(
        _("rule"), max_length=500, blank=True, help_text=_("What it met, of a list.")
    )
    page = models.CharField(_("page"), max_length=2000)
    name = models.CharField(_("name"), max_length=120)
    source = models.CharField(_("source"), max_length=253, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    browser = models.CharField(_("browser"), max_length=60, blank=True)
    os = models.CharField(_("os"), max_length=60, blank=True)
    device = models.CharField(_("device"), max_length=20, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=1000, blank=True)
    arrival = models.BinaryField(_("arrival"))

    class Meta:
        verbose_name = _("filtered hit")
        verbose_name_plural = _("filtered hits")
        indexes = [models.Index(fields=["site", "time"], name="excluded_hit_site_time")]

    def __str__(self) -> str:
        return f"{self.reason} {self.page}"

    def get_reason(self) -> Reason:
        return Reason(self.reason)


class CrawlerDay(models.Model):
    """How often a crawler asked for a page on a day of the site's calendar."""

    site = models.ForeignKey(
        Site,
        on_delete=models.CASCADE,
        related_name="crawler_days",
        db_index=False,
        verbose_name=_("site"),
    )
    day = DayField(_("day"))
    crawler = models.CharField(_("crawler"), max_length=100)
    is_ai = models.BooleanField(_("is AI"))
    page = models.CharField(
        _("page"), max_length=500, blank=True, help_text=_("Empty: pages beyond the limit.")
    )
    hits = models.PositiveBigIntegerField(_("hits"))
    last = MomentField(_("last"))

    class Meta:
        verbose_name = _("crawler’s day")
        verbose_name_plural = _("crawlers’ days")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "day", "crawler", "is_ai", "page"], name="crawler_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.crawler} {self.page}: {self.hits}"
