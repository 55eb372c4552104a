-- Deals that are offered in slots of storage: written before they are sent.
CREATE TABLE probe_deals (
    network TEXT COLLATE "C" NOT NULL,
    race TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL CHECK (slot >= 0),
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    payload BIGINT NOT NULL CHECK (payload > 0),
    size BIGINT NOT NULL CHECK (size > 0),
    root TEXT COLLATE "C" NOT NULL,
    piece TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    document BYTEA NOT NULL,
    made BIGINT NOT NULL,
    start BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    after BIGINT NOT NULL,
    fetched BIGINT NOT NULL,
    fetched_at BIGINT,
    deal BIGINT,
    published BIGINT,
    active BIGINT,
    slashed BIGINT,
    closed BIGINT NOT NULL CHECK (closed IN (0, 1)),
    PRIMARY KEY (network, race, kind, miner, slot)
);

CREATE INDEX probe_deals_open ON probe_deals (network, race, start, id) WHERE closed = 0;

CREATE INDEX probe_attempts_data_away ON probe_attempts (network, race, ended) WHERE code = 'BOT_SERVER_UNREACHABLE';
