"""What `build` writes and `report` says."""

import hashlib
import json

import pytest

import rtl4ml


def test_report_is_what_the_command_line_prints(tiny):
    report = tiny[0].report()
    assert report["name"] == "tiny"
    assert report["version"] == rtl4ml.__version__
    assert report["initiation_interval_cycles"] == 1
    assert report["latency_cycles"] >= 1
    assert [layer["name"] for layer in report["layers"]] == ["fc", "act"]
    for key in ["part", "estimate", "inputs", "outputs", "multipliers", "warnings"]:
        assert key in report


def test_build_writes_a_proven_folder(tiny, tmp_path):
    model, _, _ = tiny
    folder = tmp_path / "new" / "tiny"
    report = model.build(folder, vectors=20, threads=1)
    assert report == json.loads((folder / "report.json").read_text())
    assert report == model.report()
    lines = (folder / "MANIFEST.sha256").read_text().splitlines()
    assert any("rtl/tiny.v" in line for line in lines)
    for line in lines:
        digest, path = line.split(maxsplit=1)
        content = (folder / path.lstrip("*")).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, path


def test_build_replaces_its_own_folder_and_no_other(tiny, tmp_path):
    model, _, _ = tiny
    model.build(tmp_path / "rtl")
    model.build(str(tmp_path / "rtl"))
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.tex").write_text("years of work")
    with pytest.raises(rtl4ml.Error, match="MANIFEST.sha256; it is not replaced"):
        model.build(thesis)
    assert [path.name for path in thesis.iterdir()] == ["chapter1.tex"]


def test_build_needs_vectors(tiny, tmp_path):
    with pytest.raises(ValueError, match="`vectors` is 0; legal: 1 to "):
        tiny[0].build(tmp_path / "rtl", vectors=0)
    assert not list(tmp_path.iterdir())
