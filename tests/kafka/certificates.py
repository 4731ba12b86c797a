"""A throwaway certificate authority and a broker's certificate for 127.0.0.1, as PEM files."""
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness import paths


@dataclass(frozen=True)
class Certificates:
    ca: Path             # what clients trust
    other_ca: Path       # an authority that signed nothing here
    key_and_chain: Path  # what the broker shows: its key, its certificate, the authority's


def make(folder: Path) -> Certificates:
    """Makes them in `folder`, which must not exist."""
    folder.mkdir()

    def openssl(*words) -> None:
        subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN=walgate test {name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", "broker.key", "-out", "broker.csr")
    (folder / "broker.ext").write_text("subjectAltName = IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", 2,
            "-extfile", "broker.ext", "-out", "broker.pem")
    both = folder / "broker-all.pem"
    both.write_text("".join((folder / name).read_text() for name in ("broker.key", "broker.pem", "ca.pem")))
    for file in folder.iterdir():
        paths.give_to_server(file)
    return Certificates(folder / "ca.pem", folder / "other-ca.pem", both)
