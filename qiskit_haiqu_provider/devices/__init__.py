"""Which machines exist, and what fits them."""
