#include "crypto/aead_backend.h"

/*
 * ipsec-mb. GCM goes through the library's direct functions, which need of the manager only
 * their addresses: those are copied once, and no thread holds a manager for GCM.
 * ChaCha20-Poly1305 goes through the job call, whose manager (200 KB) each thread makes on first use:
 * it is 100 ns a message faster than the direct functions.
 */
#ifdef WEIR_IPSEC_MB
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define GCM_ALIGN 64 /* the header does not ask for it, the vector code does */
#define GCM_ROOM (sizeof(struct gcm_key_data) + GCM_ALIGN)

/* Written once in a process, then constant. */
static struct {
    struct {
        aes_gcm_pre_t expand;
        aes_gcm_enc_dec_t seal, open;
    } gcm[AEAD_KINDS];
    pthread_key_t at_exit;
} shared;

struct mb_thread {
    struct key_slot slots[KEY_CACHE_SLOTS];
    IMB_MGR *jobs;
};

static _Thread_local struct mb_thread *mine;

static void thread_free(void *arg)
{
    struct mb_thread *t = arg;

    if (!t)
        return;
    for (size_t i = 0; i < KEY_CACHE_SLOTS; i++) {
        if (t->slots[i].state)
            mem_wipe(t->slots[i].state, GCM_ROOM);
        mem_free(t->slots[i].state);
    }
    if (t->jobs)
        free_mb_mgr(t->jobs);
    mem_free(t);
}

