-- Grants of a network in order. With the faucet in front the planner, while it has no statistics, took this index for the other one, and read every
-- grant of a faucet to find those that were asked for.
DROP INDEX grants_in_order;

CREATE INDEX grants_in_order ON grants (network, created, id);

-- Grants that were given back: their payments are looked at for as long as they may still be paid.
CREATE INDEX grants_given_back ON grants (network, faucet) WHERE refunded IS NOT NULL;
