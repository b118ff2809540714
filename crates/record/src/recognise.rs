//! Whose number calls: asked at the first ring of every call, so that numbers that come while the
//! database answers are asked for together.

use std::collections::HashMap;

use hotline_model::{CallerNumber, PhoneNumber};
use sqlx::AnyPool;
use sqlx::any::AnyRow;
use tokio::sync::{mpsc, oneshot};

use crate::calls::OpenedCall;
use crate::deed::{places, statement};
use crate::sql::Columns;
use crate::{Record, RecordError};

/// Numbers in one question.
const NUMBERS: usize = 64;

struct Question {
    number: PhoneNumber,
    answer: oneshot::Sender<Result<OpenedCall, RecordError>>,
}

/// A handle to the task that asks.
#[derive(Clone)]
pub(crate) struct Recogniser {
    questions: mpsc::UnboundedSender<Question>,
}

impl Recogniser {
    pub fn start(readers: AnyPool) -> Self {
        let (questions, mut queue) = mpsc::unbounded_channel::<Question>();
        tokio::spawn(async move {
            let mut asked = Vec::new();
            while queue.recv_many(&mut asked, NUMBERS).await > 0 {
                answer(&readers, std::mem::take(&mut asked)).await;
            }
        });
        Self { questions }
    }
}

impl Record {
    /// What the record knows of a caller's number.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn recognise(&self, caller: &CallerNumber) -> Result<OpenedCall, RecordError> {
        let Some(number) = caller.phone() else { return Ok(OpenedCall::default()) };
        let (answer, known) = oneshot::channel();
        let gone = || RecordError::Unavailable("nobody asks the database any more".into());
        let question = Question { number: number.clone(), answer };
        self.recogniser.questions.send(question).map_err(|_| gone())?;
        known.await.map_err(|_| gone())?
    }
}

async fn answer(readers: &AnyPool, questions: Vec<Question>) {
    match find(readers, &questions).await {
        Ok(mut found) => {
            for question in questions {
                // A number that several customers share names none of them.
                let known = match found.get_mut(question.number.e164()).map(Vec::as_mut_slice) {
                    Some([one]) => Ok(one.clone()),
                    _ => Ok(OpenedCall::default()),
                };
                let _ = question.answer.send(known);
            }
        }
        Err(error) => {
            for question in questions {
                let _ = question.answer.send(Err(RecordError::Unavailable(error.to_string())));
            }
        }
    }
}

async fn find(
    readers: &AnyPool,
    questions: &[Question],
) -> Result<HashMap<String, Vec<OpenedCall>>, RecordError> {
    let numbers = places(1, &vec!["$"; questions.len()]);
    let sql = format!(
        "SELECT i.value, c.id, c.merged_into, c.language, c.tier FROM identity i \
         JOIN identity_link l ON l.identity_id = i.id AND l.valid_to IS NULL AND l.level = 'verified' \
         JOIN customer c ON c.id = l.customer_id \
         WHERE i.kind = 'phone' AND i.namespace = '' AND i.value IN {numbers}"
    );
    let mut query = statement(&sql, questions.len());
    for question in questions {
        query = query.bind(question.number.e164());
    }
    let mut found: HashMap<String, Vec<OpenedCall>> = HashMap::new();
    for row in query.fetch_all(readers).await? {
        let known = known(&row)?;
        let customers = found.entry(row.text("value")?).or_default();
        // Two records that were merged are one customer.
        if !customers.iter().any(|other| other.customer == known.customer) {
            customers.push(known);
        }
    }
    Ok(found)
}

fn known(row: &AnyRow) -> Result<OpenedCall, RecordError> {
    let customer = match row.parsed_or_none("merged_into")? {
        Some(id) => id,
        None => row.parsed("id")?,
    };
    Ok(OpenedCall {
        customer: Some(customer),
        language: row.parsed_or_none("language")?,
        tier: row.text_or_none("tier")?,
    })
}
