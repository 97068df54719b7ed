"""What people are shown of the state: a snapshot, its summary, words in two languages."""
