-- What hands out money. The row is held by whoever decides what it grants.
CREATE TABLE faucets (
    network TEXT NOT NULL,
    faucet TEXT NOT NULL,
    wallet TEXT NOT NULL,
    enabled BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    reason TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    policy_version BIGINT NOT NULL,
    policy_digest TEXT NOT NULL,
    counted_day BIGINT NOT NULL,
    day_grants BIGINT NOT NULL CHECK (day_grants >= 0),
    day_amount TEXT NOT NULL CHECK (length(day_amount) = 39),
    full_at BIGINT NOT NULL,
    PRIMARY KEY (network, faucet)
) WITHOUT ROWID;

-- The text of every policy that a faucet ever had.
CREATE TABLE faucet_policies (
    network TEXT NOT NULL,
    faucet TEXT NOT NULL,
    version BIGINT NOT NULL,
    digest TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (network, faucet, version)
) WITHOUT ROWID;

-- What was granted. Its payment is 'grant/' and the id.
CREATE TABLE grants (
    network TEXT NOT NULL,
    id TEXT NOT NULL,
    faucet TEXT NOT NULL,
    identity TEXT NOT NULL,
    actor TEXT NOT NULL,
    given TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (length(amount) = 39),
    tier TEXT NOT NULL,
    policy_version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    asked_as TEXT NOT NULL,
    body TEXT NOT NULL,
    charged TEXT NOT NULL,
    refunded BIGINT,
    PRIMARY KEY (network, id),
    UNIQUE (network, faucet, identity, asked_as)
) WITHOUT ROWID;

CREATE INDEX grants_in_order ON grants (network, faucet, created, id);

-- What a grant counts under, newest charges of a key beside each other.
CREATE TABLE charges (
    network TEXT NOT NULL,
    faucet TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    at BIGINT NOT NULL,
    grant_id TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (length(amount) = 39),
    refunded BIGINT,
    PRIMARY KEY (network, faucet, scope, key, at, grant_id)
) WITHOUT ROWID;

-- What operators put down about identities, actors and networks.
CREATE TABLE faucet_entries (
    network TEXT NOT NULL,
    faucet TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    denies BIGINT NOT NULL CHECK (denies IN (0, 1)),
    lifts TEXT NOT NULL,
    until BIGINT,
    reason TEXT NOT NULL,
    put_by TEXT NOT NULL,
    put_at BIGINT NOT NULL,
    PRIMARY KEY (network, faucet, scope, key, denies)
) WITHOUT ROWID;

-- Messages whose gas may be paid back, with what was decided. One row a message, for ever.
CREATE TABLE reimbursables (
    network TEXT NOT NULL,
    message TEXT NOT NULL,
    faucet TEXT NOT NULL,
    miner TEXT NOT NULL,
    owner TEXT NOT NULL,
    sender TEXT NOT NULL,
    method BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    sectors TEXT NOT NULL,
    gas_used BIGINT NOT NULL,
    base_fee TEXT NOT NULL CHECK (length(base_fee) = 39),
    burn TEXT NOT NULL CHECK (length(burn) = 39),
    refund TEXT NOT NULL CHECK (length(refund) = 39),
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    payment TEXT,
    PRIMARY KEY (network, message)
) WITHOUT ROWID;

CREATE INDEX reimbursables_by_state ON reimbursables (network, faucet, state, epoch, message);

CREATE INDEX reimbursables_in_order ON reimbursables (network, faucet, epoch, message);
