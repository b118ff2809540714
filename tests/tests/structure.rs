//! The house is kept by machine: floors, licences, sizes, words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::root;

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let done = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host()])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// What other systems would need is not fetched here.
fn host() -> String {
    let done = Command::new("rustc").arg("-vV").output().expect("the toolchain is there");
    let told = String::from_utf8(done.stdout).unwrap();
    told.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc tells its host").to_owned()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Our packages by id, with their floors.
fn floors(metadata: &Value) -> BTreeMap<String, (String, i64)> {
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .filter(|package| members.contains(text(package, "id")))
        .map(|package| {
            let name = text(package, "name").to_owned();
            let floor = package["metadata"]["hotline"]["floor"].as_i64();
            let floor = floor.unwrap_or_else(|| panic!("{name}: say its floor in package.metadata.hotline"));
            (text(package, "id").to_owned(), (name, floor))
        })
        .collect()
}

/// What stands on the wrong floor: an arrow that does not go down, or a library that only floors
/// 2 and above may know.
fn wrong_arrows(metadata: &Value) -> Vec<String> {
    const ABOVE: [&str; 3] = ["tokio", "sqlx", "axum"];
    let floors = floors(metadata);
    let by_name: BTreeMap<&str, i64> = floors.values().map(|(name, floor)| (name.as_str(), *floor)).collect();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let Some((name, floor)) = floors.get(text(package, "id")) else { continue };
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = text(dependency, "name");
            // Tests may use what stands above, as long as the product does not.
            let test_only = text(dependency, "kind") == "dev";
            match by_name.get(to) {
                Some(below) if below >= floor => {
                    wrong.push(format!("{name} (floor {floor}) -> {to} (floor {below})"))
                }
                None if *floor < 2 && !test_only && ABOVE.contains(&to) => {
                    wrong.push(format!("{name} (floor {floor}) -> {to}"));
                }
                _ => {}
            }
        }
    }
    wrong
}

#[test]
fn arrows_go_down() {
    assert_eq!(wrong_arrows(&metadata()), Vec::<String>::new());
}

#[test]
fn an_arrow_that_goes_up_is_found() {
    let mut metadata = metadata();
    for package in metadata["packages"].as_array_mut().unwrap() {
        if package["name"] == "hotline-model" {
            let dependencies = package["dependencies"].as_array_mut().unwrap();
            dependencies.push(serde_json::json!({ "name": "hotline-engine", "kind": null }));
            dependencies.push(serde_json::json!({ "name": "tokio", "kind": null }));
        }
    }
    let wrong = wrong_arrows(&metadata);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

/// What the binary is linked with, by licence: everything it depends on when it is built, not
/// when it is tested.
#[test]
fn nothing_is_linked_that_may_not_be_given_away() {
    const ALLOWED: [&str; 17] = [
        "0BSD",
        "Apache-2.0",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CDLA-Permissive-2.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "OpenSSL",
        "Unicode-3.0",
        "Unicode-DFS-2016",
        "Unlicense",
        "Zlib",
    ];
    let metadata = metadata();
    let licences: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(package, "id"), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let floors = floors(&metadata);
    let binary = floors.iter().find(|(_, (name, _))| name == "hotline").expect("the binary is a member").0;
    let (mut waiting, mut seen, mut wrong) = (vec![binary.as_str()], BTreeSet::new(), Vec::new());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = licences[id];
        let licence = text(package, "license");
        if !may_be_linked(licence, &ALLOWED) && !is_mit_by_its_file(package) {
            wrong.push(format!("{}: {licence}", text(package, "name")));
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            if dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev") {
                waiting.push(text(dependency, "pkg"));
            }
        }
    }
    assert!(seen.len() > 50, "the dependencies were looked through");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whether a package that names no licence brings the text of the MIT licence.
fn is_mit_by_its_file(package: &Value) -> bool {
    let Some(file) = package["license_file"].as_str() else { return false };
    let folder = Path::new(text(package, "manifest_path")).parent().expect("a manifest stands in a folder");
    std::fs::read_to_string(folder.join(file)).is_ok_and(|words| {
        words.trim_start().starts_with("MIT License")
            || words.contains("Permission is hereby granted, free of charge")
    })
}

/// Whether one choice of an SPDX expression is allowed in all its parts.
fn may_be_linked(expression: &str, allowed: &[&str]) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    // Parentheses only ever join choices here: every word joined by AND needs an allowed choice.
    plain.split(" AND ").all(|part| {
        part.split(" OR ").any(|choice| {
            let licence = choice.split(" WITH ").next().unwrap_or_default().trim();
            allowed.contains(&licence)
        })
    })
}

#[test]
fn licences_are_read_as_they_are_written() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
    assert!(may_be_linked("MIT/Apache-2.0", &allowed));
    assert!(may_be_linked("(MIT OR GPL-3.0) AND Unicode-3.0", &allowed));
    assert!(may_be_linked("Apache-2.0 WITH LLVM-exception", &allowed));
    for expression in ["GPL-3.0", "LGPL-2.1", "AGPL-3.0-only", "MIT AND GPL-2.0", ""] {
        assert!(!may_be_linked(expression, &allowed), "{expression}");
    }
}

/// Every committed file with its bytes.
fn committed() -> Vec<(String, Vec<u8>)> {
    let done = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let names = String::from_utf8(done.stdout).unwrap();
    let files: Vec<(String, Vec<u8>)> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .filter_map(|name| Some((name.to_owned(), std::fs::read(root().join(name)).ok()?)))
        .collect();
    assert!(files.len() > 50, "the repository was looked through");
    files
}

#[test]
fn no_source_file_is_over_a_thousand_lines() {
    let long: Vec<String> = committed()
        .into_iter()
        .filter(|(name, _)| [".rs", ".py", ".ts", ".vue"].iter().any(|ending| name.ends_with(ending)))
        .filter(|(_, bytes)| {
            !String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).contains("Generated by")
        })
        .map(|(name, bytes)| (bytes.iter().filter(|byte| **byte == b'\n').count(), name))
        .filter(|(lines, _)| *lines > 1_000)
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn nothing_committed_knows_the_machine_it_was_written_on() {
    // Put together, so that this file does not hold them itself.
    let homes = ["root", "work"].map(|folder| format!("/{folder}/"));
    let words = [homes[0].clone(), homes[1].clone(), ["/ho", "me/"].concat(), ["/Us", "ers/"].concat()];
    let mut found = Vec::new();
    for (name, bytes) in committed() {
        let text = String::from_utf8_lossy(&bytes);
        if name.ends_with(".wav") || bytes.contains(&0) {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            let path =
                |word: &String| line.match_indices(word.as_str()).any(|(at, _)| begins_a_path(line, at));
            if words.iter().any(path) {
                found.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Whether a slash begins an absolute path and does not stand inside a relative one or an address.
fn begins_a_path(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$:/".contains(c))
}

#[test]
fn shell_scripts_stop_at_the_first_failure() {
    for (name, bytes) in committed() {
        let text = String::from_utf8_lossy(&bytes);
        if text.starts_with("#!/usr/bin/env bash") && Path::new(&name).starts_with("tools") {
            assert!(text.contains("set -euo pipefail"), "{name}");
        }
    }
}
