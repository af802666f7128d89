# SPDX-License-Identifier: Apache-2.0
"""What applications say, in Chinese, by the English text as it stands in the code; a test finds what is missing."""

CHINESE: dict[str, str] = {
    # of many
    "Goodbye.": "再见。",
    "That is not right.": "输入有误。",
    "That is not right. Goodbye.": "输入有误,再见。",
    "That is not possible.": "无法执行该操作。",
    "Please enter your PIN, and hash.": "请输入密码,按井号键结束。",
    "Enter the number, and hash.": "请输入号码,按井号键结束。",
    # settings
    "Do not disturb is on.": "免打扰已开启。",
    "Do not disturb is off.": "免打扰已关闭。",
    "Call waiting is on.": "呼叫等待已开启。",
    "Call waiting is off.": "呼叫等待已关闭。",
    "Find me is on.": "分机随行已开启。",
    "Find me is off.": "分机随行已关闭。",
    "Enter the number to forward to, and hash.": "请输入转移到的号码,按井号键结束。",
    "That number leads nowhere.": "该号码无法接通。",
    "All calls go to {digits:number}.": "所有来电将转移到{digits:number}。",
    "Calls while you are busy go to {digits:number}.": "遇忙时来电将转移到{digits:number}。",
    "Calls that you do not answer go to {digits:number}.": "无应答时来电将转移到{digits:number}。",
    "Calls while your phone cannot be reached go to {digits:number}.": "话机不可及时来电将转移到{digits:number}。",
    "All calls are not forwarded any more.": "无条件转移已取消。",
    "Calls while you are busy are not forwarded any more.": "遇忙转移已取消。",
    "Calls that you do not answer are not forwarded any more.": "无应答转移已取消。",
    "Calls while your phone cannot be reached are not forwarded any more.": "不可及转移已取消。",
    "Enter your number, and hash.": "请输入您的号码,按井号键结束。",
    "This is the phone of {digits:number} now.": "这部话机现在是{digits:number}的分机。",
    "This is the phone of {digits:number} again.": "这部话机恢复为{digits:number}的分机。",
    "{name} follows the clock again.": "{name}恢复按时间控制。",
    "{name} is on by hand.": "{name}已手动开启。",
    "{name} is off by hand.": "{name}已手动关闭。",
    "Enter the number to refuse, and hash.": "请输入要拒接的号码,按井号键结束。",
    "Calls from {digits:number} are refused.": "将拒接{digits:number}的来电。",
    "{digits:number} may call.": "已允许{digits:number}的来电。",
    # parking, find-me
    "Parked at {digits:slot}.": "通话已驻留在{digits:slot}。",
    "There is a call for you. Press 1 to take it.": "您有一个来电,接听请按1。",
    # voicemail
    "{owner} cannot take your call. Please leave a message after the tone.": (
        "{owner}无法接听您的来电,请在提示音后留言。"
    ),
    "{digits:owner} cannot take your call. Please leave a message after the tone.": (
        "{digits:owner}无法接听您的来电,请在提示音后留言。"
    ),
    "The mailbox is full. Goodbye.": "信箱已满,再见。",
    "Your message has been left. Goodbye.": "您的留言已保存,再见。",
    "Nothing was recorded. Goodbye.": "没有录到声音,再见。",
    "Please enter the number of your mailbox, and hash.": "请输入信箱号码,按井号键结束。",
    "Record your greeting after the tone, and press hash. Press it at once to have none.": (
        "请在提示音后录制问候语,按井号键结束;直接按井号键则取消问候语。"
    ),
    "You have no greeting of your own now.": "您现在没有自己的问候语。",
    "You have no new messages": "您没有新留言",
    "You have one new message": "您有一条新留言",
    "You have {count:new} new messages": "您有{count:new}条新留言",
    "no saved messages": "没有已存留言",
    "one saved message": "一条已存留言",
    "{count:saved} saved messages": "{count:saved}条已存留言",
    "There are no more messages. Press star for the last one, 0 to record your greeting.": (
        "没有更多留言。听上一条请按星号键,录制问候语请按0。"
    ),
    "New message from {name}": "新留言,来自{name}",
    "New message from {digits:number}": "新留言,来自{digits:number}",
    "New message from an unknown caller": "新留言,来自未知号码",
    "Saved message from {name}": "已存留言,来自{name}",
    "Saved message from {digits:number}": "已存留言,来自{digits:number}",
    "Saved message from an unknown caller": "已存留言,来自未知号码",
    "today at {time:at}": "今天{time:at}",
    "yesterday at {time:at}": "昨天{time:at}",
    "on {date:day} at {time:at}": "{date:day}{time:at}",
    "forwarded by {digits:by}": "由{digits:by}转来",
    "Press 1 to hear it again, 2 to save it, 3 to delete it, 4 to call back, 5 to forward it, "
    "hash for the next message, star for the last one, 0 to record your greeting.": (
        "重听请按1,保存请按2,删除请按3,回拨请按4,转发请按5,下一条请按井号键,上一条请按星号键,录制问候语请按0。"
    ),
    "Saved.": "已保存。",
    "Deleted.": "已删除。",
    "Enter the number of the mailbox to forward it to, and hash.": "请输入要转发到的信箱号码,按井号键结束。",
    "That mailbox takes no message.": "该信箱无法接收留言。",
    "Forwarded.": "已转发。",
    # conferences
    "Please enter the PIN of the conference, and hash.": "请输入会议密码,按井号键结束。",
    "If you are the moderator, enter your PIN, and hash. If not, press hash.": (
        "主持人请输入密码,按井号键结束;其他人请直接按井号键。"
    ),
    "Please enter the number of the conference, and hash.": "请输入会议号码,按井号键结束。",
    "Please enter the PIN, and hash.": "请输入密码,按井号键结束。",
    "{digits:number} does not answer.": "{digits:number}无人应答。",
    "You are invited to a conference. Press 1 to join.": "邀请您参加会议,加入请按1。",
    "The conference is locked.": "会议已锁定。",
    "The conference is full.": "会议人数已满。",
    "The conference is open.": "会议已解锁。",
    "The conference begins when the moderator comes.": "主持人到场后会议开始。",
    "You are muted.": "您已静音。",
    "You can be heard.": "已取消静音。",
    "{count:count} are here.": "现有{count:count}人。",
    "You are alone.": "只有您一人。",
    "Star 6 mutes you, star 2 tells how many are here, star hash leaves.": (
        "静音请按星号6,查询人数请按星号2,退出请按星号井号。"
    ),
    "Star 5 locks the conference, star 7 removes whoever came last, star 1 records, star 3 mutes all others,"
    " star 9 calls somebody in, star 8 ends it for all.": (
        "锁定会议请按星号5,请出最后加入者请按星号7,录音请按星号1,全体静音请按星号3,邀请他人请按星号9,结束会议请按星号8。"
    ),
    "There is nobody to remove.": "没有可请出的人。",
    "Removed.": "已请出。",
    "Recording is on.": "录音已开始。",
    "Recording is off.": "录音已停止。",
    "All others are muted.": "其他人已静音。",
    "All others can be heard.": "已取消全体静音。",
    "That number cannot be called.": "无法呼叫该号码。",
    "It is being called.": "正在呼叫。",
    # prompts
    "Speak after the tone, and end with the hash key.": "请在提示音后录音,按井号键结束。",
    "Please enter your PIN, and end with the hash key.": "请输入密码,按井号键结束。",
    "To keep it, press 1. To hear it again, press 2. To record it again, press 3. To leave it as is, press star.": (
        "保存请按1,重听请按2,重录请按3,放弃请按星号键。"
    ),
    "It is left as it was. Goodbye.": "保持原样,再见。",
    "Once more.": "请重新录制。",
    "Nothing was recorded. Once more.": "没有录到声音,请重新录制。",
    "It could not be kept. Goodbye.": "无法保存,再见。",
    "It is kept. Goodbye.": "已保存,再见。",
}
