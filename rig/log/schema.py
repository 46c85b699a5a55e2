"""The session file as SQL: one SQLite database, readable by any tool.

``meta`` and ``inputs`` are the record. Everything else is derived from them, is there for reading,
and can be rebuilt by a replay. Volumes are in microlitres, rates in Hz, times in the unit of their name;
``NULL`` means missing, and a column nearby says why.
"""

from __future__ import annotations

from typing import Final

FORMAT: Final = 1
"""Version of the tables; kept in the database's ``user_version``. A table more does not change it."""

APPLICATION_ID: Final = 0x444F5041
"""``DOPA``: tells a session file from any other SQLite database (``PRAGMA application_id``)."""

INPUT_COLUMNS: Final = 7

TABLES: Final = """
-- What the session was: one JSON value a key. 'end' is written last; without it the session was cut short.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Everything the session ever learned, in one order, as it came.
CREATE TABLE inputs (
    seq            INTEGER PRIMARY KEY,  -- 0, 1, 2, ... without a gap
    t_ns           INTEGER NOT NULL,     -- host clock, nanoseconds since the session's start
    source         TEXT NOT NULL,        -- port, stream or client
    kind           TEXT NOT NULL,        -- bytes, messages, command, deadline, port, truth
    payload        BLOB NOT NULL,
    crc32          INTEGER NOT NULL,     -- of the payload (zlib)
    effects_digest BLOB NOT NULL         -- 16 bytes: all before this input; 16 bytes: that and this input
);

-- One row a trial, as it took place. Times without 'start' count from the trial's start.
CREATE TABLE trials (
    trial        INTEGER PRIMARY KEY,    -- 0-based
    condition    TEXT NOT NULL,
    reward_ul    REAL NOT NULL,          -- intended
    signalled    INTEGER NOT NULL,
    cue          TEXT,
    outcome      TEXT NOT NULL,          -- complete, aborted, incomplete
    start_us     INTEGER NOT NULL,       -- board time
    duration_us  INTEGER NOT NULL,
    stimulus_us  INTEGER,
    cue_us       INTEGER,
    reward_us    INTEGER,
    delivered_ul REAL NOT NULL,          -- what the valve's real open time stands for
    lost_events  INTEGER NOT NULL,
    timing       TEXT NOT NULL,          -- JSON: durations drawn for this trial, seconds
    table_hash   TEXT NOT NULL,
    seq          INTEGER NOT NULL,       -- the input that completed it
    stimulation  TEXT                    -- light or sham; NULL: not eligible for light
);

-- State changes, outputs and inputs of each trial.
CREATE TABLE events (
    board_us INTEGER NOT NULL,           -- board time
    trial    INTEGER NOT NULL,
    at_us    INTEGER NOT NULL,           -- after the trial's start
    kind     TEXT NOT NULL,              -- state, output, input
    name     TEXT NOT NULL,
    state_on INTEGER                     -- 1 on or rising, 0 off or falling, NULL for a state
);
CREATE INDEX events_by_trial ON events (trial, at_us);

-- One value per unit and trial, or NULL with a reason. A late response replaces the first.
CREATE TABLE responses (
    trial          INTEGER NOT NULL,
    unit           TEXT NOT NULL,
    response_hz    REAL,
    response_count INTEGER,              -- spikes in the response window
    baseline_count INTEGER,              -- spikes in the baseline window
    missing        TEXT,                 -- why response_hz is NULL
    revised        INTEGER NOT NULL,     -- 1: came after the decision that could have used it
    seq            INTEGER NOT NULL,
    PRIMARY KEY (trial, unit)
) WITHOUT ROWID;
CREATE INDEX responses_by_unit ON responses (unit, trial);

-- The same for the cue of a trial, rewarded or not, where the protocol counts responses to cues.
CREATE TABLE cue_responses (
    trial          INTEGER NOT NULL,
    unit           TEXT NOT NULL,
    response_hz    REAL,
    response_count INTEGER,              -- spikes in the window after the cue's onset
    baseline_count INTEGER,              -- spikes in the baseline window before it
    missing        TEXT,                 -- why response_hz is NULL
    revised        INTEGER NOT NULL,     -- 1: came after the decision that could have used it
    seq            INTEGER NOT NULL,
    PRIMARY KEY (trial, unit)
) WITHOUT ROWID;
CREATE INDEX cue_responses_by_unit ON cue_responses (unit, trial);

-- Every unit's estimates after each trial.
CREATE TABLE estimates (
    trial            INTEGER NOT NULL,
    unit             TEXT NOT NULL,
    rewarded         INTEGER NOT NULL,   -- rewarded trials so far
    paper_hz         REAL,
    paper_ul         REAL,
    isotonic_hz      REAL,
    isotonic_ul      REAL,
    bayes_hz         REAL,
    bayes_sd_hz      REAL,
    bayes_low_hz     REAL,               -- 95 % interval
    bayes_high_hz    REAL,
    bayes_ul         REAL,
    bayes_low_ul     REAL,
    bayes_high_ul    REAL,
    asymmetry_paper  REAL,
    asymmetry_bayes  REAL,
    n                TEXT NOT NULL,      -- JSON: trials per size
    flags            TEXT NOT NULL,      -- JSON
    reason           TEXT,               -- why there is no estimate
    seq              INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,   -- the epoch whose trials they are from, 0-based
    PRIMARY KEY (trial, unit)
) WITHOUT ROWID;
CREATE INDEX estimates_by_unit ON estimates (unit, trial);

-- Everything the world was told and may look up again, in order (the 'state' channel is not kept).
CREATE TABLE documents (
    id       INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL,           -- the input it followed from; -1: the session's start
    schema   TEXT NOT NULL,
    document TEXT NOT NULL               -- JSON
);
CREATE INDEX documents_by_schema ON documents (schema, seq);
"""

DERIVED: Final = ("trials", "events", "responses", "cue_responses", "estimates", "documents")
"""The tables that a replay can rebuild. A file that was written before one of them existed has it not."""


def insert_inputs(rows: int) -> str:
    """Return the statement that inserts `rows` input records at once."""
    one = "(" + ",".join("?" * INPUT_COLUMNS) + ")"
    return "INSERT INTO inputs VALUES " + ",".join([one] * rows)
