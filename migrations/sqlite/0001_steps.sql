-- Whole numbers up to 2^128 - 1 are 39 digits with leading zeros: they sort and compare as numbers, and no affinity makes them inexact.
CREATE TABLE networks (
    network_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
);

CREATE TABLE cursors (
    network_id BIGINT NOT NULL PRIMARY KEY REFERENCES networks (network_id),
    -- Epochs up to this one are no longer journalled; -1 when all are.
    settled BIGINT NOT NULL,
    document TEXT NOT NULL
);

CREATE TABLE epochs (
    network_id BIGINT NOT NULL REFERENCES networks (network_id),
    epoch BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (network_id, epoch)
) WITHOUT ROWID;

CREATE TABLE series (
    series_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE subjects (
    subject_id INTEGER PRIMARY KEY,
    network_id BIGINT NOT NULL REFERENCES networks (network_id),
    name TEXT NOT NULL,
    UNIQUE (network_id, name)
);

-- Which subjects ever had a step of a series: a board looks each of them up instead of reading every step.
CREATE TABLE series_subjects (
    network_id BIGINT NOT NULL,
    series_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    PRIMARY KEY (network_id, series_id, subject_id)
) WITHOUT ROWID;

-- No foreign keys in the two large tables: the adapter takes the ids from the tables above in the same transaction.
CREATE TABLE steps (
    network_id BIGINT NOT NULL,
    series_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    -- NULL is unknown, which is not zero.
    value TEXT CHECK (length(value) = 39),
    PRIMARY KEY (network_id, series_id, subject_id, epoch)
) WITHOUT ROWID;

-- Which steps an applied epoch brought, for as long as it can be unwound.
CREATE TABLE journal (
    network_id BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    series_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (network_id, applied, series_id, subject_id, epoch)
) WITHOUT ROWID;

CREATE TABLE certificates (
    network_id BIGINT NOT NULL REFERENCES networks (network_id),
    instance BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    tipset TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (network_id, instance)
) WITHOUT ROWID;

CREATE TABLE objects (
    network_id BIGINT NOT NULL REFERENCES networks (network_id),
    cid BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (network_id, cid)
) WITHOUT ROWID;
