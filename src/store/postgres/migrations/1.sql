-- Version 1. Ids and remembered values are bytes, because a text of PostgreSQL cannot hold every character.
-- A text of a version is never changed once it is released: its checksum is compared.

-- Fails with a state of Ferry's own where something does not hold, so that the rest of the transaction is refused.
CREATE FUNCTION ferry.demand(holds boolean, state text, message text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
    END IF;
END $$;

-- What makes the commands that are stored here known as written through this database.
CREATE TABLE ferry.store (one boolean PRIMARY KEY DEFAULT true CHECK (one), id uuid NOT NULL DEFAULT gen_random_uuid());
INSERT INTO ferry.store DEFAULT VALUES;

-- An account with its lease. Nothing that changes has an index, so that an update stays on its page.
CREATE TABLE ferry.account (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    token bigint NOT NULL DEFAULT 0,
    holder uuid,
    holder_name text,
    group_no bigint NOT NULL DEFAULT 0,
    turn bigint NOT NULL DEFAULT 0,
    renewed_at timestamptz,
    lease_until timestamptz,
    -- When the lease before this one ended.
    before_until timestamptz
) WITH (fillfactor = 50);

-- Apart from the account, because processes that only read must not wait for one that writes.
CREATE TABLE ferry.rate (
    key text PRIMARY KEY,
    tat timestamptz NOT NULL DEFAULT '-infinity',
    not_before timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- `earlier`: entries up to this number are those of earlier passes.
CREATE TABLE ferry.run (
    account integer NOT NULL, no integer NOT NULL, name text NOT NULL, work text NOT NULL, command text NOT NULL,
    done boolean NOT NULL DEFAULT false, pass integer NOT NULL DEFAULT 0, earlier bigint NOT NULL DEFAULT 0,
    info text NOT NULL, seal bigint NOT NULL,
    PRIMARY KEY (account, no), UNIQUE (account, name)
);

CREATE TABLE ferry.turn (
    account integer NOT NULL, run integer NOT NULL, first bigint NOT NULL, last bigint NOT NULL, how text,
    seal bigint NOT NULL,
    PRIMARY KEY (account, run)
);

-- `place_seal` covers where the record was read (ordinal, line, pass), which changes alone when an entry is carried over.
-- `hidden`: a later entry of the same key was removed.
CREATE TABLE ferry.entry (
    account integer NOT NULL, run integer NOT NULL, no bigint NOT NULL, key bytea NOT NULL, ordinal bigint NOT NULL,
    line bigint NOT NULL, pass integer NOT NULL, outcome smallint NOT NULL, hidden boolean NOT NULL DEFAULT false,
    target_id bytea, detail text, seal bigint NOT NULL, place_seal bigint NOT NULL,
    PRIMARY KEY (account, run, no)
);
-- Of an expression, so that a search for a key never goes through the primary key, which the planner takes for as good while
-- it knows nothing of the table.
CREATE INDEX entry_by_key ON ferry.entry (((account::bigint << 32) | run), key, no);
CREATE INDEX entry_hidden ON ferry.entry (account, run) WHERE hidden;

-- Small and busy: a row is added and removed once a contact.
CREATE TABLE ferry.intent (
    account integer NOT NULL, run integer NOT NULL, key bytea NOT NULL, entry bigint, kind smallint NOT NULL,
    ordinal bigint NOT NULL, line bigint NOT NULL, at_ms bigint NOT NULL, attempt integer NOT NULL, begun bigint NOT NULL,
    target_id bytea, identities text NOT NULL, image bigint, made text, seal bigint NOT NULL,
    PRIMARY KEY (account, run, key)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

CREATE TABLE ferry.image (
    account integer NOT NULL, run integer NOT NULL, no bigint NOT NULL, data bytea NOT NULL, seal bigint NOT NULL,
    PRIMARY KEY (account, run, no)
);

CREATE TABLE ferry.note (
    account integer NOT NULL, run integer NOT NULL, pass integer NOT NULL, ordinal bigint NOT NULL, line bigint NOT NULL,
    outcome smallint NOT NULL, duplicate_of bigint, detail text, seal bigint NOT NULL,
    PRIMARY KEY (account, run, pass, ordinal)
);

-- In partitions from the start, because a table of this size cannot be divided later.
CREATE TABLE ferry.link (
    account integer NOT NULL, key bytea NOT NULL, target_id bytea NOT NULL, seal bigint NOT NULL,
    PRIMARY KEY (account, key)
) PARTITION BY HASH (account);
DO $$ BEGIN
    FOR part IN 0..63 LOOP
        EXECUTE format('CREATE TABLE ferry.link_%s PARTITION OF ferry.link FOR VALUES WITH (MODULUS 64, REMAINDER %s)', part, part);
    END LOOP;
END $$;

CREATE TABLE ferry.memory (
    account integer NOT NULL, name bytea NOT NULL, value bytea NOT NULL,
    PRIMARY KEY (account, name)
);

-- Runs with the files of their folders: what `ferry runs` lists, their receipts and their rejects.
CREATE TABLE ferry.run_record (
    name text PRIMARY KEY, started_ms bigint NOT NULL, alive_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    record text NOT NULL
);
CREATE INDEX run_record_by_start ON ferry.run_record (started_ms);

CREATE TABLE ferry.run_file (
    run text NOT NULL, file text NOT NULL, part integer NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (run, file, part)
);

CREATE TABLE ferry.removed_run (
    name text PRIMARY KEY, day text NOT NULL, rejects bigint NOT NULL
);
