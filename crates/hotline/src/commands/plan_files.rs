//! The files of a folder of plans, and the facts about recordings that the checker is told.

use std::path::Path;

use hotline_dialplan::Recordings;
use hotline_dialplan::plan::{Piece, Plan};
use hotline_model::{Language, Segment, Utterance};

use super::Problem;

/// The deepest folder below the plans that is read.
const DEPTH: usize = 3;

/// Every YAML file below `folder`, as path and text, in the order of the paths.
pub fn read(folder: &Path) -> Result<Vec<(String, String)>, Problem> {
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    gather(folder, DEPTH, &mut files, &mut unreadable)?;
    if !unreadable.is_empty() {
        unreadable.sort();
        return Err(unreadable.join("\n").into());
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: there are no plans (*.yaml) here", folder.display()).into());
    }
    Ok(files)
}

fn gather(
    folder: &Path,
    depth: usize,
    files: &mut Vec<(String, String)>,
    broken: &mut Vec<String>,
) -> Result<(), Problem> {
    let unreadable = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    if folder.is_file() {
        let text = std::fs::read_to_string(folder).map_err(|error| unreadable(folder, error))?;
        files.push((folder.display().to_string(), text));
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(format!(
            "{}: there is no such folder; start where it is, or name it under [plans] in the configuration",
            folder.display()
        )
        .into());
    }
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let is_yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if path.is_dir() && depth > 0 {
            gather(&path, depth - 1, files, broken)?;
        } else if is_yaml {
            match std::fs::read_to_string(&path) {
                Ok(text) => files.push((path.display().to_string(), text)),
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    broken.push(format!("{}: save the file as UTF-8", path.display()));
                }
                Err(error) => broken.push(unreadable(&path, error)),
            }
        }
    }
    Ok(())
}

/// What is recorded below `prompts`, with the hashes of the words it was recorded from.
pub fn recordings(prompts: &Path) -> Recordings {
    let mut recordings = Recordings::default();
    for language in Language::ALL {
        let folder = prompts.join(language.tag());
        let hashes: std::collections::BTreeMap<String, String> = std::fs::read(folder.join("texts.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".wav")) {
                recordings.add(language, name, hashes.get(name).map(String::as_str));
            }
        }
    }
    for entry in std::fs::read_dir(prompts.join("music")).into_iter().flatten().flatten() {
        if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".wav")) {
            recordings.add_music(name);
        }
    }
    recordings
}

/// The fixed words of a plan's prompts, each as its own utterance: what can be rendered before
/// any call.
pub fn fixed_utterances(plan: &Plan) -> Vec<Utterance> {
    let mut utterances = Vec::new();
    for prompt in plan.heard_prompts() {
        for (language, pieces) in &prompt.texts {
            for piece in pieces {
                let Piece::Words { part, text } = piece else { continue };
                utterances.push(Utterance {
                    prompt: prompt.name.clone(),
                    language: *language,
                    barge_in: prompt.barge_in,
                    segments: vec![Segment::Words { part: *part, text: text.clone() }],
                });
            }
        }
    }
    utterances
}
