-- Keys that hold money, and who may write for them.
CREATE TABLE wallets (
    network TEXT NOT NULL,
    wallet TEXT NOT NULL,
    address TEXT NOT NULL,
    next_nonce BIGINT NOT NULL CHECK (next_nonce >= 0),
    mode TEXT NOT NULL,
    reason TEXT NOT NULL,
    lease_owner TEXT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    PRIMARY KEY (network, wallet),
    UNIQUE (network, address)
) WITHOUT ROWID;

-- Up to where a wallet's messages are booked, newest and older: a fork below finality goes back to one of them.
CREATE TABLE marks (
    network TEXT NOT NULL,
    wallet TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    tipset TEXT NOT NULL,
    nonce BIGINT NOT NULL,
    balance TEXT NOT NULL CHECK (length(balance) = 39),
    PRIMARY KEY (network, wallet, epoch)
) WITHOUT ROWID;

-- What is owed. A payment is named by where it comes from, so that nothing is owed twice.
CREATE TABLE payments (
    network TEXT NOT NULL,
    payment TEXT NOT NULL,
    wallet TEXT NOT NULL,
    payee TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (length(amount) = 39 AND amount > '000000000000000000000000000000000000000'),
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (network, payment)
) WITHOUT ROWID;

CREATE INDEX payments_in_order ON payments (network, wallet, state, created, payment);

-- One row a nonce.
CREATE TABLE transfers (
    network TEXT NOT NULL,
    wallet TEXT NOT NULL,
    nonce BIGINT NOT NULL CHECK (nonce >= 0),
    payment TEXT NOT NULL,
    state TEXT NOT NULL,
    reopened BIGINT NOT NULL,
    included_epoch BIGINT,
    included_tipset TEXT,
    message TEXT,
    exit_code BIGINT,
    cost TEXT CHECK (length(cost) = 39),
    PRIMARY KEY (network, wallet, nonce)
) WITHOUT ROWID;

-- A payment has one transfer that may pay it, and no other one.
CREATE UNIQUE INDEX transfers_that_may_pay ON transfers (network, payment)
WHERE state NOT IN ('failed_final', 'cancelled_final', 'superseded_final');

CREATE INDEX transfers_of_payments ON transfers (network, payment);

CREATE INDEX transfers_under_way ON transfers (network, wallet, nonce)
WHERE state NOT IN ('final', 'failed_final', 'cancelled_final', 'superseded_final');

-- Every signed message, stored before it is sent and never removed.
CREATE TABLE attempts (
    network TEXT NOT NULL,
    wallet TEXT NOT NULL,
    nonce BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    bytes BLOB NOT NULL,
    fee TEXT NOT NULL CHECK (length(fee) = 39),
    fee_cap TEXT NOT NULL CHECK (length(fee_cap) = 39),
    premium TEXT NOT NULL CHECK (length(premium) = 39),
    created BIGINT NOT NULL,
    first_sent BIGINT,
    last_sent BIGINT,
    outcome TEXT NOT NULL,
    PRIMARY KEY (network, wallet, nonce, number),
    UNIQUE (network, message)
);

-- What was signed on a day.
CREATE TABLE spends (
    network TEXT NOT NULL,
    wallet TEXT NOT NULL,
    day BIGINT NOT NULL,
    value TEXT NOT NULL CHECK (length(value) = 39),
    fees TEXT NOT NULL CHECK (length(fees) = 39),
    PRIMARY KEY (network, wallet, day)
) WITHOUT ROWID;

-- The ledger: each row takes an amount from one account to another, so that the sum over all accounts is nothing.
CREATE TABLE postings (
    network TEXT NOT NULL,
    posting TEXT NOT NULL,
    at BIGINT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (length(amount) = 39),
    PRIMARY KEY (network, posting)
) WITHOUT ROWID;

CREATE INDEX postings_in_order ON postings (network, at, posting);
