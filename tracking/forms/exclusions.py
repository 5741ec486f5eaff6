"""What is not counted: the rules of a site, and what shall become of hits that met one."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from tracking.models import ExcludedHit, Reason, Site
from tracking.reporting.period import Preset

MAX_ID = 2**63 - 1


class ExclusionsForm(forms.ModelForm):
    class Meta:
        model = Site
        fields = [
            "honours_do_not_track",
            "excludes_datacentres",
            "hits_a_minute",
            "excludes_spam",
            "excluded_referrers",
            "excluded_ips",
            "excluded_paths",
            "excluded_countries",
            "allowed_hosts",
        ]


class DaysForm(forms.Form):
    """The part of a page's address that chooses the days."""

    PERIODS = {
        Preset.TODAY: _("Today"),
        Preset.WEEK: _("7 days"),
        Preset.THIRTY_DAYS: _("30 days"),
        Preset.YEAR: _("12 months"),
    }
    DEFAULT = Preset.WEEK

    period = forms.ChoiceField(
        choices=[(preset.value, label) for preset, label in PERIODS.items()],
        required=False,
        error_messages={"invalid_choice": _("There is no period “%(value)s”.")},
    )

    @property
    def preset(self) -> Preset:
        self.full_clean()
        return Preset(self.cleaned_data.get("period") or self.DEFAULT)


class KeptHitsForm(forms.Form):
    """Which of the kept hits: all, those of a reason, those that met one entry of a list."""

    reason = forms.ChoiceField(
        choices=[
            ("", _("All reasons")),
            *((one.value, one.label) for one in Reason if one.is_kept),
        ],
        required=False,
        error_messages={"invalid_choice": _("There is no reason “%(value)s”.")},
    )
    rule = forms.CharField(required=False, max_length=500)

    def hits(self, site: Site) -> QuerySet[ExcludedHit]:
        """All of them where the filter makes no sense."""
        hits = site.excluded_hits.all()
        if not self.is_valid():
            return hits
        for name in ("reason", "rule"):
            if value := self.cleaned_data[name]:
                hits = hits.filter(**{name: value})
        return hits


class IdsField(forms.MultipleChoiceField):
    def valid_value(self, value: str) -> bool:
        return value.isdecimal() and len(value) < 20 and int(value) <= MAX_ID


class ChangeHitsForm(KeptHitsForm):
    """What shall become of kept hits: of those that are ticked, or of all that a filter chooses."""

    RESTORE, PURGE = "restore", "purge"

    action = forms.ChoiceField(choices=[(RESTORE, RESTORE), (PURGE, PURGE)])
    everything = forms.BooleanField(required=False)
    hit = IdsField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("hit") and not cleaned.get("everything"):
            raise ValidationError(_("Tick the hits that you mean."), code="none")
        return cleaned

    def hits(self, site: Site) -> QuerySet[ExcludedHit]:
        if self.cleaned_data["everything"]:
            return super().hits(site)
        return site.excluded_hits.filter(pk__in=self.cleaned_data["hit"])
