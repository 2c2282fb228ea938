/* Published test vectors that both sides are held to, in hex. */
#ifndef TALLY_TESTS_CRYPTO_VECTORS_H
#define TALLY_TESTS_CRYPTO_VECTORS_H

/* SP 800-38A F: the key and text of its examples, which RFC 4493 uses too. */
#define NIST_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define NIST_TEXT                                                                                            \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                                       \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* RFC 3610 8, packet vector 1: CCM as in SP 800-38C with nonce 13 and tag 8. */
#define CCM_KEY   "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define CCM_NONCE "00000003020100a0a1a2a3a4a5"
#define CCM_AAD   "0001020304050607"
#define CCM_TEXT  "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
#define CCM_SEALED                                                                                           \
    "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384"                                                         \
    "17e8d12cfdf926e0"

/* The GCM specification, test case 4. */
#define GCM_KEY   "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD   "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_TEXT                                                                                             \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                                       \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_SEALED                                                                                           \
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"                                       \
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"                                               \
    "5bc94fbc3221a5db94fae95ae7121a47"

/* RFC 6979 A.2.5: key pair; the order of the base point, the prime. */
#define P256_D "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define P256_Q                                                                                               \
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                                       \
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P256_ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define P256_PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

/* RFC 9180 A.3.1, sequence number 0. The additional data is "Count-0". */
#define HPKE_INFO "Ode on a Grecian Urn"
#define HPKE_SKE  "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
#define HPKE_ENC                                                                                             \
    "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"                                     \
    "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
#define HPKE_SKR "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2"
#define HPKE_PKR                                                                                             \
    "fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82"                                       \
    "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
#define HPKE_PT "4265617574792069732074727574682c20747275746820626561757479"
#define HPKE_CT                                                                                              \
    "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f"                                       \
    "9076ac232e3ab2523f39513434"

#endif
