from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tracking.models.fields import DayField, MomentField, PropertiesField, RowNumberField
from tracking.models.labels import LabelField, LabelledQuerySet
from tracking.models.sites import Site


class VisitQuerySet(LabelledQuerySet["Visit"]):
    pass


class Visit(models.Model):
    """A session: what one visitor does until half an hour passes without an event.

    `id` is that of its first event that was processed. `day` is the day of the site's
    calendar on which it began, `visitor_id` belongs to that day alone.
    """

    id = RowNumberField(_("id"), primary_key=True)
    site = models.ForeignKey(
        Site,
        on_delete=models.DO_NOTHING,
        related_name="visits",
        db_index=False,
        db_constraint=False,  # see Site.objects.hold
        verbose_name=_("site"),
    )  # see delete_with_site
    visitor_id = models.BigIntegerField(_("visitor id"))
    day = DayField(_("day"))
    started_at = MomentField(_("started at"))
    ended_at = MomentField(_("ended at"), help_text=_("When something was last heard of it."))
    duration = models.PositiveIntegerField(
        _("duration"), default=0, help_text=_("In milliseconds.")
    )
    pageviews = models.PositiveIntegerField(_("pageviews"), default=0)
    events = models.PositiveIntegerField(
        _("events"), default=0, help_text=_("Pageviews and custom events.")
    )
    is_bounce = models.BooleanField(_("bounced"), default=True)

    hostname = LabelField(_("hostname"))
    entry_page = LabelField(_("entry page"))
    exit_page = LabelField(_("exit page"))
    channel = LabelField(_("channel"))
    source = LabelField(_("source"))
    referrer = LabelField(_("referrer"))
    utm_source = LabelField(_("campaign source"))
    utm_medium = LabelField(_("campaign medium"))
    utm_campaign = LabelField(_("campaign"))
    utm_term = LabelField(_("campaign term"))
    utm_content = LabelField(_("campaign content"))

    country = LabelField(_("country"), help_text=_("ISO 3166-1 alpha-2."))
    region = LabelField(_("region"))
    city = LabelField(_("city"))
    postal_code = LabelField(_("postal code"))
    latitude = models.DecimalField(_("latitude"), max_digits=7, decimal_places=4, null=True)
    longitude = models.DecimalField(_("longitude"), max_digits=7, decimal_places=4, null=True)
    ip = models.GenericIPAddressField(
        _("IP address"), null=True, help_text=_("Only where the site keeps IP addresses.")
    )

    browser = LabelField(_("browser"))
    browser_version = LabelField(_("browser version"))
    os = LabelField(_("operating system"))
    os_version = LabelField(_("version of the system"))
    device = LabelField(_("device"))
    screen = LabelField(_("screen size"), help_text=_("Width and height in CSS pixels: 1440x900."))
    language = LabelField(_("language"), help_text=_("As the browser says it: de-CH."))

    if TYPE_CHECKING:  # the numbers of the labels
        hostname_id: int | None
        entry_page_id: int | None
        exit_page_id: int | None
        channel_id: int | None
        source_id: int | None
        referrer_id: int | None
        utm_source_id: int | None
        utm_medium_id: int | None
        utm_campaign_id: int | None
        utm_term_id: int | None
        utm_content_id: int | None
        country_id: int | None
        region_id: int | None
        city_id: int | None
        postal_code_id: int | None
        browser_id: int | None
        browser_version_id: int | None
        os_id: int | None
        os_version_id: int | None
        device_id: int | None
        screen_id: int | None
        language_id: int | None

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        indexes = [
            # The worker finds a visitor's open visit; a day's part of the index stays together.
            models.Index(fields=["day", "visitor_id"], name="visit_day_visitor"),
            # Reports and the visit log read a site's visits of a period.
            models.Index(fields=["site", "started_at"], name="visit_site_started"),
        ]

    def __str__(self) -> str:
        return gettext("Visit %(id)s") % {"id": self.pk}

    @property
    def url(self) -> str:
        """The address of the entry page, as complete as the hit gave it."""
        return f"{self.hostname}{self.entry_page}"

    @property
    def location(self) -> str:
        """“Los Angeles, 90001”: whatever is known of city and postal code."""
        return ", ".join(filter(None, (self.city, self.postal_code)))


class EventQuerySet(LabelledQuerySet["Event"]):
    pass


class Event(models.Model):
    """A pageview, or a custom event, inside a visit."""

    PAGEVIEW = "pageview"

    id = RowNumberField(_("id"), primary_key=True)
    site = models.ForeignKey(
        Site,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,  # see Site.objects.hold
        verbose_name=_("site"),
    )
    visit = models.ForeignKey(
        Visit,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="event_set",
        verbose_name=_("visit"),
    )
    visitor_id = models.BigIntegerField(
        _("visitor id"), help_text=_("The visit's, so that reports need no join.")
    )
    day = DayField(_("day"), help_text=_("Of the site's calendar."))
    time = MomentField(_("time"))
    name = LabelField(_("name"))
    hostname = LabelField(_("hostname"))
    page = LabelField(
        _("page"), help_text=_("The path of the page's URL, or the group that the sender gave.")
    )
    title = LabelField(_("title"))
    props = PropertiesField(
        _("properties"), null=True, blank=True, help_text=_("Texts by their names.")
    )
    revenue = models.DecimalField(
        _("revenue"), max_digits=15, decimal_places=3, null=True, blank=True
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True, help_text=_("ISO 4217."))
    engaged = models.PositiveIntegerField(
        _("engaged"),
        default=0,
        help_text=_("Milliseconds for which the page was visible and had the focus."),
    )
    scroll = models.PositiveSmallIntegerField(
        _("scroll"), default=0, help_text=_("The greatest percentage of the page that was seen.")
    )

    if TYPE_CHECKING:  # the numbers of the labels
        name_id: int | None
        hostname_id: int | None
        page_id: int | None
        title_id: int | None

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            # Reports of days that are not reckoned yet, real time, lists.
            models.Index(fields=["site", "time"], name="event_site_time"),
            # Few events have properties, and reports of them shall not read all the others.
            models.Index(
                fields=["site", "time"],
                name="event_with_properties",
                condition=models.Q(props__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.page}"

    @property
    def is_pageview(self) -> bool:
        return bool(self.name == self.PAGEVIEW)


@receiver(pre_delete, sender=Site)
def delete_with_site(instance: Site, using: str, **kwargs: Any) -> None:
    """Deletes a site's events and visits by two statements, inside the site's own transaction.

    CASCADE would load every row first: millions of them, also for a page of the back office
    that only asks for confirmation.
    """
    Site.objects.using(using).lock(instance.pk)
    for rows in (Event.objects.filter(site=instance), Visit.objects.filter(site=instance)):
        rows._raw_delete(rows.db)
