"""The jars that a pom.xml names, brought by Maven into build/kafka/ once.  As a program it brings those of the broker."""
import fcntl
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / "build" / "kafka"
POMS = {"broker": HERE / "pom.xml", "debezium": HERE / "debezium" / "pom.xml"}


def folder(name: str) -> Path:
    """The folder that holds the jars of POMS[name]; fetched when they are not there or the pom has changed."""
    pom, made = POMS[name], CACHE / name
    mark = CACHE / f"{name}.pom"  # the pom that the folder was made from
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists() and mark.read_bytes() == pom.read_bytes():
            return made
        done = subprocess.run(["mvn", "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies",
                               f"-DoutputDirectory={made}.new"], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"Maven could not bring the jars of {pom}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        if made.exists():
            subprocess.run(["rm", "-rf", str(made)], check=True)
        made.with_name(f"{name}.new").rename(made)
        mark.write_bytes(pom.read_bytes())
    return made


if __name__ == "__main__":
    try:
        folder("broker")
    except RuntimeError as error:
        sys.exit(str(error))
