//! `hotline import --rebates`: what customers were given back, from a CSV file.

use std::path::Path;
use std::process::ExitCode;

use hotline_model::{Clock, Currency, Language, RebateInput, RebateState, RebateType, SystemClock};
use hotline_record::{Record, RecordError};

use super::import::{BadRow, Kind, Row, looked_over, place, read_rows, summed_up};
use super::{Problem, open_record, runtime};
use crate::config::Config;
use crate::progress::Progress;

const REBATES: Kind<RebateInput> = Kind {
    columns: &[
        "external-ref",
        "phone",
        "name",
        "language",
        "activity",
        "type",
        "face-value",
        "currency",
        "quantity",
        "state",
        "returned-at",
        "used-at",
        "expires-at",
        "message",
        "changed-at",
    ],
    needed: &["external-ref", "phone", "activity", "type", "face-value", "returned-at"],
    read,
};

/// Rebates that are stored together; calls wait no longer than for these.
const TOGETHER: usize = 50;

pub fn run(config: &Config, file: &Path, dry_run: bool) -> Result<ExitCode, Problem> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (rows, mut bad) = read_rows(&text, &REBATES)?;
    let shown = file.display().to_string();
    if let Some(done) = looked_over(&shown, rows.len(), &bad, dry_run)? {
        return Ok(done);
    }
    let counts = runtime()?.block_on(async {
        let record = open_record(config).await?;
        let mut progress = Progress::new("imported", rows.len());
        let (mut counts, mut done) = ([0usize; 4], 0);
        for rows in rows.chunks(TOGETHER) {
            let inputs = rows.iter().map(|(_, input)| input.clone()).collect();
            let line = rows.first().map_or(0, |(line, _)| *line);
            let stored = record.upsert_rebates(inputs, "terminal").await.map_err(|error| {
                Problem::from(format!(
                    "from line {line}: {error}; import again, what is stored stays as it is"
                ))
            })?;
            for ((line, _), stored) in rows.iter().zip(stored) {
                match stored {
                    Ok(stored) => counts[place(stored.change)] += 1,
                    Err(RecordError::Invalid(problem)) => bad.push(BadRow { line: *line, problem }),
                    Err(error) => return Err(Problem::from(format!("line {line}: {error}"))),
                }
            }
            done += rows.len();
            progress.done(done);
        }
        Ok(counts)
    })?;
    Ok(summed_up(&shown, counts, &bad))
}

fn read(row: &Row<'_>) -> Result<RebateInput, String> {
    let needed = |name: &str| row.cell(name).ok_or_else(|| format!("{name}: it is needed"));
    let input = RebateInput {
        external_ref: needed("external-ref")?,
        phone: needed("phone")?.into(),
        name: row.cell("name").map(Into::into),
        language: row.parsed::<Language>("language")?,
        activity: needed("activity")?,
        kind: row.parsed::<RebateType>("type")?.ok_or("type: it is needed")?,
        face_value: needed("face-value")?,
        currency: match row.cell("currency").as_deref() {
            None | Some("CNY") => Currency::Cny,
            Some("USD") => Currency::Usd,
            Some(_) => return Err("currency: CNY and USD are known".into()),
        },
        quantity: match row.cell("quantity") {
            Some(text) => text.parse().map_err(|_| "quantity: 1 to 1,000 is expected".to_owned())?,
            None => 1,
        },
        state: row.parsed::<RebateState>("state")?.unwrap_or_default(),
        returned_at: row.time("returned-at")?.ok_or("returned-at: it is needed")?,
        used_at: row.time("used-at")?,
        expires_at: row.time("expires-at")?,
        message: row.cell("message").map(Into::into),
        changed_at: row.time("changed-at")?,
    };
    Record::check_rebate(&input, SystemClock.now()).map_err(|error| error.to_string())?;
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_row_is_told_with_its_line_and_column() {
        let text = "external-ref,phone,activity,type,face-value,returned-at,quantity,message\n\
            R-1,13800138000,春节返礼,e-recharge-card,50,2026-11-19T10:00:00+08:00,2,\"卡密8842,请保管\"\n\
            R-2,13800138000,春节返礼,card,50,2026-11-19T10:00:00+08:00,,\n\
            R-3,13800138000,春节返礼,e-voucher,五十,2026-11-19T10:00:00+08:00,,\n\
            R-4,13800138000,春节返礼,e-voucher,50,2026-11-19,,\n\
            R-5,1380,春节返礼,e-voucher,50,2026-11-19T10:00:00+08:00,,\n\
            R-6,13800138000,,e-voucher,50,2026-11-19T10:00:00+08:00,,\n";
        let (good, bad) = read_rows(text.as_bytes(), &REBATES).unwrap();
        assert_eq!((good.len(), good[0].0, good[0].1.quantity), (1, 2, 2));
        let told: Vec<(u64, &str)> =
            bad.iter().map(|row| (row.line, row.problem.split(':').next().unwrap())).collect();
        assert_eq!(told, [(3, "type"), (4, "face-value"), (5, "returned-at"), (6, "phone"), (7, "activity")]);
        let missing = read_rows(b"external-ref,phone\n", &REBATES).unwrap_err().to_string();
        assert!(missing.contains("`activity`"), "{missing}");
    }
}
