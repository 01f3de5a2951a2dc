"""The admin API, the health endpoints and the dashboard, served by the process that keeps the tables fresh."""
