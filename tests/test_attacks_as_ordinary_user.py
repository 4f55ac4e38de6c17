"""Every attack of the threat list, once more, in boxes that an ordinary user makes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import ELSEWHERE
from support import ordinary

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0, reason="test_attacks.py is run by an ordinary user as it is")
def test_every_attack_fails_for_an_ordinary_user_too():
    tests = [str(HERE / "test_attacks.py"), *(str(HERE / test) for test in ELSEWHERE.values())]
    done = subprocess.run(
        ordinary.command(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests),
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
