//! A competition on the recording.

use super::story::Story;

pub(super) const SPRINT: Story = Story {
    rules: include_str!("../../../../examples/rules/devnet-sprint.toml"),
    why: "A sprint to look at.",
    title: ["The sprint runs", "冲刺赛已开始"],
    text: [
        "Three miners of a recorded Lotus network race for 311 epochs. The chain is real, the prizes are not.",
        "录制的 Lotus 网络上的三个矿工竞赛 311 个高度。链是真实的，奖励不是。",
    ],
};
