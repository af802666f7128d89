/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "srtp_ciphers.h"

#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <stdlib.h>
#include <string.h>

#define SALT_BYTES 14            /* of AES-CM, behind the key */
#define GCM_TAG_BYTES 16

static const srtp_cipher_type_t counter_mode, gcm_128, gcm_256;
static const srtp_auth_type_t hmac_sha1;

/* A cipher with its zeroed state behind it, in one block. */
static srtp_err_status_t make(srtp_cipher_t **made, const srtp_cipher_type_t *type, int key_bytes, size_t state_bytes)
{
    size_t head = (sizeof(srtp_cipher_t) + 63) / 64 * 64;
    srtp_cipher_t *cipher = aligned_alloc(64, head + (state_bytes + 63) / 64 * 64);
    if (cipher == NULL)
        return srtp_err_status_alloc_fail;
    memset(cipher, 0, head + state_bytes);
    *cipher = (srtp_cipher_t){type, (uint8_t *)cipher + head, key_bytes, (int)type->id};
    *made = cipher;
    return srtp_err_status_ok;
}

/* ---- AES in counter mode, RFC 3711 section 4.1.1 ---- */

typedef struct counter_state {
    struct aes128_ctx aes;
    uint8_t offset[AES_BLOCK_SIZE]; /* the salt */
    uint8_t counter[AES_BLOCK_SIZE];
} counter_state;

static srtp_err_status_t counter_alloc(srtp_cipher_t **made, int key_bytes, int tag_bytes)
{
    (void)tag_bytes;
    if (key_bytes != AES128_KEY_SIZE + SALT_BYTES)
        return srtp_err_status_bad_param;
    return make(made, &counter_mode, key_bytes, sizeof(counter_state));
}

