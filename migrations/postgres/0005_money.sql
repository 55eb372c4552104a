-- Keys that hold money, and who may write for them.
CREATE TABLE wallets (
    network TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    next_nonce BIGINT NOT NULL CHECK (next_nonce >= 0),
    mode TEXT NOT NULL,
    reason TEXT NOT NULL,
    lease_owner TEXT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (network, wallet),
    UNIQUE (network, address)
);

-- Up to where a wallet's messages are booked, newest and older: a fork below finality goes back to one of them.
CREATE TABLE marks (
    network TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    tipset TEXT NOT NULL,
    nonce BIGINT NOT NULL,
    balance NUMERIC(39, 0) NOT NULL CHECK (balance >= 0),
    PRIMARY KEY (network, wallet, epoch)
);

-- What is owed. A payment is named by where it comes from, so that nothing is owed twice.
CREATE TABLE payments (
    network TEXT COLLATE "C" NOT NULL,
    payment TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    payee TEXT NOT NULL,
    amount NUMERIC(39, 0) NOT NULL CHECK (amount > 0),
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (network, payment)
);

CREATE INDEX payments_in_order ON payments (network, wallet, state, created, payment);

-- One row a nonce.
CREATE TABLE transfers (
    network TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    nonce BIGINT NOT NULL CHECK (nonce >= 0),
    payment TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reopened BIGINT NOT NULL,
    included_epoch BIGINT,
    included_tipset TEXT,
    message TEXT,
    exit_code BIGINT,
    cost NUMERIC(39, 0) CHECK (cost >= 0),
    PRIMARY KEY (network, wallet, nonce)
);

-- A payment has one transfer that may pay it, and no other one.
CREATE UNIQUE INDEX transfers_that_may_pay ON transfers (network, payment)
WHERE state NOT IN ('failed_final', 'cancelled_final', 'superseded_final');

CREATE INDEX transfers_of_payments ON transfers (network, payment);

CREATE INDEX transfers_under_way ON transfers (network, wallet, nonce)
WHERE state NOT IN ('final', 'failed_final', 'cancelled_final', 'superseded_final');

-- Every signed message, stored before it is sent and never removed.
CREATE TABLE attempts (
    network TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    nonce BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    fee NUMERIC(39, 0) NOT NULL CHECK (fee >= 0),
    fee_cap NUMERIC(39, 0) NOT NULL CHECK (fee_cap >= 0),
    premium NUMERIC(39, 0) NOT NULL CHECK (premium >= 0),
    created BIGINT NOT NULL,
    first_sent BIGINT,
    last_sent BIGINT,
    outcome TEXT NOT NULL,
    PRIMARY KEY (network, wallet, nonce, number),
    UNIQUE (network, message)
);

-- What was signed on a day.
CREATE TABLE spends (
    network TEXT COLLATE "C" NOT NULL,
    wallet TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    value NUMERIC(39, 0) NOT NULL CHECK (value >= 0),
    fees NUMERIC(39, 0) NOT NULL CHECK (fees >= 0),
    PRIMARY KEY (network, wallet, day)
);

-- The ledger: each row takes an amount from one account to another, so that the sum over all accounts is nothing.
CREATE TABLE postings (
    network TEXT COLLATE "C" NOT NULL,
    posting TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount NUMERIC(39, 0) NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (network, posting)
);

CREATE INDEX postings_in_order ON postings (network, at, posting);
