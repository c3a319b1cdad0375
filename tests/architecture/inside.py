"""An import contract: which way modules inside one app may import each other.

``urls → views | admin | management → tasks | forms → packages → queries → models → states``,
downwards only; modules beside each other with a bar do not import each other. Packages, and single
modules beside them, are named in `pyproject.toml` from the lowest to the highest: each
imports those named before it. A name that stands in neither list is an error, so that nothing
escapes the order by its name.
"""

from typing import Any, ClassVar

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

PACKAGES = 3
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
    "states": 0,
    "choices": 0,
    "roles": 0,
}
VOCABULARY = {"states", "choices", "roles"}  # these know each other
OUTSIDE = {"migrations", "apps"}  # made by Django, or loaded by it before everything else


class InsideContract(Contract):
    """Modules of an app import downwards only, and each has a place in the order."""

    type_name = "inside"
    app: Any = fields.StringField()
    packages: Any = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    headings: ClassVar[str] = "Imports that go up or sideways, and modules without a place:"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - import-linter calls it so
        """Find every direct import inside the app that goes up or sideways."""
        order = Order(self.packages)
        wrong = set()
        for importer in (name for name in graph.modules if name.startswith(f"{self.app}.")):
            if not order.knows(importer):
                wrong.add(f"{importer} has no place")
            for imported in graph.find_modules_directly_imported_by(importer):
                inside = imported.startswith(f"{self.app}.")
                if inside and not order.may_import(importer, imported):
                    wrong.add(f"{importer} -> {imported}")
        return ContractCheck(kept=not wrong, metadata={"wrong": sorted(wrong)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print what is wrong."""
        output.print_error(self.headings)
        for line in check.metadata["wrong"]:
            output.print_error(f"- {line}", bold=False)


class Order:
    """An app's order, from the names of its packages, lowest first."""

    def __init__(self, packages: list[str]) -> None:
        self._places = {name: (rank, 0) for name, rank in RANKS.items()}
        self._places |= {name: (PACKAGES, number) for number, name in enumerate(packages)}

    def knows(self, module: str) -> bool:
        """Say whether a module, by its dotted name, has a place."""
        name = module.split(".")[1]
        return name in OUTSIDE or name in self._places

    def may_import(self, importer: str, imported: str) -> bool:
        """Say whether one module of the app may import another, given by their dotted names."""
        above, below = importer.split(".")[1], imported.split(".")[1]
        if above == below or OUTSIDE & {above, below} or {above, below} <= VOCABULARY:
            return True
        if above not in self._places or below not in self._places:
            return True  # said already
        return self._places[above] > self._places[below]
