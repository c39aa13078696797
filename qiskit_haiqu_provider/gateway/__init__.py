"""A Haiqu-compatible server: the run vocabulary and the engines with HTTP, a database and a dashboard around them."""