static srtp_err_status_t counter_free(srtp_cipher_t *cipher)
{
    explicit_bzero(cipher->state, sizeof(counter_state));
    free(cipher);
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_init(void *state, const uint8_t *key)
{
    counter_state *c = state;
    aes128_set_encrypt_key(&c->aes, key);
    memset(c->offset, 0, sizeof c->offset);
    memcpy(c->offset, key + AES128_KEY_SIZE, SALT_BYTES);
    memcpy(c->counter, c->offset, sizeof c->counter);
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    counter_state *c = state;
    (void)direction;
    for (int i = 0; i < AES_BLOCK_SIZE; i++)
        c->counter[i] = c->offset[i] ^ iv[i];
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_crypt(void *state, uint8_t *data, unsigned int *bytes)
{
    counter_state *c = state;
    ctr_crypt(&c->aes, (nettle_cipher_func *)aes128_encrypt, AES_BLOCK_SIZE, c->counter, *bytes, data, data);
    return srtp_err_status_ok;
}

/* RFC 3711 appendix B.2 */
static const srtp_cipher_test_case_t counter_case = {
    .key_length_octets = 30,
    .key = (const uint8_t[30]){0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
                               0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3,
                               0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd},
    .idx = (uint8_t[16]){0},
    .plaintext_length_octets = 32,
    .plaintext = (const uint8_t[32]){0},
    .ciphertext_length_octets = 32,
    .ciphertext = (const uint8_t[32]){0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1,
                                      0x6d, 0xd9, 0x2b, 0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02,
                                      0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab},
};

static const srtp_cipher_type_t counter_mode = {
    .alloc = counter_alloc, .dealloc = counter_free, .init = counter_init, .encrypt = counter_crypt,
    .decrypt = counter_crypt, .set_iv = counter_set_iv, .description = "AES-128 counter mode by Nettle",
    .test_data = &counter_case, .id = SRTP_AES_ICM_128,
};

/* ---- AES-GCM, RFC 7714 ---- */

typedef struct gcm_state {
    union {
        struct aes128_ctx by_128;
        struct aes256_ctx by_256;
    } aes;
    nettle_cipher_func *encrypt; /* of a block */
    struct gcm_key key;
    struct gcm_ctx gcm;
    uint32_t tag_bytes;
    uint32_t held;               /* of the associated data, which Nettle takes in whole blocks but for the last */
    uint8_t block[GCM_BLOCK_SIZE];
} gcm_state;

static srtp_err_status_t gcm_alloc(srtp_cipher_t **made, const srtp_cipher_type_t *type, int key_bytes,
                                   int wanted_bytes, int tag_bytes)
{
    if (key_bytes != wanted_bytes || tag_bytes < 8 || tag_bytes > GCM_TAG_BYTES)
        return srtp_err_status_bad_param;
    srtp_err_status_t status = make(made, type, key_bytes, sizeof(gcm_state));
    if (status == srtp_err_status_ok)
        ((gcm_state *)(*made)->state)->tag_bytes = (uint32_t)tag_bytes;
    return status;
}

static srtp_err_status_t gcm_128_alloc(srtp_cipher_t **made, int key_bytes, int tag_bytes)
{
    return gcm_alloc(made, &gcm_128, key_bytes, SRTP_AES_GCM_128_KEY_LEN_WSALT, tag_bytes);
}

static srtp_err_status_t gcm_256_alloc(srtp_cipher_t **made, int key_bytes, int tag_bytes)
{
    return gcm_alloc(made, &gcm_256, key_bytes, SRTP_AES_GCM_256_KEY_LEN_WSALT, tag_bytes);
}

static srtp_err_status_t gcm_free(srtp_cipher_t *cipher)
{
    explicit_bzero(cipher->state, sizeof(gcm_state));
    free(cipher);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_128_init(void *state, const uint8_t *key)
{
    gcm_state *g = state;
    aes128_set_encrypt_key(&g->aes.by_128, key);
    g->encrypt = (nettle_cipher_func *)aes128_encrypt;
    gcm_set_key(&g->key, &g->aes, g->encrypt);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_256_init(void *state, const uint8_t *key)
{
    gcm_state *g = state;
    aes256_set_encrypt_key(&g->aes.by_256, key);
    g->encrypt = (nettle_cipher_func *)aes256_encrypt;
    gcm_set_key(&g->key, &g->aes, g->encrypt);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_begin(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    gcm_state *g = state;
    (void)direction;
    gcm_set_iv(&g->gcm, &g->key, GCM_IV_SIZE, iv);
    g->held = 0;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_associate(void *state, const uint8_t *data, uint32_t bytes)
{
    gcm_state *g = state;
    while (bytes > 0) {
        uint32_t room = GCM_BLOCK_SIZE - g->held, part = bytes < room ? bytes : room;
        memcpy(g->block + g->held, data, part);
        g->held += part;
        data += part;
        bytes -= part;
        if (g->held == GCM_BLOCK_SIZE) {
            gcm_update(&g->gcm, &g->key, GCM_BLOCK_SIZE, g->block);
            g->held = 0;
        }
    }
    return srtp_err_status_ok;
}

static void end_association(gcm_state *g)
{
    if (g->held > 0)
        gcm_update(&g->gcm, &g->key, g->held, g->block);
    g->held = 0;
}

static srtp_err_status_t gcm_seal(void *state, uint8_t *data, unsigned int *bytes)
{
    gcm_state *g = state;
    end_association(g);
    gcm_encrypt(&g->gcm, &g->key, &g->aes, g->encrypt, *bytes, data, data);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_tag(void *state, uint8_t *tag, uint32_t *bytes)
{
    gcm_state *g = state;
    gcm_digest(&g->gcm, &g->key, &g->aes, g->encrypt, g->tag_bytes, tag);
    *bytes = g->tag_bytes;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_open(void *state, uint8_t *data, unsigned int *bytes)
{
    gcm_state *g = state;
    uint8_t tag[GCM_TAG_BYTES];
    if (*bytes < g->tag_bytes)
        return srtp_err_status_bad_param;
    unsigned int plain = *bytes - g->tag_bytes;
    end_association(g);
    gcm_decrypt(&g->gcm, &g->key, &g->aes, g->encrypt, plain, data, data);
    gcm_digest(&g->gcm, &g->key, &g->aes, g->encrypt, g->tag_bytes, tag);
    *bytes = plain;
    return memeql_sec(tag, data + plain, g->tag_bytes) ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

/* Test cases 4 and 16 of the paper that proposed GCM; the salt behind the key is not the cipher's. */
#define KEY_HALF 0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08
#define GCM_CASE \
    .idx = (uint8_t[12]){0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88}, \
    .plaintext_length_octets = 60, \
    .plaintext = (const uint8_t[60]){ \
        0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, \
        0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, \
        0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, \
        0x63, 0x7b, 0x39}, \
    .ciphertext_length_octets = 76, .aad_length_octets = 20, \
    .aad = (const uint8_t[20]){0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, \
                               0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2}, \
    .tag_length_octets = GCM_TAG_BYTES

static const srtp_cipher_test_case_t gcm_128_case = {
    .key_length_octets = SRTP_AES_GCM_128_KEY_LEN_WSALT,
    .key = (const uint8_t[SRTP_AES_GCM_128_KEY_LEN_WSALT]){KEY_HALF},
    .ciphertext = (const uint8_t[76]){
        0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c, 0xe3, 0xaa, 0x21,
        0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e, 0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66,
        0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05, 0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d,
        0x58, 0xe0, 0x91, 0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47},
    GCM_CASE,
};

static const srtp_cipher_test_case_t gcm_256_case = {
    .key_length_octets = SRTP_AES_GCM_256_KEY_LEN_WSALT,
    .key = (const uint8_t[SRTP_AES_GCM_256_KEY_LEN_WSALT]){KEY_HALF, KEY_HALF},
    .ciphertext = (const uint8_t[76]){
        0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d, 0x64, 0x3a, 0x8c,
        0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa, 0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d,
        0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38, 0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc,
        0xc9, 0xf6, 0x62, 0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b},
    GCM_CASE,
};

static const srtp_cipher_type_t gcm_128 = {
    .alloc = gcm_128_alloc, .dealloc = gcm_free, .init = gcm_128_init, .set_aad = gcm_associate, .encrypt = gcm_seal,
    .decrypt = gcm_open, .set_iv = gcm_begin, .get_tag = gcm_tag, .description = "AES-128 GCM by Nettle",
    .test_data = &gcm_128_case, .id = SRTP_AES_GCM_128,
};

static const srtp_cipher_type_t gcm_256 = {
    .alloc = gcm_256_alloc, .dealloc = gcm_free, .init = gcm_256_init, .set_aad = gcm_associate, .encrypt = gcm_seal,
    .decrypt = gcm_open, .set_iv = gcm_begin, .get_tag = gcm_tag, .description = "AES-256 GCM by Nettle",
    .test_data = &gcm_256_case, .id = SRTP_AES_GCM_256,
};

/* ---- HMAC-SHA1, RFC 2104 ---- */

static srtp_err_status_t tag_alloc(srtp_auth_t **made, int key_bytes, int tag_bytes)
{
    if (key_bytes < 0 || key_bytes > SHA1_DIGEST_SIZE || tag_bytes < 0 || tag_bytes > SHA1_DIGEST_SIZE)
        return srtp_err_status_bad_param;
    struct { srtp_auth_t auth; struct hmac_sha1_ctx hmac; } *both = calloc(1, sizeof *both);
    if (both == NULL)
        return srtp_err_status_alloc_fail;
    both->auth = (srtp_auth_t){.type = &hmac_sha1, .state = &both->hmac, .out_len = tag_bytes, .key_len = key_bytes};
    *made = &both->auth;
    return srtp_err_status_ok;
}

static srtp_err_status_t tag_free(srtp_auth_t *auth)
{
    explicit_bzero(auth->state, sizeof(struct hmac_sha1_ctx));
    free(auth);
    return srtp_err_status_ok;
}

static srtp_err_status_t tag_init(void *state, const uint8_t *key, int bytes)
{
    hmac_sha1_set_key(state, (size_t)bytes, key);
    return srtp_err_status_ok;
}

static srtp_err_status_t tag_start(void *state)
{
    struct hmac_sha1_ctx *hmac = state;
    hmac->state = hmac->inner; /* whatever was begun is forgotten */
    return srtp_err_status_ok;
}

static srtp_err_status_t tag_update(void *state, const uint8_t *data, int bytes)
{
    hmac_sha1_update(state, (size_t)bytes, data);
    return srtp_err_status_ok;
}

static srtp_err_status_t tag_compute(void *state, const uint8_t *data, int bytes, int tag_bytes, uint8_t *tag)
{
    hmac_sha1_update(state, (size_t)bytes, data);
    hmac_sha1_digest(state, (size_t)tag_bytes, tag);
    return srtp_err_status_ok;
}

/* RFC 2202 section 3, test case 1 */
static const srtp_auth_test_case_t tag_case = {
    .key_length_octets = 20,
    .key = (const uint8_t[20]){0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                               0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b},
    .data_length_octets = 8,
    .data = (const uint8_t[8]){'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'},
    .tag_length_octets = 20,
    .tag = (const uint8_t[20]){0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                               0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00},
};

static const srtp_auth_type_t hmac_sha1 = {
    .alloc = tag_alloc, .dealloc = tag_free, .init = tag_init, .compute = tag_compute, .update = tag_update,
    .start = tag_start, .description = "HMAC-SHA1 by Nettle", .test_data = &tag_case, .id = SRTP_HMAC_SHA1,
};

bool sr_srtp_ciphers_install(void)
{
    const srtp_cipher_type_t *ciphers[] = {&counter_mode, &gcm_128, &gcm_256};
    for (int i = 0; i < 3; i++)
        if (srtp_replace_cipher_type(ciphers[i], ciphers[i]->id) != srtp_err_status_ok)
            return false;
    return srtp_replace_auth_type(&hmac_sha1, SRTP_HMAC_SHA1) == srtp_err_status_ok;
}
