"""Amazon Braket: its simulators on this machine, and AWS devices."""
