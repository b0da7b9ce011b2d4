"""What runs on the other side of HTTP: for now the demo."""
