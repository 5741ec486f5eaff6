"""Every text that a person reads can be translated: in templates, forms, fields and messages."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.utils.functional import Promise

TEMPLATES = sorted(
    path
    for path in (settings.BASE_DIR / "templates").rglob("*")
    if path.suffix in (".html", ".txt")
)
MODULES = sorted(
    path
    for app in ("accounts", "tracking", "tracking_project")
    for path in (settings.BASE_DIR / app).rglob("*.py")
    # Whoever runs the server reads English in a terminal.
    if not {"tests", "migrations", "management"} & set(path.parts)
    and path.name not in ("checks.py", "doctor.py")
)
# What is the same in all languages.
NAMES = {
    "Tracking",  # this product
    "CSV",
    "example.com",
    "/guides/first-steps",
    "/pricing",
    "/blog/a-quiet-release",
    "Google",
    "Hacker News",
    "Mastodon",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(settings.BASE_DIR))


class Texts(HTMLParser):
    """What is read on a page, or aloud."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_code = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Icons of the back office are words in a font of symbols.
        is_icon = "material-symbols-outlined" in (dict(attrs).get("class") or "")
        self.is_code = is_icon or tag in ("code", "script", "style")
        spoken = ("alt", "aria-label", "placeholder", "title")
        self.found += [value or "" for name, value in attrs if name in spoken]

    def handle_endtag(self, tag: str) -> None:
        self.is_code = False

    def handle_data(self, data: str) -> None:
        if not self.is_code:
            self.found.append(data)


BLOCKS = re.compile(
    r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}"
    r"|\{% block body_class %\}.*?\{% endblock %\}"
    r"|\{% blocktranslate\b.*?%\}.*?\{% endblocktranslate %\}",
    re.DOTALL,
)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
LITERAL = re.compile(r"""(_\()?(?<![\w=])(["'])((?:(?!\2).)*)\2""")
FORMAT = re.compile(r"""\|(?:date|time|naturalday):(["'])(?!(?:c|Y-m-d)\1)(.*?)\1""")


def unmarked_in_template(source: str) -> list[str]:
    heads = re.findall(r"\{% blocktranslate\b.*?%\}", source, re.DOTALL)
    source = BLOCKS.sub(" ", source)
    tags = TAG.findall(source) + heads
    source = TAG.sub("", source)
    texts = [] if source.lstrip().startswith("hx-") else Texts(source).found  # attributes alone
    texts = [re.sub(r"&\w+;", "", text) for text in texts]
    found = [" ".join(text.split()) for text in texts if re.search(r"[^\W\d_]{2}", text)]
    for tag in tags:
        found += [match[1] for match in FORMAT.findall(tag)]
        if not tag.startswith("{% translate "):
            literals = (text for marked, _, text in LITERAL.findall(tag) if not marked)
            found += [text for text in literals if re.match(r"[A-Z][a-z]", text)]
    return [text for text in found if text.removesuffix(",").strip(" ·") not in NAMES]


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_texts_of_templates_are_marked(path: Path) -> None:
    assert unmarked_in_template(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{% translate 'Log in' %}</p>", []),
        ("<p>Log in</p>", ["Log in"]),
        ("<p>{{ name }}, log in</p>", [", log in"]),
        (
            "<p>{% blocktranslate with day=now|date:_('j F') %}On {{ day }}{% endblocktranslate %}",
            [],
        ),
        (
            "<p>{% blocktranslate with day=now|date:'j F' %}On {{ day }}{% endblocktranslate %}",
            ["j F"],
        ),
        ('<svg aria-label="Chart"></svg>', ["Chart"]),
        ('{% include "a.html" with label="Chart" %}', []),
        ('{{ name|default:"Nobody" }}', ["Nobody"]),
        ('{{ name|default:_("Nobody") }}', []),
        ("<code>manage.py migrate</code>{# Here be text #}", []),
    ],
)
def test_finds_unmarked_texts_in_templates(source: str, found: list[str]) -> None:
    assert unmarked_in_template(source) == found


