-- What votes say, counted again from a copy of a node's state, by what was counted. What was decided about it.
CREATE TABLE recounts (
    network TEXT NOT NULL,
    input TEXT NOT NULL,
    first_layer BIGINT NOT NULL,
    last_layer BIGINT NOT NULL,
    verified BIGINT NOT NULL,
    opinion TEXT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (network, input)
);
