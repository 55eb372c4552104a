-- Who signs in. A row stays for ever: money that was paid names it.
CREATE TABLE identities (
    identity_id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    handle TEXT NOT NULL,
    kind TEXT NOT NULL,
    account_created BIGINT,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    -- Why it may do nothing; NULL where it may.
    blocked TEXT,
    UNIQUE (provider, subject)
);

CREATE TABLE roles (
    identity_id BIGINT NOT NULL REFERENCES identities (identity_id),
    role TEXT NOT NULL,
    granted BIGINT NOT NULL,
    granted_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (identity_id, role)
) WITHOUT ROWID;

-- Of keys, codes and cookies only SHA-256 is kept.
CREATE TABLE api_keys (
    digest TEXT NOT NULL PRIMARY KEY,
    identity_id BIGINT NOT NULL REFERENCES identities (identity_id),
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT
) WITHOUT ROWID;

CREATE INDEX api_keys_of ON api_keys (identity_id, created);

CREATE TABLE passkeys (
    credential BLOB NOT NULL PRIMARY KEY,
    identity_id BIGINT NOT NULL REFERENCES identities (identity_id),
    public_key BLOB NOT NULL,
    sign_count BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX passkeys_of ON passkeys (identity_id, created);

CREATE TABLE invites (
    digest TEXT NOT NULL PRIMARY KEY,
    note TEXT NOT NULL,
    uses BIGINT NOT NULL,
    used BIGINT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    identity_id BIGINT NOT NULL REFERENCES identities (identity_id),
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    step_up_until BIGINT
) WITHOUT ROWID;

CREATE INDEX sessions_of ON sessions (identity_id, created);

-- Sent to a provider and not back yet.
CREATE TABLE pending_signins (
    state TEXT NOT NULL PRIMARY KEY,
    browser TEXT NOT NULL,
    provider TEXT NOT NULL,
    verifier TEXT NOT NULL,
    nonce TEXT NOT NULL,
    next TEXT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;

-- Programs that ask to be let in. `decided` is 0 while nobody has; then `identity_id` says who let it in, NULL that it was denied.
CREATE TABLE device_signins (
    device TEXT NOT NULL PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    expires BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    decided BIGINT NOT NULL,
    identity_id BIGINT REFERENCES identities (identity_id)
) WITHOUT ROWID;

CREATE TABLE challenges (
    session TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL,
    purpose TEXT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
