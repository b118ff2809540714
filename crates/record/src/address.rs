//! Where the record is kept: an address that never shows its password.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::engine::Engine;

/// The address of a database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, where
/// several hosts may stand with commas: the first that takes changes is used.
/// Printed, it shows neither the password nor what stands behind a `?`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseAddress {
    url: String,
    engine: Engine,
}

/// What is wrong with an address, and how one is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; write `sqlite:` and the path of a file, or `postgres://USER:PASSWORD@HOST:5432/DATABASE` \
     (in a password `@` is written `%40`, `:` `%3A`, `/` `%2F`)"
)]
pub struct BadAddress(&'static str);

impl DatabaseAddress {
    /// The SQLite file at `path`.
    pub fn sqlite(path: &Path) -> Self {
        Self { url: format!("sqlite:{}", path.display()), engine: Engine::Sqlite }
    }

    /// Which engine keeps it.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self.engine {
            Engine::Sqlite => {
                let path = self.url.strip_prefix("sqlite:").unwrap_or_default();
                Some(Path::new(path.split_once('?').map_or(path, |(path, _)| path)))
            }
            Engine::Postgres => None,
        }
    }

    /// Whether both are the same SQLite file, by whatever paths and links.
    pub fn is_same_file(&self, other: &Self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let known = |address: &Self| {
            let found = address.file()?.metadata().ok()?;
            Some((found.dev(), found.ino()))
        };
        known(self).is_some_and(|file| known(other) == Some(file))
    }

    /// The whole address with its password.
    #[cfg(test)]
    pub(crate) fn expose(&self) -> &str {
        &self.url
    }

    /// An address for each of its hosts, with the password: for the driver only.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let whole = || vec![self.url.clone()];
        if self.engine == Engine::Sqlite {
            return whole();
        }
        let Some((scheme, rest)) = self.url.split_once("://") else { return whole() };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        // A `/` in the password is written otherwise, so the first one ends the hosts.
        let (before, behind) = rest.split_at(end);
        let (login, hosts) = before.rsplit_once('@').map_or(("", before), |(login, hosts)| (login, hosts));
        let at = if login.is_empty() { "" } else { "@" };
        hosts.split(',').map(|host| format!("{scheme}://{login}{at}{host}{behind}")).collect()
    }

    /// User and database of a PostgreSQL address, as far as it names them.
    pub(crate) fn user_and_database(&self) -> (&str, &str) {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let user = login.split_once(':').map_or(login, |(user, _)| user);
        (user, place.split_once('/').map_or("", |(_, database)| database))
    }
}

impl FromStr for DatabaseAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("sqlite:") {
            if path.is_empty() || path.starts_with('?') {
                return Err(BadAddress("the path of the file is missing"));
            }
            if path == ":memory:" || path.contains("mode=memory") {
                return Err(BadAddress("a database in memory forgets everything"));
            }
            return Ok(Self { url: text.to_owned(), engine: Engine::Sqlite });
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(BadAddress("this kind of database is not known"));
        }
        let address = Self { url: text.to_owned(), engine: Engine::Postgres };
        if address.user_and_database().1.is_empty() {
            return Err(BadAddress("the name of the database is missing"));
        }
        let reads = |url: &String| sqlx::any::AnyConnectOptions::from_str(url).is_ok();
        if !address.hosts().iter().all(reads) {
            return Err(BadAddress("host, port or password cannot be read"));
        }
        Ok(address)
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.engine {
            Engine::Sqlite => write!(f, "sqlite:{}", self.file().unwrap_or(Path::new("")).display()),
            Engine::Postgres => {
                let (user, _) = self.user_and_database();
                let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
                let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                if user.is_empty() {
                    write!(f, "postgres://{place}")
                } else {
                    write!(f, "postgres://{user}@{place}")
                }
            }
        }
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://hotline:secret@db.example:5433/calls?sslmode=require&password=secret",
            "postgresql://hotline:secret@db.example:5433/calls",
            "postgres://hotline:sec%40secret@db.example:5433/calls",
        ] {
            let address: DatabaseAddress = url.parse().unwrap();
            assert_eq!(address.to_string(), "postgres://hotline@db.example:5433/calls");
            assert!(!format!("{address:?}").contains("secret"));
            assert!(address.expose().contains("secret"));
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_its_words() {
        for url in ["mysql://u:secret@h/d", "postgres://u:secret@h", "postgres://u:sec/ret@h:x/d", "sqlite:"]
        {
            let error = url.parse::<DatabaseAddress>().unwrap_err().to_string();
            assert!(error.contains("write `sqlite:`") && !error.contains("secret"), "{error}");
        }
        assert!("sqlite::memory:".parse::<DatabaseAddress>().is_err());
    }

    #[test]
    fn each_of_several_hosts_has_an_address_of_its_own() {
        let address: DatabaseAddress =
            "postgres://u:p%40w@db1.example:5433,db2.example/calls?sslmode=disable".parse().unwrap();
        assert_eq!(
            address.hosts(),
            [
                "postgres://u:p%40w@db1.example:5433/calls?sslmode=disable",
                "postgres://u:p%40w@db2.example/calls?sslmode=disable"
            ]
        );
        assert_eq!(address.to_string(), "postgres://u@db1.example:5433,db2.example/calls");
        assert!("postgres://u:p@db1:5432,db2:port/calls".parse::<DatabaseAddress>().is_err());
    }

    #[test]
    fn the_same_file_is_recognised_by_another_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| DatabaseAddress::sqlite(&folder.path().join(name));
        std::fs::write(folder.path().join("a.db"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("a.db"), folder.path().join("b.db")).unwrap();
        assert!(path("a.db").is_same_file(&path("./a.db")));
        assert!(path("a.db").is_same_file(&path("b.db")) && !path("a.db").is_same_file(&path("c.db")));
        assert!(!path("c.db").is_same_file(&path("c.db")), "what is not there is no file");
    }

    #[test]
    fn a_file_is_found_in_its_address() {
        let address: DatabaseAddress = "sqlite:var/hotline.db?mode=ro".parse().unwrap();
        assert_eq!(address.file(), Some(Path::new("var/hotline.db")));
        assert_eq!(address.to_string(), "sqlite:var/hotline.db");
    }
}
