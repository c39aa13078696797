"""The dashboard: pages rendered by the server, for people."""
