//! The words of a text message, by language.

use hotline_model::Language;
use minijinja::{Environment, context};

/// What a message may tell.
pub struct Facts<'a> {
    /// The number to dial.
    pub number: &'a str,
    /// The code to key.
    pub code: &'a str,
}

/// A message's text is not usable.
#[derive(Debug, thiserror::Error)]
#[error(
    "the message text for {language} cannot be used: {problem}; `{{{{ number }}}}` and `{{{{ code }}}}` stand for the number and the code"
)]
pub struct BadTemplate {
    /// The text's language.
    pub language: Language,
    /// What is wrong.
    pub problem: String,
}

/// The checked words in every language.
#[derive(Debug, Clone)]
pub struct MessageTexts {
    zh_cn: String,
    en_us: String,
}

impl Default for MessageTexts {
    fn default() -> Self {
        Self {
            zh_cn: "您反映的问题已有处理结果。请拨打{{ number }},按语音提示输入编号{{ code }}收听。编号30天内有效。".into(),
            en_us: "There is a result for your complaint. Please call {{ number }} and key {{ code }} when asked. \
                    The code is valid for 30 days."
                .into(),
        }
    }
}

impl MessageTexts {
    /// Takes a firm's own words, after trying them.
    ///
    /// # Errors
    /// [`BadTemplate`] if a text cannot be filled in, or leaves out the code.
    pub fn new(zh_cn: String, en_us: String) -> Result<Self, BadTemplate> {
        let texts = Self { zh_cn, en_us };
        for language in Language::ALL {
            let facts = Facts { number: "10086", code: "407192865" };
            let filled = texts
                .try_render(language, &facts)
                .map_err(|error| BadTemplate { language, problem: error.to_string() })?;
            if !filled.contains(facts.code) {
                return Err(BadTemplate { language, problem: "it does not tell the code".into() });
            }
        }
        Ok(texts)
    }

    /// The Chinese words, with their placeholders.
    pub fn zh_cn(&self) -> &str {
        &self.zh_cn
    }

    /// The English words, with their placeholders.
    pub fn en_us(&self) -> &str {
        &self.en_us
    }

    /// The text in a language.
    pub fn render(&self, language: Language, facts: &Facts<'_>) -> String {
        // The texts were tried when they were taken over, with the same facts.
        self.try_render(language, facts).unwrap_or_default()
    }

    fn try_render(&self, language: Language, facts: &Facts<'_>) -> Result<String, minijinja::Error> {
        let text = match language {
            Language::ZhCn => &self.zh_cn,
            Language::EnUs => &self.en_us,
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.set_fuel(Some(100_000));
        environment.render_str(text, context! { number => facts.number, code => facts.code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_words_tell_number_and_code() {
        let facts = Facts { number: "10086", code: "407192865" };
        for language in Language::ALL {
            let text = MessageTexts::default().render(language, &facts);
            assert!(text.contains("10086") && text.contains("407192865"), "{text}");
        }
    }

    #[test]
    fn words_that_cannot_be_filled_in_are_refused_with_the_remedy() {
        let good = "{{ code }}".to_owned();
        let unknown = MessageTexts::new("{{ name }}{{ code }}".into(), good.clone()).unwrap_err().to_string();
        assert!(unknown.contains("zh-CN") && unknown.contains("{{ code }}"), "{unknown}");
        assert!(
            MessageTexts::new(good.clone(), "call us".into()).unwrap_err().to_string().contains("the code")
        );
        assert!(MessageTexts::new("{{ code".into(), good).is_err());
    }
}
