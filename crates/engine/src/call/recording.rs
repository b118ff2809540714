//! Whether a call is recorded: where the configuration wants it, the notice has been heard, and the customer has not
//! withdrawn their consent.

use std::path::Path;

use hotline_model::CustomerId;
use hotline_record::{CallSave, RECORDING};

use super::{Call, Note};

/// How far the recording of a call is.
#[derive(Default)]
pub(super) struct Recording {
    /// The plan has asked for it.
    wanted: bool,
    /// Something secret is keyed or said at this moment.
    muted: bool,
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
            let _ = self.house.media.plane.stop_recording(self.media);
        }
    }

    pub(super) fn mute_recording(&mut self, muted: bool) {
        self.recording.muted = muted;
        let _ = self.house.media.plane.mute_recording(self.media, muted);
    }

    fn start_recording(&mut self) {
        let Some(folder) = &self.house.recordings else { return };
        let name = format!("{}.wav", self.id);
        let plane = &self.house.media.plane;
        match plane.start_recording(self.media, folder.join(&name)) {
            Ok(()) => {
                // It may begin while something secret is keyed.
                if self.recording.muted {
                    let _ = plane.mute_recording(self.media, true);
                }
                self.recording.file = Some(name.clone());
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
