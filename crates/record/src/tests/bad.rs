//! Databases that cannot be used: told in words that say what to do, and left as they are.

use std::path::Path;

use super::house::{House, Shared, execute};
use super::*;

async fn refusal(address: &DatabaseAddress) -> String {
    let error = House::open(address.clone(), Some("one".into())).await.err().expect("it is refused");
    let words = error.to_string();
    let secret = address.expose().split(['/', ':', '@']).nth(4).unwrap_or("-");
    assert!(secret.len() < 8 || !words.contains(secret), "the password is not told: {words}");
    words
}

fn file(folder: &tempfile::TempDir) -> DatabaseAddress {
    DatabaseAddress::sqlite(&folder.path().join("record.db"))
}

/// The file is refused with these words, and not a byte of it is changed.
async fn refused_and_left(address: &DatabaseAddress, words: &[&str]) {
    let path = address.file().unwrap();
    let before = std::fs::read(path).unwrap();
    let told = refusal(address).await;
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    assert!(before == std::fs::read(path).unwrap(), "the file was changed");
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(&folder);
    std::fs::write(address.file().unwrap(), "this is a letter, not a database. ".repeat(100)).unwrap();
    refused_and_left(&address, &["no database", "Name another file"]).await;
}

#[tokio::test]
async fn a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(&folder);
    drop(House::open(address.clone(), None).await.unwrap());
    leave_wal(&address).await;
    let path = address.file().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    // The tree of the schema, behind the header of 100 bytes.
    bytes[100..2000].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
    refused_and_left(&address, &["damaged", ".recover"]).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(&folder);
    drop(House::open(address.clone(), None).await.unwrap());
    leave_wal(&address).await;
    // The tests may run as root, whom no file's rights keep from writing.
    let read_only = format!("{}?mode=ro", address.expose()).parse().unwrap();
    refused_and_left(&read_only, &["cannot be written", "right to write"]).await;
}

#[tokio::test]
async fn a_folder_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let told = refusal(&DatabaseAddress::sqlite(&folder.path().join("none/record.db"))).await;
    assert!(told.contains("folder"), "{told}");
}

/// Everything in the one file, once the last connection to it is closed.
async fn leave_wal(address: &DatabaseAddress) {
    loop {
        let mut connection =
            <sqlx::SqliteConnection as sqlx::Connection>::connect(address.expose()).await.unwrap();
        let mode =
            sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
        if mode.is_ok_and(|mode| mode == "delete") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const NEWER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
    VALUES (9000, 'to come', TRUE, '\\x00', 0)";

#[tokio::test]
async fn tables_of_a_newer_version() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(&folder);
    drop(House::open(address.clone(), None).await.unwrap());
    leave_wal(&address).await;
    execute(&address, NEWER).await;
    refused_and_left(&address, &["version 9000", "start the newer program"]).await;

    let server = Shared::get();
    let address = server.make_database().await;
    drop(House::open(address.clone(), None).await.unwrap());
    execute(&address, NEWER).await;
    let told = refusal(&address).await;
    assert!(told.contains("version 9000") && told.contains("start the newer program"), "{told}");
}

#[tokio::test]
async fn tables_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(&folder);
    let create = "CREATE TABLE customer (id INTEGER PRIMARY KEY, shoe_size INTEGER)";
    std::fs::write(address.file().unwrap(), "").unwrap();
    execute(&address, create).await;
    refused_and_left(&address, &["another program", "`customer`", "database of its own"]).await;

    let server = Shared::get();
    let address = server.make_database().await;
    execute(&address, create).await;
    let told = refusal(&address).await;
    assert!(told.contains("another program") && told.contains("`customer`"), "{told}");
    execute(&address, "INSERT INTO customer VALUES (1, 42)").await;
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(address.expose()).await.unwrap();
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(tables, 1, "nothing was made beside it");
}

