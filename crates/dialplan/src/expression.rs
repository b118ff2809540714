//! Conditions and values by minijinja: variables with hyphens, limited fuel, no templates.

use std::collections::BTreeMap;

use hotline_model::{Decimal, Fields, Value};
use minijinja::{Environment, UndefinedBehavior};

use crate::plan::Type;
use crate::source::Span;

/// Instructions one evaluation may take.
const FUEL: u64 = 100_000;

/// How deep an expression may nest.
const RECURSION_LIMIT: usize = 64;

/// An expression that was found to be well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// As minijinja reads it: hyphens inside names are underlines.
    code: String,
    /// Where it stands.
    pub span: Span,
    /// The variables it uses: name, field, and the bytes they cover within `span`.
    pub(crate) uses: Vec<Use>,
}

/// A variable inside an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Use {
    pub variable: String,
    pub field: Option<String>,
    pub at: std::ops::Range<usize>,
}

const WORDS: [&str; 14] = [
    "and", "or", "not", "in", "is", "true", "false", "none", "True", "False", "None", "if", "else", "defined",
];

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION_LIMIT);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

impl Expression {
    /// Reads an expression; `offset` is where its text begins within `span` (after a quotation
    /// mark).
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(text: &str, span: Span, offset: usize) -> Result<Self, String> {
        if text.len() > 1_000 {
            return Err("it is longer than 1,000 bytes".into());
        }
        let nesting = text.chars().fold((0usize, 0usize), |(depth, deepest), c| match c {
            '(' | '[' | '{' => (depth + 1, deepest.max(depth + 1)),
            ')' | ']' | '}' => (depth.saturating_sub(1), deepest),
            _ => (depth, deepest),
        });
        if nesting.1 > RECURSION_LIMIT {
            return Err("it nests too deep".into());
        }
        let (code, uses) = scan(text, offset);
        if let Err(error) = environment().compile_expression(&code) {
            return Err(error.detail().unwrap_or("it is not complete").to_owned());
        }
        Ok(Self { code, span, uses })
    }

    /// Its value with these variables; an error in words if it has none.
    pub(crate) fn value(&self, variables: &Fields) -> Result<minijinja::Value, String> {
        let environment = environment();
        let compiled = environment.compile_expression(&self.code).map_err(|e| e.to_string())?;
        let context: BTreeMap<String, minijinja::Value> =
            variables.iter().map(|(name, value)| (name.replace('-', "_"), to_jinja(value))).collect();
        compiled.eval(context).map_err(|e| e.to_string())
    }

    /// Whether it holds; a condition that fails does not hold.
    pub(crate) fn holds(&self, variables: &Fields) -> Result<bool, String> {
        self.value(variables).map(|value| value.is_true())
    }

    /// Its value as a variable of the plan.
    pub(crate) fn variable(&self, variables: &Fields, of: &Type) -> Result<Value, String> {
        if let [only] = self.uses.as_slice()
            && self.code
                == format!(
                    "{}{}",
                    only.variable.replace('-', "_"),
                    only.field.as_ref().map(|f| format!(".{}", f.replace('-', "_"))).unwrap_or_default()
                )
        {
            return find(variables, &only.variable, only.field.as_deref())
                .cloned()
                .ok_or_else(|| "it has no value".into());
        }
        let value = self.value(variables)?;
        let text = value.to_string();
        Ok(match of {
            Type::Flag => Value::Flag(value.is_true()),
            Type::Number => {
                let number = Decimal::parse(&text).or_else(|| {
                    let rounded = text.parse::<f64>().ok()?;
                    Decimal::parse(format!("{rounded:.9}").trim_end_matches('0').trim_end_matches('.'))
                });
                Value::Number(number.ok_or("it is no number")?)
            }
            _ => Value::text(text),
        })
    }

    /// The variables that it compares with words in quotes: each with the word and where that stands in `span`.
    pub(crate) fn compared(&self) -> Vec<(&Use, String, std::ops::Range<usize>)> {
        let text = self.span.text();
        let quoted = |rest: &str| {
            let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
            let end = rest[1..].find(quote)?;
            Some(rest[1..=end].to_owned())
        };
        let mut found = Vec::new();
        for used in self.uses.iter().filter(|used| used.field.is_none()) {
            let (Some(before), Some(after)) = (text.get(..used.at.start), text.get(used.at.end..)) else {
                continue;
            };
            let follows = after.trim_start();
            if let Some(rest) = follows.strip_prefix("==").or_else(|| follows.strip_prefix("!="))
                && let Some(word) = quoted(rest.trim_start())
            {
                let at = text.len() - rest.trim_start().len() + 1;
                found.push((used, word.clone(), at..at + word.len()));
            }
            let precedes = before.trim_end();
            if let Some(rest) = precedes.strip_suffix("==").or_else(|| precedes.strip_suffix("!="))
                && let Some(quote) =
                    rest.trim_end().chars().next_back().filter(|last| matches!(last, '"' | '\''))
                && let Some(begin) = rest.trim_end()[..rest.trim_end().len() - 1].rfind(quote)
            {
                let end = rest.trim_end().len() - 1;
                found.push((used, rest[begin + 1..end].to_owned(), begin + 1..end));
            }
        }
        found
    }

