"""The documented endpoints by subject: one short method for each."""
