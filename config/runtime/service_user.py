"""The system user that the embedded services run as: ourselves, or another one for root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.runtime.embedded import open_to_others

NAME = "warta"
FALLBACK = "nobody"


@dataclass(frozen=True, kw_only=True)
class ServiceUser:
    """Who owns the services' data and processes."""

    name: str
    uid: int
    gid: int
    is_other: bool

    @classmethod
    def choose(cls) -> "ServiceUser":
        """Return ourselves; for root the system user ``warta``, made if need be."""
        if os.geteuid() != 0:
            return cls(name="", uid=os.geteuid(), gid=os.getegid(), is_other=False)
        try:
            entry = pwd.getpwnam(NAME)
        except KeyError:
            entry = _make()
        return cls(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)

    def own(self, path: Path) -> None:
        """Give ``path`` to this user."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def popen(
        self, command: list[str], *, cwd: Path, preexec_fn: Callable[[], None], **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start a program as this user in its own session, its words going to our stderr."""
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(  # noqa: S603 - our own command lines
            command,
            cwd=cwd,
            preexec_fn=preexec_fn,  # noqa: PLW1509 - the service supervisor has one thread
            start_new_session=True,
            stdout=2,
            umask=0o077,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            **options,
        )

    def reachable(self, root: Path, names: Sequence[str], copy: Path) -> Path:
        """Return the folder below which this user may run what lies in ``root``/``names``.

        Packages are installed inside the checkout. Below a folder that only root may enter, another
        user cannot run them; then they are copied to ``copy`` (named after their version), once.
        """
        if not self.is_other or (
            open_to_others(root) and all(_is_public(root / name) for name in names)
        ):
            return root
        if not copy.exists():
            copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            for folder in (copy.parent, copy.parent.parent):
                folder.chmod(0o755)
            partial = copy.with_name(f"{copy.name}.{os.getpid()}")
            for name in names:
                shutil.copytree(root / name, partial / name, symlinks=True)
            for path in (partial, *partial.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o555 if _runs(path) else 0o444))
            try:
                partial.rename(copy)
            except OSError:  # another checkout was faster
                shutil.rmtree(partial, ignore_errors=True)
        return copy


def _is_public(folder: Path) -> bool:
    return all(
        path.stat().st_mode & 0o005 == (0o005 if _runs(path) else 0o004)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    )


def _runs(path: Path) -> bool:
    return path.is_dir() or bool(path.stat().st_mode & 0o100)


def _make() -> pwd.struct_passwd:
    command = ["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", NAME]
    try:
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - fixed words
        return pwd.getpwnam(NAME)
    except (OSError, KeyError):
        # A machine whose users cannot be changed: any user but root will do.
        return pwd.getpwnam(FALLBACK)
