"""The input log: what an entry is, how a session file looks as SQL, its running digest, its replay."""
