"""How AWS is called: clients, their connections, and calls that several jobs share."""
