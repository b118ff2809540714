//! People whom a trunk reaches, played by SIPp: each behaves as the end of their number says.

use tempfile::TempDir;

use super::pcap::Keys;
use super::process::Process;
use super::root;
use super::server::own_address;
use super::sipp::{errors, sipp};

/// Somebody with a telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Takes part, and is content.
    Content,
    /// Talks already.
    Busy,
    /// Does not answer.
    Silent,
    /// Has a machine that answers.
    Machine,
    /// Has no telephone any more: the network says so with its three tones.
    Announced,
    /// Is not content, and wants a human.
    Human,
    /// Is not content, and hangs up.
    Leaves,
    /// Wants no calls.
    Never,
    /// Answers and says nothing.
    Mute,
    /// Is not content, and says why.
    Words,
}

impl Person {
    pub const ALL: [Self; 10] = [
        Self::Content,
        Self::Busy,
        Self::Silent,
        Self::Machine,
        Self::Announced,
        Self::Human,
        Self::Leaves,
        Self::Never,
        Self::Mute,
        Self::Words,
    ];

    /// The last four digits of their number.
    pub fn ending(self) -> u32 {
        8_001 + Self::ALL.iter().position(|person| *person == self).expect("everybody is there") as u32
    }

    /// The number of one of those who behave like this.
    pub fn phone_of(self, nth: usize) -> String {
        format!("139{nth:04}{}", self.ending())
    }

    pub fn phone(self) -> String {
        self.phone_of(1_234)
    }
}

/// What each of those who press keys presses, one after the other.
const KEYS: [(&str, &[&str]); 4] =
    [("content", &["1", "1"]), ("human", &["1", "2", "1"]), ("leaves", &["1", "2"]), ("never", &["9"])];

/// A voice that speaks without a rest.
fn prompt() -> hotline_audio::Wav {
    let file = std::fs::File::open(root().join("prompts/zh-CN/call-you-back.wav")).unwrap();
    hotline_audio::read_wav(file).unwrap()
}

/// All of them, at one address.
pub struct People {
    _process: Process,
    folder: TempDir,
    host: String,
}

impl People {
    pub fn start() -> Self {
        // A recorded prompt is a voice that speaks without a rest.
        Self::play("people.xml", &prompt().samples[..8_000 * 5 / 2])
    }

    /// The same; who leaves words says this.
    pub fn who_say(words: &[i16]) -> Self {
        Self::play("people.xml", words)
    }

    /// Behind a carrier that asks for a name and a password; everybody is content.
    pub fn behind_challenges() -> Self {
        Self::play("challenges.xml", &[])
    }

    /// Behind a trunk that answers everything, and is silent.
    pub fn behind_a_yes() -> Self {
        Self::play("yes.xml", &[])
    }

    /// Nobody: a carrier that refuses every call with 503.
    pub fn behind_a_carrier_in_trouble() -> Self {
        Self::play("down.xml", &[])
    }

    /// Nobody: a network that speaks to whoever calls, and lets nobody through.
    pub fn behind_an_announcement() -> Self {
        Self::play("spoken.xml", &[])
    }

    fn play(scenario: &str, spoken: &[i16]) -> Self {
        let folder = tempfile::Builder::new().prefix("people-").tempdir().unwrap();
        for (name, groups) in KEYS {
            let mut keys = Keys::new();
            for (number, group) in (1..).zip(groups) {
                keys.write(&folder.path().join(format!("{name}-{number}.pcap")), group);
            }
        }
        let sound = |name: &str, samples: &[i16]| {
            let mut codes = vec![0; samples.len()];
            hotline_audio::encode(hotline_audio::Law::Pcmu, samples, &mut codes);
            std::fs::write(folder.path().join(name), codes).unwrap();
        };
        let tone = |hz| hotline_audio::sine(hz, -16.0, std::time::Duration::from_millis(330));
        sound("announcement.ulaw", &[tone(950.0), tone(1_400.0), tone(1_800.0)].concat());
        sound("greeting.ulaw", &prompt().samples.repeat(3));
        // Keys as tones, then somebody speaks.
        let ms = std::time::Duration::from_millis;
        let key =
            |key| [hotline_audio::dtmf_key(key, ms(120)).unwrap(), hotline_audio::silence(ms(900))].concat();
        let rest = hotline_audio::silence(ms(1_000));
        sound(
            "words.ulaw",
            &[&rest, &key('1')[..], &key('2'), &key('2'), &rest, spoken, &rest, &rest, &rest].concat(),
        );
        let host = own_address().to_string();
        let mut command = sipp();
        command
            .arg("-sf")
            .arg(root().join("tests/sipp/outside").join(scenario))
            .args(["-i", &host, "-mi", &host, "-p", "5060", "-mp", "21000", "-nostdin"])
            .args(["-trace_err", "-trace_logs"])
            .current_dir(folder.path())
            .env("TERM", "dumb");
        let process = Process::start(&mut command, &folder.path().join("sipp.log"));
        Self { _process: process, folder, host }
    }

    /// Lines of a trunk that reaches them.
    pub fn trunk(&self) -> &'static str {
        let text = format!(
            "from = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\nin-band-digits = true\n\
             [trunks.out]\nhost = \"{}\"\nnumbers = [\"139*\"]\nshown = \"10086\"\n",
            self.host
        );
        text.leak()
    }

    /// Lines of a trunk to `first`, and of another one, `next`, that reaches them.
    pub fn next_trunk(&self, first: &str) -> &'static str {
        let out = |host: &str| {
            format!("[trunks.out]\nhost = \"{host}\"\nnumbers = [\"139*\"]\nshown = \"10086\"\n")
        };
        let text = format!(
            "from = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\nin-band-digits = true\n{}\
             [[trunks]]\nname = \"next\"\nfrom = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\n\
             in-band-digits = true\n{}",
            out(first),
            out(&self.host),
        );
        text.leak()
    }

    /// Where they are.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Lines of a trunk that reaches them with a name and this password.
    pub fn trunk_with(&self, password: &str) -> &'static str {
        format!("{}username = \"4711\"\npassword = \"{password}\"\n", self.trunk()).leak()
    }

    /// What the scenario noted.
    pub fn notes(&self) -> String {
        let mut entries = std::fs::read_dir(self.folder.path()).unwrap().flatten().map(|entry| entry.path());
        let log = entries.find(|path| path.to_string_lossy().ends_with("_logs.log"));
        log.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
    }

    /// Who was called, in order: the number of each call that came.
    pub fn called(&self) -> Vec<String> {
        let log = self.notes();
        let number = |line: &str| line.split_once("called ").map(|(_, to)| to.trim().to_owned());
        log.lines()
            .filter_map(number)
            .filter_map(|to| Some(to.split_once("sip:")?.1.split('@').next()?.to_owned()))
            .collect()
    }

    /// What SIPp did not expect.
    pub fn errors(&self) -> String {
        errors(self.folder.path())
    }
}
