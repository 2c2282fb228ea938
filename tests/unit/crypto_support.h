/* Shared by the cryptography tests: hex constants, a seeded random source, two RSA-2048 keys. */
#ifndef TALLY_TESTS_CRYPTO_SUPPORT_H
#define TALLY_TESTS_CRYPTO_SUPPORT_H

#include <stdint.h>
#include <string.h>

#include "card/crypto/sym.h"
#include "host/base/bytes.h"
#include "tests/support/check_main.h"

struct hex {
    uint8_t p[1024];
    size_t n;
};

static inline struct hex unhex(const char *text)
{
    struct hex h = {{0}, 0};
    ck_assert_int_eq(tally_hex_decode(text, h.p, sizeof h.p, &h.n), TALLY_OK);
    return h;
}

#define ck_assert_hex(got, got_len, text)                                                                    \
    do {                                                                                                     \
        struct hex want_ = unhex(text);                                                                      \
        ck_assert_bytes_eq((got), (got_len), want_.p, want_.n);                                              \
    } while (0)

static inline bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

/* A repeatable stream for tests: splitmix64. */
static inline int seeded_random(void *ctx, uint8_t *buf, size_t n)
{
    uint64_t *state = ctx;
    for (size_t i = 0; i < n; i++) {
        uint64_t z = *state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        buf[i] = (uint8_t)(z >> 56);
    }
    return HAL_OK;
}

static inline void seeded_rng(struct rng *rng, uint64_t seed)
{
    const struct hal hal = {.ctx = &seed, .random = seeded_random};
    ck_assert(rng_init(rng, &hal));
}

/* p || q || dp || dq || iq, 128 bytes each. */
#define RSA_KEY_A                                                                                            \
    "e158c0b5de42035221b24ec321a9a99527593102459cb1a4948e0150d46d52798280a4bd1539e3947383895f2f002cc2"       \
    "344c356d5f1d803e1d6e7e82e534084cf4a61c9adf133b9731e8244c67a94d4abfd7ce0207019a161784d4dccf13c590"       \
    "2e62fb1bf871b6f66012cd449eb0503d13d8ab1f9faba0335ae3ee74d5b5c72fc544cd44488397654cd0849231d34392"       \
    "4c0a3930d16511a16965f8c9e65808a440192418132e349c3a902f9174eaa36b43df24425463494fe5a7a76bcdbac41d"       \
    "ccb9b313147ec4af35845674e87301fc0766869c49077a0484752bc84c13ed7e12279af8f12eb8033fe2a82eab836b3b"       \
    "8e8e5c497450cee1942a25f71b226f3500127c3552b5e8b45d0866980f69b38135bb04960099b540dd3f5266c93aa3bd"       \
    "203a9452ef2fce8fdc9d9d2ca7a23361788cd1b390453d2647f2221e3e9e8ea61fa9f1f666bde5d5fd911a79dfcaa118"       \
    "b60906aadf7fb3a1f02dfdb778658439b09a1d847bc6e58d1ca8c4e211bef2b7a24afe7b0b1d0df7163f5e73312256c7"       \
    "b28bdc51e264204252ad246081f25a656ea78e2dee485115cc24bc725926f2e35f14a2439c10a5138639fca3e5b37da7"       \
    "d76d7f0efdfc435daa59fd41a89a53693964167dbd7e239d058e3b066361bcb91525a9ce8896d8cc7feae16ecfd4f58e"       \
    "b6f5dbe157c25650b2a0fe620760d24cbc71837c04682367aec81b46b5eb8bc55e1afe8101463bbc694eba8eb06e279f"       \
    "eb8f2527e519306a3b137563991d61c755747f941db129eb277e793df255b0684ce6357dbcc0954b2c9a805db075c96f"       \
    "09fcefdf8777c4035f4d6e9bde55c2753b83eb2afa7be1b4e312fc548d7629c10a023c3c0630042bfe2dfb562e60829f"       \
    "8d035d5241f6648c65d56bbd04dd40da"

#define RSA_KEY_B                                                                                            \
    "edf0434d058bb57127d8aeb6833017ed7492fd632faf646fd7543089ce2e472032b806a7bef0443730be5e900880359f"       \
    "ee7327d4c419adde15fc568b841936838b6101a18d8315af30fd09d147cf68cf17e9d0139791ec079a98f42d31d8f0d0"       \
    "210b382e2982b7994eeb9e4cd705032bbf6f64d5ab24b68bc0c79584435e0ae7dd71710ebd65761ca3d6ad18301aa283"       \
    "f1b5f6cf5b8a704f0ff288f8a3fd81941d701ba9a0c9e4c0e7cecf92ae364578fca5e2cf242c62c4127b45d92470cd9e"       \
    "a3a923274d8d275a3f5daaa23bff33e922d2cba5e564af51aeed565ddec359e846d0534bfa1615dffb999e028864c314"       \
    "2e4fb859e442ed29368f8482a0bb9f8538b5bf14a871b7f9144a2cba0b6277117d6b5b413ca84d03eb0a81d71671293a"       \
    "9f5c051a0e042dfe097c1605b640f886f9ca3080218d0d47956de322b5855cdcd56775800fbe6278b2f05c5aa906e230"       \
    "19befc7ceeef34964b5e913404617463e6bc49d396c9350131322f34993af49a84b20412790bf30634185da67c77f999"       \
    "3fbe34ee2a44b7901cf561d4319ca9255401ae2f1849ac7485c1a9fdf0aebb8b18423a2444fd78d4b2a58c88cb8f21c6"       \
    "66eb95734d155dc4d51119151d713f2f282b3acc487d96535b242a4713002e4030defef21d2b33704eeb50ce2a9e8f15"       \
    "d6b48715bac27abf83dc3f68b93c500f52196e96a9a73e3f7bce2a35b3f0ee459e8bb5c4fbad7dcd30a2b6e0d69dbb9b"       \
    "d8f94fdc014b9698883b148ec3f58d6e8ee03a85c59f0860e1636a2341e0fdb9d37af5bf2cb444de5776e422501e18a3"       \
    "0c93dc59376b2554d2d7006d662dfa24e1180501bbb0690188593bbb4a59ae704eeaff874d2e46896f7dafad70a8a2cd"       \
    "e78e4f96f66f26e7bf340001cde0144d"

#endif
