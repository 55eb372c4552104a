-- What the log says, one entry after the other: each is written together with the fact that it tells of.
CREATE TABLE probe_entries (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number > 0),
    document BLOB NOT NULL,
    PRIMARY KEY (network, race, number)
) WITHOUT ROWID;

-- How many entries a log has. Whoever adds one holds this row, so that numbers have no gaps and are in the order of commits.
CREATE TABLE probe_logs (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    entries BIGINT NOT NULL CHECK (entries > 0),
    PRIMARY KEY (network, race)
) WITHOUT ROWID;

-- Facts know their entry; 0 where they are older than the log.
DROP INDEX probe_attempts_unlogged;

DROP INDEX probe_attempts_logged;

ALTER TABLE probe_attempts DROP COLUMN batch;

ALTER TABLE probe_attempts ADD COLUMN entry BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probe_attempts ADD COLUMN late_entry BIGINT;

CREATE INDEX probe_attempts_entry ON probe_attempts (network, race, entry);

CREATE INDEX probe_attempts_late_entry ON probe_attempts (network, race, late_entry) WHERE late_entry IS NOT NULL;

ALTER TABLE probe_canaries ADD COLUMN entry BIGINT NOT NULL DEFAULT 0;

ALTER TABLE probe_canaries ADD COLUMN record BLOB;

CREATE INDEX probe_canaries_entry ON probe_canaries (network, race, entry);

ALTER TABLE probe_rests ADD COLUMN entry BIGINT NOT NULL DEFAULT 0;

-- Batches of before hold records and nothing else, and nobody signed them: they are no beginning of this log. Their records stay with the attempts.
DROP TABLE probe_batches;

CREATE TABLE probe_batches (
    network TEXT NOT NULL,
    race TEXT NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0),
    hash TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    last BIGINT NOT NULL,
    document BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (network, race, seq)
);