/// The shared server's address with something changed.
fn changed(address: &DatabaseAddress, from: &str, to: &str) -> DatabaseAddress {
    assert!(address.expose().contains(from), "the address holds what is changed");
    address.expose().replace(from, to).parse().unwrap()
}

#[tokio::test]
async fn a_server_that_says_no() {
    let server = Shared::get();
    let address = server.make_database().await;
    let (user, database) = address.user_and_database();
    let told = refusal(&changed(&address, &format!("{user}:"), "hotline:wrong-")).await;
    assert!(told.contains("refuses the user or the password") && told.contains("28P01"), "{told}");
    let told = refusal(&changed(&address, &format!("{user}:"), "nobody:")).await;
    assert!(told.contains("refuses the user or the password"), "{told}");
    let told = refusal(&changed(&address, database, "nothing")).await;
    assert!(told.contains("no database of this name") && told.contains("createdb"), "{told}");
    let read_only = format!("ALTER DATABASE {database} SET default_transaction_read_only = on");
    execute(&address, &read_only).await;
    let told = refusal(&address).await;
    assert!(told.contains("takes no changes") && told.contains("standby"), "{told}");
}

#[tokio::test]
async fn a_user_without_rights() {
    let server = Shared::get();
    let address = server.make_database().await;
    let user = format!("guest_{:016x}", rand::random::<u64>());
    execute(&address, &format!("CREATE ROLE {user} LOGIN PASSWORD 'guest-password'")).await;
    let (_, rest) = address.expose().split_once('@').unwrap();
    let told = refusal(&format!("postgres://{user}:guest-password@{rest}").parse().unwrap()).await;
    assert!(told.contains("owner") && told.contains("42501"), "{told}");
}

#[tokio::test]
async fn a_host_where_no_database_is() {
    let told = refusal(&"postgres://hotline:very-secret@127.0.0.1:1/hotline".parse().unwrap()).await;
    assert!(told.contains("nothing listens") && told.contains("host and port"), "{told}");
    let told = refusal(&"postgres://hotline:very-secret@no-such-host.invalid/hotline".parse().unwrap()).await;
    assert!(told.contains("host"), "{told}");
    // Somebody else listens there.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ =
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let told =
        refusal(&format!("postgres://hotline:very-secret@127.0.0.1:{port}/hotline").parse().unwrap()).await;
    assert!(told.contains("does not speak PostgreSQL"), "{told}");
}

#[tokio::test]
async fn a_database_that_was_there_is_opened_again_with_all_it_holds() {
    let server = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    for address in [server.make_database().await, file(&folder)] {
        let house = House::open(address.clone(), Some("one".into())).await.unwrap();
        house.with_ticket().await;
        drop(house);
        let again = House::open(address, Some("one".into())).await.unwrap();
        assert!(again.record.find_ticket_by_ref("T-1").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_files_of_an_earlier_version_are_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(&folder);
    std::fs::write(address.file().unwrap(), "").unwrap();
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite/0001_record.sql");
    execute(&address, &std::fs::read_to_string(first).unwrap()).await;
    // As the migrations' own table says it after version 1.
    let migrations = sqlx::migrate!("migrations/sqlite");
    let checksum =
        migrations.iter().next().unwrap().checksum.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let versions = format!(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on \
         TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
         execution_time BIGINT NOT NULL); INSERT INTO _sqlx_migrations VALUES (1, 'record', '', TRUE, X'{checksum}', 0); \
         INSERT INTO job (id, kind, key, ticket_id, state, run_at, changed_at) \
         VALUES ('01', 'render-result', '00000000000000000000000001:1', '00000000000000000000000001', 'due', 1, 1)"
    );
    execute(&address, &versions).await;
    let house = House::open(address, Some(String::new())).await.unwrap();
    assert_eq!(house.record.claim_jobs(JobKind::RenderResult, 9, Duration::ZERO).await.unwrap().len(), 1);
}
