//! What a caller hears (8 kHz, through µ-law) and the words that were meant, for the recogniser:
//! the recorded prompts, codes and amounts spliced from recorded words, sentences of tickets.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::{Failure, list};
use hotline_audio::{Clip, Law, decode, write_wav};
use hotline_model::{Currency, Language, Money, Segment, Slot, Utterance, Value};
use hotline_speech::kokoro::Voices;
use hotline_speech::{MemoryCache, Pace, Speech, SpeechConfig, VoiceConfig};

const CODES: [&str; 10] = [
    "407192865",
    "130586724",
    "911480352",
    "268017943",
    "755203618",
    "342698170",
    "586420917",
    "819375240",
    "627041589",
    "493816072",
];
const HUNDREDTHS: [i64; 10] = [9850, 12_850, 2500, 3560, 123_450, 10_005, 899, 46_770, 1_200_000, 7231];
const TICKETS_ZH: [&str; 20] = [
    "尊敬的客户,您好,您3月产生128.5元流量费,已按30元套餐核减,为您退费98.5元,7个工作日到账,请您关注。",
    "尊敬的客户,您好,您反映的好友计划问题已为您退费25元,7个工作日到账,请您关注。",
    "尊敬的客户,您好,您目前已按88元套餐执行,为您退费12元,7个工作日到账,请您关注。",
    "尊敬的客户,您好,您从下月开始正常按套餐执行,本月请您放心使用,下月月中来电按套餐核减。",
    "您反映的宽带故障已于11月20日修复,如仍有问题请再次来电。",
    "您的话费已核实,多收的56.8元将在3个工作日内退还到您的账户。",
    "经核实,您订购的视频会员由您本人办理,费用正常。",
    "您的套餐变更已受理,下月1日生效。",
    "基站已完成扩容,您所在小区的信号会有明显改善。",
    "您投诉的短信骚扰号码已被关停,感谢您的监督。",
    "已为您取消来电显示业务,本月费用10元已退还。",
    "您的流量共享问题已处理,请重新启动手机后使用。",
    "您的发票已寄出,预计3-5天送达,请注意查收。",
    "充值50元未到账的问题已解决,金额已补充到您的号码。",
    "您的积分已恢复,目前共有2300分。",
    "国际漫游费用已按包天套餐重新计算,退费146元。",
    "您的身份信息已更新,现在可以正常使用。",
    "营业厅服务态度问题我们已核实,并对当事人进行了处理,向您道歉。",
    "您的号码已恢复通话,请您测试。",
    "宽带提速已完成,目前速率为500M,费用不变。",
];
const TICKETS_EN: [&str; 4] = [
    "Dear customer, we have refunded 98.5 yuan. It arrives within 7 working days.",
    "Your broadband was repaired on November 20. Please call again if the problem returns.",
    "Your plan was changed and takes effect next month.",
    "The charge of $25.00 was correct and stays on your bill.",
];

/// Writes the files and `expected.json` into a folder.
#[tokio::main]
pub async fn write_all(root: &Path, language: Language, folder: &Path) -> Result<(), Failure> {
    let voice = VoiceConfig { folder: root.join(".cache/speech"), voices: Voices::default(), lexicon: None };
    let config = SpeechConfig { prompts: root.join("prompts"), voice: Some(voice), workers: 2 };
    let speech = Speech::open(config, Arc::new(MemoryCache::default()))?;
    let mut expected = BTreeMap::new();
    for prompt in list::prompts(root)?.into_iter().filter(|prompt| prompt.language == language) {
        // A prompt that switches languages is no test for a recogniser of one.
        let one = hotline_wording::runs(&prompt.text, language).len() == 1;
        if let Some(clip) = speech.recorded(language, &prompt.name).filter(|_| one) {
            let name = format!("prompt-{}.wav", prompt.name);
            write(&folder.join(&name), &clip)?;
            expected.insert(name, hotline_wording::spoken(&prompt.text, language));
        }
    }
    let mut said: BTreeMap<String, Vec<Segment>> = BTreeMap::new();
    let value = |slot, value| vec![Segment::Value { slot, value }];
    for (at, digits) in CODES.iter().enumerate() {
        said.insert(format!("code-{at}.wav"), value(Slot::Digits, Value::Digits((*digits).into())));
    }
    for (at, hundredths) in HUNDREDTHS.into_iter().enumerate() {
        let money = Value::Money(Money { hundredths, currency: Currency::Cny });
        said.insert(format!("amount-{at:02}.wav"), value(Slot::Money { colloquial: false }, money));
    }
    let tickets: &[&str] = if language == Language::ZhCn { &TICKETS_ZH } else { &TICKETS_EN };
    for (at, text) in tickets.iter().enumerate() {
        said.insert(format!("ticket-{at:02}.wav"), value(Slot::Text, Value::text(*text)));
    }
    for (name, segments) in said {
        let utterance = Utterance { prompt: "judged".into(), language, barge_in: true, segments };
        speech.prepare_utterance(&utterance).await?;
        for clip in speech.clips(std::slice::from_ref(&utterance), Pace::Usual).await? {
            write(&folder.join(&name), &clip)?;
        }
        expected.insert(name, speech.words(&utterance));
    }
    println!("{:?}", speech.counts());
    std::fs::write(folder.join("expected.json"), serde_json::to_string(&expected)?)?;
    Ok(())
}

/// As it comes out of the telephone.
fn write(path: &Path, clip: &Clip) -> Result<(), Failure> {
    let codes = clip.encoded(Law::Pcmu);
    let mut heard = vec![0; codes.len()];
    decode(Law::Pcmu, &codes, &mut heard);
    write_wav(std::fs::File::create(path)?, hotline_audio::RATE_HZ, &heard)?;
    Ok(())
}
