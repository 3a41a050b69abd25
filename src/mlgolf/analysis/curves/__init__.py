"""Does a method beat a baseline's trade-off between quality and time, or only move along it?"""
