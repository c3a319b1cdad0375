"""An import contract: which way modules inside one app may import each other.

``urls → views | admin | management → tasks | forms → domain modules → queries → models → states``,
downwards only; modules beside each other with a bar do not import each other. Every module that is
not named in `RANKS` is a domain module, so that a new file has its place without being listed.
"""

from typing import Any, ClassVar

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

DOMAIN = 3
VOCABULARY = 0
RANKS: dict[str, int] = {
    "urls": 6,
    "views": 5,
    "admin": 5,
    "management": 5,
    "adapter": 5,  # called by django-allauth as a view is by Django
    "tasks": 4,
    "forms": 4,
    "queries": 2,
    "models": 1,
    "states": VOCABULARY,
    "choices": VOCABULARY,
    "roles": VOCABULARY,
}
OUTSIDE = {"migrations", "apps"}  # made by Django, or loaded by it before everything else


class InsideContract(Contract):
    """Modules of each app import downwards only."""

    type_name = "inside"
    apps: Any = fields.ListField(subfield=fields.StringField())
    # Imports that are right although they go up, as "importer -> imported".
    allowed: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    headings: ClassVar[str] = "Imports that go up or sideways:"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - import-linter calls it so
        """Find every direct import inside an app that goes up or sideways."""
        wrong = []
        for app in self.apps:
            modules = [name for name in graph.modules if name.startswith(f"{app}.")]
            for importer in modules:
                wrong += [
                    f"{importer} -> {imported}"
                    for imported in graph.find_modules_directly_imported_by(importer)
                    if imported.startswith(f"{app}.") and not may_import(importer, imported)
                ]
        wrong = sorted(set(wrong) - set(self.allowed))
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what is wrong."""
        output.print_error(self.headings)
        for line in check.metadata["wrong"]:
            output.print_error(f"- {line}", bold=False)


def may_import(importer: str, imported: str) -> bool:
    """Say whether one module of an app may import another, given by their dotted names."""
    above, below = importer.split(".")[1], imported.split(".")[1]
    if above == below or OUTSIDE & {above, below}:
        return True
    if RANKS.get(above, DOMAIN) == RANKS.get(below, DOMAIN):
        return RANKS.get(above, DOMAIN) in (DOMAIN, VOCABULARY)  # these know each other
    return RANKS.get(above, DOMAIN) > RANKS.get(below, DOMAIN)
