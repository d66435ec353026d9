//! The tables and their versions. Each version is one text, applied in one transaction under a lock, and never changed
//! afterwards: later ones only add, so that workers of two versions can run side by side.

use super::error::DbError;
use deadpool_postgres::Client;

/// The texts, from version 1 on.
const VERSIONS: [&str; 4] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
];

/// The lock under which tables are changed: any number that no other program uses.
const LOCK: i64 = 0x4645_5252_5900;

/// Checks the settings of the server, and brings the tables to this version; what makes the database another than all others.
pub(super) async fn prepare(mut client: Client) -> Result<String, DbError> {
    let settings = "SELECT current_setting('synchronous_commit') <> 'off', current_setting('fsync')::bool";
    let row = client.query_one(settings, &[]).await?;
    let kept: [(&'static str, bool); 2] = [("synchronous_commit", row.try_get(0)?), ("fsync", row.try_get(1)?)];
    if let Some((name, _)) = kept.iter().find(|(_, is_on)| !is_on) {
        return Err(DbError::Unsafe(name));
    }
    // Without the lock, because nearly always there is nothing to do.
    if !has_table(&client).await? || !missing(&client).await?.is_empty() {
        make(&mut client).await?;
    }
    Ok(client.query_one("SELECT id::text FROM ferry.store", &[]).await?.try_get(0)?)
}

async fn make(client: &mut Client) -> Result<(), DbError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction.batch_execute(HISTORY).await?;
    transaction.commit().await?;
    migrate(client).await
}

/// The table of versions.
const HISTORY: &str = "CREATE SCHEMA IF NOT EXISTS ferry;
    CREATE TABLE IF NOT EXISTS ferry.schema_version (
        version integer PRIMARY KEY, checksum text NOT NULL, at timestamptz NOT NULL DEFAULT now())";

async fn has_table(client: &Client) -> Result<bool, DbError> {
    let row = client.query_one("SELECT to_regclass('ferry.schema_version') IS NOT NULL", &[]).await?;
    Ok(row.try_get(0)?)
}

/// Applies what is missing, each version in a transaction of its own.
async fn migrate(client: &mut Client) -> Result<(), DbError> {
    for _ in 0..=VERSIONS.len() {
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let missing = missing(&transaction).await?;
        let Some((version, text)) = missing.first() else { break };
        transaction.batch_execute(text).await?;
        let sql = "INSERT INTO ferry.schema_version (version, checksum) VALUES ($1, $2)";
        transaction.execute(sql, &[version, &checksum(text)]).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The versions that the database does not have.
async fn missing(client: &impl deadpool_postgres::GenericClient) -> Result<Vec<(i32, &'static str)>, DbError> {
    let rows = client.query("SELECT version, checksum FROM ferry.schema_version ORDER BY version", &[]).await?;
    let mut known = std::collections::BTreeMap::new();
    for row in rows {
        known.insert(row.try_get::<_, i32>(0)?, row.try_get::<_, String>(1)?);
    }
    let all: Vec<(i32, &'static str)> = (1..).zip(VERSIONS).collect();
    let last = all.last().map_or(0, |(version, _)| *version);
    if let Some((later, _)) = known.last_key_value().filter(|(version, _)| **version > last) {
        return Err(DbError::Later(*later, last));
    }
    let is_changed = |(version, text): &&(i32, &str)| known.get(version).is_some_and(|known| *known != checksum(text));
    if let Some((version, _)) = all.iter().find(is_changed) {
        return Err(DbError::Changed(*version));
    }
    Ok(all.into_iter().filter(|(version, _)| !known.contains_key(version)).collect())
}

fn checksum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
