"""What is known of JD Edwards EnterpriseOne tables, and how their stored values become plain ones."""
