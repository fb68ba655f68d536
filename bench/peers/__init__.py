"""The same spans through auditspan and through the Rotel agent, on one machine in one run."""
