-- When nothing counts: for a miner, or for everybody where its name is empty.
CREATE TABLE probe_rests (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    begins BIGINT NOT NULL,
    ends BIGINT NOT NULL CHECK (ends > begins),
    why TEXT COLLATE "C" NOT NULL,
    said BIGINT NOT NULL,
    statement TEXT COLLATE "C" NOT NULL,
    signature TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (network, race, miner, begins, why)
);

CREATE INDEX probe_rests_end ON probe_rests (network, race, ends);

-- The settings that a race began with.
CREATE TABLE probe_races (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    commitment TEXT COLLATE "C" NOT NULL,
    pinned BIGINT NOT NULL,
    PRIMARY KEY (network, race)
);

-- What miners were last seen to run.
CREATE TABLE probe_agents (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    protocols TEXT COLLATE "C" NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (network, race, miner, kind)
);

-- How many attempts there were, by how they ended.
CREATE TABLE probe_attempt_counts (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    bot TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (network, race, kind, miner, region, bot, code)
);

INSERT INTO probe_attempt_counts (network, race, kind, miner, region, bot, code, count)
SELECT network, race, kind, miner, region, bot, code, COUNT(*) FROM probe_attempts
GROUP BY network, race, kind, miner, region, bot, code;

-- Slots that wait are looked at again when it is time, so that those who wait long are in nobody's way.
ALTER TABLE probe_slots ADD COLUMN look_at BIGINT NOT NULL DEFAULT 0;

DROP INDEX probe_slots_unjudged;

CREATE INDEX probe_slots_unjudged ON probe_slots (network, race, look_at) WHERE outcome IS NULL;
