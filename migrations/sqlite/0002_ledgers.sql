-- What people did to each competition. Rows are added at the end and never changed or removed.
CREATE TABLE entries (
    competition TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (competition, seq)
) WITHOUT ROWID;
