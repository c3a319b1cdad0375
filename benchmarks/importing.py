"""How many rows of five fields an import takes: ``python -m benchmarks.importing``.

The whole way of the command, on a database of its own: reading the file, validation, COPY, merge,
consent events; the first import and the same file again. IMPORT_ROWS says how many rows.
"""

import os
import random
import resource
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks._machine import cpu_seconds, figure, postmaster

ROWS = int(os.environ.get("IMPORT_ROWS", "1000000"))
BLOCK = 1024 * 1024
DOMAINS = [
    *["gmail.com"] * 40,
    *["yahoo.co.id"] * 12,
    *["outlook.com"] * 10,
    *[f"shop{number}.example" for number in range(400)],
]


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        file = Path(folder) / "people.csv"
        _write(file)
        server = postmaster(Path(folder))
        for name in ("import_first", "import_again"):
            before = cpu_seconds(server), time.process_time()
            figure(name, ROWS / _seconds(file), "rows/s")
            millions = ROWS / 1_000_000
            database, worker = cpu_seconds(server) - before[0], time.process_time() - before[1]
            figure(f"{name}_worker_cpu", worker / millions, "s of CPU per 1,000,000 rows")
            figure(f"{name}_database_cpu", database / millions, "s of CPU per 1,000,000 rows")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figure("import_memory", peak, "MB at most")


def _write(file: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - the same people each time
    with file.open("w", encoding="utf-8") as out:
        out.write("email,first_name,last_name,city,joined\n")
        for number in range(ROWS):
            out.write(
                f"person{chance.randrange(10**9)}.{number}@{chance.choice(DOMAINS)},"
                f"First{chance.randrange(3000)},Last{chance.randrange(20000)},"
                f"City {chance.randrange(300)},20{chance.randrange(10, 26)}-03-1{number % 10}\n"
            )


def _seconds(file: Path) -> float:
    from accounts.models import Workspace
    from subscribers.imports import files, run, steps
    from subscribers.models import MailingList

    workspace, _new = Workspace.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    mailing_list, _new = MailingList.objects.get_or_create(workspace=workspace, name="Everybody")
    began = time.perf_counter()
    with file.open("rb") as source:
        path, size = files.store(iter(lambda: source.read(BLOCK), b""))
    record = steps.take_file(workspace, path=path, size=size, filename=file.name)
    steps.set_consent(record, steps.Consent(lists=[mailing_list]))
    steps.start_run(record)
    if not run.run(record.pk):
        raise RuntimeError("The import did not run.")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
