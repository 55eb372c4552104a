//! What was told in 2020: announcements with their real dates. Hours that are not known are noon.

use apogee_domain::Timestamp;

use crate::time::moment;

/// An announcement: when, title and text in English and Chinese, source.
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) title: [&'static str; 2],
    pub(crate) text: [&'static str; 2],
    pub(crate) source: &'static str,
}

const DOCS: &str = "filecoin-docs, docs/mine/spacerace.md";

/// All of them, in order.
pub(crate) fn told() -> Vec<Told> {
    let told = |at, title, text, source| Told { at, title, text, source };
    vec![
        told(
            moment(6, 9, 12, 1),
            [
                "This is a replay: miners, power and events are invented",
                "本赛为重演：矿工、算力与事件皆为虚构",
            ],
            [
                "Rules, their dates and what the announcements say are those of Space Race 1 of 2020. Every miner, entity, figure, incident and decision is invented. No name here is that of anybody who took part, and no amount here was ever paid.",
                "规则、日期与公告内容取自 2020 年的太空竞赛一期。所有矿工、参赛者、数字、事故与决定皆为虚构；名称与任何参赛者无关，金额亦从未支付。",
            ],
            "examples/sr1-history/README.md",
        ),
        told(
            moment(6, 9, 12, 2),
            ["Up to 4 million FIL for those who store", "最高 400 万 FIL 奖励存储者"],
            [
                "Filecoin's testnet incentives are announced: pools for the world and for each of six continents.",
                "Filecoin 公布测试网激励：全球奖池与六大洲的地区奖池。",
            ],
            "filecoin.io/blog/posts/announcing-filecoin-s-testnet-incentives",
        ),
        told(
            moment(7, 14, 12, 0),
            ["100,000 FIL more for block rewards", "另设 10 万 FIL 出块奖励"],
            [
                "The twenty who earn most in block rewards and are eligible divide them.",
                "由出块奖励最高且符合资格的二十名参赛者分享。",
            ],
            "filecoin.io/blog: Getting Ready for Filecoin's Space Race",
        ),
        told(
            moment(8, 20, 12, 1),
            ["80 % of deals instead of more than 90 %", "交易成功率由 90% 以上改为不低于 80%"],
            [
                "Storage and retrieval deals have to succeed at 80 % or more; the documents of 10 August had asked for more than 90 %. Claims are signed and sent in, no longer published on the chain.",
                "存储与检索成功率均须不低于 80%；8 月 10 日的文档要求高于 90%。认领改为签名后提交，不再上链。",
            ],
            "filecoin-docs a919d474, 9519c925, 899a3ce4",
        ),
        told(
            moment(8, 24, 18, 0),
            ["A fourth bot", "第四个机器人"],
            [
                "Deals are proposed from four wallets, one more than published before. Deal filters may let only these through.",
                "交易由四个钱包发起，比先前公布的多一个；交易过滤器可只放行它们。",
            ],
            DOCS,
        ),
        told(
            moment(8, 24, 19, 0),
            ["The start moves from 20:00 to 22:00 UTC", "开赛时间由 20:00 改为 22:00（UTC）"],
            ["The genesis file is published two hours before.", "创世文件提前约两小时公布。"],
            DOCS,
        ),
        told(
            moment(8, 26, 12, 1),
            ["There is no hard minimum", "没有硬性最低门槛"],
            ["No minimum size is asked of miners who race.", "参赛矿工没有最低规模要求。"],
            DOCS,
        ),
        told(
            moment(9, 2, 20, 0),
            ["The documents say average again", "文档又改回“平均”"],
            [
                "In the evening the sentence about the sum of all deals gives way to one about average deal success rates. The replay keeps to the sum, as the rule sets in examples/rules do; what the average would do can be simulated.",
                "当晚，“所有交易之和”一句被“平均交易成功率”取代。重演沿用“之和”，与 examples/rules 中的规则一致；改用平均的影响可以模拟。",
            ],
            "filecoin-docs fe6ccd53",
        ),
        told(
            moment(9, 3, 12, 0),
            ["First session of questions and answers", "第一次问答"],
            [
                "Up to 4.5 million FIL, as 200 PiB opens one tier more. Rankings are looked at many times a day, so a network that stalls in the last minutes changes nothing.",
                "最高 450 万 FIL：达到 200 PiB 再解锁一级。排名每天多次记录，最后几分钟的网络停顿不影响结果。",
            ],
            "filecoin.io/blog: AMA 1",
        ),
        told(
            moment(9, 8, 12, 0),
            ["The faucet gives a hundredth", "水龙头额度降至百分之一"],
            [
                "One FIL, once for each account: what was given before made fees rise beyond measure.",
                "每个账号仅可领取一次，1 FIL：此前的发放导致手续费过高。",
            ],
            "filecoin-docs 5a9a3c0f",
        ),
        told(
            moment(9, 9, 12, 0),
            ["Second session of questions and answers", "第二次问答"],
            [
                "Some scores were adjusted by hand where a bot was at fault.",
                "凡因机器人自身故障所致，部分成绩已手工调整。",
            ],
            "filecoin.io/blog: AMA 2",
        ),
        told(
            moment(9, 13, 12, 0),
            ["The bot asks those below first", "机器人优先检索未达标者"],
            [
                "Nothing is retrieved any more from miners whose rate of retrieval is above 80 %, so that those below can catch up.",
                "对检索成功率已高于 80% 的矿工不再检索，让未达标者有机会追上。",
            ],
            "Digital-MOB-Filecoin/QABot",
        ),
        told(
            moment(9, 14, 12, 0),
            ["Hashes of what is retrieved are not compared any more", "不再比对检索内容的哈希"],
            ["A retrieval that ends counts as successful.", "检索完成即视为成功。"],
            "Digital-MOB-Filecoin/QABot",
        ),
    ]
}
