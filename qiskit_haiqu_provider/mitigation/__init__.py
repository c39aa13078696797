"""Error mitigation for every engine that samples: what to run instead, and what makes results of its outcomes."""
