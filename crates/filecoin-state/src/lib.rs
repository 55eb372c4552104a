//! Reads Filecoin actor state by CID, actors v1 to v19.
