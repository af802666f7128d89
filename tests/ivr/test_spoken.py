# SPDX-License-Identifier: Apache-2.0
"""What callers hear of numbers, money, dates and times, in both languages."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.ivr import spoken


@pytest.mark.parametrize(
    ("value", "english", "mandarin"),
    [
        (0, "zero", "零"),
        (10, "ten", "十"),
        (12, "twelve", "十二"),
        (42, "forty-two", "四十二"),
        (100, "one hundred", "一百"),
        (105, "one hundred and five", "一百零五"),
        (110, "one hundred and ten", "一百一十"),
        (200, "two hundred", "二百"),
        (1205, "one thousand two hundred and five", "一千二百零五"),
        (2000, "two thousand", "两千"),
        (2026, "two thousand and twenty-six", "两千零二十六"),
        (10_001, "ten thousand and one", "一万零一"),
        (100_000, "one hundred thousand", "十万"),
        (120_030, "one hundred and twenty thousand and thirty", "十二万零三十"),
        (31_000_000, "thirty-one million", "三千一百万"),
        (100_000_001, "one hundred million and one", "一亿零一"),
        (-3, "minus three", "负三"),
        ("2.50", "two point five", "二点五"),
        (0.07, "zero point zero seven", "零点零七"),
        (10**12, "one" + " zero" * 12, "一" + "零" * 12),
    ],
)
def test_numbers(value: float, english: str, mandarin: str) -> None:
    assert (spoken.number(value, "en"), spoken.number(value, "zh")) == (english, mandarin)


@given(st.integers(min_value=0, max_value=spoken.LARGEST - 1))
def test_mandarin_numbers_read_back(value: int) -> None:
    assert _read(spoken.number(value, "zh")) == value


def _read(words: str) -> int:
    """A reader of Mandarin numbers, written the other way round."""
    total = group = digit = 0
    for sign in words:
        if sign in "零一二三四五六七八九两":
            digit = 2 if sign == "两" else "零一二三四五六七八九".index(sign)
        elif sign in "十百千":
            group += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[sign]
            digit = 0
        else:
            total += (group + digit) * {"万": 10_000, "亿": 100_000_000}[sign]
            group = digit = 0
    return total + group + digit


@pytest.mark.parametrize(
    ("value", "currency", "english", "mandarin"),
    [
        (12.5, "CNY", "twelve yuan fifty fen", "十二元五角"),
        ("2", "CNY", "two yuan", "两元"),
        ("3.05", "CNY", "three yuan five fen", "三元零五分"),
        ("0.25", "CNY", "twenty-five fen", "二角五分"),
        ("1.01", "USD", "one dollar one cent", "一点零一美元"),
        (0, "USD", "zero dollars", "零美元"),
        ("-7.999", "EUR", "minus eight euros", "负八欧元"),
    ],
)
def test_money(value: float | str, currency: str, english: str, mandarin: str) -> None:
    assert (spoken.money(value, "en", currency), spoken.money(value, "zh", currency)) == (english, mandarin)


def test_digits_are_read_one_by_one() -> None:
    assert spoken.digits("4001 #", "en") == "four zero zero one pound"
    assert spoken.digits("4001", "zh") == "四零零幺"
    assert spoken.digits("4001", "zh", telephone=False) == "四零零一"


def test_dates_and_times() -> None:
    assert spoken.date("2026-10-01", "en") == "October first, twenty twenty-six"
    assert spoken.date(datetime.date(2007, 5, 23), "en") == "May twenty-third, two thousand and seven"
    assert spoken.date("2026-10-20T08:00:00Z", "zh") == "二零二六年十月二十日"
    assert [spoken.time(at, "en") for at in ("08:00", "17:30", "00:05")] == [
        "eight a m", "five thirty p m", "twelve oh five a m"]  # fmt: skip
    assert [spoken.time(at, "zh") for at in ("08:00", "14:05", "17:30")] == [
        "早上八点整", "下午两点零五分", "下午五点三十分"]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "english", "mandarin"),
    [
        (4, "ten seconds", "十秒"),
        (33, "thirty seconds", "三十秒"),
        (58, "one minute", "一分钟"),
        (125, "two minutes", "两分钟"),
        (3720, "one hour two minutes", "一小时两分钟"),
    ],
)
def test_durations(seconds: float, english: str, mandarin: str) -> None:
    assert (spoken.duration(seconds, "en"), spoken.duration(seconds, "zh")) == (english, mandarin)


def test_places() -> None:
    assert [spoken.ordinal(n, "en") for n in (1, 2, 12, 20, 23, 100)] == [
        "first", "second", "twelfth", "twentieth", "twenty-third", "one hundredth"]  # fmt: skip
    assert spoken.ordinal(12, "zh") == "第十二"


@pytest.mark.parametrize("wrong", ["", "twelve", "nan", "1e999x"])
def test_what_is_no_number_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        spoken.number(wrong, "en")


def test_every_kind_that_data_flows_name_works() -> None:
    values = {"date": "2026-01-02", "time": "10:10"}
    for kind, say in spoken.SAY.items():
        for language in spoken.LANGUAGES:
            assert say(values.get(kind, "12"), language)


def test_a_text_of_the_configuration_is_spoken_in_its_own_language() -> None:
    assert [spoken.language_of(text) for text in ("We are closed.", "您好,请按1。", "")] == ["en", "zh", "en"]
