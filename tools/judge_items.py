"""What the judge lets be said: codes, amounts and sentences of tickets, anew from a seed.

An item is a dictionary: `name` (of its file), `kind`, `language`, and what is said: either `before`,
`slot`, `value` and `after` (a value spliced from recorded words, between fixed words), or `text`
(spoken by the voice as a ticket's text is).
"""
import random

ZH_PLANS = ["畅享套餐", "家庭套餐", "流量套餐", "校园套餐", "商务套餐", "亲情套餐"]
ZH_THINGS = ["流量费", "通话费", "短信费", "漫游费", "增值业务费", "月租费"]
ZH_FAULTS = ["宽带无法上网", "手机信号弱", "电视画面卡顿", "无法接收短信", "通话时断时续", "流量扣费有误"]
ZH_PLACES = ["小区", "地下车库", "办公楼", "学校宿舍", "商场", "地铁站"]
ZH_SERVICES = ["来电显示", "彩铃", "视频会员", "国际漫游", "呼叫转移", "云存储"]
ZH_SENTENCES = [
    "尊敬的客户，您好，您{month}月产生{money}元{thing}，已按{round}元套餐核减，为您退费{money2}元，{days}个工作日到账，请您关注。",
    "您反映的{fault}问题已于{month}月{day}日处理完毕，如仍有问题请再次来电。",
    "经核实，您订购的{service}业务由您本人办理，费用正常。",
    "您的{plan}已变更成功，下月{one}日生效。",
    "您投诉的{thing}争议已核实，多收的{money}元将在{days}个工作日内退还到您的账户。",
    "您所在{place}的基站已完成扩容，信号会有明显改善。",
    "已为您取消{service}业务，本月费用{round}元已退还。",
    "您的发票已寄出，预计{days}天内送达，请注意查收。",
    "充值{round}元未到账的问题已解决，金额已补充到您的号码。",
    "维修师傅将在{month}月{day}日下午{hour}点上门，请您保持电话畅通。",
    "您的积分已恢复，目前共有{points}分，可以在营业厅兑换礼品。",
    "您的{plan}合约将在{month}月到期，到期后自动转为标准资费。",
    "很抱歉，您的申请因资料不全被退回，请携带身份证到营业厅补充。",
    "您本月账单金额为{money}元，其中套餐费{round}元，已从余额中扣除。",
    "营业厅服务态度问题我们已核实，并对当事人进行了处理，向您诚恳道歉。",
    "宽带提速已完成，目前速率为{speed}兆，费用不变。",
    "您的工单已派给{place}的技术人员，预计{hour}小时内与您联系。",
    "垃圾短信的发送号码已被关停，感谢您的监督和支持。",
    "由于设备升级，您的宽带在{month}月{day}日凌晨会短暂中断，请您谅解。",
    "您的{service}业务已恢复正常，请重新启动手机后使用。",
    "经查询，{month}月{day}日的通话记录与账单一致，没有多收费用。",
    "我们已为您补偿{speed}兆流量，有效期到本月底。",
]
EN_PLANS = ["family plan", "business plan", "student plan", "unlimited plan", "basic plan"]
EN_THINGS = ["data charge", "roaming charge", "late fee", "service fee", "message charge"]
EN_MONTHS = ("January February March April May June July August September October November December").split()
EN_SENTENCES = [
    "Dear customer, your {month} {thing} was ${money}. A refund of ${money2} will arrive within {days} working days.",
    "Your broadband was repaired on {month} {day}. Please call again if the problem returns.",
    "Your {plan} was changed and takes effect next month.",
    "The {thing} of ${round} was correct and stays on your bill.",
    "A technician will visit you on {month} {day} at {hour} p.m.",
    "We are sorry, your request was returned because the documents were incomplete.",
    "The mast near your home was repaired, and your signal should be better now.",
    "We have cancelled the extra service, and you will not be charged for it again.",
    "Your {plan} ends in {month}. After that the standard price applies.",
    "Your invoice was sent by mail and should arrive in {days} days.",
    "The payment of ${round} is now on your account.",
    "Your number works again. Please restart your phone and try a call.",
    "Our supervisor will call you back within {days} working days.",
    "We checked the calls of {month} {day}, and the bill is correct.",
]


