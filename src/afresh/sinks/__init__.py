"""What listens to events: the log, progress on a terminal, and the tee that lets several listen."""
