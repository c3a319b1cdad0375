"""Looks for secrets in every file that is committed.

`.ci/secrets.json` names what only looks like one (examples in documentation and tests), by file and
hash. `secret_scan.py --accept` writes it anew: read the difference before it is committed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / ".ci" / "secrets.json"
# Bundles and locks are full of hashes; tests and translations of words like "password".
NOT_READ = ("static/", "requirements/", "frontend/package-lock.json", "locale/", ".ci/secrets.json")
NOT_ASKED = ("KeywordDetector", "Base64HighEntropyString", "HexHighEntropyString")


def committed() -> list[str]:
    """Return the files that git knows."""
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in listed.stdout.splitlines() if not path.startswith(NOT_READ)]


def scan() -> dict[str, list[dict[str, Any]]]:
    """Return what looks like a secret, by file."""
    tool = str(Path(sys.executable).with_name("detect-secrets"))
    off = [word for plugin in NOT_ASKED for word in ("--disable-plugin", plugin)]
    done = subprocess.run(  # noqa: S603
        [tool, "scan", *off, *committed()], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout)["results"])


def main() -> int:
    """Compare what is found with what is known."""
    found = scan()
    hashes = {
        path: sorted({one["hashed_secret"] for one in those}) for path, those in found.items()
    }
    if "--accept" in sys.argv:
        KNOWN.write_text(json.dumps(hashes, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    fresh = [
        f"{path}:{one['line_number']}: {one['type']}"
        for path, those in sorted(found.items())
        for one in those
        if one["hashed_secret"] not in known.get(path, [])
    ]
    print("\n".join(fresh) or "No secret is committed.")
    return 1 if fresh else 0


if __name__ == "__main__":
    sys.exit(main())
