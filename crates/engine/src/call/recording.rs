//! Whether a call is recorded: where the configuration wants it, the notice has been heard, and the customer has not
//! withdrawn their consent; and whether it is silent at this moment.

use std::path::Path;

use hotline_bus::BusError;
use hotline_model::{AgentId, CustomerId, StepEvent};
use hotline_record::{CallSave, RECORDING};

use super::{Call, Note};

/// How far the recording of a call is.
#[derive(Default)]
pub(super) struct Recording {
    /// The plan has asked for it.
    wanted: bool,
    /// Something secret is keyed or said at this moment.
    muted: bool,
    /// The agent who talks wants nothing of it recorded.
    paused: bool,
    /// The file that is written.
    file: Option<String>,
    /// The customer turned out to have withdrawn their consent: the file goes as soon as it is closed.
    unwanted: Option<String>,
}

impl Call {
    /// Recorded from here on, where the configuration wants it: the notice has been heard.
    pub(super) fn want_recording(&mut self) {
        if self.house.recordings.is_none() {
            return;
        }
        self.recording.wanted = true;
        match self.customer {
            Some(customer) => self.ask_consent(customer),
            None => self.start_recording(),
        }
    }

    /// It is known now who calls.
    pub(super) fn recording_of(&self, customer: CustomerId) {
        if self.recording.wanted {
            self.ask_consent(customer);
        }
    }

    fn ask_consent(&self, customer: CustomerId) {
        let (record, mailbox, call) = (self.house.record.clone(), self.mailbox.clone(), self.id);
        tokio::spawn(async move {
            let withdrawn = record.has_withdrawn(customer, RECORDING).await.unwrap_or_else(|error| {
                // What a customer may have refused is not done because nobody can look.
                tracing::warn!(call.id = %call, %error, "a call is not recorded: consent cannot be looked up");
                true
            });
            let _ = mailbox.send(Note::Consent { withdrawn });
        });
    }

    /// What the record says of the customer's consent.
    pub(super) fn heard_of_consent(&mut self, withdrawn: bool) {
        if !withdrawn {
            if self.recording.file.is_none() {
                self.start_recording();
            }
            return;
        }
        if let Some(file) = self.recording.file.take() {
            self.recording.unwanted = Some(file);
            self.recording.paused = false;
            let _ = self.house.media.plane.stop_recording(self.media);
            self.note_recording("off", None);
        }
    }

    pub(super) fn mute_recording(&mut self, muted: bool) {
        self.recording.muted = muted;
        self.silence_recording();
    }

    /// An agent wants nothing recorded of what is said now: a number of a card, say.
    pub(super) fn pause_recording(&mut self, by: AgentId) -> Result<(), BusError> {
        if self.recording.file.is_none() || self.recording.paused {
            return Err(BusError::Unfit);
        }
        self.recording.paused = true;
        self.silence_recording();
        self.note_recording("paused", Some(by));
        Ok(())
    }

    /// The call ends: what is paused stays so.
    pub(super) fn recording_ends(&mut self) {
        self.recording.paused = false;
    }

    /// It goes on: because an agent wants it, or because the one who paused it has left.
    pub(super) fn resume_recording(&mut self, by: Option<AgentId>) -> Result<(), BusError> {
        if !std::mem::take(&mut self.recording.paused) {
            return Err(BusError::Unfit);
        }
        self.silence_recording();
        self.note_recording("resumed", by);
        Ok(())
    }

    fn silence_recording(&self) {
        let silent = self.recording.muted || self.recording.paused;
        let _ = self.house.media.plane.mute_recording(self.media, silent);
    }

    fn note_recording(&mut self, state: &str, by: Option<AgentId>) {
        self.note_step(StepEvent::Recording { state: state.to_owned(), by });
    }

    fn start_recording(&mut self) {
        let Some(folder) = &self.house.recordings else { return };
        let name = format!("{}.wav", self.id);
        let plane = &self.house.media.plane;
        match plane.start_recording(self.media, folder.join(&name)) {
            Ok(()) => {
                // It may begin while something secret is keyed.
                self.silence_recording();
                self.recording.file = Some(name.clone());
                self.note_recording("on", None);
                let save = CallSave { recording: Some(name), ..CallSave::default() };
                self.house.record.save_call(self.id, save);
            }
            Err(error) => tracing::error!(call.id = %self.id, %error, "a call cannot be recorded"),
        }
    }

    /// A recording is closed. One that its customer does not want is deleted, and nothing leads to it.
    pub(super) fn recording_closed(&mut self, path: &Path) {
        let Some(name) = self.recording.unwanted.take_if(|name| path.ends_with(&*name)) else { return };
        let (record, call, path) = (self.house.record.clone(), self.id, path.to_owned());
        tokio::spawn(async move {
            if let Err(error) = tokio::fs::remove_file(&path).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::error!(call.id = %call, %error, "a recording that its customer does not want stays");
                return;
            }
            if let Err(error) = record.forget_recordings_of(&[(call, name)]).await {
                tracing::error!(call.id = %call, %error, "the record names a recording that is gone");
            }
        });
    }
}
