"""The reference pages are what the option tables say."""
import subprocess
import sys

import pytest

from kit.program import ROOT, run_weir, weir_path


def test_reference_is_up_to_date():
    if run_weir("reference").returncode != 0:
        pytest.fail("weir reference does not work")
    done = subprocess.run([sys.executable, ROOT / "tools/reference", weir_path(), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
