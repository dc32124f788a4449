#include "crypto/aead_backend.h"

/* The McGrew and Viega test cases with associated data share these. */
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN                                                                                  \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6" \
    "b525b16aedf5aa0de657ba637b39"

/* "Ladies and Gentlemen of the class of '99: If I could offer you only one tip ..." */
#define SUNSCREEN                                                                                  \
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2049662049" \
    "20636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20" \
    "73756e73637265656e20776f756c642062652069742e"
#define SUNSCREEN_KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define SUNSCREEN_AAD "50515253c0c1c2c3c4c5c6c7"

const struct aead_vector aead_self_test_vectors[] = {
    /* McGrew, Viega: The Galois/Counter Mode of Operation, test cases 4, 10, 16. */
    {AEAD_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84"
     "aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    {AEAD_AES_192_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c", GCM_NONCE, GCM_AAD,
     GCM_PLAIN,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a"
     "3f4718e2448b2fe324d9ccda27102519498e80f1478f37ba55bd6d27618c"},
    {AEAD_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     GCM_NONCE, GCM_AAD, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    /* RFC 8439, 2.8.2. */
    {AEAD_CHACHA20_POLY1305, SUNSCREEN_KEY, "070000004041424344454647", SUNSCREEN_AAD, SUNSCREEN,
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92"
     "728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b"
     "4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
    /* draft-irtf-cfrg-xchacha-03, A.3.1. */
    {AEAD_XCHACHA20_POLY1305, SUNSCREEN_KEY, "404142434445464748494a4b4c4d4e4f5051525354555657",
     SUNSCREEN_AAD, SUNSCREEN,
     "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda"
     "7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b23835"
     "65d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"},
    {0},
};
