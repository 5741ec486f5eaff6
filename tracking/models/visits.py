from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User
from tracking.models.sites import Site


class VisitQuerySet(models.QuerySet["Visit"]):
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
    day = models.DateField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(help_text="When its last event happened.")
    duration = models.PositiveIntegerField(default=0, help_text="In milliseconds.")
    pageviews = models.PositiveIntegerField(default=0)
    events = models.PositiveIntegerField(default=0, help_text="Pageviews and custom events.")
    is_bounce = models.BooleanField(default=True)

    hostname = models.CharField(max_length=253, blank=True)
    entry_page = models.CharField(max_length=2000, blank=True)
    exit_page = models.CharField(max_length=2000, blank=True)
    channel = models.CharField(max_length=40)
    source = models.CharField(max_length=253, blank=True)
    referrer = models.CharField(max_length=2000, blank=True)
    utm_source = models.CharField(max_length=255, blank=True)
    utm_medium = models.CharField(max_length=255, blank=True)
    utm_campaign = models.CharField(max_length=255, blank=True)
    utm_term = models.CharField(max_length=255, blank=True)
    utm_content = models.CharField(max_length=255, blank=True)

    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2.")
    region = models.CharField(max_length=100, blank=True)
    city = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    latitude = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    longitude = models.DecimalField(max_digits=7, decimal_places=4, null=True)
    ip = models.GenericIPAddressField(
        "IP address", null=True, help_text="Only where the site keeps IP addresses."
    )

    browser = models.CharField(max_length=60, blank=True)
    browser_version = models.CharField(max_length=20, blank=True)
    os = models.CharField("operating system", max_length=60, blank=True)
    os_version = models.CharField(max_length=20, blank=True)
    device = models.CharField(max_length=20, blank=True)

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


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: "User | AnonymousUser") -> "EventQuerySet":
        return self.filter(site__in=Site.objects.visible_to(user))


class Event(models.Model):
    """A pageview, or a custom event, inside a visit."""

    PAGEVIEW = "pageview"

    id = models.BigIntegerField(primary_key=True)
    site = models.ForeignKey(Site, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="event_set")
    visitor_id = models.BigIntegerField(help_text="The visit's, so that reports need no join.")
    day = models.DateField(help_text="Of the site's calendar.")
    time = models.DateTimeField()
    name = models.CharField(max_length=120, default=PAGEVIEW)
    hostname = models.CharField(max_length=253, blank=True)
    page = models.CharField(max_length=2000, blank=True, help_text="The path of the page's URL.")

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["site", "time"], name="event_site_time")]

    def __str__(self) -> str:
        return f"{self.name} {self.page}"

    @property
    def is_pageview(self) -> bool:
        return self.name == self.PAGEVIEW


@receiver(pre_delete, sender=Site)
def delete_with_site(instance: Site, using: str, **kwargs: Any) -> None:
    """Deletes a site's events and visits by two statements, inside the site's own transaction.

    CASCADE would load every row first: millions of them, also for a page of the back office
    that only asks for confirmation. The lock keeps the worker from adding rows meanwhile.
    """
    list(Site.objects.using(using).select_for_update().filter(pk=instance.pk).values("pk"))
    Event.objects.filter(site=instance)._raw_delete(using)
    Visit.objects.filter(site=instance)._raw_delete(using)
