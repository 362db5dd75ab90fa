"""The type hints are those of the module."""

import subprocess
import sys


def test_stubs_match_the_module():
    command = [sys.executable, "-m", "mypy.stubtest", "rtl4ml"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_public_name_has_its_documentation():
    import rtl4ml

    assert rtl4ml.__doc__ and rtl4ml.load.__doc__ and rtl4ml.Error.__doc__
    for documented in (rtl4ml.Model, rtl4ml.Tensor):
        assert documented.__doc__
        public = [name for name in vars(documented) if not name.startswith("_")]
        assert public
        assert all(getattr(documented, name).__doc__ for name in public), documented
