-- What was done with money, and to those who may touch it. Rows are added at the end and never changed or removed; each has the hash of the one
-- before.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    document TEXT NOT NULL
);

-- The newest of them, in one row: who appends holds it.
CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
