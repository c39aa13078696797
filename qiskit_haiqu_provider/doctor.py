"""The command ``qiskit-haiqu doctor``: what works from here, and what is missing."""

import sys
from argparse import Namespace

from qiskit_haiqu_provider.provider import HaiquProvider


def doctor(arguments: Namespace) -> int:
    """Print what ``provider.check()`` finds.

    Returns:
        The exit code: 0 if everything that is set up works, else 1.
    """
    checks = HaiquProvider(account=arguments.account).check()
    sys.stdout.write(f"{checks}\n")
    return 0 if checks.ok else 1
