-- Hosts of platforms, and limits of the time of jobs.

ALTER TABLE ferry.job ADD COLUMN hosts text[] NOT NULL DEFAULT '{}', ADD COLUMN time_limit double precision;

-- Jobs in a row that found a host unavailable; after too many its jobs wait.
CREATE TABLE ferry.host (
    host text PRIMARY KEY,
    failures integer NOT NULL DEFAULT 0,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_until timestamptz
) WITH (fillfactor = 70);

-- The end of a job, for its hosts: whether they were unavailable or answered. When a host that was paused fails again before a
-- job has succeeded, it is paused again at once.
CREATE FUNCTION ferry.note_hosts(of_job text, is_available boolean, failures_max integer, pause double precision)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    -- In one order, so that two workers do not wait for each other.
    FOR one IN SELECT DISTINCT unnest(hosts) FROM ferry.job WHERE name = of_job ORDER BY 1 LOOP
        IF is_available THEN
            UPDATE ferry.host SET failures = 0, paused_until = NULL WHERE host = one AND failures > 0;
        ELSE
            INSERT INTO ferry.host AS h (host, failures) VALUES (one, 1)
            ON CONFLICT (host) DO UPDATE SET failed_at = clock_timestamp(),
                failures = CASE WHEN h.failures < failures_max
                                     AND h.failed_at < clock_timestamp() - make_interval(secs => pause)
                                THEN 1 ELSE h.failures + 1 END;
            UPDATE ferry.host SET paused_until = clock_timestamp() + make_interval(secs => pause)
            WHERE host = one AND failures >= failures_max;
        END IF;
    END LOOP;
END $$;

-- As take_job; a job of a host that is paused (`paused`), or of which this worker runs enough (`full`), waits.
CREATE FUNCTION ferry.take_job_of_host(wanted text, by_worker uuid, valid double precision, deaths_max integer,
                                       full_hosts text[])
RETURNS TABLE (outcome text, token bigint, waited double precision, later double precision, hosts text[],
               time_limit double precision)
LANGUAGE plpgsql AS $$
DECLARE
    one ferry.job;
    paused timestamptz;
    seconds double precision;
    reason text;
BEGIN
    SELECT j.* INTO one FROM ferry.job j WHERE j.name = wanted FOR UPDATE;
    IF FOUND AND one.state = 'waiting' AND one.due <= clock_timestamp() THEN
        SELECT max(h.paused_until) INTO paused FROM ferry.host h
        WHERE h.host = ANY (one.hosts) AND h.paused_until > clock_timestamp();
        IF paused IS NOT NULL THEN
            -- Not all of them at once when the pause is over.
            reason := 'paused';
            seconds := extract(epoch FROM paused - clock_timestamp()) * (1 + 0.1 * random());
        ELSIF one.hosts && full_hosts THEN
            reason := 'host';
            seconds := 1 + 4 * random();
        END IF;
        IF reason IS NOT NULL THEN
            UPDATE ferry.job j SET why = reason, due = clock_timestamp() + make_interval(secs => seconds)
            WHERE j.name = wanted;
            RETURN QUERY SELECT CASE reason WHEN 'host' THEN 'full' ELSE reason END, 0::bigint, 0::float8, seconds,
                one.hosts, one.time_limit;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT t.outcome, t.token, t.waited, t.later, one.hosts, one.time_limit
        FROM ferry.take_job(wanted, by_worker, valid, deaths_max) t;
END $$;
