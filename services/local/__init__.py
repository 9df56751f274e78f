"""What belongs to this machine: paths and settings."""
