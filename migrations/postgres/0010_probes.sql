-- The slot at hand of each miner and kind, and who tries it. One row is one lease at most.
CREATE TABLE probe_lanes (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    due BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    anywhere BIGINT NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    avoid_first TEXT COLLATE "C" NOT NULL,
    avoid_second TEXT COLLATE "C" NOT NULL,
    fence BIGINT NOT NULL CHECK (fence >= 0),
    bot TEXT COLLATE "C",
    since BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    checkpoint BYTEA NOT NULL,
    PRIMARY KEY (network, race, kind, miner)
) WITH (fillfactor = 50);

CREATE INDEX probe_lanes_free ON probe_lanes (network, race, due, kind, miner) WHERE bot IS NULL;

CREATE INDEX probe_lanes_leased ON probe_lanes (network, race, expires) WHERE bot IS NOT NULL;

-- Attempts that are over, with what their bots said of them.
CREATE TABLE probe_attempts (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    attempt BIGINT NOT NULL CHECK (attempt >= 1),
    fence BIGINT NOT NULL,
    bot TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    leased BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    cid TEXT,
    record BYTEA,
    signature BYTEA,
    late_cid TEXT,
    late_record BYTEA,
    late_signature BYTEA,
    batch BIGINT,
    PRIMARY KEY (network, race, kind, miner, slot, attempt)
);

CREATE INDEX probe_attempts_ended ON probe_attempts (network, race, ended);

CREATE INDEX probe_attempts_unlogged ON probe_attempts (network, race, ended) WHERE batch IS NULL AND cid IS NOT NULL;

CREATE INDEX probe_attempts_logged ON probe_attempts (network, race, batch) WHERE batch IS NOT NULL;

-- Slots that are not tried any more, and what became of them.
CREATE TABLE probe_slots (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    due BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    outcome TEXT,
    code TEXT COLLATE "C" NOT NULL,
    judged BIGINT,
    epoch BIGINT,
    PRIMARY KEY (network, race, kind, miner, slot)
);

CREATE INDEX probe_slots_unjudged ON probe_slots (network, race, ended) WHERE outcome IS NULL;

-- How many slots have one outcome from an epoch on.
CREATE TABLE probe_counts (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (network, race, kind, miner, outcome, code, epoch)
);

-- Probes of the organiser's own provider.
CREATE TABLE probe_canaries (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    bot TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network, race, bot, at)
);

-- The log of evidence.
CREATE TABLE probe_batches (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL CHECK (seq >= 0),
    prev TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    document BYTEA NOT NULL,
    PRIMARY KEY (network, race, seq)
);
