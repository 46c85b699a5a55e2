"""The commands. Each file is one command; `app` puts them together."""
