"""Where things are: the checkout, the binaries, the scratch folder of this process, and who runs a server."""
import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def walgate_binary() -> Path:
    """The service under test; WALGATE_BINARY names another build of it."""
    return Path(os.environ.get("WALGATE_BINARY", TOP / "build/dev/walgate"))


@dataclass(frozen=True)
class Installation:
    """A PostgreSQL that servers run from: the one of this system or, with `root`, the one inside a chroot that holds
    the same checkout, shares our /tmp and knows the server's user by the same number."""
    root: str = ""

    def command(self, *words) -> list[str]:
        """The command line that runs `words` there."""
        return [*(["chroot", self.root] if self.root else []), *map(str, words)]

    def output(self, *words) -> str:
        """What a command there prints."""
        return subprocess.check_output(self.command(*words), text=True)

    @functools.cache
    def program(self, name: str) -> str:
        """The path, there, of a program like initdb or postgres."""
        pg_config = self.output(TOP / "tools/pg-config").strip()
        return f"{self.output(pg_config, '--bindir').strip()}/{name}"

    @functools.cache
    def settings(self) -> frozenset[str]:
        """The names of all settings that the server knows."""
        text = self.output(self.program("postgres"), "--describe-config")
        return frozenset(line.split("\t", 1)[0] for line in text.splitlines())

    @functools.cache
    def staged_extension(self) -> str:
        """The lines for postgresql.conf that make a server find the extension of the build there."""
        return self.output(TOP / "tools/stage-extension", scratch() / f"stage{self.root.replace('/', '_')}")


OURS = Installation()


@functools.cache
def server_user() -> pwd.struct_passwd:
    """Who runs servers: ourselves, or "postgres" when we are root, because a server refuses root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def as_server_user(*, dies_with_us: str | None = None) -> list[str]:
    """The start of a command line that runs the rest as the server's user; the process gets signal
    `dies_with_us` ("QUIT") when ours ends in any way, even by SIGKILL."""
    words = ["setpriv"]
    if os.geteuid() == 0:
        user = server_user()
        words += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    if dies_with_us:
        words += ["--pdeathsig", dies_with_us]
    return words if len(words) > 1 else []


def give_to_server(path: Path) -> None:
    """Makes the server's user the owner of a file or folder that we made."""
    if os.geteuid() == 0:
        os.chown(path, server_user().pw_uid, server_user().pw_gid)


@functools.cache
def scratch(parent: str = "/tmp") -> Path:
    """A folder of this process that the server's user can reach; it goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="walgate-", dir=parent))
    folder.chmod(0o755)
    give_to_server(folder)
    if not os.environ.get("WALGATE_KEEP"):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
