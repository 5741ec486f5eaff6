from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tracking.domains import clean_domain
from tracking.models import Site
from tracking_project.time_zones import time_zone_choices


class DomainField(forms.CharField):
    """Takes whatever people paste, in Unicode or in punycode; gives the domain as we keep it."""

    # A pasted address may be longer than the domain in it.
    default_max_length = 2000
    default_error_messages = {"required": _("Give a domain, as in example.com.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": self.default_max_length, **kwargs})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return clean_domain(text) if text else text

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            "inputmode": "url",
            "autocapitalize": "none",
            "autocomplete": "off",
            "spellcheck": "false",
        }


class SiteForm(forms.ModelForm):
    """A site to add or to change; `instance` says whose it is."""

    domain = DomainField(
        label=_("Domain"),
        help_text=Site._meta.get_field("domain").help_text,
    )
    counting_host = DomainField(
        label=_("Host name of its own"),
        help_text=Site._meta.get_field("counting_host").help_text,
        required=False,
        empty_value=None,
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        error_messages={"invalid_choice": _("“%(value)s” is not a time zone.")},
    )

    class Meta:
        model = Site
        fields = ["domain", "name", "time_zone", "keep_ip", "currency", "counting_host"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        zone.help_text = Site._meta.get_field("time_zone").help_text
        if self.instance.pk:
            zone.help_text = _(
                "Days in the reports begin at midnight here. A change counts for visits from then "
                "on."
            )
            return
        for name in ("currency", "counting_host"):  # a newcomer need not think of it
            del self.fields[name]
        if self.initial["time_zone"] == "UTC":
            zone.widget.attrs["data-detect-time-zone"] = not self.is_bound

    @transaction.atomic
    def save(self, commit: bool = True) -> Site:
        site: Site = super().save(commit)
        return site

    def clean_domain(self) -> str:
        domain: str = self.cleaned_data["domain"]
        same = Site.objects.filter(owner=self.instance.owner, domain=domain)
        if same.exclude(pk=self.instance.pk).exists():
            raise ValidationError(
                _("%(domain)s has been added already."), code="double", params={"domain": domain}
            )
        return domain

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"]
        return currency.upper()

    def clean_counting_host(self) -> str | None:
        host: str | None = self.cleaned_data["counting_host"]
        if host and host in {urlsplit(settings.BASE_URL).hostname, *settings.ALLOWED_HOSTS}:
            raise ValidationError(
                _("%(host)s is the name of the whole server. Give one of this site alone."),
                code="taken",
                params={"host": host},
            )
        return host


class SiteDeleteForm(forms.Form):
    """Confirms by the domain, typed, which site is meant."""

    domain = DomainField()

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site
        self.fields["domain"].label = gettext("Type %(domain)s to confirm") % {
            "domain": site.domain
        }

    def clean_domain(self) -> str:
        domain: str = self.cleaned_data["domain"]
        if domain != self.site.domain:
            raise ValidationError(
                _("This is another domain. Type %(domain)s to delete this site."),
                code="other",
                params={"domain": self.site.domain},
            )
        return domain
