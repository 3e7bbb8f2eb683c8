"""Other projects' own tests, run with the agent and without it: whoever turns it on must notice nothing."""
