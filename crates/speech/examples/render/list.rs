//! What the plans say.

use std::collections::BTreeMap;
use std::path::Path;

use hotline_dialplan::plan::Piece;
use hotline_dialplan::{Plans, Recordings};
use hotline_model::Language;

use crate::{Failure, Wanted};

/// Prompts that no plan needs to name: said when something of ours failed.
const SYSTEM: [(&str, [&str; 2]); 2] = [
    ("one-moment", ["正在查询，请稍候。", "One moment, please."]),
    (
        "sorry-trouble",
        [
            "非常抱歉，系统出了点问题，请稍后再拨。",
            "I'm sorry, something went wrong on our side. Please call again later.",
        ],
    ),
];

/// Every fixed segment of every prompt, in each language. Where two plans say different words
/// under one name, the second is recorded as `<name>.<plan>`; speech finds it by its words.
pub fn prompts(root: &Path) -> Result<Vec<Wanted>, Failure> {
    let folder = root.join("dialplans");
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files)?;
    files.sort();
    let (plans, diagnostics) = Plans::load(files, &Recordings::default());
    let Some(plans) = plans else {
        let first = diagnostics.first().map(|d| format!("{d:?}")).unwrap_or_default();
        return Err(format!("the plans have errors: hotline check dialplans/ ({first})").into());
    };
    let mut wanted: BTreeMap<(Language, String), String> = BTreeMap::new();
    let mut sorted: Vec<_> = plans.plans().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for plan in sorted {
        for prompt in plan.heard_prompts() {
            for (language, pieces) in &prompt.texts {
                for piece in pieces {
                    let Piece::Words { part, text } = piece else { continue };
                    // A full stop behind a value is a rest, not a recording.
                    if !text.chars().any(char::is_alphanumeric) {
                        continue;
                    }
                    let name = match part {
                        Some(part) => format!("{}.{part}", prompt.name),
                        None => prompt.name.clone(),
                    };
                    put(&mut wanted, *language, name, text, &plan.name);
                }
            }
        }
    }
    for (name, texts) in SYSTEM {
        for (language, text) in Language::ALL.into_iter().zip(texts) {
            wanted.entry((language, name.to_owned())).or_insert_with(|| text.to_owned());
        }
    }
    Ok(wanted.into_iter().map(|((language, name), text)| Wanted { language, name, text }).collect())
}

fn put(
    wanted: &mut BTreeMap<(Language, String), String>,
    language: Language,
    name: String,
    text: &str,
    plan: &str,
) {
    let text = text.trim().to_owned();
    match wanted.get(&(language, name.clone())) {
        Some(known) if *known == text => {}
        Some(_) => {
            eprintln!("{language}/{name}: plan `{plan}` says other words under this name");
            wanted.insert((language, format!("{name}.{plan}")), text);
        }
        None => {
            wanted.insert((language, name), text);
        }
    }
}

fn collect(base: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(base, &path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(base)?.to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}
