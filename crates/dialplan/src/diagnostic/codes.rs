//! The registry of codes: each with a page for `hotline explain`. A code that appeared in a
//! release is never used for anything else.

use std::fmt;

/// A stable code of one kind of finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    /// `D201`.
    pub id: &'static str,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// What `hotline explain` says of a code.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The code.
    pub code: Code,
    /// Its title.
    pub title: &'static str,
    /// How it comes about, and what it means for the caller.
    pub cause: &'static str,
    /// Lines that cause it.
    pub example: &'static str,
    /// The same lines mended.
    pub remedy: &'static str,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        write!(
            f,
            "{}: {}\n\n{}\n\nFor example:\n\n{}\nInstead:\n\n{}",
            self.code.id,
            self.title,
            self.cause,
            indent(self.example),
            indent(self.remedy)
        )
    }
}

macro_rules! codes {
    ($($name:ident $id:literal $title:literal $cause:literal $example:literal $remedy:literal)*) => {
        $(#[doc = $title] pub const $name: Code = Code { id: $id };)*

        /// Every page, in the order of the codes.
        pub const PAGES: &[Page] = &[$(Page { code: $name, title: $title, cause: $cause, example: $example, remedy: $remedy }),*];
    };
}

/// The page of a code: `explain("D201")`.
pub fn explain(id: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.code.id.eq_ignore_ascii_case(id))
}

