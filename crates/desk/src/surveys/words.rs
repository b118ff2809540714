//! What the pages say besides the plan's own words, in each language.

use hotline_model::Language;

/// The words of one language.
pub(super) struct Words {
    pub tag: &'static str,
    pub title: &'static str,
    pub other: &'static str,
    pub next: &'static str,
    pub back: &'static str,
    pub choose: &'static str,
    pub left_empty: &'static str,
    pub thanks: &'static str,
    pub close: &'static str,
    pub stop: &'static str,
    pub stop_ask: &'static str,
    pub stop_means: &'static str,
    pub stop_yes: &'static str,
    pub stop_no: &'static str,
    pub stopped: &'static str,
    pub stopped_means: &'static str,
    pub unknown: &'static str,
    pub unknown_means: &'static str,
    pub expired: &'static str,
    pub expired_means: &'static str,
    pub erased: &'static str,
    pub erased_means: &'static str,
    pub too_many: &'static str,
    pub too_many_means: &'static str,
    pub unavailable: &'static str,
    pub unavailable_means: &'static str,
    pub unreadable: &'static str,
    pub unreadable_means: &'static str,
}

const ZH_CN: Words = Words {
    tag: "zh-CN",
    title: "服务评价",
    other: "English",
    next: "下一步",
    back: "上一题",
    choose: "请先选一项,再点“下一步”。",
    left_empty: "最多1000字,不写也可以直接点“下一步”。",
    thanks: "感谢您",
    close: "您可以关闭这个页面了。",
    stop: "不想再收到我们的来电和短信?",
    stop_ask: "不再联系您?",
    stop_means: "确认后,我们不会再主动给您打电话或发短信做回访。",
    stop_yes: "确认,不要再联系我",
    stop_no: "返回",
    stopped: "好的,已经记下",
    stopped_means: "我们不会再主动给您打电话或发短信做回访。打扰您了。",
    unknown: "没有找到这个页面",
    unknown_means: "链接可能不完整。请回到短信里,重新点一下链接。",
    expired: "评价时间已过",
    expired_means: "这个链接已经过期。",
    erased: "这里已经没有内容",
    erased_means: "您的资料已经删除,这份评价也不再保留。",
    too_many: "请稍等一下",
    too_many_means: "现在打开的人太多。请过一分钟再试,您已提交的回答都在。",
    unavailable: "暂时打不开",
    unavailable_means: "是我们这边的问题。请过几分钟再试,您已提交的回答都在。",
    unreadable: "没有收到您的回答",
    unreadable_means: "内容可能太长,或传输中断了。请返回上一页,再试一次。",
};

const EN_US: Words = Words {
    tag: "en-US",
    title: "Tell us how we did",
    other: "中文",
    next: "Next",
    back: "Back",
    choose: "Please choose an answer first.",
    left_empty: "Up to 1,000 characters. You can also leave this empty.",
    thanks: "Thank you",
    close: "You can close this page now.",
    stop: "Don't want to hear from us again?",
    stop_ask: "No more calls and messages?",
    stop_means: "We will not call you or send you messages to ask how we did anymore.",
    stop_yes: "Yes, don't contact me again",
    stop_no: "Go back",
    stopped: "Done",
    stopped_means: "We won't call you or send you messages to ask how we did anymore. Sorry to have bothered you.",
    unknown: "We can't find this page",
    unknown_means: "The link may be incomplete. Please open it from the message again.",
    expired: "This survey is closed",
    expired_means: "The link has expired.",
    erased: "There is nothing here anymore",
    erased_means: "Your data has been deleted, and this survey with it.",
    too_many: "One moment, please",
    too_many_means: "Too many people are here right now. Please try again in a minute; what you have answered is kept.",
    unavailable: "We can't open this page right now",
    unavailable_means: "The problem is on our side. Please try again in a few minutes; what you have answered is kept.",
    unreadable: "Your answer did not reach us",
    unreadable_means: "It may be too long, or the connection broke off. Please go back and try again.",
};

/// The words of a language.
pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::ZhCn => &ZH_CN,
        Language::EnUs => &EN_US,
    }
}

/// Which question it is, and how many there are at most.
pub(super) fn progress(language: Language, number: usize, most: usize) -> String {
    match language {
        Language::ZhCn if number == most => format!("第{number}题"),
        Language::ZhCn => format!("第{number}题,最多{most}题"),
        Language::EnUs if number == most => format!("Question {number}"),
        Language::EnUs => format!("Question {number} of {most} at most"),
    }
}

/// That somebody can be called instead. `number` stands as it is to be written.
pub(super) fn call_instead(language: Language, number: &str) -> String {
    match language {
        Language::ZhCn => format!("如需帮助,请拨打{number}。"),
        Language::EnUs => format!("If you need help, call {number}."),
    }
}
