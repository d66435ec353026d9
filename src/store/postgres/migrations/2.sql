-- Jobs of `ferry worker`: what is to be done and when, which worker does it, and how it ended. A row is the truth about
-- its job; the queue of the library only hands out names. Only the clock of the database decides.

CREATE TABLE ferry.job (
    name text PRIMARY KEY,
    command text NOT NULL,
    -- What it works on; no two jobs work on one account at a time.
    accounts text[] NOT NULL,
    -- The hash of its definition.
    definition text NOT NULL,
    -- No longer defined: it keeps its history, and is not started.
    is_gone boolean NOT NULL DEFAULT false,
    schedule text,
    timezone text,
    next_at timestamptz,
    state text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'waiting', 'running', 'held')),
    -- Why it waits or is held: schedule, submitted, again, account, drained, failed, deaths, definition.
    why text NOT NULL DEFAULT '',
    due timestamptz,
    -- Since when it could have started.
    ready timestamptz,
    -- Submitted while it ran.
    again boolean NOT NULL DEFAULT false,
    -- Counts the starts: what an earlier start writes is refused.
    token bigint NOT NULL DEFAULT 0,
    worker uuid,
    lease_until timestamptz,
    -- Starts in a row after which the process was gone.
    deaths integer NOT NULL DEFAULT 0,
    -- Tries since it was scheduled or submitted, by what they ended with.
    tries integer NOT NULL DEFAULT 0,
    unknowns integer NOT NULL DEFAULT 0,
    exit smallint,
    started timestamptz,
    ended timestamptz,
    run text,
    message text
) WITH (fillfactor = 70);
CREATE INDEX job_busy ON ferry.job (name) WHERE state IN ('waiting', 'running');
CREATE INDEX job_next ON ferry.job (next_at) WHERE NOT is_gone;

-- Accounts that a running job works on.
CREATE TABLE ferry.job_account (
    account text PRIMARY KEY,
    job text NOT NULL,
    token bigint NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 70);

-- Every start that has ended, for the report.
CREATE TABLE ferry.job_run (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL,
    token bigint NOT NULL,
    worker uuid,
    started timestamptz NOT NULL,
    ended timestamptz NOT NULL,
    -- None: the process was gone.
    exit smallint,
    run text,
    summary jsonb,
    message text
);
CREATE INDEX job_run_ended ON ferry.job_run (ended);
CREATE INDEX job_run_job ON ferry.job_run (job, ended);

CREATE TABLE ferry.worker (
    id uuid PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    slots integer NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_draining boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);

-- Takes the accounts of a job, all or none: with one that another job has, it gives back the end of that lease.
CREATE FUNCTION ferry.take_accounts(wanted text[], of_job text, of_token bigint, valid interval) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    one text;
    held timestamptz;
BEGIN
    -- In one order, so that two workers do not wait for each other.
    FOR one IN SELECT DISTINCT unnest(wanted) ORDER BY 1 LOOP
        INSERT INTO ferry.job_account AS a (account, job, token, lease_until)
        VALUES (one, of_job, of_token, clock_timestamp() + valid)
        ON CONFLICT (account) DO UPDATE SET job = excluded.job, token = excluded.token, lease_until = excluded.lease_until
        WHERE a.lease_until <= clock_timestamp() OR a.job = excluded.job;
        IF NOT FOUND THEN
            SELECT lease_until INTO held FROM ferry.job_account WHERE account = one;
            DELETE FROM ferry.job_account WHERE job = of_job AND token = of_token;
            RETURN coalesce(held, clock_timestamp());
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Takes a job that the queue handed out, if it is to be done now. `taken`, with the number of the start and how long it
-- could have started; `busy`: another job has an account, `early`: not due yet, both with the seconds until it should be
-- handed out again; `held`: its process was lost `deaths_max` times in a row; `no`: there is nothing to do.
CREATE FUNCTION ferry.take_job(wanted text, by_worker uuid, valid double precision, deaths_max integer)
RETURNS TABLE (outcome text, token bigint, waited double precision, later double precision)
LANGUAGE plpgsql AS $$
DECLARE
    one ferry.job;
    held timestamptz;
    lost integer := 0;
    seconds double precision;
BEGIN
    SELECT j.* INTO one FROM ferry.job j WHERE j.name = wanted FOR UPDATE;
    IF NOT FOUND OR one.is_gone OR one.state IN ('idle', 'held') THEN
        RETURN QUERY SELECT 'no', 0::bigint, 0::float8, 0::float8;
        RETURN;
    END IF;
    IF one.state = 'running' THEN
        IF one.lease_until > clock_timestamp() THEN
            RETURN QUERY SELECT 'no', 0::bigint, 0::float8, 0::float8;
            RETURN;
        END IF;
        -- The worker is gone, or does not know that it lost the job: its token is refused from now on.
        lost := 1;
        INSERT INTO ferry.job_run (job, token, worker, started, ended, message)
        VALUES (wanted, one.token, one.worker, one.started, clock_timestamp(), 'the worker was lost');
        one.ready := clock_timestamp();
        IF one.deaths + 1 >= deaths_max THEN
            UPDATE ferry.job j SET state = 'held', why = 'deaths', deaths = one.deaths + 1, token = one.token + 1,
                worker = NULL, lease_until = NULL, ended = clock_timestamp(), exit = NULL, due = NULL,
                message = format('its process was lost %s times in a row', one.deaths + 1)
            WHERE j.name = wanted;
            RETURN QUERY SELECT 'held', 0::bigint, 0::float8, 0::float8;
            RETURN;
        END IF;
    ELSIF one.due > clock_timestamp() THEN
        seconds := extract(epoch FROM one.due - clock_timestamp());
        RETURN QUERY SELECT 'early', 0::bigint, 0::float8, seconds;
        RETURN;
    END IF;
    held := ferry.take_accounts(one.accounts, wanted, one.token + 1, make_interval(secs => valid));
    IF held IS NOT NULL THEN
        -- It looks again soon, because most jobs end long before their lease would.
        seconds := least(greatest(extract(epoch FROM held - clock_timestamp()), 0.2), 5) * (0.2 + 0.8 * random());
        UPDATE ferry.job j SET state = 'waiting', why = 'account', deaths = one.deaths + lost, token = one.token + lost,
            worker = NULL, lease_until = NULL, due = clock_timestamp() + make_interval(secs => seconds), ready = one.ready
        WHERE j.name = wanted;
        RETURN QUERY SELECT 'busy', 0::bigint, 0::float8, seconds;
        RETURN;
    END IF;
    UPDATE ferry.job j SET state = 'running', token = one.token + 1, worker = by_worker, deaths = one.deaths + lost,
        lease_until = clock_timestamp() + make_interval(secs => valid), started = clock_timestamp(), due = NULL,
        again = false
    WHERE j.name = wanted;
    seconds := greatest(0, extract(epoch FROM clock_timestamp() - coalesce(one.ready, clock_timestamp())));
    RETURN QUERY SELECT 'taken', one.token + 1, seconds, 0::float8;
END $$;
