-- Packages that were imported, as they came.
CREATE TABLE archives (
    competition TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    root TEXT NOT NULL,
    bytes BYTEA NOT NULL
);
