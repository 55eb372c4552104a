-- When nothing counts: for a miner, or for everybody where its name is empty.
CREATE TABLE probe_rests (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    miner TEXT NOT NULL,
    begins BIGINT NOT NULL,
    ends BIGINT NOT NULL CHECK (ends > begins),
    why TEXT NOT NULL,
    said BIGINT NOT NULL,
    statement TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (network, race, miner, begins, why)
) WITHOUT ROWID;

CREATE INDEX probe_rests_end ON probe_rests (network, race, ends);

-- The settings that a race began with.
CREATE TABLE probe_races (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    document TEXT NOT NULL,
    commitment TEXT NOT NULL,
    pinned BIGINT NOT NULL,
    PRIMARY KEY (network, race)
) WITHOUT ROWID;

-- What miners were last seen to run.
CREATE TABLE probe_agents (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    miner TEXT NOT NULL,
    kind TEXT NOT NULL,
    agent TEXT NOT NULL,
    protocols TEXT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (network, race, miner, kind)
) WITHOUT ROWID;

-- How many attempts there were, by how they ended.
CREATE TABLE probe_attempt_counts (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    kind TEXT NOT NULL,
    miner TEXT NOT NULL,
    region TEXT NOT NULL,
    bot TEXT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (network, race, kind, miner, region, bot, code)
) WITHOUT ROWID;

INSERT INTO probe_attempt_counts (network, race, kind, miner, region, bot, code, count)
SELECT network, race, kind, miner, region, bot, code, COUNT(*) FROM probe_attempts
GROUP BY network, race, kind, miner, region, bot, code;

-- Slots that wait are looked at again when it is time, so that those who wait long are in nobody's way.
ALTER TABLE probe_slots ADD COLUMN look_at BIGINT NOT NULL DEFAULT 0;

DROP INDEX probe_slots_unjudged;

CREATE INDEX probe_slots_unjudged ON probe_slots (network, race, look_at) WHERE outcome IS NULL;
