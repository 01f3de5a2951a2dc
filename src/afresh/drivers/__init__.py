"""What several adapters need of one driver: loading it, connecting, and what its errors mean."""
