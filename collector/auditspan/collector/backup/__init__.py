"""Backups of a data folder, and a data folder of a backup: consistent, checked, and never half."""
