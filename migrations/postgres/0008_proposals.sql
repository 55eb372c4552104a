-- A wallet that does not pay itself, but proposes what a multisig is to pay; and the number that a proposal got.
ALTER TABLE wallets ADD COLUMN proposes_for TEXT COLLATE "C";
ALTER TABLE transfers ADD COLUMN proposal BIGINT CHECK (proposal >= 0);
