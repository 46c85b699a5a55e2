"""A session or a recording, read afterwards: the JSON of `inspect`, `simulate` and `analyze`."""
