-- The slot at hand of each miner and kind, and who tries it. One row is one lease at most.
CREATE TABLE probe_lanes (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    kind TEXT NOT NULL,
    miner TEXT NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    due BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    region TEXT NOT NULL,
    anywhere BIGINT NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    avoid_first TEXT NOT NULL,
    avoid_second TEXT NOT NULL,
    fence BIGINT NOT NULL CHECK (fence >= 0),
    bot TEXT,
    since BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    stage TEXT NOT NULL,
    checkpoint BLOB NOT NULL,
    PRIMARY KEY (network, race, kind, miner)
) WITHOUT ROWID;

CREATE INDEX probe_lanes_free ON probe_lanes (network, race, due, kind, miner) WHERE bot IS NULL;

CREATE INDEX probe_lanes_leased ON probe_lanes (network, race, expires) WHERE bot IS NOT NULL;

-- Attempts that are over, with what their bots said of them.
CREATE TABLE probe_attempts (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    kind TEXT NOT NULL,
    miner TEXT NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    fence BIGINT NOT NULL,
    bot TEXT NOT NULL,
    region TEXT NOT NULL,
    leased BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    code TEXT NOT NULL,
    cid TEXT,
    record BLOB,
    signature BLOB,
    late_cid TEXT,
    late_record BLOB,
    late_signature BLOB,
    batch BIGINT,
    PRIMARY KEY (network, race, kind, miner, slot, attempt)
);

CREATE INDEX probe_attempts_ended ON probe_attempts (network, race, ended);

CREATE INDEX probe_attempts_unlogged ON probe_attempts (network, race, ended) WHERE batch IS NULL AND cid IS NOT NULL;

CREATE INDEX probe_attempts_logged ON probe_attempts (network, race, batch) WHERE batch IS NOT NULL;

-- Slots that are not tried any more, and what became of them.
CREATE TABLE probe_slots (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    kind TEXT NOT NULL,
    miner TEXT NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    due BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    outcome TEXT,
    code TEXT NOT NULL,
    judged BIGINT,
    epoch BIGINT,
    PRIMARY KEY (network, race, kind, miner, slot)
) WITHOUT ROWID;

CREATE INDEX probe_slots_unjudged ON probe_slots (network, race, ended) WHERE outcome IS NULL;

-- How many slots have one outcome from an epoch on.
CREATE TABLE probe_counts (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    kind TEXT NOT NULL,
    miner TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (network, race, kind, miner, outcome, code, epoch)
) WITHOUT ROWID;

-- Probes of the organiser's own provider.
CREATE TABLE probe_canaries (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    bot TEXT NOT NULL,
    at BIGINT NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (network, race, bot, at)
) WITHOUT ROWID;

-- The log of evidence.
CREATE TABLE probe_batches (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 0),
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (network, race, seq)
);
