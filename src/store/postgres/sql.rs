//! The statements for operations that every record has: one for each kind, which takes any number of rows as columns.
//!
//! `$1` is the account; then come the columns of numbers, of bytes and of texts, in the order of [`super::rows`].

/// A kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Image,
    Intend,
    Withdraw,
    Settle,
    CarryOver,
    Note,
    Link,
    Unlink,
    Remember,
    Forget,
}

impl Kind {
    /// The text of the statement.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Kind::Image => IMAGE,
            Kind::Intend => INTEND,
            Kind::Withdraw => WITHDRAW,
            Kind::Settle => SETTLE,
            Kind::CarryOver => CARRY_OVER,
            Kind::Note => NOTE,
            Kind::Link => LINK,
            Kind::Unlink => UNLINK,
            Kind::Remember => REMEMBER,
            Kind::Forget => FORGET,
        }
    }
}

const IMAGE: &str = "
INSERT INTO ferry.image (account, run, no, seal, data)
SELECT $1::integer, run::integer, no, seal, data
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) AS t(run, no, seal, data)";

const INTEND: &str = "
INSERT INTO ferry.intent (account, run, kind, ordinal, line, at_ms, attempt, begun, image, seal, key, target_id,
                          identities, made)
SELECT $1::integer, run::integer, kind::smallint, ordinal, line, at_ms, attempt::integer, begun, image, seal, key, target_id,
       identities, made
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[], $13::text[], $14::text[])
     AS t(run, kind, ordinal, line, at_ms, attempt, begun, image, seal, key, target_id, identities, made)
ON CONFLICT (account, run, key) DO UPDATE SET
    kind = excluded.kind, ordinal = excluded.ordinal, line = excluded.line, at_ms = excluded.at_ms,
    attempt = excluded.attempt, begun = excluded.begun, image = excluded.image, seal = excluded.seal,
    target_id = excluded.target_id, identities = excluded.identities, made = excluded.made";

/// An image begins with its key, because its number may have been given twice.
const WITHDRAW: &str = "
WITH gone AS (
    DELETE FROM ferry.intent i USING unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS t(run, even, key)
    WHERE i.account = $1::integer AND i.run = t.run::integer AND i.key = t.key AND (i.entry IS NULL OR t.even = 1)
    RETURNING i.run, i.key, i.image)
DELETE FROM ferry.image m USING gone
WHERE m.account = $1::integer AND m.run = gone.run AND m.no = gone.image
      AND substring(m.data FROM 1 FOR length(gone.key)) = gone.key";

/// An outcome replaces the entry that its intent names (of an outcome that was unknown), or that of an earlier pass.
const SETTLE: &str = "
WITH t AS (
    SELECT run::integer AS run, no, ordinal, line, pass::integer AS pass, outcome::smallint AS outcome, seal, place_seal,
           key, target_id, detail
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                $9::bigint[], $10::bytea[], $11::bytea[], $12::text[])
         AS t(run, no, ordinal, line, pass, outcome, seal, place_seal, key, target_id, detail)),
placed AS (
    SELECT t.*, coalesce(i.entry, (
        SELECT e.no FROM ferry.run r JOIN ferry.entry e
            ON (e.account::bigint << 32 | e.run) = ($1::integer::bigint << 32 | t.run) AND e.key = t.key
                AND e.no <= r.earlier AND NOT e.hidden
        WHERE r.account = $1::integer AND r.no = t.run AND r.earlier > 0
        ORDER BY e.no DESC LIMIT 1), t.no) AS place
    FROM t LEFT JOIN ferry.intent i ON i.account = $1::integer AND i.run = t.run AND i.key = t.key),
ended AS (
    DELETE FROM ferry.intent i USING t
    WHERE i.account = $1::integer AND i.run = t.run AND i.key = t.key AND t.outcome <> 8),
kept AS (
    UPDATE ferry.intent i SET entry = placed.place FROM placed
    WHERE i.account = $1::integer AND i.run = placed.run AND i.key = placed.key AND placed.outcome = 8)
