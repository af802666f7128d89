# SPDX-License-Identifier: Apache-2.0
"""The constants in codecs/g729/tables.c against the Recommendation's, where those are at hand.

They lie in a folder beside the vectors, as files of plain numbers. The arrays that only reorder others are checked
against those.
"""

import csv
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
VECTORS = Path(os.environ.get("SWITCHROOM_G729_VECTORS") or ROOT.parent / "shared" / "g729" / "vectors")
TABLES = VECTORS.parent / "tables"
NAMES = {
    "lp_window": "hamming_cos_window",
    "lag_window_hi": "lag_window_hi",
    "lag_window_lo": "lag_window_lo",
    "lsp_grid": "lsp_root_grid",
    "cos_q15": "lsf_cos_table",
    "acos_slope": "lsf_slope_table",
    "cos2_q15": "lsf2_cos_table",
    "cos2_slope": "lsf2_slope_cos",
    "acos2_slope": "lsf2_slope_acos",
    "lsp_code1": "lsp_codebook_L1",
    "lsp_code2": "lsp_codebook_L2L3",
    "lsp_ma": "lsp_ma_predictor_fg",
    "lsp_ma_rest": "lsp_ma_predictor_fg_sum",
    "lsp_ma_rest_inv": "lsp_ma_predictor_fg_sum_inv",
    "lsf_start": "lsp_freq_prev_init",
    "pitch_interp": "pitch_interp_filter_b30",
    "gain_ma": "gain_ma_predictor",
    "gain_code_a": "gain_codebook_GA",
    "gain_code_b": "gain_codebook_GB",
    "gain_map_a": "gain_map_GA",
    "gain_map_b": "gain_map_GB",
    "gain_unmap_a": "gain_imap_GA",
    "gain_unmap_b": "gain_imap_GB",
    "gain_thr_a": "gain_preselect_thr_GA",
    "gain_thr_b": "gain_preselect_thr_GB",
    "gain_coef": "gain_preselect_coef",
    "gain_coef32": "gain_preselect_coef32",
    "highpass_out_b": "highpass_post_100Hz_b",
    "highpass_out_a": "highpass_post_100Hz_a",
    "highpass_in_b": "highpass_pre_140Hz_b",
    "highpass_in_a": "highpass_pre_140Hz_a",
    "pow2_q14": "basicop_pow2_table",
    "log2_q15": "basicop_log2_table",
    "inv_sqrt_q15": "basicop_invsqrt_table",
    "taming_zone": "taming_zone_index",
    "vad_lowband": "annexb_vad_lowband_corr",
    "vad_mean_shift": "annexb_vad_mean_shift",
    "vad_mean_factor": "annexb_vad_mean_factor",
    "sid_gain_factor": "annexb_sid_gain_factor",
    "sid_gain_margin": "annexb_sid_gain_margin",
    "sid_gain_level": "annexb_sid_gain_levels",
    "sid_ma": "annexb_sid_lsf_fg",
    "sid_ma_rest": "annexb_sid_lsf_fg_sum",
    "sid_ma_rest_inv": "annexb_sid_lsf_fg_sum_inv",
    "sid_code1": "annexb_sid_lsf_subset_L1",
    "sid_code2": "annexb_sid_lsf_subset_L2L3",
    "sid_mode_weight": "annexb_sid_lsf_mode_weight",
}


def ours() -> dict[str, list[int]]:
    """Every array of tables.c as plain numbers."""
    text = (ROOT / "codecs" / "g729" / "tables.c").read_text()
    arrays = re.findall(r"const \w+ g729_(\w+?)(?:\[\d+\])+[^=]*= \{(.*?)\n\};", text, re.S)
    return {name: [int(number) for number in re.findall(r"-?\d+", body)] for name, body in arrays}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_numbers_are_those_of_the_recommendation(name: str) -> None:
    path = TABLES / f"{NAMES[name]}.csv"
    if not path.exists():
        pytest.skip(f"no table of constants at {path}")
    with path.open(newline="") as file:
        assert ours()[name] == [int(number) for row in csv.reader(file) for number in row]


def test_reordered_tables_hold_the_same_numbers() -> None:
    tables = ours()
    assert sorted(set(tables) - set(NAMES)) == ["lsp_code1_t", "lsp_code2_t", "pitch_interp_taps"]
    code1, code2, b30 = tables["lsp_code1"], tables["lsp_code2"], tables["pitch_interp"]
    assert tables["lsp_code1_t"] == [code1[10 * k + i] for i in range(10) for k in range(128)]
    assert tables["lsp_code2_t"] == [code2[10 * k + i] for i in range(10) for k in range(32)]
    assert tables["pitch_interp_taps"] == [
        b30[k] for t in range(3) for k in [*range(t + 27, -1, -3), *range(3 - t, 33 - t, 3)]
    ]
