"""What a request may not do."""
