"""Who asks the API and the query endpoint, and what the registry in force lets them do."""
