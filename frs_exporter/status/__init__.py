"""What people are shown of the state: a snapshot, the verdict on each project, its summary, words in two languages."""
