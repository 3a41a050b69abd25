"""The API: thin routes over the same services as the pages."""
