"""Accounts, teams and tokens."""
