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
    kind           TEXT NOT NULL,        -- bytes, messages, command, deadline, port, resume, truth
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

-- What light does to each unit, by the newest train. It suggests; 'tag_confirmations' tags.
CREATE TABLE tags (
    unit              TEXT PRIMARY KEY,
    trial             INTEGER NOT NULL,  -- of the newest train
    pulses            INTEGER NOT NULL,  -- of light, all that it was listened to
    eligible          INTEGER NOT NULL,  -- of these, with a clean past: tested
    p                 REAL,              -- of SALT; 0 means: below its resolution
    resolution        REAL,              -- the step that p comes in
    effect            REAL,              -- SALT's statistic I
    sham_p            REAL,              -- of sham pulses
    latency_mean_ms   REAL,              -- of the first spike after a tested pulse
    latency_median_ms REAL,
    jitter_ms         REAL,              -- standard deviation of that latency
    reliability       REAL,              -- share of tested pulses with a spike
    by_chance         REAL,              -- the same in the windows before them
    following         TEXT NOT NULL,     -- JSON: rate of the train, pulses, share with a spike
    waveform_r        REAL,              -- evoked and spontaneous mean waveforms; NULL: none came
    suggestion        INTEGER,           -- 1 looks tagged, 0 does not, NULL too little to say
    reasons           TEXT NOT NULL,     -- JSON
    seq               INTEGER NOT NULL
) WITHOUT ROWID;

-- Every word that a person said on whether a unit is tagged; the newest of a unit counts.
CREATE TABLE tag_confirmations (
    unit     TEXT NOT NULL,
    tagged   INTEGER NOT NULL,           -- 1: it is
    said_by  TEXT NOT NULL,
    board_us INTEGER,                    -- board time of the session in which it was said
    note     TEXT NOT NULL,
    source   TEXT NOT NULL,              -- where it was said before: a session file, the rig file; else empty
    seq      INTEGER NOT NULL
);

-- How the clocks of streams and devices stood against the board's, every five seconds.
CREATE TABLE clocks (
    board_us    INTEGER NOT NULL,
    device      TEXT NOT NULL,
    source      TEXT NOT NULL,           -- sync line, barcodes, host stamps
    verdict     TEXT NOT NULL,           -- ok, poor, lost
    reason      TEXT NOT NULL,           -- what is wrong
    residual_us REAL,                    -- how far the newest pulse lay from where it was expected
    scatter_us  REAL,
    interval_us REAL,                    -- times are right to plus or minus this
    ppm         REAL,                    -- how much faster than stated the device's clock runs
    pulses      INTEGER NOT NULL,        -- in use since the clock locked
    missed      REAL NOT NULL,           -- share of the newest pulses that the device did not see
    age_s       REAL,                    -- since the newest pulse that both saw
    seq         INTEGER NOT NULL
);
CREATE INDEX clocks_by_device ON clocks (device, board_us);

-- Units that appeared on their stream, or vanished from it.
CREATE TABLE unit_presence (
    unit     TEXT NOT NULL,
    there    INTEGER NOT NULL,           -- 1: appeared, 0: vanished
    again    INTEGER NOT NULL,           -- 1: appeared after it had vanished
    silent_s REAL,                       -- for how long, when it was told to have vanished
    board_us INTEGER,                    -- of that spike, or of its last one; NULL: no clock then
    seq      INTEGER NOT NULL
);

-- What Harp devices beside the board told: answers to writes, and the events that the rig file names.
CREATE TABLE harp_events (
    board_us INTEGER,                    -- NULL: the device's clock was not known then
    device   TEXT NOT NULL,
    register TEXT NOT NULL,
    harp_us  INTEGER NOT NULL,           -- the device's own clock
    asked    INTEGER NOT NULL,           -- 1: it answers a write, 0: sent by the device itself
    value    TEXT NOT NULL,              -- JSON, in the words of its device.yml
    seq      INTEGER NOT NULL
);
CREATE INDEX harp_events_by_register ON harp_events (device, register, harp_us);

-- What each fibre said about an event: the light of a population, never of a unit.
CREATE TABLE fibre_responses (
    trial        INTEGER NOT NULL,
    source       TEXT NOT NULL,
    fibre        TEXT NOT NULL,
    aligned_to   TEXT NOT NULL,          -- reward or cue
    dff          REAL,                   -- mean dF/F after the event minus before; a fraction, 0.01 is 1 %
    baseline_dff REAL,                   -- that before
    lost         INTEGER NOT NULL,       -- samples that were lost in the two windows, and bridged
    missing      TEXT,                   -- why dff is NULL
    seq          INTEGER NOT NULL,
    PRIMARY KEY (trial, source, fibre, aligned_to)
) WITHOUT ROWID;

-- Everything the world was told and may look up again, in order (the 'state' channel is not kept).
CREATE TABLE documents (
    id       INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL,           -- the input it followed from; -1: the session's start
    schema   TEXT NOT NULL,
    document TEXT NOT NULL               -- JSON
);
CREATE INDEX documents_by_schema ON documents (schema, seq);
"""

DERIVED: Final = (
    "trials",
    "events",
    "responses",
    "cue_responses",
    "estimates",
    "tags",
    "tag_confirmations",
    "clocks",
    "unit_presence",
    "harp_events",
    "fibre_responses",
    "documents",
)
"""The tables that a replay can rebuild. A file that was written before one of them existed has it not."""


def insert_inputs(rows: int) -> str:
    """Return the statement that inserts `rows` input records at once."""
    one = "(" + ",".join("?" * INPUT_COLUMNS) + ")"
    return "INSERT INTO inputs VALUES " + ",".join([one] * rows)
