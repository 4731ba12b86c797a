"""Migration files of a pipeline, and the commands on them."""
import subprocess

from harness import Pair, paths


class Files:
    """The migration files of a pipeline, and the commands on them."""

    def __init__(self, pair: Pair, config: dict | None = None, **more):
        self.pair = pair
        self.pipeline = pair.pipeline(**({"publish": None, "slot": False} | more),
                                      config={"migrations": {"directory": "migrations", "lock_timeout": "100ms"}})
        self.folder = self.pipeline.folder / "migrations"
        self.folder.mkdir()
        self.pipeline.write_config(**(config or {}))

    def put(self, name: str, text: str | bytes) -> "Files":
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def run(self, *words: str):
        return self.pipeline.command("migrate", *words)

    def up(self, *words: str) -> list[str]:
        """Applies, which has to succeed; the names of what was."""
        done = self.run("up", "--json", *words)
        assert done.code == 0, done
        return [applied["id"] for applied in done.json["applied"]]

    def refused(self, name: str, *words: str, code: int = 2) -> dict:
        """`up` has to be refused with this name; the whole answer."""
        done = self.run("up", "--json", *words)
        assert done.code == code and done.json["error"]["name"] == name, done
        return done.json

    def states(self) -> dict[str, str]:
        done = self.run("status", "--json")
        assert done.code == 0, done
        return {entry["id"]: entry["state"] for entry in done.json["migrations"]}

    def start(self, *words: str) -> subprocess.Popen:
        """A runner in the background."""
        return subprocess.Popen([str(paths.walgate_binary()), "migrate", "up", "--config", str(self.pipeline.config_file), *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.pipeline._env())
