"""From stored files to text that can be searched."""
