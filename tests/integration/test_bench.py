"""The benchmark runs, compares contents and reports; how fast anything is, no test says."""
import json
import os
import subprocess

from harness import paths


def bench(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([paths.TOP / "bench/run", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=os.environ | {"WALGATE_BINARY": str(paths.walgate_binary())}, timeout=600)


def test_every_part_reports_its_measures(tmp_path):
    file = tmp_path / "results.json"
    done = bench("W1", "W9", "cpu_per_change_W4", "decode", "latency_p50", "copy", "rss",
                 "--scale", "0.001", "--runs", "1", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    results = {result["measure"]: result for result in json.loads(file.read_text())}
    assert set(results) == {"W1", "W9", "cpu_per_change_W4", "decode_cpu", "decode_cpu_walsender", "latency_p50", "rss",
                            "copy_one", "copy_two", "copy_builtin"}
    for name, result in results.items():
        assert result["failure"] is None, result
        assert result["walgate"] is not None and result["peer"] is not None and result["unit"], result
        assert name in done.stdout
    assert results["W1"]["counters"]["transactions"] == 161
    assert results["W1"]["bar"] == 2 and results["W1"]["ratio"] > 0
    assert results["W1"]["cpu_seconds"].keys() == {"walgate", "peer"}
    assert results["cpu_per_change_W4"]["counters"]["updates"] == 2000
    assert results["copy_one"]["peak_rss_bytes"] and results["rss"]["more"].keys() >= {"W1", "latency", "copy"}
    assert results["rss"]["walgate"] * 2**20 == results["rss"]["peak_rss_bytes"] > 0


def test_an_unknown_measure_is_refused():
    done = bench("W99")
    assert done.returncode == 2 and 'no measure "W99"' in done.stderr