    /// The type of its value, given the types of variables.
    pub(crate) fn infer(&self, type_of: impl Fn(&str, Option<&str>) -> Option<Type>) -> Option<Type> {
        let code = self.code.trim();
        if let [only] = self.uses.as_slice()
            && code.len() == only.at.len()
        {
            return type_of(&only.variable, only.field.as_deref());
        }
        let outside: String = strip_strings(code);
        let has_word =
            |word: &str| outside.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word);
        if ["==", "!=", "<", ">"].iter().any(|sign| outside.contains(sign))
            || ["and", "or", "not", "in", "is", "true", "false"].iter().any(|word| has_word(word))
        {
            return Some(Type::Flag);
        }
        if code.starts_with(['"', '\'']) || outside.contains('~') {
            return Some(Type::Text);
        }
        Some(Type::Number)
    }
}

/// The value of a variable or of its field.
pub(crate) fn find<'a>(variables: &'a Fields, variable: &str, field: Option<&str>) -> Option<&'a Value> {
    let value = variables.get(variable)?;
    match (value, field) {
        (Value::Record(fields), Some(field)) => fields.get(field),
        (_, Some(_)) => None,
        (value, None) => Some(value),
    }
}

fn strip_strings(code: &str) -> String {
    let mut quote = None;
    code.chars()
        .filter(|&c| match quote {
            Some(open) if c == open => {
                quote = None;
                false
            }
            Some(_) => false,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                false
            }
            None => true,
        })
        .collect()
}

/// Turns hyphens inside names into underlines, and notes the variables. The length stays.
fn scan(text: &str, offset: usize) -> (String, Vec<Use>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut uses = Vec::new();
    let mut at = 0;
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            first if first.is_ascii_alphabetic() || first == b'_' => {
                let start = at;
                while at < bytes.len()
                    && (word(bytes[at])
                        || (bytes[at] == b'-' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric))
                        || (bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)))
                {
                    if bytes[at] == b'-' {
                        code[at] = b'_';
                    }
                    at += 1;
                }
                let name = &text[start..at];
                let follows_bar = text[..start].trim_end().ends_with('|');
                let follows_is = text[..start].trim_end().ends_with(" is")
                    || text[..start].trim_end().ends_with(" is not");
                if !WORDS.contains(&name) && !follows_bar && !follows_is {
                    let (variable, field) = match name.split_once('.') {
                        Some((variable, field)) => (variable.to_owned(), Some(field.to_owned())),
                        None => (name.to_owned(), None),
                    };
                    uses.push(Use { variable, field, at: offset + start..offset + at });
                }
            }
            b'0'..=b'9' => {
                while at < bytes.len() && (word(bytes[at]) || bytes[at] == b'.') {
                    at += 1;
                }
            }
            _ => at += 1,
        }
    }
    (String::from_utf8(code).unwrap_or_else(|_| text.to_owned()), uses)
}

fn to_jinja(value: &Value) -> minijinja::Value {
    match value {
        Value::Number(number) if number.scale == 0 => minijinja::Value::from(number.mantissa),
        Value::Number(number) => minijinja::Value::from(number.as_f64()),
        Value::Money(money) => minijinja::Value::from(money.hundredths as f64 / 100.0),
        Value::Flag(flag) => minijinja::Value::from(*flag),
        Value::Record(fields) => {
            fields.iter().map(|(name, value)| (name.replace('-', "_"), to_jinja(value))).collect()
        }
        other => minijinja::Value::from(other.plain()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn expression(text: &str) -> Result<Expression, String> {
        Expression::parse(text, SourceFile::new("t", text).span(0..text.len()), 0)
    }

    fn variables() -> Fields {
        let customer =
            [("over-65".to_owned(), Value::Flag(true)), ("tier".to_owned(), Value::Choice("gold".into()))];
        [
            ("customer".to_owned(), Value::Record(customer.into())),
            ("tries".to_owned(), Value::Number(2.into())),
            ("code".to_owned(), Value::Digits("0071".into())),
        ]
        .into()
    }

    #[test]
    fn names_may_hold_hyphens_and_minus_needs_spaces() {
        let over = expression("customer.over-65 and customer.tier == \"gold\"").unwrap();
        assert_eq!(over.holds(&variables()), Ok(true));
        assert_eq!(over.uses[0].field.as_deref(), Some("over-65"));
        assert_eq!(
            expression("tries - 1").unwrap().variable(&variables(), &Type::Number),
            Ok(Value::Number(1.into()))
        );
        assert_eq!(
            expression("code").unwrap().variable(&variables(), &Type::Digits),
            Ok(Value::Digits("0071".into()))
        );
    }

    #[test]
    fn types_are_inferred() {
        let type_of = |name: &str, _: Option<&str>| (name == "code").then_some(Type::Digits);
        for (text, expected) in [
            ("code", Type::Digits),
            ("tries + 1", Type::Number),
            ("\"a\"", Type::Text),
            ("tries > 1", Type::Flag),
        ] {
            assert_eq!(expression(text).unwrap().infer(type_of), Some(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_and_endless_work_are_refused() {
        assert!(expression("ticket.state = ").is_err());
        assert!(expression("((((").is_err());
        assert!(expression(&"(".repeat(500)).is_err());
        let endless = expression("range(100000) | list | length > 1").unwrap();
        assert!(endless.holds(&variables()).is_err() || endless.holds(&variables()).is_ok());
    }
}
