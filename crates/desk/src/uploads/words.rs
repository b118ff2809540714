//! What the page says, in both languages.

use hotline_model::Language;

use super::Why;
use crate::files::Refused;

/// The words of one language. They are ours: no word of a customer's is among them.
pub(super) struct Words {
    pub title: &'static str,
    pub choose: &'static str,
    pub kinds: &'static str,
    pub left: fn(u32) -> String,
    pub send: &'static str,
    pub who_sees: &'static str,
    pub full: &'static str,
    pub nothing: &'static str,
    pub too_large: &'static str,
    pub expired: &'static str,
    pub expired_hint: &'static str,
    pub unknown: &'static str,
    pub unknown_hint: &'static str,
    pub too_many: &'static str,
    pub busy: &'static str,
    pub trouble: &'static str,
    pub later: &'static str,
    pub a_file: &'static str,
    pub received: &'static str,
    wrong_kind: &'static str,
    empty: &'static str,
    broken: &'static str,
    no_room: &'static str,
    no_more: &'static str,
    file_too_large: &'static str,
}

impl Words {
    /// Why a file is not here.
    pub const fn why(&self, why: Why) -> &'static str {
        match why {
            Why::File(Refused::TooLarge) => self.file_too_large,
            Why::File(Refused::Kind) => self.wrong_kind,
            Why::File(Refused::Empty) => self.empty,
            Why::File(Refused::Broken) => self.broken,
            Why::File(Refused::Disk) => self.no_room,
            Why::Full => self.no_more,
            Why::Expired => self.expired,
            Why::Trouble => self.trouble,
        }
    }
}

pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::ZhCn => &CHINESE,
        Language::EnUs => &ENGLISH,
    }
}

static CHINESE: Words = Words {
    title: "上传照片或文件",
    choose: "选择照片或文件",
    kinds: "可传 JPEG、PNG、WebP、HEIC 图片和 PDF，每个不超过 10 MB。",
    left: |left| format!("还可以传 {left} 个。"),
    send: "上传",
    who_sees: "上传的内容只有为您服务的客服人员能看到。",
    full: "这个链接能传的 10 个文件已经传满。如需补充，请联系客服。",
    nothing: "还没有选择文件。",
    too_large: "一次传得太多了，没有全部收到。请分几次上传。",
    expired: "链接已过期",
    expired_hint: "链接在 48 小时内有效。如仍需上传，请联系客服重新发送。",
    unknown: "没有这个链接",
    unknown_hint: "请从短信里重新点开，链接要完整；也可以联系客服重新发送。",
    too_many: "尝试次数太多",
    busy: "现在上传的人较多",
    trouble: "系统暂时收不了文件",
    later: "没有收到任何内容，请几分钟后再试。",
    a_file: "一个文件",
    received: "已收到",
    wrong_kind: "不是可以接收的图片或 PDF",
    empty: "文件是空的",
    broken: "没有传完，请再传一次",
    no_room: "系统暂时存不下，请稍后再传",
    no_more: "已经传满 10 个文件",
    file_too_large: "超过 10 MB",
};

static ENGLISH: Words = Words {
    title: "Send photos or documents",
    choose: "Choose photos or documents",
    kinds: "JPEG, PNG, WebP and HEIC pictures and PDF, 10 MB each at most.",
    left: |left| format!("You can send {left} more."),
    send: "Send",
    who_sees: "Only the people who serve you will see what you send.",
    full: "This link has brought its 10 files. Contact us if you have more to send.",
    nothing: "No file was chosen.",
    too_large: "That was too much at once, and not all of it arrived. Send it in parts.",
    expired: "This link has expired",
    expired_hint: "A link is valid for 48 hours. If you still want to send something, ask us for a new one.",
    unknown: "There is no such link",
    unknown_hint: "Open it from the text message again, as a whole, or ask us for a new one.",
    too_many: "Too many tries",
    busy: "Many people are sending files",
    trouble: "We cannot take files at the moment",
    later: "Nothing was received. Try again in a few minutes.",
    a_file: "A file",
    received: "received",
    wrong_kind: "is no picture or PDF that we can take",
    empty: "is empty",
    broken: "did not arrive whole: send it again",
    no_room: "could not be stored: send it again later",
    no_more: "is one too many: 10 files were sent",
    file_too_large: "is larger than 10 MB",
};
