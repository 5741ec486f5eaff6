"""Makes the scripts that are served of those that are read: `make script`.

The results are committed, so that an installation needs no minifier.
"""

from pathlib import Path

import minify

FOLDER = Path(__file__).parent
# The newest syntax that browsers in use are sure to understand.
minify.config({"js-version": 2019})


def sources() -> list[Path]:
    return sorted(path for path in FOLDER.glob("**/*.js") if not path.name.endswith(".min.js"))


def result_of(source: Path) -> Path:
    return source.with_suffix(".min.js")


def minified(source: Path) -> str:
    return str(minify.string("application/javascript", source.read_text())) + "\n"


if __name__ == "__main__":
    for source in sources():
        result_of(source).write_text(minified(source))
