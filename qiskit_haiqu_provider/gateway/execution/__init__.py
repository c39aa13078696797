"""How the gateway runs jobs: what is to run, the processes that do it, and who hands out the work."""
