"""What the service bears: processes killed, servers gone, many workers; each a script."""
