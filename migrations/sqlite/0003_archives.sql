-- Packages that were imported, as they came. With a row id, unlike the other tables: the list is read without the bytes.
CREATE TABLE archives (
    competition TEXT NOT NULL PRIMARY KEY,
    root TEXT NOT NULL,
    bytes BLOB NOT NULL
);
