//! What the public is told, in fixed words.

use crate::Words;
use crate::competition::Competition;
use crate::records::Phase;

fn words(en: String, zh: String) -> Words {
    Words { en, zh }
}

fn or_dash(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "\u{2013}".to_owned(), |value| value.to_string())
}

impl Competition {
    /// The fixed phrases for where the competition stands: the phase first, then a pause, a freeze and a moved end.
    #[must_use]
    pub fn phrases(&self) -> Vec<Words> {
        let mut phrases = vec![self.phase_phrase()];
        if let Some(pause) = self.paused() {
            let (from, incident) = (pause.from, pause.incident);
            phrases.push(words(
                format!(
                    "Paused since epoch {from} (incident #{incident}). Epochs from {from} on are not counted."
                ),
                format!("自高度 {from} 起暂停（事件 #{incident}）。从高度 {from} 起不计入成绩。"),
            ));
        }
        if let Some(pin) = self.frozen() {
            let left = or_dash(self.end().map(|end| end.since(pin.at)));
            let at = pin.at;
            phrases.push(words(
                format!("The standings were frozen at epoch {at}, with {left} epochs remaining."),
                format!("排名已在高度 {at} 冻结，当时剩余 {left} 个高度。"),
            ));
        }
        let planned = self.rules.last().map(|published| published.rules.competition.end);
        if let (Some(planned), Some(end)) = (planned, self.end())
            && planned != end
            && let Some(seq) = self.end_set_by()
        {
            phrases.push(words(
                format!("End moved from epoch {planned} to {end} (decision #{seq})."),
                format!("结束高度已从 {planned} 改为 {end}（决定 #{seq}）。"),
            ));
        }
        phrases
    }

    fn phase_phrase(&self) -> Words {
        match self.phase() {
            Phase::Draft => words("In preparation.".to_owned(), "筹备中。".to_owned()),
            Phase::Registration => {
                let start = or_dash(self.start());
                words(
                    format!("Registration is open. Starts at epoch {start}."),
                    format!("报名进行中。将于高度 {start} 开始。"),
                )
            }
            Phase::Running => {
                let end = or_dash(self.end());
                words(format!("Running. Ends at epoch {end}."), format!("进行中。将于高度 {end} 结束。"))
            }
            Phase::Ended => words("Over, waiting for results.".to_owned(), "已结束，等待结果。".to_owned()),
            Phase::Provisional => {
                let until = or_dash(self.stamps.provisional_until);
                words(
                    format!("Preliminary results, not final. Appeals are open until epoch {until}."),
                    format!("初步结果，尚未最终确定。申诉截止于高度 {until}。"),
                )
            }
            Phase::Final => self.final_phrase(),
            Phase::Paid => {
                let paid = self.paid;
                let total = or_dash(self.payout.as_ref().map(|payout| payout.total));
                words(format!("Paid {paid} of {total} atto."), format!("已支付 {paid} / {total} atto。"))
            }
            Phase::Cancelled => words("Cancelled.".to_owned(), "已取消。".to_owned()),
            Phase::Archived => {
                words("Archived. Nothing changes any more.".to_owned(), "已归档，不再变更。".to_owned())
            }
        }
    }

    fn final_phrase(&self) -> Words {
        let version = self.finals.len();
        let (root, seq) = self
            .finals
            .last()
            .map_or_else(Default::default, |last| (last.pin.root.to_string(), last.moment.seq));
        if version > 1 {
            return words(
                format!("Results amended (version {version}, entry #{seq}), root {root}."),
                format!("结果已修订（第 {version} 版，条目 #{seq}），根 {root}。"),
            );
        }
        words(
            format!("Final standings (version {version}), root {root}."),
            format!("最终排名（第 {version} 版），根 {root}。"),
        )
    }
}
