/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a store as structs and back: header, identity record, fingerprint, entry; no I/O, no judgement. */
#ifndef DMSNAP_STORE_CODEC
#define DMSNAP_STORE_CODEC

#include <stdint.h>

/* The header: the first 16 bytes of chunk 0 (dmsnap-store(5), HEADER). */
#define SNAP_HEADER_BYTES 16u
#define SNAP_MAGIC 0x70416e53u /* "SnAp" */
#define SNAP_DISK_VERSION 1u

/* One entry of a metadata area (dmsnap-store(5), ENTRIES AND AREAS). */
#define SNAP_ENTRY_BYTES 16u

/* The sector that holds the header and the identity record. */
#define SNAP_HEADER_SECTOR_BYTES 512u

struct snap_header {
    uint32_t magic;
    uint32_t valid;         /* the kernel tests zero or not zero, nothing else */
    uint32_t version;
    uint32_t chunk_sectors; /* as on disk: may be anything */
};

struct snap_entry {
    uint64_t old_chunk; /* on the origin */
    uint64_t new_chunk; /* on the COW; 0 ends the list */
};

void snap_codec_decode_header(const uint8_t bytes[SNAP_HEADER_BYTES], struct snap_header *header);
void snap_codec_encode_header(const struct snap_header *header, uint8_t bytes[SNAP_HEADER_BYTES]);
void snap_codec_decode_entry(const uint8_t bytes[SNAP_ENTRY_BYTES], struct snap_entry *entry);
void snap_codec_encode_entry(const struct snap_entry *entry, uint8_t bytes[SNAP_ENTRY_BYTES]);

/*
 * The identity record: what the store remembers of its origin. It lives in bytes 16..511 of the header's own sector,
 * where the kernel ignores and keeps it until the store is invalidated (dmsnap-store(5), IDENTITY RECORD). Advisory:
 * only this project writes it. Strings are UTF-8; a struct string is always NUL terminated and may use the whole field
 * on disk.
 */
#define SNAP_IDENTITY_UNDO 1u         /* flags: the store holds what a merge replaced */
#define SNAP_IDENTITY_MERGING 2u      /* it is being merged, and undo_id names the store that can take that back */
#define SNAP_IDENTITY_UNDO_LOST 4u    /* a part of its merge was done without that store: it cannot be taken back */

struct snap_identity {
    uint8_t store_id[16];
    uint8_t parent_id[16];    /* all zero: none; of an undo store: the store whose merge it takes back */
    uint8_t undo_id[16];      /* all zero: none; the undo store of this store's merge */
    uint64_t origin_sectors;
    uint64_t created_seconds; /* since 1970-01-01 UTC */
    uint32_t chunk_sectors;
    uint32_t flags;
    char fs_type[16 + 1];
    char fs_uuid[40 + 1];
    char uuid_sub[40 + 1];
    char ptuuid[40 + 1];
    char partuuid[40 + 1];
    char serial[128 + 1];     /* serial number, WWN or device-mapper uuid */
    char label[64 + 1];
};

enum snap_identity_state {
    SNAP_IDENTITY_NONE,    /* no record */
    SNAP_IDENTITY_OK,
    SNAP_IDENTITY_NEWER,   /* a record of a version this library does not know: treat as none, never overwrite */
    SNAP_IDENTITY_DAMAGED  /* the mark is there, length or checksum are wrong: treat as none */
};

/* Looks at a whole header sector; *identity is filled for SNAP_IDENTITY_OK only, zeroed otherwise. */
enum snap_identity_state snap_codec_decode_record(const uint8_t sector[SNAP_HEADER_SECTOR_BYTES],
                                                  struct snap_identity *identity);

/* Writes bytes 16..511 of the header sector. Strings longer than their fields are cut at a UTF-8 boundary. */
void snap_codec_encode_record(const struct snap_identity *identity, uint8_t sector[SNAP_HEADER_SECTOR_BYTES]);

/*
 * The fingerprint: what sampled blocks of the origin held when the record beside it was made. It lives in the second
 * sector of chunk 0, where chunks have one (dmsnap-store(5), FINGERPRINT), and counts only beside a record with the
 * same store id.
 */
#define SNAP_FINGERPRINT_SAMPLES_MAX 192u
#define SNAP_FINGERPRINT_OFFSET_BYTES 512u
#define SNAP_FINGERPRINT_BYTES 512u

struct snap_fingerprint {
    uint8_t store_id[16];
    uint64_t seed;                                /* where the samples are: lib/store/fingerprint.h */
    uint32_t samples;                             /* at most SNAP_FINGERPRINT_SAMPLES_MAX */
    uint8_t mask[SNAP_FINGERPRINT_SAMPLES_MAX / 8]; /* a set bit: the sample says nothing any more */
    uint16_t sums[SNAP_FINGERPRINT_SAMPLES_MAX];  /* low 16 bits of the CRC-32C of each sampled block */
};

enum snap_fingerprint_state {
    SNAP_FINGERPRINT_NONE,
    SNAP_FINGERPRINT_OK,
    SNAP_FINGERPRINT_NEWER,   /* of a version this library does not know: treat as none, never overwrite */
    SNAP_FINGERPRINT_DAMAGED  /* the mark is there, something else is wrong: treat as none */
};

/* Looks at the whole second sector; *fingerprint is filled for SNAP_FINGERPRINT_OK only, zeroed otherwise. */
enum snap_fingerprint_state snap_codec_decode_fingerprint(const uint8_t sector[SNAP_FINGERPRINT_BYTES],
                                                          struct snap_fingerprint *fingerprint);

/* Writes the whole second sector. */
void snap_codec_encode_fingerprint(const struct snap_fingerprint *fingerprint, uint8_t sector[SNAP_FINGERPRINT_BYTES]);

#endif
