"""The arithmetic of `benchmarks/sizing_table.py`, against sums that can be done in the head."""

import importlib
from types import ModuleType
from typing import Any

import pytest

from impasto.bench import FOLDER

FIGURES: dict[str, Any] = {
    "provider": "openvino",
    "cores_used": 2,
    "painted": {
        "proof_512": {"core_s": 0.1, "file_mb": 0.5, "cell_s": 0.01},
        "final_512": {"core_s": 0.1, "file_mb": 0.5},
        "final_2mp": {"core_s": 1.0, "file_mb": 4.0},
        "final_12mp": {"core_s": 8.0, "file_mb": 25.0},
    },
    "optimized_512": {"core_s": 60.0, "file_mb": 0.4},
    "once": {"read_proof_s": 0.2, "read_final_s": 0.2, "open_s": 0.5},
    "files": {"photo_mb": 5.0, "style_mb": 0.4, "hash_s": 0.01},
    "head": {"jobs": 50_000, "plan_s": 4.0, "noted_per_s": 10_000},
    "learned": {"steps": 450, "seconds": 90.0},
}
RAY = {"overhead_ms_a_picture": 0.5, "cores_used": 2}


@pytest.fixture
def sizing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("sizing_table")


def cluster(sizing: ModuleType, machines: int, **head: float) -> Any:
    return sizing.Cluster(FIGURES | {"head": FIGURES["head"] | head}, 0.001, machines)


def test_one_machine_paints_all_reads_each_photo_once_and_does_without_ray(sizing: ModuleType):
    cost = cluster(sizing, 1).paint("proof_512")
    assert cost.parts == pytest.approx(
        {
            "planning": 8.0 + 10.0,  # twice 50,000 jobs, and a thousand photos
            "painting": 5000.0,
            "reading photos": 100.0,
            "opening networks": 50.0,  # a hundred styles, twice
            "Ray": 0.0,
            "the ledger": 0.0,
            "contact sheets": 72.0,  # 200 pages of 36 places
        }
    )
    assert (cost.seconds, cost.limit) == (pytest.approx(5240.0), "painting")
    assert cost.store_mb == pytest.approx(50_000 + 5_000 + 200 * 0.4)
    assert cost.store_mb_s == pytest.approx(55_080 / 5150)


def test_many_machines_each_read_nearly_all_photos(sizing: ModuleType):
    cost = cluster(sizing, 100).paint("proof_512")
    assert cost.parts["painting"] == pytest.approx(50.0)
    assert cost.parts["reading photos"] == pytest.approx(100.0)  # a thousand of a thousand
    assert cost.parts["opening networks"] == pytest.approx(12.5 * 0.5 / 2)  # 50 s are 12.5 batches of 4 s
    assert cost.parts["Ray"] == pytest.approx(0.5)
    assert cluster(sizing, 1000).paint("proof_512").parts["reading photos"] == pytest.approx(10.0)


def test_finals_read_a_photo_each(sizing: ModuleType):
    cost = cluster(sizing, 10).paint("final_12mp")
    assert cost.parts["planning"] == 0
    assert cost.parts["painting"] == pytest.approx(40_000.0)
    assert cost.parts["reading photos"] == pytest.approx(1_000.0)
    assert cost.parts["opening networks"] == pytest.approx(25.0)
    assert cost.store_mb == pytest.approx(100_000 * 30 + 10 * 100 * 0.4)


def test_the_ledger_is_the_limit_where_it_notes_less_than_is_painted(sizing: ModuleType):
    cost = cluster(sizing, 100, noted_per_s=100).paint("proof_512")
    assert cost.limit == "the ledger"
    at_work = sum(cost.parts[part] for part in sizing.AT_WORK)
    assert at_work == pytest.approx(1000.0)  # 100,000 pictures, whatever the machines do meanwhile


def test_few_proofs_are_all_on_contact_sheets(sizing: ModuleType):
    assert sizing.cells_of(36, 4) == 76
    assert sizing.cells_of(1_000_000, 10_000) == sizing.cells_of(100_000, 1000) == 7200


def test_what_has_a_machine_to_itself_goes_in_whole_rounds(sizing: ModuleType):
    assert [cluster(sizing, count).whole_s(90.0, 100) for count in (1, 10, 99, 100, 1000)] == [9000, 900, 180, 90, 90]


def test_table_tells_rates_and_hours(sizing: ModuleType):
    lines = sizing.sizing_table(FIGURES, RAY).splitlines()
    assert "| a proof, 512 px | 0.1 s | 10 a second | 0.5 MB |" in lines
    assert "| a final, 12 megapixels | 8 s | 7.5 a minute | 25 MB |" in lines
    assert "| a style, learned in 450 steps | 180 s | 20 an hour |  |" in lines
    assert "| 100 × a style, learned |  | 2.5 h | 15 min | 90 s |" in lines
    assert "| 1,000 × a final by the optimizer, 512 px | 0.4 GB | 8.3 h | 50 min | 5 min |" in lines
    (proofs,) = [line for line in lines if line.startswith("| 100,000 × a proof")]
    assert proofs.startswith("| 100,000 × a proof, 512 px | 50 GB | 87 min; painting 95 %; 11 MB/s |")
    assert "none of it was run" in " ".join(lines)


def test_ray_that_seems_to_cost_nothing_is_not_a_gain(sizing: ModuleType):
    text = sizing.sizing_table(FIGURES, RAY | {"overhead_ms_a_picture": -2.0})
    assert "Ray takes 0.0 ms" in text and "Ray takes 1.0 ms" in sizing.sizing_table(FIGURES, RAY)