# A comma in a German number is no part of a coordinate.
NUMBER = re.compile(r'[ ](?:[xy][12]?|c[xy]|width|height)="\{\{ (?![^}]*\|unlocalize )([^}]+) \}\}')


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_numbers_of_drawings_are_the_same_in_all_languages(path: Path) -> None:
    assert NUMBER.findall(path.read_text()) == []


MARKS = {
    *("_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"),
    *("pgettext", "pgettext_lazy", "npgettext"),
}
# Keyword arguments, and attributes of classes, that people read.
READ = {
    *("label", "help_text", "verbose_name", "verbose_name_plural", "search_help_text"),
    *("success_message", "violation_error_message", "title", "button", "description"),
}
# The place of the text among the arguments.
SAID = {
    **dict.fromkeys(("ValidationError", "PermissionDenied"), 0),
    **dict.fromkeys(("success", "error", "warning", "info", "message_user"), 1),
}


def unmarked_in_module(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg=name, value=value) if name in READ:
                yield from unmarked(value)
            case ast.keyword(arg="error_messages", value=ast.Dict(values=values)):
                for value in values:
                    yield from unmarked(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in READ:
                yield from unmarked(value)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                is_log = (
                    isinstance(node.func, ast.Attribute)
                    and ast.unparse(node.func.value) == "logger"
                )
                if name in SAID and len(args) > SAID[name] and not is_log:
                    yield from unmarked(args[SAID[name]])
                if name in MARKS and args and not isinstance(args[0], ast.Constant):
                    yield ast.unparse(node)
            case ast.JoinedStr():
                # The tools that gather the texts do not look into these.
                yield from (ast.unparse(call) for call in ast.walk(node) if is_mark(call))


def unmarked(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)) if re.search(r"[^\W\d_]{2}", text):
            yield text
        case ast.JoinedStr():
            if re.search(r"[^\W\d_]{2}", "".join(literal_parts(value))):
                yield ast.unparse(value)
        case ast.BinOp(left=left, right=right):
            yield from unmarked(left)
            yield from unmarked(right)


def literal_parts(value: ast.JoinedStr) -> Iterator[str]:
    return (str(part.value) for part in value.values if isinstance(part, ast.Constant))


def is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_texts_of_modules_are_marked(path: Path) -> None:
    assert list(unmarked_in_module(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("CharField(label='Name')", ["Name"]),
        ("CharField(label=_('Name'))", []),
        ("CharField(error_messages={'required': 'Say it.'})", ["Say it."]),
        ("raise ValidationError(f'{name} is wrong')", ["f'{name} is wrong'"]),
        ("messages.success(request, 'Done.')", ["Done."]),
        ("logger.warning('%s of %s', 'one', 'two')", []),
        ("class View:\n    success_message = 'Saved.'", ["Saved."]),
        ("text = f\"{gettext('or')} {name}\"", ["gettext('or')"]),
        ("text = gettext(f'{name} is here')", ["gettext(f'{name} is here')"]),
    ],
)
def test_finds_unmarked_texts_in_modules(source: str, found: list[str]) -> None:
    assert list(unmarked_in_module(source)) == found


OURS = [
    model for app in ("accounts", "tracking") for model in apps.get_app_config(app).get_models()
]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_names_of_models_and_their_fields_are_marked(model: type[Model]) -> None:
    """Of those that the back office shows."""
    meta = model._meta
    if not admin.site.is_registered(model):
        pytest.skip("shown nowhere")
    shown = [field for field in meta.fields if field.name != "id"]
    named = {meta.verbose_name: "name", meta.verbose_name_plural: "plural"}
    named |= {field.verbose_name: field.name for field in shown if field.model is model}
    named |= {field.help_text: f"{field.name}: help" for field in shown if field.help_text}
    assert [what for text, what in named.items() if not isinstance(text, Promise)] == []
