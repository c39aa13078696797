"""What a provider can reach: the service, the routes to devices, and jobs that were submitted before."""
