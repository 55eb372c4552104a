-- What hands out money. The row is held by whoever decides what it grants.
CREATE TABLE faucets (
    network TEXT COLLATE "C" NOT NULL,
    faucet TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    reason TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    policy_version BIGINT NOT NULL,
    policy_digest TEXT NOT NULL,
    counted_day BIGINT NOT NULL,
    day_grants BIGINT NOT NULL CHECK (day_grants >= 0),
    day_amount NUMERIC(39, 0) NOT NULL CHECK (day_amount >= 0),
    full_at BIGINT NOT NULL,
    PRIMARY KEY (network, faucet)
) WITH (fillfactor = 50);

-- The text of every policy that a faucet ever had.
CREATE TABLE faucet_policies (
    network TEXT COLLATE "C" NOT NULL,
    faucet TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    digest TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (network, faucet, version)
);

-- What was granted. Its payment is 'grant/' and the id.
CREATE TABLE grants (
    network TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    faucet TEXT COLLATE "C" NOT NULL,
    identity TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    given TEXT NOT NULL,
    amount NUMERIC(39, 0) NOT NULL CHECK (amount > 0),
    tier TEXT NOT NULL,
    policy_version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    asked_as TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    charged TEXT NOT NULL,
    refunded BIGINT,
    PRIMARY KEY (network, id),
    UNIQUE (network, faucet, identity, asked_as)
);

CREATE INDEX grants_in_order ON grants (network, faucet, created, id);

-- What a grant counts under, newest charges of a key beside each other.
CREATE TABLE charges (
    network TEXT COLLATE "C" NOT NULL,
    faucet TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    grant_id TEXT COLLATE "C" NOT NULL,
    amount NUMERIC(39, 0) NOT NULL CHECK (amount >= 0),
    refunded BIGINT,
    PRIMARY KEY (network, faucet, scope, key, at, grant_id)
);

-- What operators put down about identities, actors and networks.
CREATE TABLE faucet_entries (
    network TEXT COLLATE "C" NOT NULL,
    faucet TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    denies BIGINT NOT NULL CHECK (denies IN (0, 1)),
    lifts TEXT NOT NULL,
    until BIGINT,
    reason TEXT NOT NULL,
    put_by TEXT NOT NULL,
    put_at BIGINT NOT NULL,
    PRIMARY KEY (network, faucet, scope, key, denies)
);

-- Messages whose gas may be paid back, with what was decided. One row a message, for ever.
CREATE TABLE reimbursables (
    network TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    faucet TEXT COLLATE "C" NOT NULL,
    miner TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    method BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    sectors TEXT NOT NULL,
    gas_used BIGINT NOT NULL,
    base_fee NUMERIC(39, 0) NOT NULL CHECK (base_fee >= 0),
    burn NUMERIC(39, 0) NOT NULL CHECK (burn >= 0),
    refund NUMERIC(39, 0) NOT NULL CHECK (refund >= 0),
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    payment TEXT COLLATE "C",
    PRIMARY KEY (network, message)
);

CREATE INDEX reimbursables_by_state ON reimbursables (network, faucet, state, epoch, message);

CREATE INDEX reimbursables_in_order ON reimbursables (network, faucet, epoch, message);
