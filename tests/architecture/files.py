"""The files that are the project's own words."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("config", "accounts", "subscribers", "campaigns", "delivery", "reports", "api")
# Not ours, made by machines, or not part of the project.
SKIPPED = {
    ".git",
    ".venv",
    "node_modules",
    "var",
    "static",
    "staticfiles",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".import_linter_cache",
    ".hypothesis",
}
BINARY = {
    ".png",
    ".woff2",
    ".ico",
    ".gif",
    ".jpg",
    ".mo",
    ".pyc",
    ".gz",
    ".br",
    ".xlsx",
    ".eml",
    ".heic",
}


def python_files() -> list[Path]:
    """Return the modules of the product, migrations left out."""
    return [
        path
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def text_files() -> list[Path]:
    """Return every text file of the project, written by hand or by a tool."""
    found = []
    for path in sorted(ROOT.iterdir()):
        if path.name in SKIPPED:
            continue
        inner = [path] if path.is_file() else sorted(path.rglob("*"))
        found += [
            file
            for file in inner
            if file.is_file()
            and file.suffix not in BINARY
            and not SKIPPED.intersection(file.relative_to(ROOT).parts)
        ]
    return found
