"""When jobs are polled, and what becomes of the answers."""
