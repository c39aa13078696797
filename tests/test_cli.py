"""The command ``qiskit-haiqu``: how it ends."""

import os
import signal
import subprocess
import sys

GATEWAY = """
import signal, sys
from qiskit_haiqu_provider.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
sys.exit(main(["serve", "--port", "0", "--workers", "1"]))
"""


def test_ctrl_c_ends_a_gateway_without_a_traceback():
    line = [sys.executable, "-c", GATEWAY]
    with subprocess.Popen(
        line, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as gateway:
        try:
            for shown in gateway.stdout:
                if "no key yet" in shown:
                    break
            gateway.send_signal(signal.SIGINT)
            _, complaint = gateway.communicate(timeout=300)
        finally:
            gateway.kill()  # else a failure would wait for it for ever
    assert gateway.returncode == 130
    assert "Traceback" not in complaint
