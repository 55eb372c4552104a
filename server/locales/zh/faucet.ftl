# 水龙头：请求为何被拒绝。数字由页面写在旁边。

faucet-refused-paused = 水龙头已暂停
faucet-refused-paused-advice = 运营者在下方说明原因。开放后再来：本次请求没有计数。
faucet-refused-denied = 该账户、收款方或网络的请求被拒绝
faucet-refused-denied-advice = 运营者在下方说明原因和截止时间。
faucet-refused-account-kind = 这类账户不能申请
faucet-refused-account-kind-advice = 请用个人账户登录。
faucet-refused-account-age = 账户注册时间太短，或提供方未告知注册时间
faucet-refused-account-age-advice = 满足时间后再来，或向运营者索取邀请码。
faucet-refused-identity-limit = 该账户已领满
faucet-refused-identity-limit-advice = 窗口是滑动的：每笔发放在满一个窗口后不再计数。
faucet-refused-recipient-limit = 该收款方已领满
faucet-refused-recipient-limit-advice = 同一 actor 的各种地址形式合并计数。换一个收款方现在可能会通过。
faucet-refused-network-limit = 您所在的网络已领满
faucet-refused-network-limit-advice = 还有其他人从同样的地址申请。请稍后再来，或换一个网络。
faucet-refused-event-limit = 活动的额度已发完
faucet-refused-event-limit-advice = 请联系活动主办方。
faucet-refused-event-code = 没有使用此代码的活动
faucet-refused-event-code-advice = 请与您得到的代码核对，或留空。
faucet-refused-event-over = 活动已结束
faucet-refused-event-over-advice = 请留空代码，按一般规则申请。
faucet-refused-recipient-balance = 收款方余额已足够，或余额无法读取
faucet-refused-recipient-balance-advice = 请先使用一部分，或换一个收款方。
faucet-refused-budget-grants = 今天的发放次数已用完
faucet-refused-budget-grants-advice = 新的一天从 UTC 零点开始。
faucet-refused-budget-amount = 今天的预算已用完
faucet-refused-budget-amount-advice = 新的一天从 UTC 零点开始。
faucet-refused-pace = 同时申请的人太多
faucet-refused-pace-advice = 请稍候再试。
faucet-refused-wallet-empty = 钱包除储备金外已空，或余额无法读取
faucet-refused-wallet-empty-advice = 已通知运营者。本次请求没有计数。

# 无效的请求。
faucet-recipient-invalid = 这不是地址
faucet-recipient-invalid-advice = 请填写本网络的 f0、f1、f2、f3 或 f410 地址，或 0x 地址。
faucet-recipient-checksum = 地址的校验和不符
faucet-recipient-checksum-advice = 有一个字母错了：请重新复制地址。
faucet-recipient-network = 这是另一个网络的地址
faucet-recipient-network-advice = 本网络的地址以另一个字母开头，或以 0x 开头。
faucet-recipient-absent = 网络上没有这个 actor
faucet-recipient-absent-advice = f0 或 f2 地址只有在 actor 存在后才能收款。
faucet-key-reused = 此键已用于另一个请求
faucet-key-reused-advice = 请换一个新键。第一个请求不受影响。

# 消息的 gas 为何不返还，或尚未返还。
faucet-refund-method = 此方法的消息不返还
faucet-refund-failed = 消息执行失败
faucet-refund-no-sector = 没有证明任何扇区
faucet-refund-sender = 发送方既不是矿工的 worker，也不是其控制地址
faucet-refund-blocked = 该矿工被屏蔽
faucet-refund-base-fee = 网络拥堵：在此基础费下不返还
faucet-refund-day = 矿工、其 owner 或全体已达到当日上限
faucet-refund-nothing = 销毁的费用太少
faucet-refund-unproven = 扇区在等待第一次 WindowPoSt
faucet-refund-never-proven = 扇区的第一次 WindowPoSt 没有按时完成
faucet-refund-gone = 扇区已全部不存在
