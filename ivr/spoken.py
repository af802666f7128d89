# SPDX-License-Identifier: Apache-2.0
"""Values as words, in English and Mandarin: numbers, digits, money, dates, times, durations.

A speech engine guesses at "12.50" or "2026-10-01"; a caller must hear twelve yuan fifty and the first of October. So
values become words here, and the engine reads words only. Languages are named as in BCP 47, by their first part.
"""

import datetime
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
LARGEST = 10**12
"""Numbers from here on are read digit by digit."""

_EN_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["x", "x", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_EN_POWERS = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_EN_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_EN_SIGNS = {"*": "star", "#": "pound", "+": "plus", "-": "dash", ".": "point"}
_ZH_DIGITS = "零一二三四五六七八九"
_ZH_PLACES = ("", "十", "百", "千")
_ZH_POWERS = ("", "万", "亿")
_ZH_SIGNS = {"*": "星号", "#": "井号", "+": "加", "-": "杠", ".": "点"}
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_CURRENCIES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "CNY": (("yuan", "yuan"), ("fen", "fen")),
    "USD": (("dollar", "dollars"), ("cent", "cents")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "GBP": (("pound", "pounds"), ("penny", "pence")),
    "HKD": (("Hong Kong dollar", "Hong Kong dollars"), ("cent", "cents")),
}
_ZH_CURRENCIES = {"CNY": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元"}


def number(value: int | float | Decimal | str, language: Language) -> str:
    """A quantity: 1205 is "one thousand two hundred and five", 一千二百零五. Raises ValueError where it is none."""
    amount = _decimal(value)
    whole, point, fraction = f"{abs(amount):f}".partition(".")
    minus = ("minus " if language == "en" else "负") if amount < 0 else ""
    words = _cardinal(int(whole), language)
    if point and fraction.strip("0"):
        after = digits(fraction.rstrip("0"), language, telephone=False)
        words += f" point {after}" if language == "en" else f"点{after}"
    return minus + words


def ordinal(value: int, language: Language) -> str:
    """A place, as in a queue: the third, 第三."""
    if language == "zh":
        return f"第{_zh_cardinal(value)}"
    words = _en_cardinal(value)
    cut = max(words.rfind(" "), words.rfind("-")) + 1
    last = words[cut:]
    if last not in _EN_ORDINALS:
        return f"{words[:cut]}{last[:-1] + 'ie' if last.endswith('y') else last}th"
    return words[:cut] + _EN_ORDINALS[last]


def digits(text: str, language: Language, *, telephone: bool = True) -> str:
    """One by one, as telephone and card numbers are read; in Mandarin a 1 among them is 幺."""
    if language == "en":
        return " ".join(_en_digit(character) for character in text if character.strip())
    one = "幺" if telephone else "一"
    return "".join(one if c == "1" else _zh_digit(c) for c in text if c.strip())


def money(value: int | float | Decimal | str, language: Language, currency: str = "CNY") -> str:
    """An amount, to the hundredth: 12.5 CNY is "twelve yuan fifty fen", 十二元五角. Raises ValueError."""
    if currency not in _CURRENCIES:
        raise ValueError(f"no words for the currency {currency!r}; known: {', '.join(_CURRENCIES)}")
    amount = _decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)
    whole, hundredths = divmod(int(abs(amount) * 100), 100)
    minus = ("minus " if language == "en" else "负") if amount < 0 else ""
    if language == "zh":
        return minus + _zh_money(whole, hundredths, _ZH_CURRENCIES[currency])
    (unit, units), (part, parts) = _CURRENCIES[currency]
    words = [f"{_en_cardinal(whole)} {unit if whole == 1 else units}"] if whole or not hundredths else []
    if hundredths:
        words.append(f"{_en_cardinal(hundredths)} {part if hundredths == 1 else parts}")
    return minus + " ".join(words)


def date(value: datetime.date | str, language: Language) -> str:
    """A day: October first, twenty twenty-six; 二零二六年十月一日. Text is taken as ISO 8601. Raises ValueError."""
    day = datetime.date.fromisoformat(value[:10]) if isinstance(value, str) else value
    if language == "zh":
        year = "".join(_zh_digit(c) for c in str(day.year))
        return f"{year}年{_zh_cardinal(day.month)}月{_zh_cardinal(day.day)}日"
    return f"{_MONTHS[day.month - 1]} {ordinal(day.day, 'en')}, {_en_year(day.year)}"


def time(value: datetime.time | datetime.datetime | str, language: Language) -> str:
    """A time of day: "five thirty p m", 下午五点三十分. Text is HH:MM or ISO 8601. Raises ValueError."""
    clock = datetime.time.fromisoformat(value.rpartition("T")[2]) if isinstance(value, str) else value
    hour = clock.hour % 12 or 12
    if language == "zh":
        part = next(name for until, name in _ZH_PARTS if clock.hour < until)
        minute = f"零{_zh_cardinal(clock.minute)}分" if clock.minute < 10 else f"{_zh_cardinal(clock.minute)}分"
        return f"{part}{'两' if hour == 2 else _zh_cardinal(hour)}点" + (minute if clock.minute else "整")
    half = "a m" if clock.hour < 12 else "p m"
    if not clock.minute:
        return f"{_en_cardinal(hour)} {half}"
    minute = f"oh {_en_cardinal(clock.minute)}" if clock.minute < 10 else _en_cardinal(clock.minute)
    return f"{_en_cardinal(hour)} {minute} {half}"


_ZH_PARTS = ((6, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))


def duration(seconds: float, language: Language) -> str:
    """About how long: under a minute in steps of ten seconds, then in minutes, then in hours and minutes."""
    if seconds < 55:
        count = max(10, round(seconds / 10) * 10)
        return f"{_en_cardinal(count)} seconds" if language == "en" else f"{_zh_cardinal(count)}秒"
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes, 60)
    if language == "zh":
        return (f"{_zh_count(hours)}小时" if hours else "") + (f"{_zh_count(minutes)}分钟" if minutes else "")
    parts = [_en_count(hours, "hour")] if hours else []
    return " ".join([*parts, _en_count(minutes, "minute")] if minutes else parts)


