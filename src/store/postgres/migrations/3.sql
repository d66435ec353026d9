-- What machines have to know of the files that others wrote.

-- A line of a ledger, as text. One row for each content of a path.
CREATE TABLE ferry.output (
    path text NOT NULL, hash text NOT NULL, line text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (path, hash)
);
CREATE INDEX output_by_hash ON ferry.output (hash);

-- What the last export of a work wrote. A name stands for the parts with its hash.
CREATE TABLE ferry.file (name text PRIMARY KEY, len bigint NOT NULL, hash text NOT NULL);
CREATE TABLE ferry.file_part (
    name text NOT NULL, hash text NOT NULL, part integer NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (name, hash, part)
);

-- By which runs are asked for, because a night of a thousand tenants leaves a thousand of them.
ALTER TABLE ferry.run_record ADD COLUMN work text NOT NULL DEFAULT '', ADD COLUMN command text NOT NULL DEFAULT '';
UPDATE ferry.run_record SET work = coalesce(record::jsonb ->> 'work', ''), command = coalesce(record::jsonb ->> 'command', '');
CREATE INDEX run_record_by_work ON ferry.run_record (work);
CREATE INDEX run_record_by_command ON ferry.run_record (command) WHERE command = 'undo';
