"""Countries in lists: typed by code or by name, kept by code."""

from functools import cache

from babel import Locale
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def clean_country(text: str) -> str:
    """`de`, `Germany` and, for whoever reads this in German, `Deutschland` are `DE`."""
    codes = codes_by_name("en") | codes_by_name(get_language() or "en")
    code = codes.get(text.casefold())
    if code is None:
        message = _(
            "“%(text)s” is no country. Give its two letters or its name, as in DE or Germany."
        )
        raise ValidationError(message, code="country", params={"text": text[:100]})
    return code


@cache
def codes_by_name(language: str) -> dict[str, str]:
    """The codes of ISO 3166-1, also by themselves."""
    territories = Locale.parse(language, sep="-").territories
    codes = {code: name for code, name in territories.items() if len(code) == 2 and code.isalpha()}
    return {name.casefold(): code for code, name in codes.items()} | {
        code.casefold(): code for code in codes
    }