def sentence(dice, language):
    zh = language == "zh-CN"
    month = dice.randint(1, 12)
    fields = {
        "month": month if zh else EN_MONTHS[month - 1], "day": dice.randint(1, 28), "days": dice.randint(2, 15),
        "hour": dice.randint(1, 11) if zh else dice.randint(1, 8), "one": 1, "speed": dice.choice([100, 200, 300, 500]),
        "money": f"{dice.randint(11, 399)}.{dice.randint(1, 9)}" if zh else f"{dice.randint(11, 399)}.{dice.randint(10, 99)}",
        "money2": f"{dice.randint(3, 99)}.{dice.randint(1, 9)}" if zh else f"{dice.randint(3, 99)}.{dice.randint(10, 99)}",
        "round": dice.choice([18, 28, 38, 58, 88, 98, 128]), "points": dice.randint(2, 90) * 100,
        "thing": dice.choice(ZH_THINGS if zh else EN_THINGS), "plan": dice.choice(ZH_PLANS if zh else EN_PLANS),
        "fault": dice.choice(ZH_FAULTS), "place": dice.choice(ZH_PLACES), "service": dice.choice(ZH_SERVICES),
    }
    return dice.choice(ZH_SENTENCES if zh else EN_SENTENCES).format(**fields)


def amount(dice):
    """Of one to five figures alike, half of them with decimals."""
    figures = dice.randint(1, 5)
    whole = dice.randint(10 ** (figures - 1), 10 ** figures - 1)
    cents = dice.choice([0, 0, 10 * dice.randint(1, 9), dice.randint(1, 99)])
    return f"{whole}.{cents:02}"


def plain(money):
    """As a ticket writes it: 98.50 is 98.5, 25.00 is 25."""
    return money.rstrip("0").rstrip(".")


def items(seed, language, codes, amounts, sentences, rendered=True, others=0):
    """The items of one language; codes and amounts also by the voice if `rendered`; so many counts, dates
    and times of day each as `others`."""
    dice = random.Random(f"{seed} {language}")
    zh = language == "zh-CN"
    out = []

    def add(kind, number, **said):
        out.append({"name": f"{kind.replace(' ', '-')}-{number:03}.wav", "kind": kind, "language": language, **said})

    # The words of a shipped plan, recorded as there.
    said_code = ("编号一共九位,您输入了", "。") if zh else ("The number has nine digits. You entered", ".")
    said_amount = ("为您退费", "，") if zh else ("We have refunded", ".")
    for n in range(codes):
        code = "".join(dice.choice("0123456789") for _ in range(9))
        add("spliced code", n, before=said_code[0], slot="digits", value=code, after=said_code[1])
        if rendered:
            add("rendered code", n, text=f"您的工单号是{code}。" if zh else f"Your ticket number is {code}.")
    for n in range(amounts):
        value = amount(dice)
        sign = "" if zh else "$"
        add("spliced amount", n, before=said_amount[0], slot="money", value=sign + value, after=said_amount[1])
        if rendered:
            add("rendered amount", n, text=f"为您退费{plain(value)}元。" if zh else f"We have refunded ${value}.")
    for n in range(others):
        before, unit, after = ("您前面还有", "位客户", "。") if zh else ("There are", "callers", "ahead of you.")
        add("spliced count", n, before=before, slot="count", unit=unit, value=str(dice.randint(2, 120)), after=after)
        before, after = ("您的合约到期日是", "。") if zh else ("Your contract ends on", ".")
        day = f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        add("spliced date", n, before=before, slot="date", value=day, after=after)
        before, after = ("师傅上门的时间是", "。") if zh else ("The technician comes at", ".")
        time = f"{dice.randint(0, 23):02}:{dice.choice([0, 5, 15, 30, 45, dice.randint(1, 59)]):02}:00"
        add("spliced time", n, before=before, slot="time", value=time, after=after)
    for n in range(sentences):
        add("sentence", n, text=sentence(dice, language))
    return out