INSERT INTO ferry.entry (account, run, no, ordinal, line, pass, outcome, seal, place_seal, key, target_id, detail)
SELECT $1::integer, run, place, ordinal, line, pass, outcome, seal, place_seal, key, target_id, detail FROM placed
ON CONFLICT (account, run, no) DO UPDATE SET
    ordinal = excluded.ordinal, line = excluded.line, pass = excluded.pass, outcome = excluded.outcome,
    seal = excluded.seal, place_seal = excluded.place_seal, target_id = excluded.target_id, detail = excluded.detail";

const CARRY_OVER: &str = "
WITH t AS (
    SELECT run::integer AS run, ordinal, line, pass::integer AS pass, place_seal, key
    FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[])
         AS t(run, ordinal, line, pass, place_seal, key)),
found AS (
    SELECT t.*, (
        SELECT e.no FROM ferry.run r JOIN ferry.entry e
            ON (e.account::bigint << 32 | e.run) = ($1::integer::bigint << 32 | t.run) AND e.key = t.key
                AND e.no <= r.earlier AND NOT e.hidden
        WHERE r.account = $1::integer AND r.no = t.run ORDER BY e.no DESC LIMIT 1) AS place
    FROM t),
carried AS (
    UPDATE ferry.entry e
    SET ordinal = found.ordinal, line = found.line, pass = found.pass, place_seal = found.place_seal
    FROM found WHERE e.account = $1::integer AND e.run = found.run AND e.no = found.place)
SELECT ferry.demand(bool_and(place IS NOT NULL), 'FE002', 'there is no entry of an earlier pass to carry over') FROM found";

const NOTE: &str = "
INSERT INTO ferry.note (account, run, pass, ordinal, line, outcome, duplicate_of, seal, detail)
SELECT $1::integer, run::integer, pass::integer, ordinal, line, outcome::smallint, duplicate_of, seal, detail
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
            $9::text[]) AS t(run, pass, ordinal, line, outcome, duplicate_of, seal, detail)
ON CONFLICT (account, run, pass, ordinal) DO UPDATE SET
    line = excluded.line, outcome = excluded.outcome, duplicate_of = excluded.duplicate_of, seal = excluded.seal,
    detail = excluded.detail";

const LINK: &str = "
INSERT INTO ferry.link (account, seal, key, target_id)
SELECT $1::integer, seal, key, target_id
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS t(seal, key, target_id)
ON CONFLICT (account, key) DO UPDATE SET target_id = excluded.target_id, seal = excluded.seal
    WHERE link.target_id <> excluded.target_id OR link.seal <> excluded.seal";

const UNLINK: &str = "
DELETE FROM ferry.link l USING unnest($2::bytea[]) AS t(key) WHERE l.account = $1::integer AND l.key = t.key";

const REMEMBER: &str = "
INSERT INTO ferry.memory (account, name, value)
SELECT $1::integer, name, value FROM unnest($2::bytea[], $3::bytea[]) AS t(name, value)
ON CONFLICT (account, name) DO UPDATE SET value = excluded.value";

const FORGET: &str = "
DELETE FROM ferry.memory m USING unnest($2::bytea[]) AS t(name) WHERE m.account = $1::integer AND m.name = t.name";

/// The first statement of every group: the lease is that of this process and has not ended, and this group is the next
/// one. It renews the lease. `$1` account, `$2` token, `$3` holder, `$4` number of the group, `$5` milliseconds.
///
/// Only the clock of the database judges; an ended lease is never revived, even if no other process has taken it. A taker
/// that is about to commit is waited for, and the condition is judged again on its row.
pub(super) const FENCE: &str = "
WITH fenced AS (
    UPDATE ferry.account SET group_no = $4::bigint, renewed_at = clock_timestamp(),
        lease_until = clock_timestamp() + $5::bigint * interval '1 millisecond'
    WHERE id = $1::integer AND token = $2::bigint AND holder = $3::text::uuid AND group_no = $4::bigint - 1
          AND lease_until > clock_timestamp()
    RETURNING 1)
SELECT ferry.demand(EXISTS (SELECT 1 FROM fenced), 'FE001', 'its lease is not the latest, or has ended')";

/// Limits of every group, so that a process which is stopped inside of one does not hold the account. Every row is found by
/// its key, also in tables of which the planner knows nothing yet.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s';
    SET LOCAL statement_timeout = '20s'; SET LOCAL lock_timeout = '10s';
    SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
