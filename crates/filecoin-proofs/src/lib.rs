//! SNARK verification of Filecoin proofs.
