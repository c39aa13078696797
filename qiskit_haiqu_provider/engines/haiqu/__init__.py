"""The Haiqu cloud, or a gateway that speaks its language."""
