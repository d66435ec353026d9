//! Where a store is, and which account of it is meant. An account is a connection as it was when it was written to: its
//! name, its platform and its address. It is no path: the same account can be kept in another folder or another store.

use super::contract::{Store, StoreReader};
use super::postgres::{PostgresAddress, PostgresReader, PostgresStore, SharedRate};
use super::sqlite::{self, SqliteReader, SqliteStore};
use crate::outcome::Failure;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// How many characters of the hash stand in a key.
const HASH_LEN: usize = 12;

/// The folder of the databases in a state folder.
const FOLDER: &str = "connections";

/// Which account a checkpoint is about: `shop-2f6c1a9b04de`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct AccountKey(String);

impl AccountKey {
    /// The account of a connection of this name to this platform at this address.
    pub fn of(connection: &str, platform: &str, address: &str) -> AccountKey {
        let hash = blake3::hash(format!("{connection} {platform} {address}").as_bytes()).to_hex();
        let name: String = connection.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        AccountKey(format!("{name}-{}", hash.get(..HASH_LEN).unwrap_or_default()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Also from the path of a database, as earlier versions wrote it: its name without folder and ending.
impl From<String> for AccountKey {
    fn from(text: String) -> AccountKey {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        AccountKey(name.strip_suffix(sqlite::ENDING).unwrap_or(name).to_owned())
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where accounts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAddress {
    /// A folder of this machine: one SQLite database for each account.
    Folder(PathBuf),
    /// A PostgreSQL database, which processes on many machines share.
    Postgres(PostgresAddress),
}

impl StoreAddress {
    /// The store of a state folder.
    pub fn of_state(state: &Path) -> StoreAddress {
        StoreAddress::Folder(state.join(FOLDER))
    }

    /// An account in this store, whether it exists or not.
    pub fn account(&self, key: AccountKey) -> AccountAddress {
        AccountAddress { store: self.clone(), key }
    }

    /// The accounts that exist, in the order of their keys; none where they cannot be listed.
    pub fn accounts(&self) -> Vec<AccountAddress> {
        let folder = match self {
            StoreAddress::Folder(folder) => folder,
            StoreAddress::Postgres(address) => {
                let keys = address.database().and_then(|database| PostgresReader::accounts(&database));
                let keys = keys.unwrap_or_default().into_iter().map(AccountKey);
                return keys.map(|key| self.account(key)).collect();
            }
        };
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let names = names.filter_map(|name| name.to_str()?.strip_suffix(sqlite::ENDING).map(str::to_owned));
        let mut keys: Vec<AccountKey> = names.map(AccountKey).collect();
        keys.sort();
        keys.into_iter().map(|key| self.account(key)).collect()
    }
}

/// Where one account is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAddress {
    /// The store.
    pub store: StoreAddress,
    /// The account.
    pub key: AccountKey,
}

impl AccountAddress {
    /// Whether the store has this account, or cannot be asked.
    pub fn exists(&self) -> bool {
        match &self.store {
            StoreAddress::Folder(folder) => self.file_in(folder).exists(),
            StoreAddress::Postgres(_) => self.look().map_or(true, |reader| reader.is_some()),
        }
    }

    /// The rate of the account, where processes share it.
    ///
    /// # Errors
    /// Exit 1 when the store cannot be reached.
    pub fn shared_rate(&self) -> Result<Option<SharedRate>, Failure> {
        match &self.store {
            StoreAddress::Folder(_) => Ok(None),
            StoreAddress::Postgres(address) => Ok(Some(SharedRate::of(address.database()?, self.key.as_str()))),
        }
    }

    /// Opens the account for writing.
    pub(super) fn open(&self) -> Result<Box<dyn Store>, Failure> {
        Ok(match &self.store {
            StoreAddress::Folder(folder) => Box::new(SqliteStore::open(&self.file_in(folder))?),
            StoreAddress::Postgres(address) => {
                Box::new(PostgresStore::open(address.database()?, self.key.as_str(), address.lease())?)
            }
        })
    }

    /// Opens the account for reading, if it exists.
    pub(super) fn look(&self) -> Result<Option<Box<dyn StoreReader>>, Failure> {
        Ok(match &self.store {
            StoreAddress::Folder(folder) => {
                SqliteReader::look(&self.file_in(folder))?.map(|reader| Box::new(reader) as Box<dyn StoreReader>)
            }
            StoreAddress::Postgres(address) => PostgresReader::look(&address.database()?, self.key.as_str())?
                .map(|reader| Box::new(reader) as Box<dyn StoreReader>),
        })
    }

    /// The database of the account in a folder.
    fn file_in(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}{}", self.key, sqlite::ENDING))
    }

    /// The database of the account, where it is a file.
    ///
    /// # Errors
    /// Exit 1 for another store.
    pub(super) fn file(&self) -> Result<PathBuf, Failure> {
        match &self.store {
            StoreAddress::Folder(folder) => Ok(self.file_in(folder)),
            StoreAddress::Postgres(address) => Err(Failure::failed(format!("`{address}` is no folder"))),
        }
    }
}

/// What messages call it.
impl fmt::Display for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.store {
            StoreAddress::Folder(folder) => self.file_in(folder).display().fmt(f),
            StoreAddress::Postgres(address) => write!(f, "{} in {address}", self.key),
        }
    }
}
