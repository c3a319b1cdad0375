"""Nothing outside the rendering package runs what an author wrote by itself."""

import ast
from pathlib import Path

BASE = Path(__file__).parents[2]
APPS = ("accounts", "api", "campaigns", "config", "delivery", "reports", "subscribers")
INSIDE = BASE / "campaigns" / "rendering"
# What runs templates, or turns sources into mail: to be asked of `isolation` or `stored`.
RUNS = {
    "campaigns.rendering.compile": {"compile_content"},
    "campaigns.rendering.convert": {"convert"},
    "campaigns.rendering.content_checks": {"findings"},
    "campaigns.rendering.lint": {"marks"},
    "campaigns.rendering.split_template": {"merge_template", "run_blocks_here", "fill_here"},
    "campaigns.rendering.preview": {"preview"},
    "campaigns.rendering.links": {"link_target", "link_tags"},
}
# Modules that are only of use for that.
WHOLE = {
    f"campaigns.rendering.{name}"
    for name in ("checking", "guard", "markdown", "mjml", "plain", "protect", "sandbox")
}


def imports(path: Path) -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
    return found


def runs(module: str, name: str) -> bool:
    whole = f"{module}.{name}" if module == "campaigns.rendering" else module
    return whole in WHOLE or name in RUNS.get(module, set()) or whole in RUNS.keys() - {module}


def test_only_rendering_processes_run_what_authors_wrote():
    modules = [path for app in APPS for path in (BASE / app).rglob("*.py")]
    outside = [path for path in modules if not path.is_relative_to(INSIDE)]
    assert len(outside) > 100
    wrong = [
        f"{path.relative_to(BASE)}: {module}.{name}"
        for path in outside
        for module, name in imports(path)
        if runs(module, name)
    ]
    assert wrong == []