/* For dl_iterate_phdr: the object that holds the address `arg` gives its read-only pages back. */
static int drop_if_holds(struct dl_phdr_info *object, size_t size, void *arg)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), address = (uintptr_t)arg;
    bool holds = false;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];

        holds |= part->p_type == PT_LOAD && address - object->dlpi_addr - part->p_vaddr < part->p_memsz;
    }
    for (int i = 0; holds && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;

        start &= ~(page - 1);
        end = (end + page - 1) & ~(page - 1);
        if (part->p_type == PT_LOAD && !(part->p_flags & PF_W))
            (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return holds;
}

/*
 * Making a manager tests every cipher of the library, which leaves 3 MiB of its code resident.
 * Those pages are clean, and come back from the page cache as they are used.
 */
static void drop_unused_code(void)
{
    (void)dl_iterate_phdr(drop_if_holds, (void *)(uintptr_t)&init_mb_mgr_auto);
}

static void trim(void)
{
    if (!mine)
        return;
    if (mine->jobs)
        drop_unused_code();
    thread_free(take(mine));
    (void)pthread_setspecific(shared.at_exit, NULL);
}

static struct mb_thread *this_thread(void)
{
    struct mb_thread *t;

    if (likely(mine))
        return mine;
    t = mem_new(struct mb_thread);
    if (t && pthread_setspecific(shared.at_exit, t) != 0)
        mem_free(take(t));
    mine = t;
    return t;
}

static IMB_MGR *new_manager(void)
{
    IMB_MGR *m = alloc_mb_mgr(0);
    IMB_ARCH arch = IMB_ARCH_NONE;

    if (!m)
        return NULL;
    init_mb_mgr_auto(m, &arch);
    /* Without AES-NI the library would emulate it, slower than libcrypto. */
    if (arch == IMB_ARCH_NONE || imb_get_errno(m) != 0 || !(m->features & IMB_FEATURE_AESNI)) {
        free_mb_mgr(m);
        return NULL;
    }
    drop_unused_code();
    return m;
}

static unsigned prepare(void)
{
    struct mb_thread *t;
    IMB_MGR *m;

    if (pthread_key_create(&shared.at_exit, thread_free) != 0)
        return 0;
    t = this_thread();
    m = t ? new_manager() : NULL;
    if (!m)
        return 0;
    t->jobs = m;
    shared.gcm[AEAD_AES_128_GCM].expand = m->gcm128_pre;
    shared.gcm[AEAD_AES_128_GCM].seal = m->gcm128_enc;
    shared.gcm[AEAD_AES_128_GCM].open = m->gcm128_dec;
    shared.gcm[AEAD_AES_192_GCM].expand = m->gcm192_pre;
    shared.gcm[AEAD_AES_192_GCM].seal = m->gcm192_enc;
    shared.gcm[AEAD_AES_192_GCM].open = m->gcm192_dec;
    shared.gcm[AEAD_AES_256_GCM].expand = m->gcm256_pre;
    shared.gcm[AEAD_AES_256_GCM].seal = m->gcm256_enc;
    shared.gcm[AEAD_AES_256_GCM].open = m->gcm256_dec;
    return 1u << AEAD_AES_128_GCM | 1u << AEAD_AES_192_GCM | 1u << AEAD_AES_256_GCM |
           1u << AEAD_CHACHA20_POLY1305;
}

static struct gcm_key_data *aligned(void *state)
{
    uint8_t *p = state;

    return (void *)(p + (-(uintptr_t)p & (GCM_ALIGN - 1)));
}

/* The expanded key of `op`, or NULL for want of memory. */
static struct gcm_key_data *expanded(const struct aead_op *op)
{
    struct mb_thread *t = this_thread();
    struct key_slot *slot;

    if (!t)
        return NULL;
    slot = key_cache_slot(t->slots, op->id);
    if (likely(slot->id == op->id))
        return aligned(slot->state);
    if (!slot->state)
        slot->state = mem_alloc(GCM_ROOM);
    if (!slot->state)
        return NULL;
    shared.gcm[op->kind].expand(op->key, aligned(slot->state));
    slot->id = op->id;
    return aligned(slot->state);
}

static int gcm(const struct aead_op *op, aes_gcm_enc_dec_t call, uint8_t *tag)
{
    const struct gcm_key_data *key = expanded(op);
    struct gcm_context_data state;

    if (!key)
        return -ENOMEM;
    call(key, &state, op->out, op->in, op->n, op->nonce, op->aad.ptr, op->aad.len, tag,
         AEAD_TAG_SIZE);
    return 0;
}

static int chacha(const struct aead_op *op, IMB_CIPHER_DIRECTION direction, uint8_t *tag)
{
    struct mb_thread *t = this_thread();
    IMB_JOB *job;

    if (!t)
        return -ENOMEM;
    if (unlikely(!t->jobs))
        t->jobs = new_manager();
    if (!t->jobs)
        return -ENOMEM;
    job = IMB_GET_NEXT_JOB(t->jobs);
    *job = (IMB_JOB){
        .cipher_mode = IMB_CIPHER_CHACHA20_POLY1305,
        .hash_alg = IMB_AUTH_CHACHA20_POLY1305,
        .cipher_direction = direction,
        .chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER,
        .enc_keys = op->key,
        .dec_keys = op->key,
        .key_len_in_bytes = 32,
        .iv = op->nonce,
        .iv_len_in_bytes = 12,
        .src = op->in,
        .dst = op->out,
        .msg_len_to_cipher_in_bytes = op->n,
        .msg_len_to_hash_in_bytes = op->n,
        .u.CHACHA20_POLY1305 = {.aad = op->aad.ptr, .aad_len_in_bytes = op->aad.len},
        .auth_tag_output = tag,
        .auth_tag_output_len_in_bytes = AEAD_TAG_SIZE,
    };
    /* A job of this kind is done at once; anything else is a fault of the library. */
    job = IMB_SUBMIT_JOB(t->jobs);
    return job && job->status == IMB_STATUS_COMPLETED ? 0 : -EIO;
}

static int seal(const struct aead_op *op)
{
    if (op->kind == AEAD_CHACHA20_POLY1305)
        return chacha(op, IMB_DIR_ENCRYPT, op->out + op->n);
    return gcm(op, shared.gcm[op->kind].seal, op->out + op->n);
}

static int open(const struct aead_op *op)
{
    uint8_t theirs[AEAD_TAG_SIZE], ours[AEAD_TAG_SIZE];
    int r;

    memcpy(theirs, op->in + op->n, sizeof theirs);
    if (op->kind == AEAD_CHACHA20_POLY1305)
        r = chacha(op, IMB_DIR_DECRYPT, ours);
    else
        r = gcm(op, shared.gcm[op->kind].open, ours);
    if (r < 0)
        return r;
    return bytes_eq_secret(ours, theirs, sizeof ours) ? 0 : -EBADMSG;
}

static void forget(uint64_t id)
{
    struct key_slot *slot = mine ? key_cache_slot(mine->slots, id) : NULL;

    if (slot && slot->id == id) {
        mem_wipe(slot->state, GCM_ROOM);
        slot->id = 0;
    }
}

const struct aead_engine aead_ipsec_mb = {
    .prepare = prepare,
    .seal = seal,
    .open = open,
    .forget = forget,
    .trim = trim,
};
#endif
