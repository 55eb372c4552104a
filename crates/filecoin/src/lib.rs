//! Filecoin: chain data, node client and consensus verification.