def count(value: int | str, language: Language) -> str:
    """How many of something, said before its name: two is 两 there. Raises ValueError."""
    number_of = int(value)
    if number_of < 0 or number_of >= LARGEST:
        return number(str(value), language)
    return _en_cardinal(number_of) if language == "en" else _zh_count(number_of)


def language_of(text: str) -> Language:
    """The language of a text that nobody has named one for: Chinese where it has Chinese characters."""
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"


SAY: Mapping[str, Callable[[str, Language], str]] = {
    "number": number,
    "count": count,
    "digits": digits,
    "money": money,
    "date": date,
    "time": time,
    "duration": lambda text, language: duration(float(text), language),
    "ordinal": lambda text, language: ordinal(int(text), language),
}
"""What data flows can have said of a text, by name."""


# ---- within


def _decimal(value: int | float | Decimal | str) -> Decimal:
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not amount.is_finite():
        raise ValueError(f"{value!r} is no number")
    return amount


def _cardinal(value: int, language: Language) -> str:
    if value >= LARGEST:
        return digits(str(value), language, telephone=False)
    return _en_cardinal(value) if language == "en" else _zh_cardinal(value)


def _en_digit(character: str) -> str:
    if character.isdecimal():
        return _EN_SMALL[int(character)]
    return _EN_SIGNS.get(character, character)


def _zh_digit(character: str) -> str:
    if character.isdecimal():
        return _ZH_DIGITS[int(character)]
    return _ZH_SIGNS.get(character, character)


def _en_cardinal(value: int) -> str:
    parts = []
    for power, name in _EN_POWERS:
        if value >= power:
            parts.append(f"{_en_below_1000(value // power)} {name}")
            value %= power
    if value or not parts:
        rest = _en_below_1000(value)
        parts.append(f"and {rest}" if parts and value < 100 else rest)
    return " ".join(parts)


def _en_below_1000(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    if hundreds:
        return f"{_EN_SMALL[hundreds]} hundred" + (f" and {_en_below_1000(rest)}" if rest else "")
    if value < 20:
        return _EN_SMALL[value]
    tens, ones = divmod(value, 10)
    return _EN_TENS[tens] + (f"-{_EN_SMALL[ones]}" if ones else "")


def _en_count(value: int, unit: str) -> str:
    return f"{_en_cardinal(value)} {unit}{'' if value == 1 else 's'}"


def _en_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if not 1100 <= year < 10_000 or (century % 10 == 0 and rest < 10):
        return _en_cardinal(year)
    if rest == 0:
        return f"{_en_cardinal(century)} hundred"
    return f"{_en_cardinal(century)} {'oh ' if rest < 10 else ''}{_en_cardinal(rest)}"


def _zh_cardinal(value: int) -> str:
    if value == 0:
        return "零"
    groups = []
    while value:
        value, group = divmod(value, 10_000)
        groups.append(group)
    words, gap = "", False
    for power in reversed(range(len(groups))):
        group = groups[power]
        if group == 0:
            gap = bool(words)
            continue
        if words and (gap or group < 1000):
            words += "零"
        words += _zh_below_10000(group, first=not words) + _ZH_POWERS[power]
        gap = False
    return words


def _zh_below_10000(value: int, first: bool) -> str:
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit == 0:
            gap = bool(words)
            continue
        if gap:
            words += "零"
            gap = False
        if place == 1 and digit == 1 and not words and first:
            words += "十"  # ten alone: 十二, not 一十二
        elif digit == 2 and place >= 2:
            words += "两" + _ZH_PLACES[place] if place == 3 else "二" + _ZH_PLACES[place]
        else:
            words += _ZH_DIGITS[digit] + _ZH_PLACES[place]
    return words


def _zh_count(value: int) -> str:
    """A number before a measure word: two is 两."""
    return "两" if value == 2 else _zh_cardinal(value)


def _zh_money(whole: int, hundredths: int, unit: str) -> str:
    jiao, fen = divmod(hundredths, 10)
    if unit != "元":
        fraction = f"点{_ZH_DIGITS[jiao]}{_ZH_DIGITS[fen] if fen else ''}" if hundredths else ""
        return f"{_zh_cardinal(whole) if fraction else _zh_count(whole)}{fraction}{unit}"
    words = f"{_zh_count(whole)}元" if whole or not hundredths else ""
    if jiao:
        words += f"{_ZH_DIGITS[jiao]}角"
    elif fen and whole:
        words += "零"
    return words + (f"{_ZH_DIGITS[fen]}分" if fen else "")
