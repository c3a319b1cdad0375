"""Asks the advisory services about every locked package of Python and Node.

A known vulnerability fails. A service that can't be reached is told in one line and does not: many
CI machines reach the package registries alone.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
UNREACHED = re.compile(
    r"ServiceError|ConnectionError|ConnectionFailed|HTTPError|timed? ?out|refused|"
    r"NameResolution|EAI_AGAIN|audit endpoint|"
    r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|E40[0-9]|E50[0-9]|Not Allowed",
    re.IGNORECASE,
)


def run(*command: str, folder: Path = ROOT) -> tuple[Any, str]:
    """Run an audit; return its JSON answer (None without one) and what else it said."""
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    try:
        return json.loads(done.stdout), done.stderr
    except ValueError:
        return None, done.stderr + done.stdout


def python_faults(lock: str) -> list[str]:
    """Return what is known against the packages of a lock file."""
    tool = str(Path(sys.executable).with_name("pip-audit"))
    answer, said = run(
        tool, "--disable-pip", "--require-hashes", "-r", f"requirements/{lock}", "-f", "json"
    )
    if answer is None:
        return not_asked(lock, said)
    return [
        f"{lock}: {package['name']} {package['version']}: {fault['id']}"
        for package in answer["dependencies"]
        for fault in package.get("vulns", [])
    ]


def node_faults() -> list[str]:
    """Return what is known against the packages of frontend/package-lock.json."""
    answer, said = run("npm", "audit", "--json", folder=ROOT / "frontend")
    if answer is None or "vulnerabilities" not in answer:
        return not_asked("package-lock.json", said + json.dumps(answer))
    return [f"package-lock.json: {name}" for name in sorted(answer["vulnerabilities"])]


def not_asked(lock: str, said: str) -> list[str]:
    """Tell that nobody could be asked; any other failure of the tool is a fault."""
    if UNREACHED.search(said):
        print(f"{lock}: the advisory service can't be reached from here, so it was not asked.")
        return []
    return [f"{lock}: the audit itself failed: {said.strip()[-300:]}"]


def main() -> int:
    """Audit all locks."""
    faults = [*python_faults("base.txt"), *python_faults("dev.txt"), *node_faults()]
    print("\n".join(faults) or "Nothing is known against the packages that could be asked about.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
