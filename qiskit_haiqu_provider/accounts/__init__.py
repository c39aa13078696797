"""Keys and credentials: where they come from, in what order, and how they are kept secret."""