codes! {
SYNTAX "D100" "the file cannot be read as YAML"
"A quotation mark is not closed, a line stands in the wrong column, or a text begins with a sign that YAML keeps for itself. Nothing below the fault can be understood, so it is mended first."
"say: @welcome" "say: welcome"
TAB "D101" "a line is indented with a tab"
"YAML counts spaces to know which lines belong together, and a tab has no width of its own."
"steps:\n\tgreet:\n\t\tsay: welcome" "steps:\n  greet:\n    say: welcome"
UNQUOTED_KEY "D102" "`*` or `#` stands without quotes"
"In YAML `#` begins a comment and `*` calls for an earlier part of the file. The caller's star or pound key would do nothing, often without any error."
"keys:\n  *: again\n  #: the-end" "keys:\n  \"*\": again\n  \"#\": the-end"
BRACES "D103" "a text that begins with `{{` stands without quotes"
"A brace at the beginning of a value opens a table in YAML. Quotes make it a text again."
"en-US: {{ ticket.result | text }}" "en-US: \"{{ ticket.result | text }}\""
COLON "D104" "a colon inside a text that stands without quotes"
"A colon followed by a space makes a key of the words before it. English sentences need quotes as soon as they hold one; the full-width colon of Chinese sentences does no harm."
"en-US: Please note: we are closed." "en-US: \"Please note: we are closed.\""
FULL_WIDTH "D105" "full-width punctuation where YAML's own is needed"
"The Chinese input method writes `：`, `“` and `”`. Inside prompts they are right; around keys YAML does not know them."
"say：welcome" "say: welcome"
DUPLICATE "D106" "the same key stands twice"
"Of two lines with the same key in one table only one could be obeyed, and programs differ in which one."
"keys:\n  \"1\": hear\n  \"1\": again" "keys:\n  \"1\": hear\n  \"2\": again"
NUMBER "D107" "a code that YAML reads as a number"
"Codes, telephone numbers and keys are strings of digits: they begin with zeros and are never added up. Without quotes, editors and other programs make numbers of them and drop the zeros."
"last-four: 0071" "last-four: \"0071\""
EMPTY "D108" "the file is empty"
"A plan says at least its name, its languages, where it starts, and what its steps are."
"" "plan: hello\nlanguages: [en-US]\nstart: greet\n…"
ANCHOR "D109" "anchors, aliases and tags"
"`&name`, `*name` and `!tag` are YAML's own shortcuts. Plans do not use them, so that what stands at a step is all there is to it."
"say: &hello welcome" "say: welcome"
TOO_MANY "D110" "more findings than are shown"
"Of each file the first 200 findings are shown, errors before warnings. So many mostly have one cause, such as a part that stands in the wrong column or in the wrong file."
"steps:\ngreet: { say: welcome, then: choose }" "steps:\n  greet: { say: welcome, then: choose }"

STEP "D201" "no step has this name"
"`start`, `then`, the keys of a menu and every exit name a step under `steps:`. Callers who take this exit would have nowhere to go."
"keys: { \"2\": suport }" "keys: { \"2\": support }"
PROMPT "D202" "no prompt has this name"
"`say`, `prompt` and `meanwhile` name a prompt under `prompts:`. Callers would hear silence."
"say: welcom" "say: welcome"
VARIABLE "D203" "no variable has this name"
"Between `{{` and `|`, after `when:` and after `with:` stand variables: answers of a `collect`, records of a `lookup` or `verify`, what `set` made, what the plan `takes`, and `caller`, `call`."
"\"{{ tiket.result | text }}\"" "\"{{ ticket.result | text }}\""
POLICY "D204" "no verification policy has this name"
"`verify` names a file in `dialplans/policies/`."
"verify: ticket-resul" "verify: ticket-result"
CALENDAR "D205" "no calendar has this name"
"`hours` names a file in `dialplans/calendars/`."
"hours: ofice" "hours: office"
PLAN "D206" "no plan has this name"
"`call`, `numbers.yaml` and call scripts name plans: files in `dialplans/`."
"call: complaint-results" "call: complaint-result"
KIND "D207" "a name of another kind stands here"
"Exits are always steps, and what is said is always a prompt. A word's place decides what it must be."
"then: welcome        # welcome is a prompt" "then: greet          # greet says it"
UNASSIGNED "D208" "a variable is used where it may not exist yet"
"On some way to this step nothing has given the variable a value, so there would be nothing to say. `ticket` exists only after the exit `passed` of a `verify`, an answer only after its `collect`."
"start: hear           # hear says {{ ticket.result | text }}" "start: ask-code       # … verify … passed: hear"
NAME "D209" "this is no name"
"Names of plans, steps, prompts and variables are written in small letters, digits and hyphens, and begin with a letter."
"Ask Code:" "ask-code:"
TWO_TYPES "D210" "one variable with two types"
"A variable keeps one type in its plan, so that a prompt knows how to say it."
"collect: answer …  /  set: { answer: 1 + 1 }" "collect: answer …  /  set: { tries: 1 + 1 }"
FIELD "D211" "a record has no field of this name"
"A ticket has result, state, category, reference and changed-on; a customer has name, tier, language and over-65; `caller` has number and withheld; `call` has dialled, language, date, time and weekday. A record has only the fields that somebody put there."
"{{ ticket.results | text }}" "{{ ticket.result | text }}"
QUEUE "D212" "no queue has this name"
"`queue` names a queue of `dialplans/queues.yaml`."
"queue: complaint" "queue: complaints"

UNKNOWN_KEY "D301" "a word that is not known here"
"Each step, prompt and file knows a few words. A word nobody knows would be obeyed by nobody."
"greet: { say: welcome, tehn: ask-code }" "greet: { say: welcome, then: ask-code }"
MISSING_KEY "D302" "a word that is needed is missing"
"Without it the call could not go on."
"greet: { say: welcome }" "greet: { say: welcome, then: ask-code }"
SHAPE "D303" "something else is expected here"
"A text, a list (`- …`) or a table (`key: …`) stands where one of the others belongs."
"languages: zh-CN" "languages: [zh-CN]"
DURATION "D304" "this is no length of time"
"Lengths of time are written with their unit: 700ms, 3s, 2min, 24h."
"within: 3" "within: 3s"
NOT_A_KEY "D305" "no telephone has this key"
"A telephone has the keys 0 to 9, * and #."
"keys: { \"A\": again }" "keys: { \"1\": again }"
RANGE "D306" "a value out of range"
"A number is too large or too small for what it is for, or two of them contradict each other."
"min: 9\nmax: 4" "min: 4\nmax: 9"
VERB "D307" "a step must say what it does"
"Each step does one thing: say, collect, menu, survey, record, branch, set, lookup, verify, hours, save, message, language, call, answer, queue, transfer, music, call-back, leave, repeat, return or hangup. `say` may stand beside any of them and is heard first."
"greet: { then: ask-code }" "greet: { say: welcome, then: ask-code }"
WORD "D308" "not one of the words that are known here"
"Some places take one of a few words only."
"pace: slowly" "pace: slow"
LAST_ITEM "D309" "the last attempt leads nowhere"
"The items of `no-input` and `no-match` are used one after the other. After the last one the call must go somewhere, else the caller is asked for ever."
"no-match:\n  - say: sorry" "no-match:\n  - say: sorry\n  - then: to-a-human"
PATTERN "D310" "this pattern can match nothing"
"A pattern is a list of keys: a digit stands for itself, `?` for any digit, `[1-5]` for a range, `*` and `#` for those keys."
"pattern: \"1[3\"" "pattern: \"1[3-9]?????????\""
CIVIL "D311" "this is no date or time of day"
"Dates are written 2026-10-01, times of day 09:00 to 24:00, moments 2026-11-20 10:00."
"holidays: [10/1]" "holidays: [2026-10-01]"
PHONE "D312" "this is no telephone number"
"The number that customers see is sent to the carrier as it stands here: digits, with a `+` before the country's code if the carrier wants one, and nothing else."
"show: \"call me\"" "show: \"10086\""
NOBODY "D313" "a list or a table in which nothing stands"
"Where a policy names what it is for, a list without anything would mean everybody in one place and nobody in another. Leave the line out, or name some."
"categories: []" "categories: [data-charge]"

TEMPLATE "D401" "a value in a prompt is written wrongly"
"Values stand between `{{` and `}}`: the variable, a bar, and how to say it. Nothing else of template languages is known here."
"您有{% if n %}{{ n }}" "您有{{ n | count(\"条\") }}"
SLOT "D402" "a value cannot be said in this way"
"Digits, numbers, money, dates and times are said differently; the slot must fit the variable's type."
"{{ ticket.result | money }}" "{{ ticket.result | text }}"
LANGUAGE "D403" "a language is missing"
"Every prompt has words in every language of its plan. Callers of the missing language would hear silence."
"welcome: { zh-CN: 您好 }      # languages: [zh-CN, en-US]" "welcome: { zh-CN: 您好, en-US: Hello }"
CONDITION "D404" "this condition cannot be read"
"Conditions compare variables: ==, !=, <, >, and, or, not, in. Texts stand in quotes."
"when: ticket.state = closed" "when: ticket.state == \"closed\""
RECORDING_VALUES "D405" "one recording over a prompt with values"
"A prompt whose text holds values is recorded in parts: `name.1.wav`, `name.2.wav`, one for the words before, between and after the values. One recording of the whole would say somebody else's value."
"prompts/zh-CN/nine-digits.wav" "prompts/zh-CN/nine-digits.1.wav"
RECORDING_MISSING "D406" "a recording is missing"
"Some prompts of this language are recorded and this one is not: the caller would hear two voices."
"prompts/zh-CN/ has no welcome.wav" "record it, or let `tools/render-prompts` render it"
RECORDING_CHANGED "D407" "the text has changed since it was recorded"
"The caller hears the recording, so would hear the old text."
"the text says 10 digits, the recording 9" "record it again, or let `tools/render-prompts` render it"
UNUSED "D408" "a prompt that no step says"
"It is translated and recorded for nobody, or a step should say it and does not."
"prompts: { bye: … }   # no `say: bye`" "remove it, or say it"

UNREACHABLE "D501" "no caller ever comes to this step"
"No exit of any step that callers reach leads here."
"steps: { a: { say: x, then: c }, b: { say: y, then: c }, c: … }" "let an exit lead to `b`, or remove it"
LOOP "D502" "a circle in which the caller is never asked"
"These steps lead back to themselves without a `collect` or a `menu` between: the caller could only hang up."
"a: { say: x, then: b }\nb: { say: y, then: a }" "let one of them be a `menu`, or end in `hangup`"
NO_HUMAN "D503" "no way to a human"
"A caller whom the plan does not help is left alone. A `queue` or a `transfer` brings a human at once; a step that saves a `follow-up` sees to it that somebody calls back."
"keys: { \"1\": hear }" "keys: { \"1\": hear, \"0\": to-a-human }"
OPTIONS "D504" "more than five options"
"People remember the first and the last of what they hear; from the sixth on they press anything."
"keys: { \"1\": a, \"2\": b, \"3\": c, \"4\": d, \"5\": e, \"6\": f }" "move some of them behind one key into a second menu"
LEVELS "D505" "more than three menus deep"
"Each level loses callers."
"menu -> menu -> menu -> menu" "bring the fourth level up, or ask for a code instead"
NO_REPEAT "D506" "no key to hear it again"
"A caller who missed the options can only wait. `repeat: normal` in a step makes a key for it, best for the whole plan under `keys-everywhere`."
"keys: { \"1\": hear }" "keys-everywhere: { \"*\": again }\nsteps:\n  again: { repeat: normal }"
PREFIX "D507" "one key is the beginning of another"
"After the first key the call waits for a second one. Say how long with `inter-digit`, or choose keys that do not begin alike."
"keys: { \"1\": a, \"12\": b }" "keys: { \"1\": a, \"2\": b }"
SILENCE "D508" "a question without an answer for silence or slips"
"Callers press nothing, or something else. `no-input` and `no-match` say what they hear then and where they go in the end."
"menu: { prompt: p, keys: { \"1\": a } }" "no-input:\n  - say: still-there\n  - then: goodbye"
NO_DEADLINE "D509" "a look-up without a deadline or an exit"
"Databases and web servers are slow, away, or do not know. Without `within` and the exits found, empty, late and failed the caller would wait in silence."
"lookup: customer\nfound: a" "lookup: customer\nwithin: 3s\nfound: a\nempty: b\nlate: b\nfailed: b"
CIRCLE "D510" "plans that call each other in a circle"
"A call would go round for ever."
"main-menu calls help, help calls main-menu" "let `help` end with `return`"
UNVERIFIED "D511" "a ticket is looked up before anybody proved to be its customer"
"Whoever guesses a code would learn that it exists. `verify` looks up and checks in one act."
"lookup: ticket" "verify: ticket-result\nwith: { code: code }"
FACTOR "D512" "a verification cannot ask for everything its policy wants"
"What the plan does not hand over by `with` the verification asks for itself, with the prompt that the policy names in `ask`."
"policy: { factors: [{ factor: last-four, length: 4 }] }" "policy: { factors: [{ factor: last-four, ask: key-the-last-four, length: 4 }] }"
SUB_LANGUAGE "D513" "a called plan does not speak all languages of this one"
"Callers of the missing language would hear another one all of a sudden."
"languages: [zh-CN, en-US]\n… call: help     # languages: [zh-CN]" "let `help` speak en-US as well"
ARGUMENT "D514" "a called plan takes or gives something else"
"`with` hands over what the called plan `takes`, `gives` takes back what it `returns`, by the same names and types."
"call: help\nwith: { cod: code }" "call: help\nwith: { code: code }"
REPEATED_NAME "D515" "two files have the same name"
"Plans, policies and calendars are called by their names, so each name belongs to one file."
"plan: main-menu       # in two files" "plan: night-menu"
ALLOWED "D516" "an address that plans may not ask"
"`url` is fixed when the plan is written: it begins with https:// or http:// and a host, and what callers keyed goes into `with`."
"url: \"https://x/{{ code }}\"" "url: https://crm.example.com/balance\nwith: { code: code }"
DEAD_ITEM "D517" "an attempt that never comes"
"Items of `no-input` and `no-match` behind one that has `then` are never used: the call has gone elsewhere."
"no-match:\n  - then: goodbye\n  - say: sorry" "no-match:\n  - say: sorry\n  - then: goodbye"
UNANSWERED "D518" "a question before the call is answered"
"In a plan with `answer: by-step` the caller hears what is said before a step `answer` without being charged, and most networks carry no keys until then. Questions and other plans come behind that step."
"answer: by-step\nstart: choose\n… choose: { menu: … }" "start: take-it\n… take-it: { answer: call, then: choose }"
NO_EXIT "D519" "a queue or a transfer without a way on"
"Agents go home, queues close, telephones are busy. Without the exits nobody, closed and failed of a `queue`, and busy, no-answer and failed of a `transfer`, the caller would hear silence then."
"queue: service\nthen: bye" "queue: service\nthen: bye\nnobody: we-call-back\nclosed: we-call-back\nfailed: we-call-back"
WAITING_PLAN "D520" "this cannot run while a caller waits in a queue"
"The plan named by `while-waiting` runs inside the queue until an agent comes. It takes `place` and `wait` or nothing, returns nothing, and neither it nor a plan it calls waits in another queue or puts the call through: it lets the caller `leave` first. The plan of a queue's `call-back` begins a call, and takes nothing."
"while-waiting: waiting      # waiting: … queue: service" "left: { sales: to-sales }   # waiting: … leave: sales"
LEAVE "D521" "a way out of the queue that leads nowhere"
"`leave` ends the waiting with a word; each step that waits in that queue says under `left` where the word leads. Outside of a plan that runs inside a queue there is nothing to leave, and no place that `call-back` could keep; nor does a queue keep one that names no plan to call with."
"queue: service      # its waiting plan says `leave: message-left`" "queue: service\nleft: { message-left: promise }"
CALLED_PLAN "D522" "a policy calls customers with a plan that takes something else"
"The plan of a policy under which customers are called is told of the ticket that the call is about: `reference`, `category` and `closed-on`. It takes some of them, or nothing."
"plan: complaint-survey      # complaint-survey: takes: { name: text }" "plan: complaint-survey      # complaint-survey: takes: { reference: text }"
ANSWERS "D523" "the answers of a survey's question are not clear"
"A question of a survey has either a `scale` within 0-10, lower number first, or `answers`: a key and a word for each. Words are what the record keeps and reports count, so no two keys share one, and no key of an answer leads elsewhere."
"answers: { \"1\": good, \"2\": good }" "answers: { \"1\": good, \"2\": bad }"
QUESTION "D524" "two questions or recordings of a plan have one name"
"Answers and recordings are kept by the name of the question, which stays when its words change. Two of one name could not be told apart afterwards."
"survey: satisfied      # in two steps" "survey: satisfied-with-the-agent"
UNANNOUNCED "D525" "a recording that nobody announces"
"After the beep of a `record` the caller speaks, and the words are kept. A prompt says so, and how they end."
"record: comment\nthen: thanks" "record: comment\nprompt: speak-after-the-beep\nthen: thanks"
NOT_DIALLED "D526" "a number leads to a plan that has to be told something"
"What a plan `takes` is handed over by the plan that calls it, by its queue, or by the policy that calls customers with it. Whoever dials a number brings nothing, and would hear nothing where the plan says it."
"numbers: { \"10086\": complaint-survey }      # takes: { reference: text }" "numbers: { \"10086\": main-menu }"
NO_OPT_OUT "D527" "customers cannot say that they want no more calls"
"Whoever is called without having asked for it can refuse all further calls by a key: a step that saves `do-not-call: true`. In many countries the law wants it so."
"\"2\": goodbye" "\"9\": no-more-calls\n… no-more-calls: { save: { outcome: refused, do-not-call: true }, then: goodbye }"
TOLD_EARLY "D528" "something of a ticket is told before anybody pressed a key"
"A machine may have answered, or somebody else in the house. Until a key is pressed nobody knows that a customer listens, so nothing of their matter is said."
"greet: { say: about-your-complaint, then: ask }      # {{ category | text }}" "ask: { menu: { prompt: press-1-to-take-part, keys: { \"1\": about } } }"
HUNG_UP "D529" "something is said or asked after the caller hung up"
"`hung-up` of a step leads to what is still written down when the caller hangs up there, for example a follow-up for somebody who went away dissatisfied. Nothing behind it can be heard."
"hung-up: tell-promise      # tell-promise: { say: we-call-back, … }" "hung-up: keep-track       # keep-track: { save: { follow-up: … }, then: gone }"
BY_MESSAGE "D530" "a word that concerns calls, in a policy that calls nobody"
"A policy either calls customers (`plan`), with a message where calls lead to nothing (`otherwise`), or sends a message and calls nobody (`message`). Words that concern calls mean nothing without a plan."
"plan: complaint-survey\nmessage: { zh-CN: …, en-US: … }" "plan: complaint-survey\notherwise: { message: { zh-CN: …, en-US: … } }"
WRITTEN "D531" "a survey that cannot be answered in writing"
"A message with `{{ link }}` leads to a page where the customer answers the plan of the policy in writing. Every `survey`, `record` and `menu` that comes up there says under `written` what is read instead of heard: `ask`, and for each answer its words; a menu that makes no sense in writing has `take`, the key that is taken without asking. A `queue` is taken as if nobody were there, so its `nobody` promises a call back. What needs keys or a call (`collect`, `verify`, `transfer`, …) cannot come up."
"survey: satisfied\nprompt: are-you-satisfied\nanswers: { \"1\": satisfied, \"2\": dissatisfied }" "written:\n  ask: are-you-satisfied-in-writing\n  answers:\n    \"1\": { zh-CN: 满意, en-US: Satisfied }\n    \"2\": { zh-CN: 不满意, en-US: Not satisfied }"
CONTENT "D532" "a survey of which nobody can tell who is content"
"A supervisor sees how many customers are content and how many are not. One question of a survey tells: the one whose `content` names the answers of those who are, or which is called `satisfied` and has an answer `satisfied` or a scale to 5. Without one nobody is counted; with two a customer could count as both."
"survey: resolved\nanswers: { \"1\": settled, \"2\": open }" "survey: resolved\nanswers: { \"1\": settled, \"2\": open }\ncontent: settled"

SCRIPT_HEARD "D601" "a caller of a script heard something else"
"The plan says another prompt than the script expects, or none. One of the two is wrong."
"- hears: the-result" "- hears: not-right"
SCRIPT_WAIT "D602" "a caller of a script waits in vain"
"The script says that nothing is keyed, or that the call ends, and the call is not there."
"- the call ends" "- hangs up"
SCRIPT_RECORD "D603" "the record of a scripted call says something else"
"After the call the record does not hold what the script expects."
"record: { outcome: contained }" "record: { outcome: wants-human }"
SCRIPT_OVER "D604" "a scripted call is over too early"
"The script goes on, and the call has ended."
"- the call ends\n- keys: \"1\"" "- the call ends"
SCRIPT_AGENT "D605" "an agent of a script has nobody to talk to"
"The script says that an agent answers, hangs up or is lost, or that the caller moves up, and the caller does not wait or talk there."
"- agent answers      # nobody is in a queue" "- keys: \"0\"\n- agent answers"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_page_and_they_stand_in_order() {
        for pair in PAGES.windows(2) {
            assert!(pair[0].code < pair[1].code, "{:?} stands before {:?}", pair[0].code, pair[1].code);
        }
        assert!(explain("d201").unwrap().to_string().contains("suport"));
        assert!(explain("D999").is_none());
    }
}
