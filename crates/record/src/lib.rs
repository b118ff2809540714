//! The shared customer record in SQLite, by sqlx.
