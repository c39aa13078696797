"""The command ``qiskit-haiqu``: how it ends."""

import os
import signal
import subprocess
import sys

COMMAND = [sys.executable, "-m", "qiskit_haiqu_provider.cli"]


def test_ctrl_c_ends_a_gateway_without_a_traceback():
    line = [*COMMAND, "serve", "--port", "0", "--workers", "1"]
    with subprocess.Popen(
        line, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as gateway:
        for shown in gateway.stdout:
            if "no key yet" in shown:
                break
        gateway.send_signal(signal.SIGINT)
        _, complaint = gateway.communicate(timeout=60)
    assert gateway.returncode == 130
    assert "Traceback" not in complaint
