"""The runner of the benchmarks: figures, choice by name, and topics whose peer is absent."""

import importlib.util
import time
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "tools" / "bench" / "run.py"
TOPIC = """
import time
def benchmarks():
    yield "slow peer", lambda: time.sleep(0.002), lambda: time.sleep(0.02)
    yield "equal peer", lambda: time.sleep(0.002), lambda: time.sleep(0.002)
"""


@pytest.fixture
def bench():
    spec = importlib.util.spec_from_file_location("bench_run", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_and_skipped_topics(bench, tmp_path, capsys):
    (tmp_path / "one.py").write_text(TOPIC)
    (tmp_path / "two.py").write_text("import a_peer_that_is_absent\n")
    results = bench.run(sorted(tmp_path.glob("*.py")), [], 3)
    assert [r["name"] for r in results] == ["slow peer", "equal peer", "two"]
    assert set(results[0]) == {"name", "ours_s", "peer_s", "ratio", "spread"}
    assert results[0]["spread"][0] <= results[0]["ours_s"] <= results[0]["spread"][2]
    assert results[0]["ratio"] == pytest.approx(results[0]["peer_s"] / results[0]["ours_s"])
    assert results[0]["ratio"] > 2
    assert "a_peer_that_is_absent" in results[2]["skipped"] and "skipped" in capsys.readouterr().out


def test_memory_is_measured_in_a_process_of_its_own(bench, tmp_path):
    program = """
import json
def benchmarks():
    return iter(())
def memory():
    return {"name": "large", "ours_s": 1.0, "peer_s": None, "ratio": None, "ours_gb": 2.0}
if __name__ == "__main__":
    print(json.dumps(memory()))
"""
    (tmp_path / "one.py").write_text(program)
    (result,) = bench.run([tmp_path / "one.py"], [], 1)
    assert result["ours_gb"] == 2.0 and bench.run([tmp_path / "one.py"], ["other"], 1) == []


def test_names_choose(bench, tmp_path):
    (tmp_path / "one.py").write_text(TOPIC)
    assert [r["name"] for r in bench.run([tmp_path / "one.py"], ["equal"], 1)] == ["equal peer"]


def test_runs_alternate_after_a_warm_up(bench):
    calls = []
    result = bench.compare("x", lambda: calls.append("ours"), lambda: calls.append("peer"), 2, least=0)
    assert calls == ["ours"] + ["ours", "peer"] * 3 and result["ours_s"] < 1


def test_a_slow_peer_is_timed_less_often(bench, monkeypatch):
    monkeypatch.setattr(bench, "PATIENCE", 0.1)
    calls = []
    bench.compare("x", lambda: None, lambda: calls.append(time.sleep(0.04)), 50, least=0)
    assert 2 <= len(calls) <= 3


def test_short_calls_are_repeated(bench):
    calls = []
    result = bench.compare("x", lambda: calls.append(time.sleep(0.01)), lambda: time.sleep(0.2), 1)
    assert 5 <= len(calls) <= 12 and 0.01 <= result["ours_s"] < result["peer_s"]


def test_seconds_is_wall_clock_per_call(bench):
    assert bench.seconds(lambda: time.sleep(0.01), 3) >= 0.01


def test_the_share_of_the_machines_limit(bench, tmp_path, capsys):
    (tmp_path / "one.py").write_text("""
import torch
a = torch.randn(512, 512)
def benchmarks():
    yield "product", lambda: a @ a, lambda: a @ a, {"flops": (1, lambda: a @ a)}
    yield "copy", lambda: a.clone(), lambda: a.clone(), {"bytes": 2 * a.numel() * 4}
""")
    product, copy = bench.run([tmp_path / "one.py"], [], 1)
    flops, bytes_ = bench.limits()
    assert product["flops"] == 2 * 512**3 and copy["bytes"] == 2 * 4 * 512**2
    assert product["share"] == pytest.approx(product["flops"] / product["ours_s"] / flops)
    assert copy["share"] == pytest.approx(copy["bytes"] / copy["ours_s"] / bytes_)
    assert "%" in capsys.readouterr().out and bench.processor()
