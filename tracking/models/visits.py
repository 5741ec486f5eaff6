from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User
from tracking.models.fields import DayField, MomentField
from tracking.models.labels import LabelField, LabelledQuerySet
from tracking.models.sites import Site


class VisitQuerySet(LabelledQuerySet["Visit"]):
    def visible_to(self, user: "User | AnonymousUser") -> "VisitQuerySet":
        return self.filter(site__in=Site.objects.visible_to(user))


class Visit(models.Model):
    """A session: what one visitor does until half an hour passes without an event.

    `id` is that of its first event that was processed. `day` is the day of the site's
    calendar on which it began, `visitor_id` belongs to that day alone.
    """

    id = models.BigIntegerField(primary_key=True)
    site = models.ForeignKey(
        Site, on_delete=models.DO_NOTHING, related_name="visits", db_index=False
    )  # see delete_with_site
    visitor_id = models.BigIntegerField()
    day = DayField()
    started_at = MomentField()
    ended_at = MomentField(help_text="When something was last heard of it.")
    duration = models.PositiveIntegerField(default=0, help_text="In milliseconds.")
    pageviews = models.PositiveIntegerField(default=0)
    events = models.PositiveIntegerField(default=0, help_text="Pageviews and custom events.")
    is_bounce = models.BooleanField(default=True)

    hostname = LabelField()
    entry_page = LabelField()
    exit_page = LabelField()
    channel = LabelField()
    source = LabelField()
    referrer = LabelField()
    utm_source = LabelField()
    utm_medium = LabelField()
    utm_campaign = LabelField()
    utm_term = LabelField()
    utm_content = LabelField()

    country = LabelField(help_text="ISO 3166-1 alpha-2.")
    region = LabelField()
    city = LabelField()
    postal_code = LabelField()
    latitude = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    longitude = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    ip = models.GenericIPAddressField(
        "IP address", null=True, help_text="Only where the site keeps IP addresses."
    )

    browser = LabelField()
    browser_version = LabelField()
    os = LabelField("operating system")
    os_version = LabelField()
    device = LabelField()
    screen = LabelField("screen size", help_text="Width and height in CSS pixels: 1440x900.")
    language = LabelField(help_text="As the browser says it: de-CH.")

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
        indexes = [
            # The worker finds a visitor's open visit; a day's part of the index stays together.
            models.Index(fields=["day", "visitor_id"], name="visit_day_visitor"),
            # Reports and the visit log read a site's visits of a period.
            models.Index(fields=["site", "started_at"], name="visit_site_started"),
        ]

    def __str__(self) -> str:
        return f"Visit {self.pk}"

    @property
    def url(self) -> str:
        """The address of the entry page, as complete as the hit gave it."""
        return f"{self.hostname}{self.entry_page}"

    @property
    def location(self) -> str:
        """“Los Angeles, 90001”: whatever is known of city and postal code."""
        return ", ".join(filter(None, (self.city, self.postal_code)))


class EventQuerySet(LabelledQuerySet["Event"]):
    def visible_to(self, user: "User | AnonymousUser") -> "EventQuerySet":
        return self.filter(site__in=Site.objects.visible_to(user))


class Event(models.Model):
    """A pageview, or a custom event, inside a visit."""

    PAGEVIEW = "pageview"

    id = models.BigIntegerField(primary_key=True)
    site = models.ForeignKey(Site, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="event_set")
    visitor_id = models.BigIntegerField(help_text="The visit's, so that reports need no join.")
    day = DayField(help_text="Of the site's calendar.")
    time = MomentField()
    name = LabelField()
    hostname = LabelField()
    page = LabelField(help_text="The path of the page's URL, or the group that the sender gave.")
    title = LabelField()
    props = models.JSONField("properties", null=True, blank=True, help_text="Texts by their names.")
    revenue = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217.")
    engaged = models.PositiveIntegerField(
        default=0, help_text="Milliseconds for which the page was visible and had the focus."
    )
    scroll = models.PositiveSmallIntegerField(
        default=0, help_text="The greatest percentage of the page that was seen."
    )

    if TYPE_CHECKING:  # the numbers of the labels
        name_id: int | None
        hostname_id: int | None
        page_id: int | None
        title_id: int | None

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["site", "time"], name="event_site_time")]

    def __str__(self) -> str:
        return f"{self.name} {self.page}"

    @property
    def is_pageview(self) -> bool:
        return bool(self.name == self.PAGEVIEW)


@receiver(pre_delete, sender=Site)
def delete_with_site(instance: Site, using: str, **kwargs: Any) -> None:
    """Deletes a site's events and visits by two statements, inside the site's own transaction.

    CASCADE would load every row first: millions of them, also for a page of the back office
    that only asks for confirmation. The lock keeps the worker from adding rows meanwhile.
    """
    list(Site.objects.using(using).select_for_update().filter(pk=instance.pk).values("pk"))
    Event.objects.filter(site=instance)._raw_delete(using)
    Visit.objects.filter(site=instance)._raw_delete(using)
