#!/usr/bin/python3
"""record.py - runs Debezium on tables.sql and changes.sql and keeps what it writes, as test data.

    /usr/bin/python3 -B tests/kafka/debezium/record.py          # writes tests/kafka/expected/debezium-VERSION/MODE.jsonl

What differs from run to run (positions, transaction ids, times) is set to fixed values, so that two runs give the same files.
"""
import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

import jars  # noqa: E402
from harness import Server, paths  # noqa: E402

VERSION = re.search(r"debezium-embedded</artifactId>\s*<version>([^<]+)", (HERE / "pom.xml").read_text())[1]
EXPECTED = HERE.parent / "expected" / f"debezium-{VERSION}"

# The name of each mode, and what it sets beside the defaults.
MODES = {
    "default": "snapshot.mode=initial provide.transaction.metadata=true",
    "no_schema": "converter.schemas.enable=false",
    "string": "converter.schemas.enable=true decimal.handling.mode=string time.precision.mode=isostring binary.handling.mode=base64"
              " interval.handling.mode=string",
    "double": "decimal.handling.mode=double time.precision.mode=connect binary.handling.mode=hex",
    "url_safe": "time.precision.mode=adaptive_time_microseconds binary.handling.mode=base64-url-safe table.exclude.list=shop.toasted",
    "microseconds": "time.precision.mode=microseconds table.exclude.list=shop.toasted",
    "flat": "converter.schemas.enable=true transforms=unwrap transforms.unwrap.type=io.debezium.transforms.ExtractNewRecordState"
            " transforms.unwrap.add.fields=op,lsn transforms.unwrap.delete.tombstone.handling.mode=rewrite-with-tombstone"
            " table.include.list=shop.plain,shop.required,shop.two_keys,shop.whole_identity,shop.no_key,shop.number,shop.the_end",
    "nanoseconds": "time.precision.mode=nanoseconds table.exclude.list=shop.toasted",
}

MASKED = {"lsn": 1, "txId": 1, "ts_ms": 1, "ts_us": 1, "ts_ns": 1, "sequence": "[]"}


def masked(value):
    """`value` without what differs from run to run: positions, ids and times of `source` and of the envelope."""
    if isinstance(value, dict):
        if "payload" in value and "schema" in value:
            return value | {"payload": masked(value["payload"])}
        if "op" in value and "source" in value:
            source = {k: MASKED[k] if k in MASKED and v is not None else v for k, v in value["source"].items()}
            whole = {k: MASKED.get(k, v) if k in MASKED else v for k, v in value.items()} | {"source": source}
            if whole.get("transaction"):
                whole["transaction"] = whole["transaction"] | {"id": "xid:lsn"}
            return whole
        if "__lsn" in value:
            return value | {"__lsn": 1}
        if value.get("status") in ("BEGIN", "END"):
            return value | {"id": "xid:lsn", "ts_ms": 1}
        if set(value) == {"id"} and isinstance(value["id"], str) and ":" in value["id"]:
            return {"id": "xid:lsn"}
    return value


def without_repeats(lines: list[dict]) -> list[dict]:
    """The lines with each schema that is the same as in the topic's last record replaced by a short word."""
    last = {}
    for line in lines:
        for part in ("key", "value"):
            if isinstance(line[part], dict) and "schema" in line[part]:
                schema = line[part]["schema"]
                if last.get((line["topic"], part)) == schema:
                    line[part] = line[part] | {"schema": "as before"}
                last[line["topic"], part] = schema
    return lines


def main() -> None:
    server = Server("source", {"max_replication_slots": 20}).start()
    try:
        database = server.database("shop")
        psql(database, (HERE / "tables.sql").read_text())
        psql(database, "CREATE PUBLICATION dump FOR TABLES IN SCHEMA shop")
        command = ["nice", "java", "-Xmx768m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                   "-cp", f"{jars.folder('debezium')}/*", str(HERE / "Dump.java"), "127.0.0.1", str(server.port), database.name, "dump",
                   *(f"{name} {words}" for name, words in MODES.items())]
        log = paths.scratch() / "debezium.log"
        with open(log, "wb") as errors, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                                         text=True, encoding="utf-8") as dump:
            timer = threading.Timer(300, dump.kill)
            timer.start()
            lines = []
            try:
                for line in dump.stdout:
                    if line == "ready\n":
                        psql(database, (HERE / "changes.sql").read_text())
                        psql(database, "INSERT INTO shop.the_end VALUES (1)")
                    else:
                        mode = json.loads(line)["mode"]
                        line = re.sub(r"(LogicalDecodingMessage\w*)@[0-9a-f]+", r"\1", line)  # an address
                        lines.append(json.loads(line.replace(f"pipeline_{mode}", "pipeline")))
            finally:
                timer.cancel()
                dump.kill()
        if dump.returncode != 0:
            sys.exit(f"Debezium ended with {dump.returncode}:\n{log.read_text()[-4000:]}")
        print(log.read_text(), file=sys.stderr)
    finally:
        server.stop("immediate")
    shutil.rmtree(EXPECTED, ignore_errors=True)
    EXPECTED.mkdir(parents=True)
    for mode in MODES:
        of_mode = [line for line in lines if line["mode"] == mode]
        with open(EXPECTED / f"{mode}.jsonl", "w", encoding="utf-8") as file:
            for line in without_repeats([{"topic": line["topic"], "key": masked(line["key"]), "value": masked(line["value"])}
                                         for line in of_mode]):
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        print(f"{mode}: {len(of_mode)} records")


def psql(database, sql: str) -> None:
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.conninfo(), "-f", "-"], input=sql, text=True, check=True,
                   stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
