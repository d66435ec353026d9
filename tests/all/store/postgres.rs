//! The database behind the store that machines share: its versions, and a server that restarts.

use crate::support::postgres::{Server, address, database, execute, value};
use ferry::outcome::Exit;
use ferry::store::postgres::DbError;

#[test]
fn processes_that_start_at_once_make_the_tables_once() {
    let Some(text) = database() else { return };
    let opening: Vec<_> = (0..4).map(|_| address(&text)).map(|to| std::thread::spawn(move || to.database())).collect();
    opening.into_iter().for_each(|opened| drop(opened.join().unwrap().unwrap()));
    assert_eq!(value(&text, "SELECT (count(*) = max(version))::text FROM ferry.schema_version"), "true");
}

#[test]
fn tables_of_a_later_version_and_changed_ones_are_refused() {
    let Some(text) = database() else { return };
    execute(&text, "UPDATE ferry.schema_version SET checksum = 'other'".into());
    let changed = address(&text).database().err().unwrap();
    assert_eq!((changed.exit, changed.message.contains("tables that Ferry did not make")), (Exit::Failed, true));
    let Some(text) = database() else { return };
    execute(&text, "INSERT INTO ferry.schema_version (version, checksum) VALUES (9999, '')".into());
    let later = address(&text).database().err().unwrap();
    assert_eq!((later.exit, later.message.contains("later version of Ferry")), (Exit::Failed, true));
}

#[test]
fn a_server_that_does_not_keep_what_it_confirms_is_refused() {
    let Some(text) = database() else { return };
    execute(&text, format!("ALTER DATABASE {} SET synchronous_commit = off", text.rsplit('/').next().unwrap()));
    let refused = address(&text).database().err().unwrap();
    assert_eq!((refused.exit, refused.causes[0].contains("`synchronous_commit` is off")), (Exit::Failed, true));
}

#[test]
fn a_server_that_restarts_is_waited_for_and_one_that_is_not_there_is_named() {
    let Some(server) = Server::start() else { return };
    let text = server.database();
    let database = address(&text).database().unwrap();
    let one = |database: &ferry::store::postgres::Database| {
        database.ask(|client| async move { Ok::<i32, DbError>(client.query_one("SELECT 1", &[]).await?.try_get(0)?) })
    };
    assert_eq!(one(&database), Ok(1));
    server.restart();
    assert_eq!(one(&database), Ok(1));
    drop(server);
    let gone = address(&text).database().err().unwrap();
    assert!(gone.message.ends_with("cannot be reached"), "{gone:?}");
    assert_eq!((gone.exit, gone.message.contains("ferry@127.0.0.1")), (Exit::Failed, true));
}
