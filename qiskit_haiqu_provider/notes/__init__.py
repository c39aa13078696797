"""Jobs that ran elsewhere, noted in an experiment of the service."""
